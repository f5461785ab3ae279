from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.topology import darts_topology, nasbench201_topology
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.loss_regression import LossSpaceRegression, Path, ProxyLandscape, Visit, draw_path

TOPOLOGY = nasbench201_topology()
SMALL = LossSpaceRegression(warm_up=4, steps=6, memory=5, hidden=4, warm_up_steps=10)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def zero_parameters() -> ArchitectureParameters:
    return ArchitectureParameters.initial(TOPOLOGY, generator(), scale=0.0)


def told(landscape: ProxyLandscape, count: int, seed: int = 0) -> list[tuple[np.ndarray, float]]:
    """Remembers so many drawn architectures with random losses."""
    source = generator(seed)
    entries = []
    for _ in range(count):
        entry = draw_path(zero_parameters(), 0.1, source).sequence(), float(torch.rand((), generator=source))
        landscape.remember(*entry)
        entries.append(entry)
    return entries


def test_the_visits_are_those_of_algorithm_1() -> None:
    visits = list(LossSpaceRegression(warm_up=2, steps=3).visits())
    assert visits == [
        Visit("warm-up", 0, trains=True, evaluates=False),
        Visit("warm-up", 1, trains=True, evaluates=False),
        Visit("memory", 0, trains=True, evaluates=True),
        Visit("memory", 1, trains=True, evaluates=True),
        *(Visit("search", step, trains=True, evaluates=True) for step in range(3)),
    ]
    first_order = list(LossSpaceRegression(warm_up=1, steps=2, order=1).visits())
    assert [visit.trains for visit in first_order] == [True, True, False, False]
    assert len(list(LossSpaceRegression().visits())) == 300


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), temperature=st.floats(0.05, 5))
def test_a_path_has_the_likeliest_operation_of_each_edge_with_its_soft_weight(seed: int, temperature: float) -> None:
    topology = darts_topology(("none", "skip_connect", "sep_conv_3x3"))
    parameters = ArchitectureParameters.initial(topology, generator(seed), scale=1.0)
    path = draw_path(parameters, temperature, generator(seed))
    assert path.soft.shape == (28, 3)
    torch.testing.assert_close(path.soft.detach().sum(dim=1), torch.ones(28))
    assert path.mixture.sparse
    kept = torch.cat([path.mixture.weights["normal"], path.mixture.weights["reduction"]])
    assert not kept.requires_grad
    assert bool(((kept != 0).sum(dim=1) == 1).all())
    torch.testing.assert_close(kept.max(dim=1).values, path.soft.detach().max(dim=1).values)
    assert torch.equal(kept.argmax(dim=1), path.soft.detach().argmax(dim=1))


def test_p_is_the_step_of_psi_before_it_learns() -> None:
    landscape = ProxyLandscape(SMALL, 5, seed=0)
    told(landscape, 4)
    assert landscape.memory is not None
    source = generator(5)
    for loss in (0.3, 0.9, 0.1):
        last = torch.from_numpy(landscape.memory.sequences[-1])
        path = draw_path(zero_parameters(), 0.1, source)
        step = abs(float(landscape(path.soft.detach()).detach() - landscape(last).detach()))
        landscape.remember(path.sequence(), loss)
        assert landscape.memory.p[-1] == pytest.approx(min(max(step, SMALL.smallest_p), 1.0), abs=1e-6)
        np.testing.assert_array_equal(landscape.memory.sequences[-1], path.sequence())
        assert landscape.memory.values[-1] == -loss


def test_psi_waits_for_the_whole_warm_up_and_the_queue_forgets_the_oldest() -> None:
    landscape = ProxyLandscape(SMALL, 5, seed=0)
    entries = told(landscape, 3)
    assert landscape.memory is None
    before = landscape(torch.from_numpy(entries[0][0])).item()
    entries += told(landscape, 1, seed=1)
    assert landscape.memory is not None
    assert len(landscape.memory) == 4
    assert landscape(torch.from_numpy(entries[0][0])).item() != before
    entries += told(landscape, 4, seed=2)
    assert len(landscape.memory) == 5
    np.testing.assert_array_equal(landscape.memory.values, [-loss for _, loss in entries[-5:]])


@pytest.mark.slow
def test_psi_learns_what_it_is_told() -> None:
    """With one architecture twice as good as the other, psi is near 0 for it and near 1 for the other."""
    landscape = ProxyLandscape(LossSpaceRegression(warm_up=2, warm_up_steps=200, hidden=4), 5, seed=0)
    good, bad = np.eye(5, dtype=np.float32)[[3] * 6], np.eye(5, dtype=np.float32)[[1] * 6]
    landscape.remember(good, 1.0)
    landscape.remember(bad, 2.0)
    assert float(landscape(torch.from_numpy(good)).detach()) < 0.1
    assert float(landscape(torch.from_numpy(bad)).detach()) > 0.9


def test_the_parameters_follow_the_gradient_of_psi() -> None:
    landscape = ProxyLandscape(SMALL, 5, seed=0)
    told(landscape, 6)
    parameters = ArchitectureParameters.initial(TOPOLOGY, generator(3), scale=1.0)
    alpha = parameters.alpha["cell"]

    def drawn() -> Path:
        return draw_path(parameters, 2.0, generator(4))

    landscape.follow(parameters, drawn())
    assert alpha.grad is not None
    slope = alpha.grad.clone()
    assert float(slope.abs().max()) > 1e-4
    for edge, operation in ((0, 0), (2, 3), (5, 4)):
        losses = []
        for step in (0.05, -0.05):
            with torch.no_grad():
                alpha[edge, operation] += step
                losses.append(float(landscape(drawn().soft)))
                alpha[edge, operation] -= step
        assert (losses[0] - losses[1]) / 0.1 == pytest.approx(float(slope[edge, operation]), rel=0.02, abs=2e-6)
    landscape.follow(parameters, drawn())
    torch.testing.assert_close(alpha.grad, slope)  # set, not added to


@pytest.mark.slow
def test_without_the_gradient_parameters_rest_and_all_entries_count_alike() -> None:
    uniform = ProxyLandscape(replace(SMALL, gradient=False), 5, seed=0)
    unweighted = ProxyLandscape(replace(SMALL, weighted=False), 5, seed=0)
    weighted = ProxyLandscape(SMALL, 5, seed=0)
    for landscape in (uniform, unweighted, weighted):
        told(landscape, 8)
    probe = draw_path(zero_parameters(), 0.1, generator(8)).soft.detach()
    assert torch.equal(uniform(probe), unweighted(probe))
    assert not torch.equal(uniform(probe), weighted(probe))
    parameters = ArchitectureParameters.initial(TOPOLOGY, generator(3))
    before = parameters.alpha["cell"].detach().clone()
    adam = torch.optim.Adam(parameters.tensors(), lr=0.1)
    uniform.follow(parameters, draw_path(parameters, 0.1, generator(4)))
    adam.step()
    assert torch.equal(parameters.alpha["cell"].detach(), before)


@pytest.mark.slow
def test_what_was_remembered_brings_back_the_same_psi() -> None:
    first = ProxyLandscape(SMALL, 5, seed=3)
    assert first.state_dict()["losses"].shape == (0,)
    told(first, 7)
    second = ProxyLandscape(SMALL, 5, seed=3)
    told(second, 2, seed=9)  # forgotten
    second.load_state_dict(first.state_dict())
    told(first, 2, seed=4)
    told(second, 2, seed=4)
    probe = draw_path(zero_parameters(), 0.1, generator(8)).soft.detach()
    assert torch.equal(first(probe), second(probe))
    assert first.memory is not None
    assert second.memory is not None
    np.testing.assert_array_equal(first.memory.p, second.memory.p)


@pytest.mark.slow
def test_the_search_goes_to_what_has_the_smallest_loss() -> None:
    """The loss is the number of edges without the third operation: in the end most edges prefer it."""
    search = LossSpaceRegression(warm_up=30, steps=40, hidden=8)
    landscape = ProxyLandscape(search, 5, seed=0)
    parameters = zero_parameters()
    adam = torch.optim.Adam(parameters.tensors(), lr=0.1)
    source = generator()
    for visit in search.visits():
        path = draw_path(parameters, search.temperature, source)
        if visit.evaluates:
            chosen = path.mixture.weights["cell"].argmax(dim=1)
            landscape.remember(path.sequence(), float((chosen != 2).sum()))
        if visit.phase == "search":
            landscape.follow(parameters, path)
            adam.step()
    assert int((parameters.alpha["cell"].argmax(dim=1) == 2).sum()) >= 5


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_is_refused(loss: float) -> None:
    landscape = ProxyLandscape(SMALL, 5, seed=0)
    with pytest.raises(ConfigurationError, match="learning rate"):
        landscape.remember(np.zeros((6, 5), np.float32), loss)


def test_settings_out_of_range_are_refused() -> None:
    for values in ({"steps": 0}, {"order": 3}, {"temperature": 0.0}, {"smallest_p": 0.0}, {"warm_up": -1}):
        with pytest.raises(ConfigurationError, match="PVLL-NAS needs"):
            LossSpaceRegression(**values)  # type: ignore[arg-type]
