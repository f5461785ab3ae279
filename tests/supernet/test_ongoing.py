from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_leaves, tree_map

from predictornas.spaces.registry import get_space
from predictornas.supernet import ongoing
from predictornas.supernet.driver import search
from predictornas.supernet.job import SearchJob
from predictornas.supernet.method import Method
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.greedy import Greedy
from predictornas.supernet.parts.loss_regression import Path, draw_path
from predictornas.supernet.parts.perturbation import PerturbationSelection
from predictornas.supernet.parts.stages import Stage
from predictornas.supernet.parts.updates import Bilevel, Mixed, Switch
from predictornas.supernet.published import METHODS
from predictornas.supernet.records import EpochRecord
from tests.supernet.search_examples import images, job, tiny, without_seconds

IMAGES = images()


def records_of(searched: SearchJob) -> tuple[EpochRecord, ...]:
    return search(searched, IMAGES).records


@pytest.mark.slow
def test_one_cosine_over_the_search() -> None:
    rates = [record.learning_rate for record in records_of(job("darts-1", "nasbench201", epochs=4))]
    expected = [0.001 + 0.024 * (1 + np.cos(np.pi * epoch / 4)) / 2 for epoch in range(4)]
    assert rates == pytest.approx(expected)


def test_schedules_of_the_search_arrive_in_its_last_epoch() -> None:
    searching = OngoingSearch.begin(job("gdas", "nasbench201", epochs=3), IMAGES)
    progress = []
    while not searching.finished:
        searching.run_epoch()
        progress.append(searching.state.progress)
    assert progress == [0, 0.5, 1]


@pytest.mark.slow
def test_the_weights_of_pvll_are_watched_once_there_are_some() -> None:
    records = records_of(job("pvll", "nasbench201", epochs=5))  # two paths, visited twice, and a step
    assert [record.clamp_rate is None for record in records] == [True, True, True, False, False]
    assert all(0 <= record.clamp_rate <= 1 for record in records[3:] if record.clamp_rate is not None)
    assert all(0 < record.effective_share <= 1 + 1e-9 for record in records[3:] if record.effective_share is not None)
    assert records[-1].effective_share is not None
    assert {record.effective_share for record in records_of(job("darts-1", "nasbench201"))} == {None}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["darts-1", "sgas-2", "drnas-progressive", "pvll"])
def test_a_search_put_down_goes_on_bit_for_bit(name: str) -> None:
    searched = job(name, "nasbench201", epochs=4)
    whole, other = OngoingSearch.begin(searched, IMAGES), OngoingSearch.begin(searched, IMAGES)
    whole.run_epoch()
    whole.run_epoch()
    other.restore(tree_map(lambda value: value.clone() if torch.is_tensor(value) else value, whole.tensors()))
    for _ in range(2):
        assert without_seconds(whole.run_epoch()) == without_seconds(other.run_epoch())
    ours, theirs = map(tree_leaves, (whole.tensors(), other.tensors()))
    assert len(ours) == len(theirs) > 100
    assert all(torch.equal(a, b) if torch.is_tensor(a) else a == b for a, b in zip(ours, theirs, strict=True))


@pytest.mark.slow
def test_stages_keep_the_wanted_operations_while_alpha_rests() -> None:
    stages = (Stage(2, operations=5, partial=2, warm_up=1), Stage(2, operations=3, partial=1, warm_up=1))
    method = replace(METHODS["drnas"], stages=stages)
    first, second, third, fourth = records_of(job(tiny(method, 4), "nasbench201", epochs=4))
    assert all(len(edge) == 5 for edge in second.alpha["cell"])
    for before, after in zip(second.alpha["cell"], third.alpha["cell"], strict=True):
        kept = sorted(before, key=lambda name: before[name])[-3:]
        assert after == {name: before[name] for name in before if name in kept}
    assert first.alpha != second.alpha
    assert third.alpha != fourth.alpha


@pytest.mark.slow
def test_partial_channels_search_after_their_warm_up() -> None:
    searched = job("pc-darts", "nasbench201")
    searched = replace(searched, method=replace(searched.method, warm_up=1))
    begun = OngoingSearch.begin(searched, IMAGES).state.parameters.alpha["cell"]
    first, second = records_of(searched)
    assert [list(edge.values()) for edge in first.alpha["cell"]] == begun.double().tolist()
    assert second.alpha != first.alpha


@pytest.mark.slow
def test_greedy_decisions_let_the_batch_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    inner = ongoing.paired_batches
    monkeypatch.setattr(
        ongoing, "paired_batches", lambda *a, size, **k: sizes.append(size) or inner(*a, size=size, **k)
    )
    method = replace(tiny(Method(), 4), selection=Greedy(warm_up=1, interval=1, batch_increase=4))
    searched = job("darts-1", "nasbench201")
    records = records_of(replace(searched, method=method))
    assert [record.decided["cell"] for record in records] == [0, 1, 2, 3]
    assert sizes == [16, 16, 20, 24]


@pytest.mark.thorough
def test_perturbation_decides_everything_before_its_last_epoch() -> None:
    selection = PerturbationSelection(interval=1)
    records = records_of(replace(job("darts-1"), method=replace(tiny(Method(), 1), selection=selection)))
    assert [record.phase for record in records] == ["search"] + 17 * ["fine-tuning"]
    # one edge of each cell type a round; then the last three nodes lose one, two and three of their inputs
    assert [record.decided["normal"] for record in records] == [*range(15), 14, 14, 14]
    final = records[-1].importance
    assert all(sum(map(sum, (edge.values() for edge in cell))) == 8 for cell in final.values())
    assert records[1].learning_rate == pytest.approx(0.0025)
    assert records[-1].learning_rate == pytest.approx(0.001 + 0.0015 * (1 + np.cos(np.pi * 16 / 17)) / 2)
    genes = np.array([records[-1].genes], dtype=np.int8)
    assert get_space("darts-s2").valid(genes).all()


@pytest.mark.slow
def test_fine_tuning_decides_before_the_epochs_that_its_schedule_names() -> None:
    """Two epochs of search; then six edges at an interval of two, the last before the last epoch, at a tenth."""
    selection = PerturbationSelection(interval=2, topology_step=False, cosine=False)
    searched = replace(job("darts-1", "nasbench201"), method=replace(tiny(Method(), 2), selection=selection))
    records = records_of(searched)
    assert [record.decided["cell"] for record in records] == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6]
    assert [record.learning_rate for record in records[2:]] == pytest.approx(10 * [0.0025])


@pytest.mark.slow
def test_fine_tuning_has_no_warm_up_of_its_own() -> None:
    selection = PerturbationSelection(interval=1, topology_step=False, cosine=False)
    method = replace(tiny(Method(), 2), selection=selection)
    method = replace(method, weights=replace(method.weights, warm_up_epochs=1))
    records = records_of(replace(job("darts-1", "nasbench201"), method=method))
    assert [record.learning_rate for record in records[2:]] == pytest.approx(6 * [0.0025])


@pytest.mark.slow
def test_the_error_of_the_difference_is_that_of_the_methods_own_displacement() -> None:
    def error(update: Bilevel | Switch) -> list[float | None]:
        method = replace(tiny(Method(), 2), update=update, warm_up=2)
        searched = replace(job("darts-2", "nasbench201"), method=method, second_order_error=True)
        return [record.second_order_error for record in records_of(searched)]

    wide, narrow = error(Bilevel(2, 1.0)), error(Bilevel(2, 0.01))
    assert None not in (*wide, *narrow)
    assert wide[0] != pytest.approx(narrow[0])
    assert error(Switch(Bilevel(2, 0.01), Mixed(1.0), epoch=1)) == [narrow[0], None]


@pytest.mark.slow
def test_the_warm_up_population_is_the_same_in_both_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Path] = []

    def spy(parameters: ArchitectureParameters, temperature: float, generator: torch.Generator) -> Path:
        drawn.append(draw_path(parameters, temperature, generator))
        return drawn[-1]

    monkeypatch.setattr(ongoing, "draw_path", spy)
    records = records_of(job("pvll", "nasbench201", epochs=6))
    assert [record.phase for record in records] == 2 * ["warm-up"] + 2 * ["memory"] + 2 * ["search"]
    first, second, again, last, *_ = drawn
    assert torch.equal(first.soft, again.soft)
    assert torch.equal(second.soft, last.soft)
    assert not torch.equal(first.soft, second.soft)
    assert [record.validation_loss is None for record in records] == [True, True, False, False, False, False]
    assert records[0].alpha == records[3].alpha != records[4].alpha


@pytest.mark.slow
def test_curvature_is_measured_where_it_is_asked_for() -> None:
    searched = job("darts-1", "nasbench201", epochs=1)
    (record,) = records_of(replace(searched, curvature=True))
    assert record.eigenvalue is not None
    assert np.isfinite(record.eigenvalue)
    (plain,) = records_of(searched)
    assert plain.eigenvalue is None
    assert plain.alpha == record.alpha


@pytest.mark.slow
def test_the_error_of_the_finite_difference_is_measured_where_it_is_asked_for() -> None:
    searched = job("darts-2", "nasbench201", epochs=1)
    (record,) = records_of(replace(searched, second_order_error=True))
    assert record.second_order_error is not None
    assert record.second_order_error > 0
    assert record.second_order_cosine is not None
    assert -1 <= record.second_order_cosine <= 1
    (plain,) = records_of(searched)
    assert plain.second_order_error is None
    assert plain.alpha == record.alpha
