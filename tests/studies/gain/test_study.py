from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.table import Column, write_benchmark
from predictornas.description import describe
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.predictors.gcn import GCN
from predictornas.samplers.uniform import Uniform
from predictornas.schedulers import NOSH, Full
from predictornas.search.budget import Budget
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.named import Named
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import PredictorSearch, RandomSearch
from predictornas.search.with_trials import WithTrials
from predictornas.spaces.registry import get_space
from predictornas.studies.gain.study import Study, data_fingerprint, run_identity

STUDY = Study(methods=("random",), budget=30, seeds=(0,))


@pytest.mark.slow
def test_it_opens_its_benchmark_with_its_columns(store: Path) -> None:
    assert STUDY.open().signal == "valid_accuracy_200_run0"
    swapped = replace(STUDY, signal="valid_accuracy_200_run1", evaluation="valid_accuracy_200_run0").open()
    assert (swapped.signal, swapped.evaluation) == ("valid_accuracy_200_run1", "valid_accuracy_200_run0")


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (replace(STUDY, budget=0), "at least 1; given: --budget 0"),
        (replace(STUDY, budget_epochs=0), "given: --budget 30, --budget-epochs 0"),
        (replace(STUDY, budget_seconds=0.5), "--budget-seconds 0.5"),
        (replace(STUDY, budget=None), "given: none"),
        (replace(STUDY, seeds=()), "At least one seed"),
        (replace(STUDY, methods=()), "No method was given"),
    ],
)
def test_numbers_that_make_no_study(study: Study, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        study.open()


@pytest.mark.slow
def test_unknown_names_suggest_the_nearest(store: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'nasbench201-cifar10'"):
        replace(STUDY, benchmark="nasbench201-cifar1O").open()
    with pytest.raises(UnknownNameError, match="Did you mean 'valid_accuracy_200_run0'"):
        replace(STUDY, signal="valid_acuracy_200_run0").open()


@pytest.mark.slow
def test_a_budget_within_the_initial_set_is_refused(store: Path) -> None:
    with pytest.raises(ConfigurationError, match="leaves nothing to propose"):
        replace(STUDY, budget=10).strategy("random")


@pytest.mark.slow
def test_the_run_id_depends_on_all_that_drives_the_run_and_on_nothing_else(store: Path) -> None:
    benchmark = STUDY.open()
    identity = STUDY.identity(benchmark)

    def run_id(study: dict[str, object], method: str = "uniform-100", seed: int = 0, preset: str = "quick") -> str:
        return str(run_identity(study, method, get_strategy(method, get_preset(preset)), seed)["run_id"])

    base = run_id(identity)
    assert run_id({**identity, "evaluation": "other"}) == base
    others = {
        run_id({**identity, "signal": "other"}),
        run_id({**identity, "data_sha256": "other"}),
        run_id({**identity, "budget": 31}),
        run_id(identity, method="uniform-101"),
        run_id(identity, seed=1),
        run_id(identity, preset="default"),
    }
    assert len(others | {base}) == 7


def test_a_configuration_is_described_with_its_types() -> None:
    described = describe(GCN(training_epochs=7))
    assert described["type"] == "GCN"
    assert described["training_epochs"] == 7
    assert described["loss"]["type"] == "PairwiseCrossEntropy"


@pytest.mark.slow
def test_the_fingerprint_is_that_of_the_files(store: Path) -> None:
    first = data_fingerprint(STUDY.open())
    other = data_fingerprint(replace(STUDY, benchmark="nasbench201-cifar100").open())
    assert len(first) == 64
    assert first != other


def two_tables(store: Path) -> None:
    """One with learning curves of three levels, and one that does not say how long its networks were trained."""
    space = get_space("nasbench201")
    genes = space.enumerate()[:40]
    for name, lengths in (("curves", (1, 3, 9)), ("silent", (None,))):
        columns = {
            Column.named(metric="accuracy", split="valid", epochs=epochs, run="0"): np.linspace(0, 1, 40)
            for epochs in lengths
        }
        write_benchmark(
            store / name,
            name=name,
            space=space,
            genes=genes,
            columns=columns,
            signal=next(reversed(columns)).name,
            evaluation=None,
            source={},
            licence="MIT",
        )


def test_a_budget_of_epochs_trains_everything_to_the_end_where_no_scheduler_says_otherwise(store: Path) -> None:
    two_tables(store)
    study = replace(STUDY, benchmark="curves", budget=None, budget_epochs=90)
    assert study.limits == Budget(epochs=90)
    assert study.strategy("random") == Scheduled(RandomSearch(10, 10), Full((1, 3, 9)))
    nosh = study.strategy("nosh-40")
    assert isinstance(nosh, Scheduled)
    assert nosh.scheduler == NOSH((1, 3, 9), Fraction(2, 5))
    assert replace(study, budget=30, budget_epochs=None).strategy("random") == RandomSearch(10, 10)
    with pytest.raises(ConfigurationError, match="'silent' does not say how long"):
        replace(study, benchmark="silent").strategy("random")
    with pytest.raises(ConfigurationError, match=r"several lengths of training, not \[\]"):
        replace(study, benchmark="silent").strategy("nosh")


def test_a_scheduler_needs_a_budget_of_epochs(store: Path) -> None:
    study = Study("nasbench101-digits", ("random", "successive-halving"), 30, (0,))
    for limits in ({}, {"budget": None, "budget_seconds": 100.0}):
        with pytest.raises(ConfigurationError, match=r"'successive-halving' trains to 1, 3, 9 epochs.*--budget-epochs"):
            replace(study, **limits).strategy("successive-halving")
    assert isinstance(replace(study, budget_epochs=90).strategy("successive-halving"), Scheduled)
    trained_whole = Named("mine", Scheduled(RandomSearch(), Full((1, 3, 9))))
    assert replace(study, preset="quick").strategy("rank-full") == study.configured("rank-full")
    cells = study.open().space.sample(2, np.random.default_rng(0))
    told = WithTrials(Scheduled(RandomSearch(), NOSH((1, 3, 9))), cells, np.array([0.1, 0.2]), np.array([1, 1]))
    with pytest.raises(ConfigurationError, match="'told' trains to 1, 3, 9 epochs"):
        replace(study, methods=(Named("told", told),)).strategy("told")
    assert replace(study, methods=(trained_whole,)).strategy("mine") is trained_whole.strategy


def test_a_budget_of_epochs_is_part_of_the_identity_only_where_there_is_one(store: Path) -> None:
    two_tables(store)
    study = replace(STUDY, benchmark="curves")
    benchmark = study.open()
    assert "budget_epochs" not in study.identity(benchmark)
    limited = replace(study, budget_epochs=90)
    assert limited.identity(benchmark) == {**study.identity(benchmark), "budget_epochs": 90}


def test_a_ratio_is_described_exactly() -> None:
    assert describe(NOSH((1, 3), Fraction(2, 5))) == {"type": "NOSH", "levels": [1, 3], "ratio": "2/5"}


@pytest.mark.slow
def test_a_strategy_of_your_own_stands_beside_methods_by_name(store: Path) -> None:
    mine = PredictorSearch(GCN(training_epochs=3), Uniform(), 20, initial=5, batch=5)
    study = replace(STUDY, methods=("random", Named("mine", mine)))
    assert study.method_names == ("random", "mine")
    assert study.strategy("mine") is mine
    assert study.strategy("random") == RandomSearch()
    with pytest.raises(UnknownNameError, match="no method named 'mine'"):
        STUDY.strategy("mine")
    with pytest.raises(ConfigurationError, match="leaves nothing to propose"):
        replace(study, budget=5).strategy("mine")


def test_a_strategy_of_your_own_is_trained_to_the_end_under_a_budget_of_epochs(store: Path) -> None:
    study = Study("nasbench101-digits", (Named("mine", RandomSearch(5, 5)),), None, (0,), budget_epochs=90)
    assert study.strategy("mine") == Scheduled(RandomSearch(5, 5), Full((1, 3, 9)))


def test_two_methods_of_one_name_are_refused(store: Path) -> None:
    for others in (("mine",), (Named("mine", RandomSearch(3, 3)),)):
        with pytest.raises(ConfigurationError, match="Two methods are called 'mine'"):
            replace(STUDY, methods=(Named("mine", RandomSearch()), *others)).open()


@pytest.mark.slow
def test_a_run_of_your_own_strategy_is_known_by_its_description(store: Path) -> None:
    benchmark = STUDY.open()
    identity = STUDY.identity(benchmark)
    ids = {
        run_identity(identity, "mine", strategy, 0)["run_id"]
        for strategy in (PredictorSearch(GCN(), Uniform(), 20), PredictorSearch(GCN(), Uniform(), 20), RandomSearch())
    }
    assert len(ids) == 2
