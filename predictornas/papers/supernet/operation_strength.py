"""Figures 2.1 and 2.2 of DARTS-PT (Wang et al. 2021): the importance of operations against their strength."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import kendalltau

from predictornas.analysis.statistics import CORRELATION, SHARE
from predictornas.live.passes import generator_for
from predictornas.live.training import optimiser_of
from predictornas.papers.claims import beside
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet.perturbation_settings import darts_searches
from predictornas.papers.supernet.searches import described_scale, scale_of, study_facts, table_for, traces
from predictornas.papers.supernet.trained_measures import Item, measurements
from predictornas.plots.perturbation import draw_chosen_operations, draw_strengths
from predictornas.seeding import rng_for
from predictornas.supernet.batches import paired_batches, validation_batches
from predictornas.supernet.network.topology import Topology
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.perturbation import selectable
from predictornas.supernet.weight_steps import LossAndAccuracy, measured, train_at_mixtures

TUNING_EPOCHS = {"small": 2, "full": 5}
"""Epochs after which a discretised super-network counts as converged; the thesis finds 5 enough (section 3.1.3.1)."""

RATE_FACTOR = 0.1
"""Learning rate of the fine-tuning as a share of the search's, as in perturbation selection."""

SKIP_SPACE = "darts-s2"
"""The space of figure 2.2: skip_connect and sep_conv_3x3 on every edge."""

EDGES = 14
"""Edges of a cell there."""

SKIP_SPACE_CELLS = 4
"""Depth there at size small (ours): two normal cells and two that reduce."""


@dataclass(frozen=True)
class DiscretisationAccuracy:
    """Discretisation accuracy at convergence (Wang et al. 2021, section 2.3.1).

    One edge is discretised to one operation, the rest of the super-network is tuned as in the search, and measured on
    the validation half.

    Attributes:
        epochs: of the fine-tuning, >= 1.
        cell: the cell type that is looked at; None for all.
        edges: how many of its edges are, drawn at random, the same ones in every search; None for all.
    """

    epochs: int
    cell: str | None = None
    edges: int | None = None

    @property
    def name(self) -> str:
        """Of the journal: what is measured of an operation does not depend on which others are."""
        return f"discretised-{self.epochs}-epochs"

    def items(self, topology: Topology) -> list[Item]:
        """Every operation that an edge may be discretised to."""
        places = [
            (cell, edge) for cell in topology.cells if self.cell in (None, cell.name) for edge in range(len(cell.edges))
        ]
        if self.edges is not None:
            drawn = rng_for(0, 0, "discretised edges").choice(len(places), self.edges, replace=False)
            places = [places[place] for place in sorted(drawn.tolist())]
        return [
            {"cell": cell.name, "edge": edge, "operation": cell.operations[edge][column]}
            for cell, edge in places
            for column in selectable(topology, cell, edge)
        ]

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """Its importance in the search, and accuracy and loss once discretised and tuned."""
        state = ongoing.state
        topology = state.parameters.topology
        names = topology.cell(item["cell"]).operations[item["edge"]]
        column = names.index(item["operation"])
        importance = state.relaxation.importance(state.parameters)[item["cell"]][item["edge"], column]
        after = discretised(ongoing, item["cell"], item["edge"], column, epochs=self.epochs)
        ends = topology.cell(item["cell"]).edges[item["edge"]]
        return [
            {
                "ends": f"{ends[0]} → {ends[1]}",
                "importance": float(importance),
                "accuracy": after.accuracy,
                "loss": after.loss,
            }
        ]


def discretised(
    ongoing: OngoingSearch, cell: str, edge: int, operation: int, *, epochs: int, rate_factor: float = RATE_FACTOR
) -> LossAndAccuracy:
    """What a super-network is on the validation half with one edge discretised, after fine-tuning.

    Weights and the other architecture parameters are tuned, with a fresh optimiser at a constant rate.

    Args:
        ongoing: a search that has come to its end; it is changed.
        cell: the type of the cell.
        edge: index of the edge.
        operation: index of the operation that it keeps.
        epochs: of the fine-tuning, >= 1.
        rate_factor: its learning rate as a share of the search's.
    """
    job, images = ongoing.job, ongoing.images
    weights, seed = job.method.weights, job.seed
    rate = rate_factor * weights.learning_rate
    decisions = ongoing.state.decisions.with_edge(cell, edge, operation)
    state = replace(
        ongoing.state,
        decisions=decisions,
        weight_optimiser=optimiser_of(ongoing.state.network, replace(weights, learning_rate=rate)),
    )
    for epoch in range(ongoing.done, ongoing.done + epochs):
        state = replace(state, epoch=epoch, generator=generator_for(seed, epoch, "discretisation", job.device))
        pairs = paired_batches(images, weights.augmentation, size=weights.batch_size, seed=seed, epoch=epoch)
        train_at_mixtures(state, job.method, pairs, lambda _: rate, rests=False)
    return measured(state, validation_batches(images, weights.batch_size), state.mixture)


def strengths_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 2.1: importance and strength of every operation on three random edges."""
    searches = darts_searches(request)
    measure = DiscretisationAccuracy(_epochs(request), edges=3)
    table = table_for(request, lambda: measurements(request, traces(request, searches), measure))
    agreement = agreements(table)
    caption = (
        f"{described_scale(request)} First-order DARTS. Three random edges, the same ones at every seed. Importance: "
        "softmax of alpha at the end of the search. Strength: accuracy on the validation half with the edge "
        f"discretised to the operation, after {_epochs(request)} epochs of fine-tuning. Dashes: mean over "
        f"seeds; points: seeds. {_chance(table)}"
    )
    said = {
        "tau": ("Kendall tau of importance and strength", "far below 1", CORRELATION),
        "same": ("share of edges where the most important operation is the strongest", "below 1", SHARE),
    }
    paper = pl.concat(
        beside(_setting(agreement, column), quantity, _claim(table, claim), bounds=bounds)
        for column, (quantity, claim, bounds) in said.items()
    )
    return Made(table, draw_strengths(table, title=title, caption=caption), study_facts(searches), paper)


def chosen_operations_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 2.2: on every edge of the normal cell of S2 the most important operation, and the strongest one."""
    scale = replace(scale_of(request), space=SKIP_SPACE)
    if scale.cells is not None:
        scale = replace(scale, cells=max(scale.cells, SKIP_SPACE_CELLS))
    searches = darts_searches(request, space=SKIP_SPACE, scale=scale)
    measure = DiscretisationAccuracy(_epochs(request), cell="normal")
    table = table_for(request, lambda: with_choices(measurements(request, traces(request, searches), measure)))
    caption = (
        f"{described_scale(request, scale)} First-order DARTS, normal cell. Most important: largest alpha at the end "
        "of the search. Strongest: highest accuracy on the validation half once the edge is discretised to it, after "
        f"{_epochs(request)} epochs of fine-tuning; of equals, that of lower loss."
    )
    skips = table.filter(pl.col("operation") == "skip_connect")
    counted = skips.group_by("setting", "seed", maintain_order=True).agg(
        important=pl.col("most_important").sum().cast(pl.Float64), weak=(~pl.col("strongest")).sum().cast(pl.Float64)
    )
    said = {
        "important": (f"edges of {EDGES} with alpha_skip > alpha_conv", "12"),
        "weak": (f"edges of {EDGES} where sep_conv_3x3 is stronger", "7"),
    }
    paper = pl.concat(
        beside(_setting(counted, column), quantity, _claim(table, count), bounds=(0.0, float(EDGES)))
        for column, (quantity, count) in said.items()
    )
    return Made(table, draw_chosen_operations(table, title=title, caption=caption), study_facts(searches), paper)


def with_choices(table: pl.DataFrame) -> pl.DataFrame:
    """Which operation of each edge is `most_important`, and which is `strongest`; of equals the one of lower loss."""
    edge = ["setting", "seed", "cell", "edge"]
    first = pl.int_range(pl.len()) == 0
    by_strength = table.sort(["accuracy", "loss"], descending=[True, False], maintain_order=True)
    chosen = by_strength.with_columns(strongest=first.over(edge))
    chosen = chosen.sort("importance", descending=True, maintain_order=True).with_columns(
        most_important=first.over(edge)
    )
    return chosen.sort("seed", "cell", "edge", "operation")


def agreements(table: pl.DataFrame) -> pl.DataFrame:
    """For each `setting` and `seed` how well importance tells strength, the mean over edges.

    `tau` is Kendall's tau-b of both over the operations of an edge, without edges on which all accuracies are equal;
    `same` the share of edges whose most important operation is the strongest.
    """
    rows = []
    chosen = with_choices(table)
    for (setting, seed), own in chosen.group_by("setting", "seed", maintain_order=True):
        edges = [edge for _, edge in own.group_by("cell", "edge", maintain_order=True)]
        taus = [float(kendalltau(edge["importance"], edge["accuracy"]).statistic) for edge in edges]
        known = [tau for tau in taus if np.isfinite(tau)]
        same = [bool((edge["most_important"] & edge["strongest"]).any()) for edge in edges]
        tau = float(np.mean(known)) if known else None
        rows.append({"setting": setting, "seed": seed, "tau": tau, "same": float(np.mean(same))})
    return pl.DataFrame(rows, schema_overrides={"tau": pl.Float64})


def _epochs(request: FigureRequest) -> int:
    scale_of(request)  # refuses an unknown size
    return TUNING_EPOCHS[request.size]


def _claim(table: pl.DataFrame, claim: str) -> dict[str, str]:
    return dict.fromkeys(table["setting"].unique(maintain_order=True), claim)


def _setting(values: pl.DataFrame, column: str) -> pl.DataFrame:
    return values.select("setting", value=column)


def _chance(table: pl.DataFrame) -> str:
    sizes: Sequence[int] = table.group_by("setting", "seed", "cell", "edge").len()["len"].to_list()
    return f"A random choice is the strongest one on {100 * np.mean([1 / size for size in sizes]):.0f} % of edges."
