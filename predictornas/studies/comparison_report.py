"""What a comparison says: tables as a person reads them, and tidy tables and the diagram of ranks on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from predictornas.analysis.statistics import FEWEST_DIFFERENCES
from predictornas.counting import counted
from predictornas.quantity import ERRORS, Quantities
from predictornas.report.comparison_page import ComparisonTables, comparison_page
from predictornas.studies.comparison import Comparison
from predictornas.studies.folder import take
from predictornas.studies.pages import write_page
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.provenance import surroundings
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KIND = "comparison"

Section = tuple[str, list[dict[str, str]]]
"""A title and the rows below it, as a person reads them."""

_TESTS = {
    "critical difference": ("critical_difference", ".2f"),
    "p (Friedman)": ("chi_square_p", ".2g"),
    "p (Iman-Davenport)": ("f_p", ".2g"),
}


def printable_comparison(comparison: Comparison, *, every_pair: bool = False) -> list[Section]:
    """The comparison in sections: errors in percent or percentage points, other costs as they are; 95 % intervals.

    Args:
        comparison: from `predictornas.studies.comparison.compare_folders`.
        every_pair: all pairs of methods; otherwise each method beside the one with the best mean of the column.
    """
    sections: list[Section] = []
    for table in comparison.errors["table"].unique(maintain_order=True):
        parts = (comparison.errors, comparison.regret, comparison.pairs)
        errors, regret, pairs = (part.filter(pl.col("table") == table) for part in parts)
        read = comparison.quantities.get(table, ERRORS)
        sections += [_errors(table, errors, read), _regret(table, regret, read)]
        told = _every_pair(table, pairs, read) if every_pair else _behind_best(table, errors, regret, pairs, read)
        sections.append(told)
    if not comparison.ranks.is_empty():
        sections.append(_ranks(comparison.ranks))
    return [(title, rows) for title, rows in sections if rows]


def write_comparison(folder: Path, comparison: Comparison, pictures: Pictures | None = None) -> None:
    """Writes `report.html`, `errors.csv`, `regret.csv`, `pairs.csv`, `ranks.csv`; with ranks also their diagram."""
    take(folder, KIND)
    for name in ("errors", "regret", "pairs", "ranks"):
        write_table(folder / f"{name}.csv", getattr(comparison, name))
    tables = ComparisonTables(
        comparison.errors,
        comparison.regret,
        comparison.pairs,
        comparison.ranks,
        comparison.quantities,
        comparison.notes,
        comparison.against,
    )
    write_page(folder, comparison_page(tables, surroundings(), out=str(folder)))
    if not comparison.ranks.is_empty():
        save_figures(folder, lambda: {"ranks": _figure(comparison.ranks)}, pictures)


def _figure(ranks: pl.DataFrame) -> Figure:
    from predictornas.plots.ranks import draw_ranks

    return draw_ranks(ranks)


def json_comparison(comparison: Comparison) -> dict[str, Any]:
    """The comparison for programs: errors as fractions, other costs in the metric of their columns, which are named."""
    told: dict[str, Any] = {
        name: getattr(comparison, name).to_dicts() for name in ("errors", "regret", "pairs", "ranks")
    }
    for row in (*told["errors"], *told["regret"]):
        read = comparison.read(row["table"], row["trace"])
        names = ("mean", "low", "high")
        row |= zip(names, read.interval(*(row[name] for name in names)), strict=True)
        if row.get("best_possible") is not None:
            row["best_possible"] = read.plain(row["best_possible"])
    if comparison.notes:
        told["notes"] = list(comparison.notes)
    others = {table: read for table, read in comparison.quantities.items() if read != ERRORS}
    if others:
        told["quantities"] = {
            table: {"signal": read.signal.heading, "evaluation": read.evaluation.heading}
            for table, read in others.items()
        }
    return told


def _errors(table: str, errors: pl.DataFrame, read: Quantities) -> Section:
    cells = errors.with_columns(
        pl.col("runs").cast(pl.String), column="trace", cell=_cells(errors, read, ("mean", "low", "high"), digits=2)
    )
    title = read.with_unit(f"{table}: {read.name} after {counted(errors['evaluations'][0], 'evaluation')}")
    return title, _wide(cells, ["method", "runs"])


def _regret(table: str, regret: pl.DataFrame, read: Quantities) -> Section:
    """Above the best possible error, or above zero where that is not known."""
    if regret.is_empty():
        return "", []
    known = regret["best_possible"].null_count() == 0
    above = regret.with_columns(pl.col("mean", "low", "high") - pl.col("best_possible").fill_null(0.0))
    quantity = "regret" if known else f"{read.name} (the store lacks the table, so the best possible is unknown)"
    title = read.with_unit(f"{table}: {quantity}, mean over {counted(regret['evaluations'][0], 'evaluation')}")
    cells = _cells(above, read, ("mean", "low", "high"), digits=3, difference=known)
    return title, _wide(above.with_columns(column="trace", cell=cells), ["method"])


def _every_pair(table: str, pairs: pl.DataFrame, read: Quantities) -> Section:
    title = f"{table}: a - b over the seeds of both{_points(read)}{_marked(pairs)}"
    return title, _wide(_differences(pairs, read), ["a", "b"])


def _points(read: Quantities) -> str:
    return ", percentage points" if read.signal.percent and read.evaluation.percent else "; below 0 the first is better"


def _behind_best(
    table: str, errors: pl.DataFrame, regret: pl.DataFrame, pairs: pl.DataFrame, read: Quantities
) -> Section:
    """Each method minus the one with the lowest mean over its seeds, for each quantity and trace that has pairs."""
    kind = ["quantity", "trace"]
    means = pl.concat(
        part.select(quantity=pl.lit(quantity), trace="trace", method="method", mean="mean")
        for quantity, part in (("final", errors), ("regret", regret))
    )
    best = means.join(pairs, on=kind, how="semi", maintain_order="left").sort("mean", maintain_order=True)
    best = best.unique(kind, keep="first", maintain_order=True).select(*kind, b="method")
    turned = pairs.with_columns(
        a="b", b="a", difference=-pl.col("difference"), low=-pl.col("high"), high=-pl.col("low")
    )
    behind = pl.concat([pairs, turned]).join(best, on=[*kind, "b"], how="semi")
    columns = pairs.select(_column()).to_series().unique(maintain_order=True)
    itself = best.select("b", _column(), cell=pl.lit("best"))
    cells = pl.concat([itself, _differences(behind, read).select(b="a", column="column", cell="cell")])
    by_method = errors.select(b="method").unique(maintain_order=True).join(cells, on="b", maintain_order="left_right")
    title = f"{table}: behind the best method of each column over the seeds of both{_points(read)}{_marked(pairs)}"
    return title, _wide(by_method.rename({"b": "method"}), ["method"], columns.to_list())


def _ranks(ranks: pl.DataFrame) -> Section:
    cells = ranks.select("method", _column(), cell=pl.format("{} ({})", _number("rank", ".2f"), "groups"))
    rows = _wide(cells, ["method"])
    tests = ranks.unique(["quantity", "trace"], maintain_order=True)
    block = ranks["block"][0]
    for label, (name, form) in {f"number of {block}s": ("blocks", "d"), **_TESTS}.items():
        rows.append({"method": label, **dict(tests.select(_column(), _number(name, form)).iter_rows())})
    return f"Average rank over {block}s, 1 is best; methods that share a number in brackets are not told apart", rows


def _differences(pairs: pl.DataFrame, read: Quantities) -> pl.DataFrame:
    """Differences that no verdict may rest on have a mark, which the title explains."""
    cells = _cells(pairs, read, ("difference", "low", "high"), digits=3, difference=True)
    mark = pl.when(pl.col("nonzero") < FEWEST_DIFFERENCES).then(pl.lit(" *")).otherwise(pl.lit(""))
    return pairs.with_columns(_column(), cell=pl.concat_str(cells, mark))


def _marked(pairs: pl.DataFrame) -> str:
    few = (pairs["nonzero"] < FEWEST_DIFFERENCES).any()
    return f"; * undecided, fewer than {FEWEST_DIFFERENCES} seeds differ" if few else ""


def _column() -> pl.Expr:
    return pl.concat_str("quantity", "trace", separator=" ").alias("column")


def _cells(
    rows: pl.DataFrame, read: Quantities, names: Sequence[str], *, digits: int, difference: bool = False
) -> pl.Series:
    """Costs, or differences of costs, and their intervals, as each row's trace is read: "6.11 [6.09, 6.13]"."""
    texts = []
    for row in rows.to_dicts():
        quantity = read.of(row["trace"])
        ends = [row[name] for name in names]
        if difference:
            quantity = replace(quantity, higher=False)  # a difference of costs is no cost to be turned round
        texts.append(quantity.interval_text(ends[0], ends[1], ends[2], digits))
    return pl.Series("cell", texts, dtype=pl.String)


def _number(name: str, form: str, value_of: Callable[[float], float] = lambda value: value) -> pl.Expr:
    texts = pl.col(name).map_elements(lambda value: format(value_of(value), form), return_dtype=pl.String)
    return texts.fill_null("-")


def _wide(cells: pl.DataFrame, rows: Sequence[str], columns: Sequence[str] | None = None) -> list[dict[str, str]]:
    """One row for each of `rows`, one entry for each of `columns`, "-" where there is no `cell`."""
    if cells.is_empty():
        return []
    wide = cells.pivot("column", index=list(rows), values="cell").fill_null("-")
    return wide.select(*rows, *(columns or wide.columns[len(rows) :])).to_dicts()
