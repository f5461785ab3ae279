from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from scipy.stats import kendalltau

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.papers import pvll_runs
from predictornas.papers.pvll_runs import EstimatorRun, estimator_rows, part_of
from predictornas.samplers.gumbel import ArchitectureLogits
from predictornas.samplers.pvll_memory import Memory
from predictornas.search.loop import Search
from predictornas.search.pvll import PVLLSearch, PVLLState, replay
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.studies.sealed import read_sealed, write_sealed
from predictornas.studies.tasks import Execution

SEARCH = PVLLSearch(warm_up=5, warm_up_steps=10, hidden=4, estimator_steps=2)
RUN = EstimatorRun("nasbench201-cifar10", SEARCH, budget=9, seed=0, test_size=20, curve=True)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_run_is_measured_after_each_evaluation_and_kept(tmp_path):
    counted = []
    (rows,) = estimator_rows([RUN], tmp_path / "runs", Execution(started=lambda _: counted.append))
    assert [row["evaluations"] for row in rows] == [5, 6, 7, 8, 9]
    assert sum(counted) == 9
    for row in rows:
        assert 0 < row["test_loss"] < 1
        assert row["relative_loss"] > 0
    assert "incumbent" in rows[-1]
    assert "incumbent" not in rows[0]
    assert rows[-1]["warm_up_share"] == pytest.approx(5 / 9)
    assert [row["descent_share"] is None for row in rows] == [True, False, False, False, False]
    assert {row["descent_share"] * (row["evaluations"] - 5) for row in rows[1:]} <= {0.0, 1.0, 2.0, 3.0, 4.0}
    assert 0 < rows[-1]["minimum"] < 1
    assert 0 < rows[-1]["late"] < 1
    (file,) = (tmp_path / "runs").iterdir()
    facts, _ = read_sealed(file)
    facts["rows"][0]["test_loss"] = 0.125  # what is there is not measured again
    write_sealed(file, facts)
    (again,) = estimator_rows([RUN], tmp_path / "runs", Execution())
    assert again[0]["test_loss"] == 0.125
    assert again[1:] == rows[1:]
    file.write_text(file.read_text().replace("0.125", "0.225"))  # what is damaged is
    assert estimator_rows([RUN], tmp_path / "runs", Execution()) == [rows]


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_without_a_curve_only_the_end_is_judged_and_it_is_the_same(tmp_path):
    whole, end = estimator_rows([RUN, replace(RUN, curve=False)], tmp_path / "runs", Execution())
    assert end == [whole[-1]]
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_incumbent_is_the_best_by_signal_read_on_the_evaluation_column(tmp_path):
    uniform = replace(RUN, search=replace(SEARCH, gradient=False), budget=6)
    (rows,) = estimator_rows([uniform], tmp_path / "runs", Execution())
    benchmark = open_benchmark("nasbench201-cifar10")
    errors = 1 - benchmark.values(benchmark.evaluation).astype(float)
    assert np.isclose(errors, rows[-1]["incumbent"], atol=1e-7).any()
    assert rows[-1]["derived"] is None


def test_part_of_a_space_allows_only_some_choices():
    space = NASBench201()
    assert part_of(space, ()) is space
    part = part_of(space, ((1, 3),) * 5 + ((0,),))
    assert len(part) == 32
    assert set(np.unique(part.enumerate()[:, :5])) == {1, 3}
    assert (part.enumerate()[:, 5] == 0).all()


class Losses:
    """An estimator that gives losses by the first gene of a one-hot sequence."""

    def __init__(self, of_choice: list[float]) -> None:
        self._of_choice = np.array(of_choice)

    def losses(self, sequences: np.ndarray) -> np.ndarray:
        return self._of_choice[sequences[:, 0].argmax(axis=1)]


def first_genes(*choices: int) -> np.ndarray:
    return np.array([[choice, 0, 0, 0, 0, 0] for choice in choices], np.int8)


def test_the_estimator_is_judged_in_the_units_of_the_table_by_hand():
    """The memory spans 0.5 to 0.9, so that a loss of 0.25 is an accuracy of 0.9 - 0.4 / 4 = 0.8; a loss of 1 is 0.2."""
    space = NASBench201()
    memory = Memory(space.sequences(first_genes(1, 2)), np.array([0.5, 0.9]), np.array([0.05, 0.1]))
    state = Mock(PVLLState, memory=memory, estimator=Losses([0.25, 1.0, 0.5, 0.0, 0.75]))

    def judged(choices, truth, clip=0.0):
        test = space.sequences(first_genes(*choices))
        return pvll_runs._judged(PVLLSearch(clip=clip), state, test, np.array(truth), 0.2)

    found = judged((0, 1, 3), [0.7, 0.6, 0.9])
    # estimated 0.8, 0.5, 0.9; remembered 0.5 and 0.7
    assert found["test_loss"] == pytest.approx((0.01 + 0.01 + 0) / 3 / 0.04)
    assert found["training_loss"] == pytest.approx((0 + 0.04) / 2 / 0.04)
    assert found["relative_loss"] == pytest.approx(0.02 / 3 / np.var([0.7, 0.6, 0.9]))
    assert found["tau"] == pytest.approx(1.0)
    assert found["clamp_rate"] == 0.5
    assert found["effective_share"] == pytest.approx(9 / 10)  # weights 20 and 10: 30^2 / (2 * 500)
    assert judged((0, 0, 0), [0.7, 0.6, 0.9])["tau"] is None
    # estimated 0.8, 0.5, 0.9, 0.6: of six pairs one is turned
    assert judged((0, 1, 3, 4), [0.7, 0.6, 0.9, 0.8])["tau"] == pytest.approx((5 - 1) / 6)
    # the half quantile is 0.7: a loss of 1 is remembered as 0.7, and so counts what is below it
    half = judged((1, 3), [0.7, 0.9], clip=0.5)
    assert half["test_loss"] == pytest.approx(0.0)
    assert half["training_loss"] == pytest.approx((0 + 0.01) / 2 / 0.04)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_test_set_is_one_for_all_runs_and_holds_nothing_that_collapsed():
    benchmark = open_benchmark("nasbench201-cifar10")
    test, scale = pvll_runs._fixed_test(benchmark, benchmark.space, 50)
    values = benchmark.values(benchmark.signal).astype(float)
    floor = np.sort(values)[len(values) // 5]
    assert (benchmark.lookup(test, benchmark.signal) > floor - 1e-4).all()
    assert scale == pytest.approx(values.max() - floor, abs=1e-4)  # the quantile lies between two cells
    np.testing.assert_array_equal(pvll_runs._fixed_test(benchmark, benchmark.space, 50)[0], test)


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_minimum_of_the_estimator_is_found_in_the_whole_space():
    space = NASBench201()
    state = Mock(PVLLState, estimator=Losses([0.25, 1.0, 0.5, 0.1, 0.75]))
    first = space.enumerate()[np.flatnonzero(space.enumerate()[:, 0] == 3)[:1]]
    assert pvll_runs._least(state, space).tolist() == space.keys(first).tolist()


def test_a_step_descends_by_the_estimator_that_has_not_learned_from_it():
    """Of the losses .25 and 1 of the first genes 0 and 1; what `after` has learned since counts for nothing."""
    space = NASBench201()
    before = Mock(PVLLState, estimator=Losses([0.25, 1.0, 0.25]))

    def fell(*choices: int) -> bool:
        memory = Memory(space.sequences(first_genes(*choices)), np.zeros(len(choices)), np.ones(len(choices)))
        return pvll_runs._fell(before, Mock(PVLLState, memory=memory, estimator=Losses([1.0, 0.0, 1.0])))

    assert fell(1, 1, 0)
    assert fell(1, 0, 2)  # no higher is enough
    assert not fell(0, 0, 1)


def test_the_derived_architecture_is_the_argmax_of_the_parameters():
    space = NASBench201()
    architecture = ArchitectureLogits(space)
    with torch.no_grad():
        for gene, choice in enumerate((3, 1, 4, 0, 2, 3)):
            architecture.logits[gene, choice] = 0.01
    state = Mock(PVLLState, architecture=architecture)
    wanted = np.array([[3, 1, 4, 0, 2, 3]], np.int8)
    assert pvll_runs._derived(SEARCH, state, space).tolist() == space.keys(wanted).tolist()
    assert pvll_runs._derived(replace(SEARCH, gradient=False), state, space).tolist() == []
    others = space.restricted_to(space.enumerated_keys()[:10])
    assert pvll_runs._derived(SEARCH, state, others).tolist() == []


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_the_error_of_an_architecture_is_none_where_it_is_not_known():
    benchmark = open_benchmark("nasbench201-cifar10")
    column = benchmark.values(benchmark.evaluation)
    expected = 1 - float(column[7])
    assert pvll_runs._error(benchmark, benchmark.keys[[7]]) == pytest.approx(expected, abs=1e-9)
    assert pvll_runs._error(benchmark, benchmark.keys[:0]) is None
    unknown = Mock(Benchmark, evaluation="test", values=lambda _: np.array([np.nan]), rows=lambda _: np.array([0]))
    assert pvll_runs._error(unknown, benchmark.keys[[7]]) is None


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_run_is_judged_by_the_end_of_its_own_search_on_architectures_it_never_proposed(tmp_path, monkeypatch):
    searches = []

    def kept(*positional, **named):
        searches.append(Search(*positional, **named))
        return searches[0]

    monkeypatch.setattr(pvll_runs, "Search", kept)
    (rows,) = estimator_rows([replace(RUN, seed=3)], tmp_path, Execution())
    benchmark = open_benchmark("nasbench201-cifar10")
    history = searches[0].history
    best = benchmark.rows(history.keys[[history.values.argmax()]])[0]
    assert rows[-1]["incumbent"] == pytest.approx(1 - float(benchmark.values(benchmark.evaluation)[best]))
    members = set(searches[0].space.enumerated_keys().tolist())
    held_out = [key for key in benchmark.keys.tolist() if key not in members]
    assert len(held_out) == 20
    places = benchmark.rows(np.array(held_out, np.uint64))
    state = replay(SEARCH, searches[0].space, history, seed=3)
    losses = state.estimator.losses(benchmark.space.sequences(np.asarray(benchmark.genes[places])))
    truth = benchmark.values(benchmark.signal)[places]
    assert rows[-1]["tau"] == pytest.approx(kendalltau(-losses, truth).statistic)
