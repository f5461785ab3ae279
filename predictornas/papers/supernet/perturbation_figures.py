"""Figures 2.3 and 3.1 of DARTS-PT (Wang et al. 2021): skip connections along a search, and perturbation selection."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import pearsonr

from predictornas.analysis.statistics import CORRELATION, SHARE, over_seeds
from predictornas.benchmarks.table import Benchmark
from predictornas.papers.claims import DIFFERENCE, beside
from predictornas.papers.figure import FigureRequest, Made
from predictornas.papers.supernet.cell_accuracy import (
    CELL_SPACE,
    accuracy_column,
    cell_accuracies,
    cell_tables,
    described_table,
)
from predictornas.papers.supernet.perturbation_settings import PER_SEED, darts_searches
from predictornas.papers.supernet.searches import (
    SearchTrace,
    described_scale,
    scale_of,
    study_facts,
    table_for,
    traces,
)
from predictornas.plots.perturbation import draw_selections, draw_skip_gaps
from predictornas.spaces.registry import get_space
from predictornas.studies.supernet_tables import SKIP
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.published import perturbation
from predictornas.supernet.records import EpochRecord

INTERVALS = {"small": 1, "full": 5}
"""Epochs of fine-tuning between rounds of perturbation selection (paper: 5)."""

QUARTERS = 4
"""Snapshots of a search from which perturbation selection is run (ours)."""


@dataclass(frozen=True)
class SelectedByPerturbation:
    """The architecture that perturbation selection arrives at from the super-network after an epoch.

    Attributes:
        interval: epochs of fine-tuning between rounds, >= 1.
        snapshots: how many there are in a search, evenly spaced, the last one at its end.
    """

    interval: int
    snapshots: int = QUARTERS

    @property
    def name(self) -> str:
        """Of the file of what was measured."""
        return f"perturbation-{self.interval}-epochs-{self.snapshots}-snapshots"

    def is_due(self, epoch: int, epochs: int) -> bool:
        """At the end of every quarter, rounded up."""
        return epoch in {math.ceil(epochs * part / self.snapshots) for part in range(1, self.snapshots + 1)}

    def measure(self, ongoing: OngoingSearch) -> list[dict[str, Any]]:
        """The genes, and the accuracy of the super-network once all is decided."""
        method = ongoing.job.method
        released = perturbation(keeps_edges=ongoing.job.topology.inputs_kept is None)
        selection = replace(released, interval=self.interval)
        # the search ends here, so that its next epoch is the first one of the fine-tuning
        ended = replace(method, selection=selection, weights=replace(method.weights, epochs=ongoing.done))
        selecting = replace(ongoing, job=replace(ongoing.job, method=ended))
        record: EpochRecord = selecting.run_epoch()
        while not selecting.finished:
            record = selecting.run_epoch()
        return [{"genes": list(record.genes), "validation_accuracy": record.validation_accuracy}]


def skip_gap_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 2.3: how far skip connections lead before convolutions, against the accuracy of the super-network."""
    searches = darts_searches(request)
    table = table_for(request, lambda: gap_rows(traces(request, searches)))
    correlations = gap_correlations(table)
    caption = (
        f"{described_scale(request)} First-order DARTS. Lead: softmaxed alpha of skip_connect less the mean of those "
        "of the convolutions, mean over edges. Accuracy of the super-network on the validation half. Thin lines and "
        f"points: epochs of single seeds; thick lines: means. Pearson's r over the epochs of a seed, mean: "
        f"{_mean_of(correlations, 'levels')}; of the changes from epoch to epoch, which no common trend moves: "
        f"{_mean_of(correlations, 'changes')}."
    )
    (setting,) = table["setting"].unique()
    said = {"levels": "correlation of lead and accuracy", "changes": "correlation of their changes"}
    parts = [
        beside(correlations.select("setting", value=column), quantity, {setting: "> 0"}, bounds=CORRELATION)
        for column, quantity in said.items()
    ]
    ends = table.group_by("setting", "seed", maintain_order=True).agg(value=pl.col("lead").sort_by("epoch").last())
    parts.append(beside(ends, "lead of skip connections at the end", {setting: "> 0, growing"}, bounds=DIFFERENCE))
    return Made(table, draw_skip_gaps(table, title=title, caption=caption), study_facts(searches), pl.concat(parts))


def selections_figure(request: FigureRequest, *, title: str) -> Made:
    """Figure 3.1: the accuracy of the cell that magnitude, or perturbation, selects after some epochs.

    Raises:
        ConfigurationError: a table of another space than NAS-Bench-201.
    """
    scale = replace(scale_of(request), space=CELL_SPACE)
    tables = cell_tables(request)
    probe = SelectedByPerturbation(INTERVALS[request.size])
    searches = darts_searches(request, space=CELL_SPACE, scale=scale, probe=probe)
    rows = table_for(request, lambda: selection_rows(traces(request, searches), tables))
    table = over_seeds(rows, ["table", "selection", "epoch"], "accuracy", bounds=SHARE)
    best = {name: float(np.nanmax(table.values(accuracy_column(table)))) for name, table in tables.items()}
    columns = {name: described_table(table) for name, table in tables.items()}
    caption = (
        f"{described_scale(request, scale)} First-order DARTS. Accuracy of the selected cell in "
        f"{'; '.join(columns.values())}. Perturbation: run from the super-network after that epoch, "
        f"fine-tuning epochs a round: {probe.interval} (paper: 5). {PER_SEED}; points: seeds. Dashed: the best cell."
    )
    figure = draw_selections(table, rows, best=best, title=title, caption=caption)
    return Made(rows, figure, study_facts(searches) | {"tables": columns}, _selection_claims(rows))


def gap_rows(found: Sequence[SearchTrace]) -> pl.DataFrame:
    """One row an epoch: the `lead` of skip connections, and `accuracy` of the super-network on the validation half."""
    return pl.DataFrame(
        [
            {
                "setting": trace.search.setting,
                "seed": trace.search.seed,
                "epoch": record.epoch,
                "lead": skip_lead(record),
                "accuracy": record.validation_accuracy,
            }
            for trace in found
            for record in trace.records
        ]
    )


def skip_lead(record: EpochRecord) -> float:
    """Importance of `skip_connect` less the mean importance of the convolutions, mean over edges that have both."""
    leads = []
    for edges in record.importance.values():
        for edge in edges:
            convolutions = [value for name, value in edge.items() if "conv" in name]
            if SKIP in edge and convolutions:
                leads.append(edge[SKIP] - fmean(convolutions))
    return fmean(leads)


def gap_correlations(table: pl.DataFrame) -> pl.DataFrame:
    """For each `setting` and `seed` Pearson's r of lead and accuracy: of their `levels`, and of their `changes`.

    Null where there are too few epochs, or where one of the two does not move.
    """
    rows = []
    for (setting, seed), own in table.sort("epoch").group_by("setting", "seed", maintain_order=True):
        lead, accuracy = own["lead"].to_numpy(), own["accuracy"].to_numpy()
        changes = _correlation(np.diff(lead), np.diff(accuracy))
        rows.append({"setting": setting, "seed": seed, "levels": _correlation(lead, accuracy), "changes": changes})
    return pl.DataFrame(rows, schema_overrides={"levels": pl.Float64, "changes": pl.Float64})


def selection_rows(found: Sequence[SearchTrace], tables: Mapping[str, Benchmark]) -> pl.DataFrame:
    """One row a `table`, seed, epoch and `selection`: "magnitude" after all epochs, "perturbation" where it was run."""
    selected = [
        {"selection": selection, "seed": trace.search.seed, "epoch": epoch, "genes": genes}
        for trace in found
        for selection, epoch, genes in (
            *(("magnitude", record.epoch, record.genes) for record in trace.records),
            *(("perturbation", row["epoch"], row["genes"]) for row in trace.probed),
        )
    ]
    genes = np.array([row.pop("genes") for row in selected], dtype=np.int8)
    cells = [get_space(CELL_SPACE).describe(row) for row in genes]
    parts = [
        pl.DataFrame(selected).with_columns(
            table=pl.lit(name), cell=pl.Series(cells), accuracy=pl.Series(cell_accuracies(table, genes)).fill_nan(None)
        )
        for name, table in tables.items()
    ]
    return pl.concat(parts)


def _selection_claims(rows: pl.DataFrame) -> pl.DataFrame:
    """Perturbation less magnitude, paired by seed, at each snapshot."""
    magnitude, perturbation = (
        rows.filter(pl.col("selection") == selection) for selection in ("magnitude", "perturbation")
    )
    both = perturbation.join(magnitude, on=["table", "seed", "epoch"], maintain_order="left").select(
        setting=pl.format("{}, epoch {}", "table", "epoch"), value=pl.col("accuracy") - pl.col("accuracy_right")
    )
    claims = dict.fromkeys(both["setting"].unique(maintain_order=True), "> 0")
    return beside(both, "accuracy of the cell, perturbation - magnitude", claims, bounds=DIFFERENCE)


def _mean_of(correlations: pl.DataFrame, column: str) -> str:
    known = correlations[column].drop_nulls().to_list()
    return f"{fmean(known):+.2f}" if known else "unknown"


def _correlation(a: np.ndarray, b: np.ndarray) -> float | None:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(pearsonr(a, b).statistic)
