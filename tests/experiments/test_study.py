from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.experiments.study import Study, data_fingerprint, describe, run_identity
from predictornas.predictors.gcn import GCN
from predictornas.search.methods import get_preset, get_strategy

STUDY = Study(methods=("random",), budget=30, seeds=(0,))


def test_it_opens_its_benchmark_with_its_columns(store: Path) -> None:
    assert STUDY.open().signal == "valid_accuracy_200_run0"
    swapped = replace(STUDY, signal="valid_accuracy_200_run1", evaluation="valid_accuracy_200_run0").open()
    assert (swapped.signal, swapped.evaluation) == ("valid_accuracy_200_run1", "valid_accuracy_200_run0")


@pytest.mark.parametrize(
    ("study", "message"),
    [
        (replace(STUDY, budget=0), "--budget must be at least 1"),
        (replace(STUDY, seeds=()), "At least one seed"),
        (replace(STUDY, methods=()), "No method was given"),
    ],
)
def test_numbers_that_make_no_study(study: Study, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        study.open()


def test_unknown_names_suggest_the_nearest(store: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'nasbench201-cifar10'"):
        replace(STUDY, benchmark="nasbench201-cifar1O").open()
    with pytest.raises(UnknownNameError, match="Did you mean 'valid_accuracy_200_run0'"):
        replace(STUDY, signal="valid_acuracy_200_run0").open()


def test_a_budget_within_the_initial_set_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="leaves nothing to propose"):
        replace(STUDY, budget=10).strategy("random")


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


def test_the_fingerprint_is_that_of_the_files(store: Path) -> None:
    first = data_fingerprint(STUDY.open())
    other = data_fingerprint(replace(STUDY, benchmark="nasbench201-cifar100").open())
    assert len(first) == 64
    assert first != other
