from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch

from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet.estimator_probe import EstimatorProbe
from predictornas.papers.supernet.searches import Scale, studied
from predictornas.spaces.registry import get_space
from predictornas.supernet.method import Method
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.loss_regression import LossSpaceRegression
from predictornas.supernet.published import get_method

TINY = Scale("nasbench201", images=60, pixels=8, batch_size=30, epochs=None, cells=1, channels=2, seeds=1)
PROBE = EstimatorProbe(paths=8, interval=2)


def search_of(method: Method, tmp_path) -> OngoingSearch:
    request = FigureRequest(tmp_path, data="digits")
    ((job, images),) = (one.prepared() for one in studied(request, {"setting": method}, scale=TINY))
    return OngoingSearch.begin(job, images)


@pytest.fixture
def searching(tmp_path) -> OngoingSearch:
    """A search before its first visit: two warm-up paths, visited twice, then three steps."""
    base = get_method("pvll", get_space("nasbench201"))
    update = LossSpaceRegression(warm_up=2, steps=3, hidden=4, warm_up_steps=5)
    return search_of(Method(base.relaxation, update, weights=base.weights, architecture=base.architecture), tmp_path)


def test_it_measures_at_the_end_and_every_so_many_visits_before():
    assert [epoch for epoch in range(1, 8) if PROBE.is_due(epoch, 7)] == [1, 3, 5, 7]
    assert PROBE.name == "estimator-8-paths-every-2"


def copied(search: OngoingSearch) -> OngoingSearch:
    """With a generator of its own; old versions of torch copy none by themselves."""
    generator = torch.Generator()
    generator.set_state(search.state.generator.get_state())
    return deepcopy(search, {id(search.state.generator): generator})


def everything_in(search: OngoingSearch) -> list[torch.Tensor]:
    state = search.state
    momenta = [entry["momentum_buffer"] for entry in state.weight_optimiser.state.values()]
    return [values.clone() for values in (*state.network.state_dict().values(), *momenta)]


def loss_by_hand(searching: OngoingSearch, soft: torch.Tensor) -> float:
    """Of one batch at its own statistics, and the path as a mixture of its own."""
    pixels = searching.images.validation.pixels.float() / 255
    mean, std = (torch.tensor(values)[:, None, None] for values in (searching.images.mean, searching.images.std))
    chosen = torch.nn.functional.one_hot(soft.argmax(dim=1), 5) * soft
    with torch.no_grad():
        logits = searching.state.network.train()((pixels - mean) / std, Mixture({"cell": chosen}))
        return float(torch.nn.functional.cross_entropy(logits, searching.images.validation.labels))


@pytest.mark.slow
@pytest.mark.parametrize("order", [1, 2])
def test_losses_of_paths_are_those_of_a_visit_and_estimates_those_of_psi_in_nats(searching, order):
    for _ in range(7):
        searching.run_epoch()
    method = searching.job.method
    searching.job = replace(searching.job, method=replace(method, update=replace(method.update, order=order)))
    before = everything_in(searching)
    (row,) = PROBE.measure(searching)
    assert all(torch.equal(now, then) for now, then in zip(everything_in(searching), before, strict=True))
    assert (row["evaluations"], row["paths"]) == (5, 8)
    landscape = searching.landscape
    assert landscape is not None
    assert landscape.memory is not None
    losses = []
    for path in PROBE._drawn(searching, 0.1):
        visited = copied(searching)
        if order == 2:
            visited.train_path(path)
        losses.append(loss_by_hand(visited, path.soft))
    known = -landscape.memory.values

    def estimated(sequence: torch.Tensor) -> float:
        return known.min() + float(landscape(sequence).detach()) * (known.max() - known.min())

    estimates = np.array([estimated(path.soft) for path in PROBE._drawn(searching, 0.1)])
    assert row["test_loss"] == pytest.approx(float(((estimates - losses) ** 2).mean()), rel=1e-3)
    assert row["relative_loss"] == pytest.approx(row["test_loss"] / float(np.var(losses)), rel=1e-3)
    remembered = np.array([estimated(torch.from_numpy(sequence)) for sequence in landscape.memory.sequences])
    assert row["training_loss"] == pytest.approx(float(((remembered - known) ** 2).mean()), rel=1e-3)
    assert row["relative_training_loss"] == pytest.approx(row["training_loss"] / float(np.var(losses)), rel=1e-3)


@pytest.mark.slow
def test_paths_of_the_memory_are_no_test_paths(searching):
    for _ in range(7):
        searching.run_epoch()
    paths = PROBE._drawn(searching, 0.1)
    assert searching.landscape is not None
    searching.landscape.remember(paths[0].sequence(), 1.0)
    (row,) = PROBE.measure(searching)
    same = sum(torch.equal(path.soft.argmax(dim=1), paths[0].soft.argmax(dim=1)) for path in paths)
    assert row["paths"] == 8 - same


@pytest.mark.slow
def test_there_is_nothing_to_measure_before_psi_was_trained_or_without_it(searching, tmp_path):
    for _ in range(3):
        searching.run_epoch()
        assert PROBE.measure(searching) == []
    assert PROBE.measure(search_of(get_method("darts-1", get_space("nasbench201")), tmp_path)) == []


def test_the_paper_has_a_hundred_test_paths():
    assert EstimatorProbe() == EstimatorProbe(paths=100, interval=25)
