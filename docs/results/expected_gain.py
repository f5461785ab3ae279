"""Sets gains that were expected beside those that were measured afterwards; nothing is run here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from predictornas.analysis.gain import gain_table
from predictornas.plots.expected import draw_expected
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.pictures import Pictures, write_figures
from predictornas.studies.tidy_tables import write_table

CALIBRATED = "nasbench201-cifar10"
"""The table on which the number of rounds was chosen."""

TARGETS = ("top 0.1 %", "top 1 %")
"""As `predictornas expect` names them, the one that fewest architectures reach first."""


def renew(folder: Path, out: Path) -> None:
    """Writes `comparison.csv` and its figure.

    Args:
        folder: `docs/results/expected-gain`.
        out: where the files go.
    """
    table = comparison(folder)
    write_table(out / "comparison.csv", table)
    drawn = table.filter(pl.col("resolved"))
    figure = draw_expected(
        drawn,
        title="Gains that were expected, and what searches then showed",
        caption="Each point is a method on a table: expected from few fits before its searches were run, and measured "
        "over 12 of them with seeds that nothing else has. Bars: 95 % over seeds. Band: 1 dB. Targets that no search "
        "reached are left out.",
    )
    write_figures(out, {"comparison": figure}, Pictures(("png",)))


def _gains(table: str, history: pl.DataFrame) -> pl.DataFrame:
    """The pooled gains of a history."""
    opened = open_study(Study(benchmark=table))
    rng = np.random.default_rng(0)
    return gain_table(history, opened.errors, opened.targets, estimators=("pooled",), rng=rng)


def comparison(folder: Path) -> pl.DataFrame:
    """One row a table, method and target with a name, for all that was measured.

    Args:
        folder: holds `expected/TABLE/expected.csv` and `measured/TABLE/history.parquet`.
    """
    parts = []
    for measured in sorted(folder.glob("measured/*/history.parquet")):
        name = measured.parent.name
        expected = pl.read_csv(folder / "expected" / name / "expected.csv", infer_schema_length=None)
        named = expected.filter(pl.col("law_db").is_not_null())["target_error"].unique().sort().to_list()
        targets = pl.DataFrame({"target_error": named, "target": TARGETS})
        found = _gains(name, pl.read_parquet(measured))
        keys = ["method", "target_error"]
        both = expected.join(targets, on="target_error", maintain_order="left").join(
            found.select(*keys, "gain_db", "low", "high", "resolved", "runs"),
            on=keys,
            suffix="_measured",
            maintain_order="left",
        )
        sampler, predictor = (pl.col("method").str.split("@").list.get(place) for place in (0, 1))
        parts.append(
            both.select(
                pl.lit(name).alias("table"),
                "method",
                predictor.alias("predictor"),
                sampler.alias("sampler"),
                "target",
                "table_hits",
                expected_db="gain_db",
                expected_low="low",
                expected_high="high",
                law_db="law_db",
                sampler_db="sampler_db",
                predictor_db="predictor_db",
                measured_db="gain_db_measured",
                measured_low="low_measured",
                measured_high="high_measured",
                runs="runs_measured",
                resolved=pl.col("resolved") & pl.col("resolved_measured"),
                error_db=pl.col("gain_db") - pl.col("gain_db_measured"),
                law_error_db=pl.col("law_db") - pl.col("gain_db_measured"),
            )
        )
    return pl.concat(parts)
