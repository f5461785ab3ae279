"""The published runs: the searches behind the documents of results, evaluation by evaluation, as one table.

They come with the package, as `runs.npz`; `docs/guides/published-runs.md` says what can be asked of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from predictornas.errors import UnknownNameError
from predictornas.packed_runs import HISTORY, POOLS, PackedRuns

__all__ = ["load", "pools", "studies"]

Names = str | Sequence[str] | None
"""A name, several, or None for all."""

_STUDIES: dict[str, Any] = {
    **dict.fromkeys(("study", "table", "space", "signal", "evaluation"), pl.String),
    "methods": pl.List(pl.String),
    "seeds": pl.List(pl.String),
    "initial": pl.List(pl.Int64),
    "evaluations": pl.Int64,
    "budget_epochs": pl.Int64,
    "pools": pl.Int64,
    "preset": pl.String,
    "command": pl.String,
    "commits": pl.List(pl.String),
    "data_sha256": pl.String,
}


def load(table: Names = None, method: Names = None, study: Names = None) -> pl.DataFrame:
    """The evaluations of the published runs, one row each, in the order of tables, studies, methods, seeds.

    Example:
        >>> from predictornas import runs
        >>> found = runs.load(table="nasbench201-cifar10", method=["random", "bananas"])
        >>> found["study"].n_unique(), len(found)
        (6, 16500)
        >>> found.select("method", "seed", "order", pl.col("value", "evaluation").round(4)).head(2).rows()
        [('random', 0, 0, 0.862, 0.8556), ('random', 0, 1, 0.8804, 0.8886)]

    Args:
        table: names of tables, as `open_benchmark` takes them.
        method: names of methods.
        study: names of studies, as `studies` lists them.

    Returns:
        `study`, `table`, `method`, `seed`, `iteration` (0 is the initial set T0), `order` (0, 1, ... within the run),
        `key` and `genes` of the architecture, `epochs`, `value` (the signal, higher is better: accuracies as
        fractions), `cost_epochs`, `predicted` (the predictor's score when it was proposed, to one part in 2^15; null
        where there was none), `proposed_by`, `recommended` (a key; null where it is the best by the signal) and
        `evaluation`. But for the score these are the values of the histories. Rows of an architecture that was proposed
        in several notations have the genes of the first.

    Raises:
        UnknownNameError: nothing of this name is published; names the nearest.
        StoreError: the file is damaged.
    """
    return _rows(PackedRuns.history, HISTORY, table, method, study)


def pools(table: Names = None, method: Names = None, study: Names = None) -> pl.DataFrame:
    """What was in the pools that predictors ranked: how many of their members are within each of many errors.

    Example:
        >>> from predictornas import runs
        >>> pools = runs.pools(study="search/nasbench101", method="bayesian-optimisation")
        >>> first = pools.filter(pl.col("pool_hits") > 0, seed=0, iteration=1)
        >>> first.select("pool_size", pl.col("target_error").round(4), "pool_hits").head(1).rows()
        [(300, 0.063, 1)]

    Args:
        table: names of tables.
        method: names of methods.
        study: names of studies. Those whose `pools` in `studies` is 0 kept none.

    Returns:
        `study`, `table`, `method`, `seed`, `iteration` (1 and up), `pool_size`, `pool_filled` (members drawn uniformly
        for want of others; null where that was not counted), `target_error` (on the signal column), and `pool_hits`
        (members whose signal error is at most that).

    Raises:
        UnknownNameError: nothing of this name is published; names the nearest.
        StoreError: the file is damaged.
    """
    return _rows(PackedRuns.pools, POOLS, table, method, study)


def studies() -> pl.DataFrame:
    """What is published, a row a study.

    Example:
        >>> from predictornas import runs
        >>> runs.studies().filter(study="search/nasbench101").select("table", "evaluations", "preset").rows()
        [('nasbench101', 300, 'default')]

    Returns:
        `study` (its folder below `docs/results`), `table`, `space`, `signal` and `evaluation` (columns of the table),
        `methods`, and for each of them `seeds` ("0-19") and `initial` (the size of T0); `evaluations` (of
        the longest run), `budget_epochs` (where epochs were limited), `pools` (how many were kept), `preset`, `command`
        (which makes the runs again; null where a script did), `commits` (of the versions that ran it) and
        `data_sha256` (of the table).

    Raises:
        StoreError: the file is damaged.
    """
    manifest = packed().manifest
    rows = [{**manifest["tables"][facts["of_table"]], **facts} for facts in manifest["studies"]]
    return pl.DataFrame([{name: row[name] for name in _STUDIES} for row in rows], schema=_STUDIES)


@lru_cache(maxsize=1)
def packed() -> PackedRuns:
    """The file, opened once."""
    return PackedRuns(Path(__file__).with_name("runs.npz"))


def _rows(read: Any, schema: dict[str, Any], table: Names, method: Names, study: Names) -> pl.DataFrame:
    """The rows of the chosen studies and methods."""
    listed = studies()
    asked = {"table": table, "study": study, "method": method}
    known = {**{name: listed[name] for name in ("table", "study")}, "method": listed["methods"].explode()}
    chosen = {name: _chosen(name, names, known[name].unique().to_list()) for name, names in asked.items()}
    found = [pl.DataFrame(schema=schema)]
    for place, facts in enumerate(listed.iter_rows(named=True)):
        methods = chosen["method"].intersection(facts["methods"])
        if facts["table"] in chosen["table"] and facts["study"] in chosen["study"] and methods:
            rows = read(packed(), place)
            found.append(
                rows if len(methods) == len(facts["methods"]) else rows.filter(pl.col("method").is_in(methods))
            )
    return pl.concat(found)


def _chosen(kind: str, names: Names, known: Collection[str]) -> set[str]:
    if names is None:
        return set(known)
    asked = {names} if isinstance(names, str) else set(names)
    for name in sorted(asked - set(known)):
        raise UnknownNameError(kind, name, known)
    return asked
