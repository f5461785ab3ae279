"""Sets gains that were expected beside those that were measured afterwards; nothing is run here."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import polars as pl
from scipy.stats import norm, t

from predictornas.analysis.urn import expected_trials, gain_db
from predictornas.plots.expected import draw_expected
from predictornas.studies.pictures import Pictures, write_figures
from predictornas.studies.tidy_tables import write_table

TARGETS = ("top 0.1 %", "top 1 %")
"""As `predictornas expect` names them, the one that fewest architectures reach first."""

NEAR = 2.0
"""dB within which nine of ten are wanted."""

PILOTS = 6
"""Of each method; as many searches are set beside them."""


def renew(folder: Path, out: Path) -> None:
    """Writes `comparison.csv`, its figure and `counted.csv`.

    Args:
        folder: `docs/results/expected-gain/pilots`.
        out: where the files go.
    """
    table = comparison(folder)
    write_table(out / "comparison.csv", table)
    write_table(out / "counted.csv", counted(folder))
    figure = draw_expected(
        table.filter(pl.col("resolved")),
        title="Gains that were expected, and what searches then showed",
        caption="Each point is a method on a table: expected from six pilots before its searches were run, and "
        "measured over twenty of them with seeds that nothing else has. Bars: 95 % over seeds. Band: 1 dB. Targets "
        "that no search reached, or none was expected to reach, are left out.",
    )
    write_figures(out, {"comparison": figure}, Pictures(("png",)))


def comparison(folder: Path) -> pl.DataFrame:
    """One row a table, method and target with a name, for all that was measured.

    Args:
        folder: holds `expected/TABLE/expected.csv` and `measured/TABLE/named.csv`.

    Returns:
        Also how likely what is told is within `NEAR` of what is measured: `if_exact` where the mean of the method is
        told exactly, `if_chance` where pilots and searches are off by chance alone, as far as the printed interval
        reaches.
    """
    parts = []
    for measured in sorted(folder.glob("measured/*/named.csv")):
        name = measured.parent.name
        expected = _named(folder, name)
        keys = ["method", "target_error"]
        found = pl.read_csv(measured, infer_schema_length=None)
        both = expected.join(
            found.select(*keys, "gain_db", "low", "high", "resolved", "runs"),
            on=keys,
            suffix="_measured",
            maintain_order="left",
        )
        parts.append(
            both.select(
                pl.lit(name).alias("table"),
                "method",
                _part(1).alias("predictor"),
                _part(0).alias("sampler"),
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
                covered=pl.col("gain_db_measured").is_between("low", "high"),
                error_db=pl.col("gain_db") - pl.col("gain_db_measured"),
                law_error_db=pl.col("law_db") - pl.col("gain_db_measured"),
            )
        )
    table = pl.concat(parts)
    # upper ends are cut at the cap, lower ones never are
    of_searches = (table["measured_db"] - table["measured_low"]) / t.ppf(0.975, table["runs"] - 1)
    of_both = (table["expected_db"] - table["expected_low"]) / t.ppf(0.975, PILOTS - 1)
    return table.with_columns(if_exact=_near(of_searches), if_chance=_near(of_both))


def _near(spread: pl.Series) -> pl.Series:
    """The chance that a normal error of this standard deviation is at most `NEAR`."""
    return pl.Series(1 - 2 * norm.sf(NEAR / spread.to_numpy())).fill_nan(None)


def counted(folder: Path) -> pl.DataFrame:
    """What pilots add to as many searches: both against the same other searches of the study.

    The twenty searches of a method are cut into the first six, the next six and the six after these; each six tell the
    gain of the other fourteen by what they found, and the pilots tell it too.

    Args:
        folder: as for `comparison`, with `measured/TABLE/hits.csv`.
    """
    rows = []
    for path in sorted(folder.glob("measured/*/hits.csv")):
        expected = _named(folder, path.parent.name)
        whole = pl.read_csv(folder / "expected" / path.parent.name / "expected.csv", infer_schema_length=None)
        size = int(whole["table_hits"].to_numpy().max())  # the last target is reached by all
        hits = pl.read_csv(path, infer_schema_length=None)
        for method, target, error, table_hits, told, resolved in expected.select(
            "method", "target", "target_error", "table_hits", "gain_db", "resolved"
        ).iter_rows():
            own = hits.filter(method=method, target_error=error).sort("seed")
            found, proposals = own["hits"].to_numpy(), own["proposals"].to_numpy()
            trials = expected_trials(size, table_hits)
            for part in range(3):
                few = np.isin(np.arange(len(found)), np.arange(PILOTS * part, PILOTS * (part + 1)))
                gain_few, gain_rest = (
                    float(gain_db(trials, expected_trials(proposals[those].sum(), found[those].sum())))
                    for those in (few, ~few)
                )
                rows.append(
                    {
                        "table": path.parent.name,
                        "method": method,
                        "target": target,
                        "part": part,
                        "searches_error_db": gain_few - gain_rest,
                        "pilots_error_db": told - gain_rest,
                        "resolved": bool(resolved and found[~few].any()),
                    }
                )
    return pl.DataFrame(rows)


def hits_of(history: pl.DataFrame, errors: pl.DataFrame) -> pl.DataFrame:
    """How many proposals of each run reach each target.

    Args:
        history: of a study, with `error`, the cost of each row by the signal as the table has it.
        errors: `target_error` of the targets.
    """
    proposed = history.filter(pl.col("iteration") > 0)
    return (
        proposed.join(errors, how="cross")
        .group_by("method", "seed", "target_error")
        .agg(hits=(pl.col("error") <= pl.col("target_error")).sum(), proposals=pl.len())
        .sort("method", "seed", "target_error")
    )


def _named(folder: Path, table: str) -> pl.DataFrame:
    """What was expected at the targets with a name, which the closed form was asked for."""
    expected = pl.read_csv(folder / "expected" / table / "expected.csv", infer_schema_length=None)
    named = expected.filter(pl.col("law_db").is_not_null())["target_error"].unique().sort().to_list()
    targets = pl.DataFrame({"target_error": named, "target": TARGETS})
    return expected.join(targets, on="target_error", maintain_order="left")


def _part(place: int) -> pl.Expr:
    """The sampler or the predictor of `uniform-100@gcn` and `uniform-100 with forest`."""
    return pl.col("method").map_elements(lambda name: re.split("@| with ", name)[place], return_dtype=pl.String)
