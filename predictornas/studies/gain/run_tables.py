"""Tidy tables of runs, made from their journals run by run and column by column."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Int8

from predictornas.benchmarks.table import Benchmark
from predictornas.errors import JournalError
from predictornas.history import POOL_SCHEMA, SCHEMA
from predictornas.journal import iterate_records
from predictornas.search.recorded import Recorded
from predictornas.spaces.base import SearchSpace
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.gain.runs import Run
from predictornas.studies.tidy_tables import write_table

POLARS: dict[str, Any] = {
    "str": pl.String,
    "int64": pl.Int64,
    "uint64": pl.UInt64,
    "float64": pl.Float64,
    "list[int8]": pl.List(pl.Int8),
}
"""Types of the columns of the schemas in `predictornas.history`."""

_NULLABLE = ("cost_seconds", "cost_epochs", "predicted")


def consolidate(folder: Path, opened: OpenedStudy, runs: Iterable[Run]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Writes `history.parquet` and `pools.parquet` from the journals of runs, in the order of methods and seeds.

    Args:
        folder: the study's folder.
        opened: the study; the evaluation column is joined from its table.
        runs: those that have ended.

    Raises:
        JournalError: a damaged journal, or one with another number of targets.
        StoreError: a journal cannot be read, or a table cannot be written.
    """
    histories, pools = [_empty(SCHEMA)], [_empty(POOL_SCHEMA)]
    targets = opened.targets["target_error"].to_list()
    notation = Notation(opened.benchmark.space)
    for run in sorted(runs, key=lambda run: (run.method, run.seed)):
        recorded = read_run(run.journal(folder))
        histories.append(run_history(run.identity, recorded, notation))
        pools.append(_run_pools(run.identity, recorded, targets))
    history = _with_evaluation(pl.concat(histories), opened.benchmark)
    pool_frame = pl.concat(pools)
    write_table(folder / "history.parquet", history)
    write_table(folder / "pools.parquet", pool_frame)
    return history, pool_frame


def read_run(journal: Path) -> Recorded:
    """What the journal of a run holds.

    Raises:
        JournalError: it is damaged.
        StoreError: it cannot be read.
    """
    return Recorded(iterate_records(journal), journal)


class Notation:
    """Architectures in the notation of their space, each worked out once."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._known: dict[bytes, str] = {}

    def of(self, genes: Int8[np.ndarray, "n g"]) -> list[str]:
        """One text for each row."""
        return [self._known.get(row.tobytes()) or self._described(row) for row in genes]

    def _described(self, row: Int8[np.ndarray, " g"]) -> str:
        return self._known.setdefault(row.tobytes(), self._space.describe(row))


def run_history(identity: Mapping[str, Any], recorded: Recorded, notation: Notation) -> pl.DataFrame:
    """The evaluations of a run with the columns of `predictornas.history.SCHEMA`; `evaluation` is null.

    Each has the last recommendation made from it and those before it: that of iteration t knows all evaluations of the
    iterations before t.

    Args:
        identity: of the run: `run_id`, `method`, `seed`.
        recorded: its journal.
        notation: of its space.
    """
    genes, (proposers, places) = recorded.genes(), recorded.proposed_by()
    columns = {name: pl.Series(recorded.column(name)) for name in ("iteration", "order", "key", "epochs", "value")}
    columns |= {name: pl.Series(recorded.column(name)).fill_nan(None) for name in _NULLABLE}
    frame = pl.DataFrame(
        columns
        | {
            "genes": pl.Series(genes, dtype=pl.Array(pl.Int8, genes.shape[1])).cast(pl.List(pl.Int8)),
            "architecture": pl.Series(notation.of(genes), dtype=pl.String),
            "proposed_by": pl.Series(proposers, dtype=pl.String).gather(places.astype(np.uint32)),
            "recommended": _recommendations(recorded),
        }
    )
    return completed(frame, identity, SCHEMA)


def _recommendations(recorded: Recorded) -> pl.Series:
    iterations = recorded.column("iteration")
    known = iterations + np.append(iterations[1:] != iterations[:-1], True)[: len(iterations)]
    return pl.Series([recorded.recommended.get(iteration) for iteration in known.tolist()], dtype=pl.UInt64)


def _run_pools(identity: Mapping[str, Any], recorded: Recorded, targets: Sequence[float]) -> pl.DataFrame:
    pools = recorded.pools
    if len(pools.hits) != len(pools.sizes) * len(targets):
        raise JournalError(
            f"{recorded.source}: {len(pools.hits)} counts of {len(pools.sizes)} pools at {len(targets)} targets. Its "
            "table was another one. Move the file away to start over."
        )
    frame = pl.DataFrame(
        {
            "iteration": np.repeat(np.array(pools.iterations, np.int64), len(targets)),
            "pool_size": np.repeat(np.array(pools.sizes, np.int64), len(targets)),
            "pool_filled": pl.Series(np.repeat(np.array(pools.filled, np.int64), len(targets))).replace(-1, None),
            "target_error": np.tile(np.array(targets, np.float64), len(pools.sizes)),
            "pool_hits": np.array(pools.hits, np.int64),
        }
    )
    return completed(frame, identity, POOL_SCHEMA)


def completed(frame: pl.DataFrame, identity: Mapping[str, Any], schema: Mapping[str, str]) -> pl.DataFrame:
    """With the columns of a schema, in its order: those that the frame lacks are of the run, or null.

    Args:
        frame: some of the columns.
        identity: of the run: `run_id`, `method`, `seed`.
        schema: names and types.
    """
    lacking = [
        pl.lit(identity.get(name), POLARS[kind]).alias(name)
        for name, kind in schema.items()
        if name not in frame.columns
    ]
    return frame.with_columns(lacking).select(pl.col(name).cast(POLARS[kind]) for name, kind in schema.items())


def _empty(schema: Mapping[str, str]) -> pl.DataFrame:
    return pl.DataFrame(schema={name: POLARS[kind] for name, kind in schema.items()})


def _with_evaluation(history: pl.DataFrame, benchmark: Benchmark) -> pl.DataFrame:
    if history.is_empty():
        return history
    rows = benchmark.rows(history["key"].to_numpy())
    values = benchmark.column(benchmark.evaluation).worth(benchmark.values(benchmark.evaluation)[rows])
    return history.with_columns(pl.Series("evaluation", values).fill_nan(None))
