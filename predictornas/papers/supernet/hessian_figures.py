"""What DrNAS does to the Hessian of the validation loss, and proposition 2 of the thesis checked on its super-network.

Everything is measured in the softmax basis of the proposition (thesis of Wang, section 3.2.1; MacKay 1998):

- mu_o = log beta_o - mean over o' of log beta_o' on every edge, with beta = elu(alpha) + 1, and
  L~(mu) = L_val(w, softmax(mu)) (below eq. 3.4). For DARTS mu is alpha itself, up to a shift of each edge that softmax
  does not see, so that the Hessians of both methods are of the same function.
- The Laplace approximation of Dir(beta) in this basis is a normal distribution with mean mu and variances
  S_o = (1 - 2/|O|) / beta_o + (1/|O|^2) * sum over o' of 1/beta_o'; its covariances are left out, as they are there.
- To second order E[L_val(w, theta)] = L~(mu) + 1/2 sum of S_o H_oo, with H the Hessian of L~ at mu. Where H is positive
  semi-definite and |beta - 1| <= delta, beta_o <= 1 + delta gives the bound (3.4):
  L~(mu) + 1/2 ((1 - 2/|O|) / (1 + delta) + (1/|O|) / (1 + delta)) tr(H).

The proposition leaves open over which edges the distance is taken: delta is the largest of any edge (ours), for which
its proof holds on every edge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import polars as pl
import torch
from torch import Tensor

from predictornas.analysis.statistics import POSITIVE, Bounds, over_seeds
from predictornas.live.passes import generator_for
from predictornas.papers.claims import SPREAD, beside
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet.searches import SearchTrace, described_scale, scale_of, studied, study_facts, traces
from predictornas.plots.hessian import draw_hessians
from predictornas.spaces.registry import get_space
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.hessian import dense, hessian_of
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.relaxations import Dirichlet, concentration_of
from predictornas.supernet.published import get_method
from predictornas.supernet.restoring import mode
from predictornas.supernet.state import Batch, SearchState

METHODS = ("darts-1", "drnas")
"""A point of the simplex is learned by the one, a distribution over it by the other."""

MEASUREMENTS = 10
"""Epochs of a search after which the Hessian is measured, at most about so many (ours)."""

QUANTITIES = ("spectral_radius", "trace", "least_eigenvalue", "loss", "expected_loss", "second_order", "bound")
"""What is measured, in columns; those after `loss` for a Dirichlet alone."""

RATIO = "modulus of the dominant eigenvalue, ratio"
"""Of DrNAS to DARTS at the end of a search."""

BOUNDS: dict[str, Bounds] = dict.fromkeys(("spectral_radius", "loss", "expected_loss", RATIO), POSITIVE)
"""Bounds of the quantities that have some."""


@dataclass(frozen=True)
class SoftmaxHessianProbe:
    """The Hessian of L~ at mu, whole, and for a Dirichlet the expected loss and its lower bound.

    On the first validation batch at its own batch statistics, as the dominant eigenvalue of a search is measured.

    Attributes:
        samples: of the Dirichlet, for the expected loss.
        measurements: at most about so many in a search.
    """

    samples: int = 100
    measurements: int = MEASUREMENTS

    @property
    def name(self) -> str:
        """Names the file of what was measured."""
        return f"softmax-hessian-{self.samples}-samples-{self.measurements}-times"

    def is_due(self, epoch: int, epochs: int) -> bool:
        """At even distances, and after the last epoch."""
        return (epochs - epoch) % max(epochs // self.measurements, 1) == 0

    def measure(self, ongoing: OngoingSearch) -> list[dict[str, Any]]:
        """One row with `QUANTITIES` and the standard error of the expected loss; null where there is no Dirichlet."""
        batch = next(iter(validation_batches(ongoing.images, ongoing.job.method.weights.batch_size)()))
        generator = generator_for(ongoing.job.seed, ongoing.done, "expected loss", ongoing.job.device)
        with ongoing.state.exact() as state, mode(state.network, training=True):
            curvature = curvature_of(state, batch, self._centres(state))
            row = curvature.row()
            if isinstance(state.relaxation, Dirichlet):
                concentrations = {name: concentration_of(alpha.detach()) for name, alpha in _alpha(state).items()}
                row |= proposition_2(curvature, concentrations)
                row |= expected_loss(state, batch, self.samples, generator)
        return [row]

    @staticmethod
    def _centres(state: SearchState) -> dict[str, Tensor]:
        if not isinstance(state.relaxation, Dirichlet):
            return {name: alpha.detach() for name, alpha in _alpha(state).items()}
        logarithms = {name: concentration_of(alpha.detach()).log() for name, alpha in _alpha(state).items()}
        return {name: values - values.mean(dim=1, keepdim=True) for name, values in logarithms.items()}


PROBE = SoftmaxHessianProbe()
"""That of the figure."""


class Curvature(NamedTuple):
    """L~ at mu.

    Attributes:
        loss: L~(mu).
        hessian: H `(p, p)`, of all edges of all cell types one after the other.
    """

    loss: float
    hessian: Tensor

    def row(self) -> dict[str, float]:
        """The largest modulus of an eigenvalue, the trace, the least eigenvalue, and the loss."""
        eigenvalues = torch.linalg.eigvalsh((self.hessian + self.hessian.T) / 2)
        return {
            "spectral_radius": float(eigenvalues.abs().max()),
            "trace": float(self.hessian.trace()),
            "least_eigenvalue": float(eigenvalues[0]),
            "loss": self.loss,
        }


def curvature_of(state: SearchState, batch: Batch, centres: Mapping[str, Tensor]) -> Curvature:
    """L~ and its Hessian, exactly, by one product of the Hessian for each of its columns.

    Args:
        state: the search; its network in the mode in which it is to be measured.
        batch: the images of L_val.
        centres: mu `(edges, operations)` by cell type.
    """
    leaves = {name: centre.clone().requires_grad_() for name, centre in centres.items()}
    loss = state.loss_of(batch, Mixture({name: leaf.softmax(dim=1) for name, leaf in leaves.items()}))
    hessian = dense(hessian_of(loss, list(leaves.values())))
    return Curvature(float(loss.detach()), hessian.double().cpu())


def proposition_2(curvature: Curvature, concentrations: Mapping[str, Tensor]) -> dict[str, float]:
    """`second_order`, L~ + 1/2 sum of S_o H_oo, and `bound`, the right side of eq. 3.4, with its `delta`.

    Args:
        curvature: at the mu of these concentrations.
        concentrations: beta `(edges, operations)` by cell type, the same number of operations on every edge.
    """
    beta = torch.cat(list(concentrations.values())).double().cpu()
    count = beta.shape[1]
    variances = (1 - 2 / count) / beta + (1 / beta).sum(dim=1, keepdim=True) / count**2
    delta = float(torch.linalg.vector_norm(beta - 1, dim=1).max())
    factor = (1 - 2 / count) / (1 + delta) + 1 / count / (1 + delta)
    second_order = float((variances.flatten() * curvature.hessian.diagonal()).sum()) / 2
    return {
        "second_order": curvature.loss + second_order,
        "bound": curvature.loss + factor * float(curvature.hessian.trace()) / 2,
        "delta": delta,
    }


def expected_loss(state: SearchState, batch: Batch, samples: int, generator: torch.Generator) -> dict[str, float]:
    """`expected_loss`, the mean of L_val over samples of the relaxation, and its `standard_error`.

    Args:
        state: the search; its network in the mode in which it is to be measured.
        batch: the images of L_val.
        samples: at least 2.
        generator: source of the samples.
    """
    losses = []
    with torch.no_grad():
        for _ in range(samples):
            mixture = state.relaxation.mixture(state.parameters, progress=state.progress, generator=generator)
            losses.append(state.loss_of(batch, mixture.detached()).double().cpu())
    drawn = torch.stack(losses)
    return {"expected_loss": float(drawn.mean()), "standard_error": float(drawn.std()) / samples**0.5}


def hessian_figure(request: FigureRequest, *, title: str) -> Made:
    """Dominant eigenvalue and trace of DARTS and DrNAS over epochs, and both sides of eq. 3.4 for DrNAS."""
    space = get_space(scale_of(request).space)
    methods = {name: get_method(name, space) for name in METHODS}
    searches = studied(request, methods, probe=PROBE)
    if request.found is None:
        rows = measured_rows(traces(request, searches))
        table, paper = summarised(rows), _beside(rows)
    else:  # which has no single seeds
        table, paper = request.found, None
    caption = (
        f"{described_scale(request)} Hessian of the validation loss of the first batch with respect to mu, where "
        "softmax(mu) are the factors of operations: alpha of DARTS, and of DrNAS the mean of the Laplace approximation "
        f"of its Dirichlet. Expected loss: mean of {PROBE.samples} samples of the Dirichlet. Lower bound: right side "
        "of eq. 3.4, with delta the largest distance |beta - 1| of an edge; it is proven for Hessians without negative "
        "eigenvalues. Mean and 95 % interval over seeds."
    )
    figure = draw_hessians(table, title=title, caption=caption)
    return Made(table, figure, study_facts(searches) | {"samples": PROBE.samples}, paper)


def measured_rows(found: list[SearchTrace]) -> pl.DataFrame:
    """What the probes measured, with `setting`, `seed`, and `excess`: the expected loss less the bound."""
    rows = [
        {"setting": trace.search.setting, "seed": trace.search.seed, **row} for trace in found for row in trace.probed
    ]
    frame = pl.DataFrame(rows, schema_overrides=dict.fromkeys(QUANTITIES, pl.Float64), infer_schema_length=None)
    return frame.with_columns(excess=pl.col("expected_loss") - pl.col("bound"))


def summarised(rows: pl.DataFrame) -> pl.DataFrame:
    """Mean and interval over seeds of every quantity after each epoch that was measured."""
    return pl.concat(
        over_seeds(rows, ["setting", "epoch"], quantity, bounds=BOUNDS.get(quantity)).select(
            pl.lit(quantity).alias("quantity"), "setting", "epoch", "mean", *SPREAD
        )
        for quantity in (*QUANTITIES, "excess")
    )


def _beside(rows: pl.DataFrame) -> pl.DataFrame:
    """What the thesis says of the ends of searches, and what was found there."""
    ends = rows.sort("epoch").group_by("setting", "seed", maintain_order=True).last()
    drnas, darts = (ends.filter(pl.col("setting") == name) for name in ("drnas", "darts-1"))
    both = drnas.join(darts, on="seed")
    ratio = both.select(value=pl.col("spectral_radius") / pl.col("spectral_radius_right"))
    found: list[tuple[str, str, str, pl.DataFrame]] = [
        (RATIO, "drnas / darts-1", "< 1", ratio),
        ("trace, difference", "drnas - darts-1", "< 0", both.select(value=pl.col("trace") - pl.col("trace_right"))),
        ("expected loss - bound (3.4)", "drnas", ">= 0, roughly", drnas.select(value="excess")),
        ("least eigenvalue", "drnas", ">= 0 (assumed)", drnas.select(value="least_eigenvalue")),
        (
            "second order - expected loss",
            "drnas",
            "about 0",
            drnas.select(value=pl.col("second_order") - pl.col("expected_loss")),
        ),
    ]
    return pl.concat(
        beside(
            values.with_columns(setting=pl.lit(setting)),
            quantity,
            {setting: claim},
            column="claim",
            bounds=BOUNDS.get(quantity),
        )
        for quantity, setting, claim, values in found
    )


def _alpha(state: SearchState) -> Mapping[str, Tensor]:
    return state.parameters.alpha
