from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from scipy.special import polygamma
from torch import Tensor

from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet import hessian_figures as figures
from predictornas.papers.supernet import searches as supernet_study
from predictornas.papers.supernet.searches import Scale, SearchTrace, StudiedSearch, studied, traces
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.hessian import dense, validation_hessian
from predictornas.supernet.method import Method
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.topology import CellTopology, Topology
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import Dirichlet
from predictornas.supernet.restoring import mode
from predictornas.supernet.state import Batch, SearchState

TINY = Scale("nasbench201", images=60, pixels=8, batch_size=15, epochs=2, cells=1, channels=2, seeds=1)
TWO_EDGES = Topology(
    "nasbench201", (CellTopology("cell", ((0, 1), (0, 2)), (("a", "b", "c"),) * 2, 1),), ("a", "b", "c"), None
)
PRICES = torch.tensor([[1.0, -2.0, 0.5], [3.0, 0.0, -1.0]])


class Priced(torch.nn.Module):
    """A network whose loss is linear in the factors: what each operation costs."""

    def forward(self, images: Tensor, mixture: Mixture) -> Tensor:
        return (PRICES * mixture.weights["cell"]).sum()


@pytest.fixture
def priced() -> tuple[SearchState, Batch]:
    parameters = ArchitectureParameters(TWO_EDGES, {"cell": torch.tensor([[0.5, 1.0, -0.5], [0.0, 2.0, 1.0]])})
    network = Priced()
    state = SearchState(
        network,
        parameters,
        Dirichlet(),
        torch.optim.SGD([torch.zeros(1)], 0.1),
        torch.optim.SGD([torch.zeros(1)], 0.1),
        lambda logits, labels: logits,
        torch.Generator().manual_seed(0),
    )
    return state, Batch(torch.zeros(1, 1, 8, 8), torch.zeros(1, dtype=torch.int64))


def test_the_hessian_is_that_of_the_loss_at_softmax_of_mu(priced):
    state, batch = priced
    centre = torch.tensor([[0.2, -0.3, 0.1], [1.0, -1.0, 0.0]])
    found = figures.curvature_of(state, batch, {"cell": centre})

    def loss(mu: np.ndarray) -> float:
        shares = np.exp(mu.reshape(2, 3))
        return float((PRICES.numpy() * shares / shares.sum(axis=1, keepdims=True)).sum())

    at, step = centre.double().numpy().flatten(), 1e-4
    moves = step * np.eye(6)
    expected = [
        [(loss(at + a + b) - loss(at + a - b) - loss(at - a + b) + loss(at - a - b)) / (4 * step**2) for b in moves]
        for a in moves
    ]
    assert found.loss == pytest.approx(loss(at), rel=1e-6)
    np.testing.assert_allclose(found.hessian, expected, atol=2e-6)
    row = found.row()
    eigenvalues = np.linalg.eigvalsh(np.array(expected))
    assert row["least_eigenvalue"] == pytest.approx(eigenvalues[0], abs=1e-5)
    assert row["spectral_radius"] == pytest.approx(max(abs(eigenvalues)), abs=1e-5)
    assert row["trace"] == pytest.approx(eigenvalues.sum(), abs=1e-5)


def test_the_bound_of_proposition_2_by_hand():
    curvature = figures.Curvature(2.0, torch.diag(torch.tensor([1.0, 2, 3, 4, 5, 10, 0, 0, 0, 0], dtype=torch.float64)))
    even = torch.ones(2, 5)
    # beta = 1: every variance is 3/5 + 5/25 = 0.8, and so is the factor of the bound
    row = figures.proposition_2(curvature, {"cell": even})
    assert row == {"second_order": pytest.approx(12.0), "bound": pytest.approx(12.0), "delta": 0.0}
    uneven = even.clone()
    uneven[1, 0] = 2.0
    row = figures.proposition_2(curvature, {"cell": uneven})
    # the sixth variance is 0.6 / 2 + 4.5 / 25 = 0.48; delta = 1 halves the factor
    assert row["second_order"] == pytest.approx(2 + (0.8 * 15 + 0.48 * 10) / 2)
    assert row["bound"] == pytest.approx(2 + 0.4 * 25 / 2)
    assert row["delta"] == 1.0


def test_the_variances_are_those_of_a_concentrated_dirichlet_in_the_softmax_basis():
    """There they are known: shares of Gamma variables, whose logarithms have the trigamma function as variance."""
    beta = np.array([40.0, 60.0, 90.0, 50.0])
    exact = (1 - 2 / 4) * polygamma(1, beta) + polygamma(1, beta).sum() / 4**2
    found = [
        2
        * figures.proposition_2(
            figures.Curvature(0.0, torch.diag(torch.eye(4, dtype=torch.float64)[place])),
            {"cell": torch.from_numpy(beta)[None]},
        )["second_order"]
        for place in range(4)
    ]
    np.testing.assert_allclose(found, exact, rtol=0.02)


@pytest.mark.slow
def test_the_expected_loss_is_that_of_the_mean_where_the_loss_is_linear(priced):
    state, batch = priced
    beta = np.where(
        (alpha := state.parameters.alpha["cell"].numpy()) > 0, alpha + 1, np.exp(np.minimum(alpha, 0))
    ).astype(np.float64)
    expected = float((PRICES.numpy() * beta / beta.sum(axis=1, keepdims=True)).sum())
    found = figures.expected_loss(state, batch, 400, torch.Generator().manual_seed(1))
    assert 0 < found["standard_error"] < 0.1
    assert abs(found["expected_loss"] - expected) < 4 * found["standard_error"]
    again = figures.expected_loss(state, batch, 400, torch.Generator().manual_seed(1))
    assert again == found


def test_a_probe_measures_at_even_distances_and_at_the_end():
    probe = figures.SoftmaxHessianProbe(measurements=5)
    assert [epoch for epoch in range(1, 23) if probe.is_due(epoch, 22)] == [2, 6, 10, 14, 18, 22]
    assert [epoch for epoch in range(1, 4) if probe.is_due(epoch, 3)] == [1, 2, 3]


@pytest.fixture
def tiny(tmp_path, monkeypatch) -> FigureRequest:
    monkeypatch.setitem(supernet_study.SCALES, "small", TINY)
    monkeypatch.setattr(figures, "PROBE", figures.SoftmaxHessianProbe(samples=3, measurements=1))
    return FigureRequest(tmp_path / "figures", data="digits")


@pytest.mark.thorough
def test_both_methods_are_measured_and_drnas_has_its_bound(tiny):
    made = figures.hessian_figure(tiny, title="Title")
    known = made.table.drop_nulls("mean").group_by("setting", "quantity").len()
    counts = {(setting, quantity): rows for setting, quantity, rows in known.iter_rows()}
    assert counts.pop(("drnas", "excess")) == 1
    assert counts == {("drnas", name): 1 for name in figures.QUANTITIES} | {
        ("darts-1", name): 1 for name in ("spectral_radius", "trace", "least_eigenvalue", "loss")
    }
    searches = studied(tiny, {"darts-1": figures.get_method("darts-1", figures.get_space("nasbench201"))})
    trained = [trace.trained() for trace in traces(tiny, searches)]
    end = made.table.filter(pl.col("setting") == "darts-1", epoch=2)
    # DARTS has the Hessian with respect to alpha, which the search itself can measure
    hessians = [_hessian_of_alpha(ongoing) for ongoing in trained]
    dominant = [max(abs(np.linalg.eigvalsh(matrix))) for matrix in hessians]
    assert end.filter(pl.col("quantity") == "spectral_radius")["mean"].item() == pytest.approx(
        np.mean(dominant), rel=1e-3
    )
    total = np.mean([matrix.trace() for matrix in hessians])
    assert end.filter(pl.col("quantity") == "trace")["mean"].item() == pytest.approx(total, rel=1e-3, abs=1e-6)
    assert made.paper is not None
    excess = made.table.filter(pl.col("quantity") == "excess", epoch=2)["mean"].item()
    assert made.paper.filter(pl.col("quantity") == "expected loss - bound (3.4)")["ours"].item() == excess


def test_what_the_thesis_says_is_compared_at_the_ends_of_searches_and_by_seed(tmp_path):
    """Numbers by hand; the first epoch, the loss and DARTS itself are in no comparison but the paired ones."""
    ends = {
        ("darts-1", 0): (2.0, 1.0, 0.5, 2.0),
        ("darts-1", 1): (4.0, 5.0, 0.5, 2.0),
        ("drnas", 0): (1.0, 0.5, -0.25, 2.0, 2.5, 2.25, 2.0),
        ("drnas", 1): (3.0, 2.0, 0.75, 2.0, 3.5, 3.0, 2.0),
    }
    probed = {
        key: tuple(
            {"epoch": epoch} | dict(zip(figures.QUANTITIES, values if epoch == 2 else [9.0] * 7, strict=False))
            for epoch in (2, 1)
        )
        for key, values in ends.items()
    }
    found = [
        SearchTrace(StudiedSearch(setting, seed, "nasbench201", Method(), TINY, "digits"), (), rows, (), tmp_path)
        for (setting, seed), rows in probed.items()
    ]
    rows = figures.measured_rows(found)
    assert rows.filter(setting="drnas", epoch=2)["excess"].to_list() == [0.5, 1.5]
    assert rows.filter(setting="darts-1", epoch=2)["excess"].to_list() == [None, None]
    said = figures._beside(rows)
    assert said.select("quantity", "setting", "claim", "ours").rows() == [
        ("modulus of the dominant eigenvalue, ratio", "drnas / darts-1", "< 1", (1 / 2 + 3 / 4) / 2),
        ("trace, difference", "drnas - darts-1", "< 0", (-0.5 - 3.0) / 2),
        ("expected loss - bound (3.4)", "drnas", ">= 0, roughly", 1.0),
        ("least eigenvalue", "drnas", ">= 0 (assumed)", 0.25),
        ("second order - expected loss", "drnas", "about 0", (-0.25 - 0.5) / 2),
    ]
    assert said["low"][0] > 0  # a ratio is
    summary = figures.summarised(rows)
    end = summary.filter(setting="drnas", epoch=2, quantity="excess")
    assert (end["mean"].item(), end["runs"].item()) == (1.0, 2)


def _hessian_of_alpha(ongoing: OngoingSearch) -> np.ndarray:
    batch = next(iter(validation_batches(ongoing.images, 15)()))
    with mode(ongoing.state.network, training=True):
        return dense(validation_hessian(replace(ongoing.state), batch)).double().numpy()


def test_mu_of_a_dirichlet_is_centred_log_concentration(priced):
    state, _ = priced
    (centre,) = figures.SoftmaxHessianProbe._centres(state).values()
    # elu(0.5) + 1, elu(1) + 1, elu(-0.5) + 1
    logarithms = [math.log(1.5), math.log(2.0), -0.5]
    assert centre[0].tolist() == pytest.approx([value - sum(logarithms) / 3 for value in logarithms])
