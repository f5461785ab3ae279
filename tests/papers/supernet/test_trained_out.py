"""On a super-network so small that its slopes can be computed again, batch by batch, at alpha itself."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch

from predictornas.papers.supernet.trained_out import (
    ANOTHER_ORDER,
    AT_PRESENT,
    ONE_STEP,
    SlopesTrainedOut,
    slopes,
    step_slopes,
    trained_out,
)
from predictornas.supernet.batches import paired_batches, validation_batches
from predictornas.supernet.network.topology import nasbench201_topology
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.updates import Bilevel
from tests.supernet.search_examples import images, job


def searched() -> OngoingSearch:
    ongoing = OngoingSearch.begin(job("darts-1", "nasbench201", epochs=3), images())
    ongoing.run_epoch()
    return ongoing


def tensors_of(ongoing: OngoingSearch) -> list[torch.Tensor]:
    network, alpha = ongoing.state.network, ongoing.state.parameters.tensors()
    return [tensor.detach().clone() for tensor in (*network.parameters(), *network.buffers(), *alpha)]


def the_same(one: Sequence[torch.Tensor], other: Sequence[torch.Tensor]) -> bool:
    return all(torch.equal(first, second) for first, second in zip(one, other, strict=True))


def test_an_item_a_snapshot() -> None:
    assert SlopesTrainedOut((3, 12), 2).items(nasbench201_topology()) == [{"epoch": 3}, {"epoch": 12}]


@pytest.mark.slow
def test_slopes_are_the_mean_of_those_of_darts_of_first_and_second_order() -> None:
    ongoing = searched()
    before = tensors_of(ongoing)
    whole, present, one_step = slopes(ongoing), step_slopes(ongoing, 1), step_slopes(ongoing, 2)
    assert the_same(before, tensors_of(ongoing))
    weights, seed = ongoing.job.method.weights, ongoing.job.seed
    validation = [(batch, batch) for batch in validation_batches(ongoing.images, weights.batch_size)()]
    pairs = list(paired_batches(ongoing.images, weights.augmentation, size=weights.batch_size, seed=seed, epoch=1))
    for found, update, batches in (
        (whole, Bilevel(), validation),
        (present, Bilevel(), pairs),
        (one_step, Bilevel(order=2, epsilon=None), pairs),
    ):
        expected = []
        for train, valid in batches:
            update.step(ongoing.state, train, valid)
            parts = [p.grad.flatten() for p in ongoing.state.parameters.tensors() if p.grad is not None]
            expected.append(torch.cat(parts).double())
        assert found.abs().max() > 0
        torch.testing.assert_close(found, torch.stack(expected).mean(dim=0), rtol=1e-3, atol=1e-6)


@pytest.mark.slow
def test_weights_are_trained_out_at_resting_alpha_in_an_order_of_their_own() -> None:
    one, again, other = searched(), searched(), searched()
    alpha = one.state.parameters.alpha["cell"].detach().clone()
    start = tensors_of(one)
    for ongoing, purpose in ((one, "a"), (again, "a"), (other, "b")):
        trained_out(ongoing, 1, purpose)
    assert torch.equal(one.state.parameters.alpha["cell"], alpha)
    assert not the_same(start, tensors_of(one))
    assert the_same(tensors_of(one), tensors_of(again))
    assert not the_same(tensors_of(one), tensors_of(other))


@pytest.mark.slow
def test_a_row_for_each_place_against_the_same_truth() -> None:
    rows = SlopesTrainedOut((1,), 1).rows(searched(), {"epoch": 1})
    assert [row["where"] for row in rows] == [AT_PRESENT, ONE_STEP, ANOTHER_ORDER]
    arrived = searched()
    present = step_slopes(arrived, 1)
    truth = slopes(trained_out(arrived, 1, "trained out"))
    assert rows[0]["cosine"] == pytest.approx(float(present @ truth / present.norm() / truth.norm()))
    assert rows[0]["error"] == pytest.approx(float((present - truth).norm() / truth.norm()))
    assert len({row["loss"] for row in rows}) == len({row["present_loss"] for row in rows}) == 1
    assert all(-1 <= row["cosine"] < 1 and row["error"] > 0 for row in rows)
