"""Result folders side by side: errors, anytime regret, paired differences within a table, ranks over tables."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from predictornas.analysis.comparability import evaluations_of_all
from predictornas.analysis.ranking import RANKS_SCHEMA, rank_table
from predictornas.analysis.regret import (
    TRACES,
    OracleErrors,
    anytime_regret,
    incumbent_curves,
    oracle_errors,
    with_recommendations,
)
from predictornas.analysis.statistics import over_seeds, paired_difference
from predictornas.benchmarks.catalog import is_here, open_benchmark
from predictornas.quantity import ERRORS, Quantities, Quantity
from predictornas.studies.compared import TABLE, Result, results_in
from predictornas.studies.gain.study import data_fingerprint

_FROM_ZERO = OracleErrors(0.0, 0.0, 0.0, 0.0)

_PAIRS_SCHEMA = {
    **dict.fromkeys(("table", "a", "b", "quantity", "trace"), pl.String),
    "evaluations": pl.Int64,
    **dict.fromkeys(("difference", "low", "high"), pl.Float64),
    **dict.fromkeys(("pairs", "nonzero"), pl.Int64),
}

_RANKS_SCHEMA = {"quantity": pl.String, "trace": pl.String, "block": pl.String, **RANKS_SCHEMA}


@dataclass(frozen=True)
class Comparison:
    """What `compare_folders` finds. Errors and regrets are fractions, or costs such as losses; intervals 95 %.

    All numbers of a table are taken after as many evaluations as every run on it has. `trace` is one of
    `predictornas.analysis.regret.TRACES`; `quantity` is "final", the error after the last of these evaluations, or
    "regret", the mean over all of them of the error above the best possible. Lower is better everywhere.

    Attributes:
        errors: final errors: `table`, `folder`, `method`, `trace`, `evaluations`, `mean`, `std`, `low`, `high` (t
            interval over seeds), `runs`.
        regret: anytime regret: the same columns, where `mean` is that of the error over the evaluations, then
            `best_possible` and `regret`, their difference; both are null where the table is not in the store. A trace
            that does not begin with the first evaluation has no rows.
        pairs: paired differences: `table`, `a`, `b`, `quantity`, `trace`, `evaluations`, `difference` (mean of a - b
            over the seeds that both have), `low`, `high` (t interval, not corrected for the number of pairs), `pairs`
            (how many seeds; fewer than two make no row), `nonzero` (in how many of them the methods differ).
        ranks: average ranks: `quantity`, `trace`, `block`, then the columns of
            `predictornas.analysis.ranking.rank_table`. Where there are several tables, a block is a "table", with the
            mean over seeds, and methods are ranked that every table has; otherwise it is a "seed" that all methods of
            the one table have. Empty with fewer than two blocks or methods.
        quantities: by table, how its costs are named and written.
        notes: what a reader has to know of the published runs that are compared with.
        against: which published runs these are; None where there are none.
    """

    errors: pl.DataFrame
    regret: pl.DataFrame
    pairs: pl.DataFrame
    ranks: pl.DataFrame
    quantities: Mapping[str, Quantities] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    against: str | None = None

    def read(self, table: str, trace: str) -> Quantity:
        """How a cost is read; as an error where nothing else is known."""
        return self.quantities.get(table, ERRORS).of(trace)


def compare_folders(folders: Sequence[Path]) -> Comparison:
    """Compares every method of every folder.

    Folders belong to the same table where benchmark, data, signal and evaluation are the same. Errors are compared
    only within a table. Runs of two folders are never merged, whatever their seeds: a method that occurs in more than
    one folder of a table is named after method and folder, as in "uniform-100 [gain-quick]", by the part of the path
    in which the folders of that table differ.

    Args:
        folders: what `predictornas gain` or `search` wrote.

    Raises:
        ConfigurationError: no folder, or one folder twice.
        StoreError: a folder that holds no finished study, or whose manifest or history is damaged.
    """
    return compare_results(results_in(folders))


def compare_results(results: Sequence[Result], notes: Sequence[str] = (), against: str | None = None) -> Comparison:
    """Compares every method of every result, as `compare_folders` does.

    Args:
        results: at least one.
        notes: what a reader of the comparison has to know.
        against: which published runs are among the results; None where there are none.

    Raises:
        StoreError: a history that is damaged.
    """
    values, errors, regret, read = [], [], [], {}
    for table, members in _by_table(results).items():
        read[table] = members[0].quantities
        runs = _runs_of(members, read[table]).with_columns(table=pl.lit(table))
        keys = ["table", "folder", "method", "trace", "evaluations"]
        values.append(runs)
        final, anytime = (_over_seeds(runs, quantity, keys, read[table]) for quantity in ("final", "regret"))
        errors.append(final)
        regret.append(_above_best_possible(anytime, _oracles(members[0].study)))
    judged = _judged(pl.concat(values))
    parts = pl.concat(errors), pl.concat(regret), _pairs(judged), _ranks(judged)
    return Comparison(*parts, read, tuple(notes), against)


def _over_seeds(runs: pl.DataFrame, quantity: str, keys: list[str], read: Quantities) -> pl.DataFrame:
    """Means and intervals of a quantity, each trace between its bounds, in the order of the rows."""
    rows = runs.filter(pl.col("quantity") == quantity)
    if read.signal.bounds == read.evaluation.bounds:
        return over_seeds(rows, keys, "value", bounds=read.signal.bounds)
    traces = rows["trace"].unique(maintain_order=True).to_list()
    return pl.concat(
        over_seeds(rows.filter(pl.col("trace") == trace), keys, "value", bounds=read.of(trace).bounds)
        for trace in traces
    )


def _by_table(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Results by table, named by the benchmark, and by all that differs where that is not enough."""
    groups: dict[tuple[object, ...], list[Result]] = {}
    for result in results:
        groups.setdefault(tuple(result.study.get(name) for name in TABLE), []).append(result)
    benchmarks = Counter(benchmark for benchmark, *_ in groups)
    named = {}
    for (benchmark, data, signal, evaluation), members in groups.items():
        details = f" ({signal}, {evaluation}, data {str(data)[:8]})" if benchmarks[benchmark] > 1 else ""
        named[f"{benchmark}{details}"] = members
    return named


def _runs_of(results: Sequence[Result], read: Quantities) -> pl.DataFrame:
    """Both quantities of every run on one table: `folder`, `method`, `seed`, `quantity`, `trace`, `evaluations`,
    `value`, over as many evaluations as all runs have."""
    histories = {result.folder: result.read() for result in results}
    repeated = Counter(method for history in histories.values() for method in history["method"].unique())
    curves = pl.concat(
        incumbent_curves(history, read).with_columns(
            _method_label([method for method, count in repeated.items() if count > 1], label),
            run_id=pl.concat_str("run_id", pl.lit(f"@{folder}")),  # two folders may hold the same run
            folder=pl.lit(str(folder)),
        )
        for (folder, history), label in zip(histories.items(), _folder_labels(list(histories)), strict=True)
    )
    curves = with_recommendations(curves)
    facts = ["run_id", "folder", "method", "seed", "trace"]
    reached = evaluations_of_all(curves)
    counted = curves.filter(pl.col("evaluations") <= reached)
    last = counted.filter(pl.col("evaluations") == reached).drop("evaluations")
    final = last.unpivot(on=list(TRACES), index=facts[:4], variable_name="trace", value_name="value")
    gaps = counted.group_by("run_id").agg(pl.col(TRACES).null_count())
    gaps = gaps.unpivot(on=list(TRACES), index="run_id", variable_name="trace", value_name="gaps")
    means = anytime_regret(counted, _FROM_ZERO)
    means = means.join(final.select("run_id", "folder").unique(), on="run_id", how="left", maintain_order="left")
    # a mean over the runs that have a value would be of other seeds than its neighbours
    final = final.filter(pl.col("value").is_not_null().all().over("method", "trace"))
    lacking = gaps.filter(pl.col("gaps") > 0).join(last.select("run_id", "method"), on="run_id")
    means = means.join(lacking, on=["method", "trace"], how="anti", maintain_order="left")
    quantities = {"final": final, "regret": means.rename({"regret": "value"})}
    return pl.concat(
        rows.select(*facts, pl.lit(quantity).alias("quantity"), pl.lit(reached, pl.Int64).alias("evaluations"), "value")
        for quantity, rows in quantities.items()
    )


def _method_label(repeated: Sequence[str], folder: str) -> pl.Expr:
    named = pl.concat_str("method", pl.lit(f" [{folder}]"))
    return pl.when(pl.col("method").is_in(list(repeated))).then(named).otherwise("method").alias("method")


def _folder_labels(folders: Sequence[Path]) -> list[str]:
    """What tells folders apart: their paths without the parts that all begin and end with."""
    # a published study is no place on this machine
    parts = [folder.resolve().parts if folder.exists() else folder.parts for folder in folders]
    begin = _shared_parts(parts)
    rest = [path[begin:] for path in parts]
    end = _shared_parts([path[::-1] for path in rest])
    return [Path(*path[: len(path) - end]).as_posix() for path in rest]


def _shared_parts(paths: Sequence[Sequence[str]]) -> int:
    return sum(1 for _ in itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*paths, strict=False)))


def _oracles(study: Mapping[str, object]) -> OracleErrors | None:
    """The best possible errors of a study's table; None where the store does not hold this very table."""
    name, signal, evaluation = (study.get(fact) for fact in ("benchmark", "signal", "evaluation"))
    if not is_here(str(name)):
        return None
    benchmark = open_benchmark(str(name))
    if data_fingerprint(benchmark) != study.get("data_sha256"):
        return None
    return oracle_errors(benchmark.costs(str(signal)), benchmark.costs(str(evaluation)))


def _above_best_possible(anytime: pl.DataFrame, oracles: OracleErrors | None) -> pl.DataFrame:
    best = {trace: oracles.best_possible(trace) if oracles else None for trace in TRACES}
    known = pl.col("trace").replace_strict(list(best), list(best.values()), return_dtype=pl.Float64)
    return anytime.with_columns(best_possible=known).with_columns(regret=pl.col("mean") - pl.col("best_possible"))


def _judged(values: pl.DataFrame) -> pl.DataFrame:
    """Without what the search saw of itself, unless there is nothing else: it never judges."""
    judged = values.filter(pl.col("trace") != "searched")
    return values if judged.is_empty() else judged


def _pairs(values: pl.DataFrame) -> pl.DataFrame:
    """All pairs of methods of each table, as in `Comparison.pairs`."""
    keys = ["table", "quantity", "trace", "evaluations"]
    rows: list[dict[str, object]] = []
    for group in values.partition_by(keys, maintain_order=True):
        facts = group.select(keys).row(0, named=True)
        methods = group.partition_by("method", as_dict=True, maintain_order=True)
        for (a, of_a), (b, of_b) in itertools.combinations(((name, rows) for (name,), rows in methods.items()), 2):
            both = of_a.join(of_b, on="seed").sort("seed")
            if len(both) < 2:
                continue
            found = paired_difference(*(both[column].to_numpy() for column in ("value", "value_right")))
            numbers = {"difference": found.mean, "low": found.low, "high": found.high, "pairs": found.pairs}
            numbers |= {"nonzero": found.nonzero}
            rows.append({**facts, "a": a, "b": b, **numbers})
    return pl.DataFrame(rows, schema=_PAIRS_SCHEMA).fill_nan(None)


def _ranks(values: pl.DataFrame) -> pl.DataFrame:
    """Average ranks over the tables, or over the seeds of the only table, as in `Comparison.ranks`."""
    tables = values["table"].n_unique()
    block = "table" if tables > 1 else "seed"
    keys = ["quantity", "trace"]
    ranked = []
    for group in values.partition_by(keys, maintain_order=True):
        mean = pl.col("value").mean().round(12)  # equal means stay equal, in whatever order they were added up
        cells = group.group_by(pl.col(block).alias("block"), "method", maintain_order=True).agg(mean)
        if block == "table":
            complete = cells.filter(pl.len().over("method") == tables)
        else:
            complete = cells.filter(pl.len().over("block") == cells["method"].n_unique())
        if min(complete["block"].n_unique(), complete["method"].n_unique()) >= 2:
            facts = {**group.select(keys).row(0, named=True), "block": block}
            ranked.append(
                rank_table(complete).select(*(pl.lit(value).alias(name) for name, value in facts.items()), "*")
            )
    return pl.concat(ranked) if ranked else pl.DataFrame(schema=_RANKS_SCHEMA)
