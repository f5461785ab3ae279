"""Many searches in one small file: each measurement stands once a table, runs refer to it, pools are differences.

The file is an archive of arrays, `.npz` as numpy reads it, packed with LZMA. Numbers of several bytes lie byte by byte
(`planes`), so that the bytes that hardly change stand together. `HISTORY` and `POOLS` say what is kept of a study.
"""

from __future__ import annotations

import io
import json
import lzma
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas.errors import DataError, StoreError
from predictornas.spaces.registry import get_space

FORMAT = 1

SCORE_BITS = 14
"""Binary digits kept of a predictor's score behind the first: it is right to one part in 2^15."""

HISTORY: dict[str, Any] = {
    "study": pl.String,
    "table": pl.String,
    "method": pl.String,
    "seed": pl.Int64,
    "iteration": pl.Int64,
    "order": pl.Int64,
    "key": pl.UInt64,
    "genes": pl.List(pl.Int8),
    "epochs": pl.Int64,
    "value": pl.Float64,
    "cost_epochs": pl.Float64,
    "predicted": pl.Float32,
    "proposed_by": pl.String,
    "recommended": pl.UInt64,
    "evaluation": pl.Float64,
}
"""Columns of evaluations; as in `predictornas.history.SCHEMA`, but for the score's precision and for `genes`: those of
the first cell with this key on the table."""

POOLS: dict[str, Any] = {
    **{name: HISTORY[name] for name in ("study", "table", "method", "seed", "iteration")},
    "pool_size": pl.Int64,
    "pool_filled": pl.Int64,
    "target_error": pl.Float64,
    "pool_hits": pl.Int64,
}
"""Columns of pools, as in `predictornas.history.POOL_SCHEMA`."""

_AGAIN = "Install the package again."

_WIDTHS = {
    **dict.fromkeys(("epochs", "step", "run_method", "pool_iteration"), np.uint16),
    **dict.fromkeys(("row", "recommended", "run_length", "run_seed", "run_pools", "pool_hits"), np.uint32),
    **dict.fromkeys(("value", "evaluation"), np.uint32),
    **dict.fromkeys(("value_levels", "evaluation_levels", "targets"), np.float64),
    **dict.fromkeys(("predicted", "cost_epochs"), np.float32),
    "pool_filled": np.int32,
    "proposed_by": np.uint8,
}
"""The arrays of the file and their types; beside them stand `manifest` and the genes of each space."""


@dataclass(frozen=True)
class Source:
    """A study to be packed.

    Attributes:
        facts: what is told of it, JSON; `study` is its name, `methods` names its methods.
        table: `table` (its name), `space`, `data_sha256`, `signal`, `evaluation`.
        history: its evaluations, with the columns of `predictornas.history.SCHEMA`.
        pools: of the iterations that ranked one; None where they were not kept.
    """

    facts: Mapping[str, Any]
    table: Mapping[str, Any]
    history: pl.DataFrame
    pools: pl.DataFrame | None = None


def pack(sources: Iterable[Source]) -> bytes:
    """The content of a file of studies; the same studies give the same bytes, in whatever order.

    Args:
        sources: studies, each with a name of its own.

    Raises:
        DataError: an architecture has two values on one table, a pool has members above its largest target, or the
            rows are not sorted by method, seed and order.
    """
    ordered = sorted(sources, key=lambda source: (*_table_of(source), str(source.facts["study"])))
    tables: dict[tuple[str, str], list[Source]] = {}
    for source in ordered:
        tables.setdefault(_table_of(source), []).append(source)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in _WIDTHS}
    genes: dict[str, list[np.ndarray]] = {}
    proposers = sorted({name for source in ordered for name in source.history["proposed_by"].unique()})
    manifest: dict[str, Any] = {"format": FORMAT, "proposers": proposers, "tables": [], "studies": []}
    for number, members in enumerate(tables.values()):
        measured = _measured(members)
        table = members[0].table
        genes.setdefault(str(table["space"]), []).append(np.array(measured["genes"].to_list(), np.int8))
        parts["epochs"].append(measured["epochs"].to_numpy())
        levels = {}
        for column in ("value", "evaluation"):
            found, places = np.unique(measured[column].fill_null(np.nan).to_numpy(), return_inverse=True)
            parts[f"{column}_levels"].append(found)
            parts[column].append(places)
            levels[f"{column}_levels"] = len(found)
        manifest["tables"].append({**table, "measured": len(measured), **levels})
        _add_rows(parts, members, measured, proposers)
        for source in members:
            pools = _add_runs(parts, source)
            manifest["studies"].append({**source.facts, "of_table": number, **pools})
    arrays = {f"genes-{space}": np.concatenate(rows).T for space, rows in sorted(genes.items())}
    arrays |= {name: planes(_joined(found, _WIDTHS[name])) for name, found in parts.items()}
    text = json.dumps(manifest, sort_keys=True).encode()
    return _archive({"manifest": np.frombuffer(text, np.uint8), **arrays})


def _table_of(source: Source) -> tuple[str, str]:
    """What tells tables apart, and their order."""
    return str(source.table["table"]), json.dumps(source.table, sort_keys=True)


def _measured(members: Sequence[Source]) -> pl.DataFrame:
    """What was measured on a table, an architecture and a number of epochs each, in the order of the first mention."""
    facts = ["key", "epochs", "genes", "value", "evaluation"]
    rows = pl.concat([source.history.select(facts) for source in members])
    first = rows.unique(["key", "epochs"], keep="first", maintain_order=True)
    if rows.select("key", "epochs", "value", "evaluation").n_unique() != len(first):
        raise DataError(f"{members[0].table['table']}: an architecture has two values. Pack studies of one table only.")
    return first


def _add_rows(
    parts: dict[str, list[np.ndarray]], members: Sequence[Source], measured: pl.DataFrame, proposers: Sequence[str]
) -> None:
    """Evaluations: 0 for what is mentioned first, which is the next of those measured; otherwise its place + 1."""
    rows = pl.concat([source.history.select(_recorded(source.history)) for source in members])
    known = measured.select("key", "epochs").with_row_index("place", offset=1)
    place = rows.join(known, on=["key", "epochs"], how="left", maintain_order="left")["place"]
    parts["row"].append(np.where(place.is_first_distinct(), 0, place))
    first = known.unique("key", keep="first").select(recommended="key", named="place")
    named = rows.join(first, on="recommended", how="left", maintain_order="left")["named"]
    if named.null_count() != rows["recommended"].null_count():
        raise DataError(f"{members[0].table['table']}: a search recommends what nobody evaluated.")
    parts["recommended"].append(named.fill_null(0).to_numpy())
    parts["proposed_by"].append(rows["proposed_by"].replace_strict(list(proposers), range(len(proposers))).to_numpy())
    parts["predicted"].append(rounded(rows["predicted"].fill_null(np.nan).to_numpy()))
    parts["cost_epochs"].append(rows["cost_epochs"].fill_null(np.nan).to_numpy())


def _recorded(history: pl.DataFrame) -> list[pl.Expr]:
    """Columns of evaluations; older histories have no recommendations."""
    recommended = pl.col("recommended") if "recommended" in history.columns else pl.lit(None, pl.UInt64)
    kept = ("key", "epochs", "proposed_by", "predicted", "cost_epochs")
    return [*(pl.col(name) for name in kept), recommended.alias("recommended")]


def _add_runs(parts: dict[str, list[np.ndarray]], source: Source) -> dict[str, Any]:
    """Runs and pools of a study; says how many there are of each, of targets, and of what each method has."""
    history, run = source.history, ["method", "seed"]
    if not history.select(*run, "order").equals(history.select(*run, "order").sort(*run, "order")):
        raise DataError(f"{source.facts['study']}: the rows of a history are sorted by method, seed and order.")
    runs = history.group_by(run, maintain_order=True).agg(length=pl.len())
    steps = history.select(pl.col("iteration").diff().over(run).fill_null(pl.col("iteration")))
    parts["step"].append(steps.to_series().to_numpy())
    methods = list(source.facts["methods"])
    parts["run_method"].append(runs["method"].replace_strict(methods, range(len(methods))).to_numpy())
    parts["run_seed"].append(runs["seed"].to_numpy())
    parts["run_length"].append(runs["length"].to_numpy())
    counts = {"runs": len(runs), "evaluations": runs["length"].max(), **_of_methods(history, methods)}
    if source.pools is None:
        parts["run_pools"].append(np.zeros(len(runs), np.uint32))
        return {**counts, "pools": 0, "targets": 0}
    pools = source.pools.sort(*run, "iteration", "target_error", maintain_order=True)
    targets = pools["target_error"].unique().sort()
    if pools["target_error"].to_list() != targets.to_list() * (len(pools) // len(targets)):
        raise DataError(f"{source.facts['study']}: its pools are not counted at the same targets.")
    hits = pools["pool_hits"].to_numpy().reshape(-1, len(targets))
    each = pools.gather_every(len(targets))
    steps_up = np.diff(hits, axis=1, prepend=0)
    if (steps_up < 0).any() or not np.array_equal(hits[:, -1], each["pool_size"].to_numpy()):
        raise DataError(f"{source.facts['study']}: a pool has members above its largest target.")
    of_run = runs.join(each.group_by(run).len(), on=run, how="left", maintain_order="left")["len"].fill_null(0)
    filled = each["pool_filled"] if "pool_filled" in each.columns else pl.repeat(None, len(each), eager=True)
    parts["run_pools"].append(of_run.to_numpy())
    parts["pool_iteration"].append(each["iteration"].to_numpy())
    parts["pool_filled"].append(filled.cast(pl.Int64).fill_null(-1).to_numpy())
    parts["pool_hits"].append(steps_up.T.ravel())
    parts["targets"].append(targets.to_numpy())
    return {**counts, "pools": len(each), "targets": len(targets)}


def _of_methods(history: pl.DataFrame, methods: Sequence[str]) -> dict[str, list[Any]]:
    """For each method its seeds, as ranges, and the size of its initial set T0."""
    each = history.group_by("method", "seed").agg(initial=(pl.col("iteration") == 0).sum())
    each = each.group_by("method").agg(seeds=pl.col("seed").sort(), initial=pl.col("initial").max())
    each = pl.DataFrame({"method": methods}).join(each, on="method", how="left", maintain_order="left")
    return {"seeds": [ranges(seeds) for seeds in each["seeds"]], "initial": each["initial"].to_list()}


def ranges(numbers: Iterable[int]) -> str:
    """Ascending numbers as ranges, "0-3,7".

    Example:
        >>> ranges([0, 1, 2, 3, 7])
        '0-3,7'
    """
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in found)


def rounded(values: np.ndarray) -> np.ndarray:
    """Scores with `SCORE_BITS` binary digits behind the first, to the nearest; what is not a number stays so."""
    single = np.asarray(values, np.float32)
    drop = 23 - SCORE_BITS
    bits = (single.view(np.uint32).astype(np.uint64) + (1 << drop >> 1)) >> drop << drop
    return np.where(np.isfinite(single), bits.astype(np.uint32).view(np.float32), np.float32(np.nan))


def planes(values: np.ndarray) -> np.ndarray:
    """The bytes of numbers, `(w, n)`: first the lowest byte of each, then the next."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return little.view(np.uint8).reshape(len(values), values.dtype.itemsize).T


def from_planes(found: np.ndarray, kind: Any) -> np.ndarray:
    """The numbers that `planes` took apart."""
    dtype = np.dtype(kind)
    numbers: np.ndarray = np.ascontiguousarray(found.T).reshape(-1).view(dtype.newbyteorder("<")).astype(dtype)
    return numbers


def _joined(parts: Sequence[np.ndarray], kind: Any) -> np.ndarray:
    """Parts as one array of a type that holds all of them."""
    values = np.concatenate(parts) if parts else np.zeros(0, kind)
    made = values.astype(kind)
    if not np.array_equal(made, values, equal_nan=np.issubdtype(made.dtype, np.floating)):
        raise DataError(f"Numbers up to {values.max()} do not fit into {np.dtype(kind)}.")
    return made


def _archive(arrays: Mapping[str, np.ndarray]) -> bytes:
    """As `numpy.savez` writes it, but packed with LZMA and without the time of day."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_LZMA) as archive:
        for name, array in arrays.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), member.getvalue(), zipfile.ZIP_LZMA)
    return content.getvalue()


class PackedRuns:
    """A file of studies, opened; what is asked for is unpacked once and kept.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._arrays: dict[str, np.ndarray] = {}
        self._measured: dict[int, pl.DataFrame] = {}

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """`tables` and `studies`, whose `of_table` is the place of their table.

        Raises:
            StoreError: the file cannot be read, is damaged, or is of another version.
        """
        content: dict[str, Any] = json.loads(self._array("manifest").tobytes())
        if content["format"] != FORMAT:
            raise StoreError(f"{self.path} has format {content['format']}, this version reads {FORMAT}. {_AGAIN}")
        return content

    def history(self, study: int) -> pl.DataFrame:
        """The evaluations of a study, with the columns `HISTORY`.

        Args:
            study: its place in the manifest.
        """
        facts, runs = self.manifest["studies"][study], self._runs(study)
        measured = self.measured(facts["of_table"])
        first = int(self._array("run_length")[: runs.start].sum())
        lengths = self._array("run_length")[runs]
        rows = slice(first, first + int(lengths.sum()))
        starts = np.cumsum(lengths, dtype=np.int64) - lengths
        order = np.arange(lengths.sum(), dtype=np.int64) - np.repeat(starts, lengths)
        steps = np.cumsum(self._array("step")[rows], dtype=np.int64)
        before = np.append(0, steps)[starts]
        named = self._array("recommended")[rows].astype(np.int64)
        frame = measured[self._places[rows]].with_columns(
            *self._named(study, np.repeat(np.arange(runs.start, runs.stop), lengths)),
            iteration=steps - np.repeat(before, lengths),
            order=order,
            cost_epochs=pl.Series(self._array("cost_epochs")[rows]).fill_nan(None),
            predicted=pl.Series(self._array("predicted")[rows]).fill_nan(None),
            proposed_by=self._words(self.manifest["proposers"], self._array("proposed_by")[rows]),
            recommended=measured["key"].gather(pl.Series(named - 1).replace(-1, None)),
        )
        return _typed(frame, HISTORY)

    def pools(self, study: int) -> pl.DataFrame:
        """The pools of a study, with the columns `POOLS`; without rows where they were not kept."""
        facts, runs = self.manifest["studies"][study], self._runs(study)
        pools, targets = facts["pools"], facts["targets"]
        if not pools:
            return pl.DataFrame(schema=POOLS)
        before = self.manifest["studies"][:study]
        start = sum(other["pools"] for other in before)
        cells = sum(other["pools"] * other["targets"] for other in before)
        first = sum(other["targets"] for other in before)
        hits = self._array("pool_hits")[cells : cells + pools * targets].reshape(targets, pools).T
        hits = np.cumsum(hits, axis=1, dtype=np.int64)
        places = np.repeat(np.arange(runs.start, runs.stop), self._array("run_pools")[runs])
        frame = pl.DataFrame(
            {
                "iteration": np.repeat(self._array("pool_iteration")[start : start + pools], targets),
                "pool_size": np.repeat(hits[:, -1], targets),
                "pool_filled": pl.Series(np.repeat(self._array("pool_filled")[start : start + pools], targets)),
                "target_error": np.tile(self._array("targets")[first : first + targets], pools),
                "pool_hits": hits.ravel(),
            }
        ).with_columns(*self._named(study, np.repeat(places, targets)), pl.col("pool_filled").replace(-1, None))
        return _typed(frame, POOLS)

    def measured(self, table: int) -> pl.DataFrame:
        """What was measured on a table: `key`, `genes`, `epochs`, `value`, `evaluation`.

        Args:
            table: its place in the manifest.
        """
        if table not in self._measured:
            tables = self.manifest["tables"]
            facts, before = tables[table], tables[:table]
            rows = self._slice(before, "measured", facts)
            same = [other for other in before if other["space"] == facts["space"]]
            genes = self._array(f"genes-{facts['space']}")[:, self._slice(same, "measured", facts)].T
            columns: dict[str, Any] = {
                "key": get_space(facts["space"]).keys(np.ascontiguousarray(genes)),
                "genes": pl.Series(genes, dtype=pl.Array(pl.Int8, genes.shape[1])).cast(pl.List(pl.Int8)),
                "epochs": self._array("epochs")[rows],
            }
            for column in ("value", "evaluation"):
                levels = self._array(f"{column}_levels")[self._slice(before, f"{column}_levels", facts)]
                columns[column] = pl.Series(levels[self._array(column)[rows]]).fill_nan(None)
            self._measured[table] = pl.DataFrame(columns)
        return self._measured[table]

    @cached_property
    def _places(self) -> np.ndarray:
        """Of each evaluation of the file the place of what it measured, on its table."""
        rows, lengths = self._array("row"), self._array("run_length")
        places = rows.astype(np.int64) - 1
        start, first = 0, 0
        for table in range(len(self.manifest["tables"])):
            runs = sum(study["runs"] for study in self.manifest["studies"] if study["of_table"] == table)
            stop = start + int(lengths[first : first + runs].sum())
            news = rows[start:stop] == 0
            places[start:stop][news] = np.arange(news.sum())
            start, first = stop, first + runs
        return places

    def _runs(self, study: int) -> slice:
        return self._slice(self.manifest["studies"][:study], "runs", self.manifest["studies"][study])

    @staticmethod
    def _slice(before: Sequence[Mapping[str, int]], name: str, facts: Mapping[str, int]) -> slice:
        start = sum(other[name] for other in before)
        return slice(start, start + facts[name])

    def _named(self, study: int, runs: np.ndarray) -> list[pl.Expr | pl.Series]:
        """Study, table, method and seed of rows, by the place of their run in the file."""
        facts = self.manifest["studies"][study]
        return [
            pl.lit(facts["study"]).alias("study"),
            pl.lit(self.manifest["tables"][facts["of_table"]]["table"]).alias("table"),
            self._words(facts["methods"], self._array("run_method")[runs]).alias("method"),
            pl.Series("seed", self._array("run_seed")[runs]),
        ]

    @staticmethod
    def _words(words: Sequence[str], places: np.ndarray) -> pl.Series:
        return pl.Series(words, dtype=pl.String).gather(places)

    def _array(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            try:
                with np.load(self.path, allow_pickle=False) as archive:
                    found = archive[name]
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, lzma.LZMAError) as error:
                raise StoreError(f"{self.path} cannot be read: {error}. {_AGAIN}") from error
            self._arrays[name] = from_planes(found, _WIDTHS[name]) if name in _WIDTHS else found
        return self._arrays[name]


def _typed(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    return frame.select(pl.col(name).cast(kind) for name, kind in schema.items())
