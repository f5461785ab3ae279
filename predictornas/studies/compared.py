"""What a comparison is made of: the study and the history of a result folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import NoneType

import polars as pl

from predictornas.benchmarks.layout import checked_column
from predictornas.errors import ConfigurationError, StoreError
from predictornas.quantity import ERRORS, Quantities
from predictornas.reading import CHECKSUM, Kinds, checked_object, read_json, shown_path, unsealed
from predictornas.studies.folder import KINDS, owner_of
from predictornas.studies.tidy_tables import read_table

TABLE = ("benchmark", "data_sha256", "signal", "evaluation")
"""What studies of the same table have in common."""

_STUDY: Kinds = {"benchmark": str, "data_sha256": str, "signal": str, "evaluation": (str, NoneType)}

_HISTORY = {
    **dict.fromkeys(("run_id", "method"), pl.String),
    **dict.fromkeys(("seed", "order", "epochs"), pl.Int64),
    "key": pl.UInt64,
    **dict.fromkeys(("value", "cost_seconds", "cost_epochs", "evaluation"), pl.Float64),
}

_REMEDY = "Run the command that made {folder} again: it continues from the journals and writes its tables anew."


@dataclass(frozen=True)
class Result:
    """What is compared: runs of one study.

    Attributes:
        folder: what names it: the folder that holds it, or would.
        study: what it was, of its manifest; `TABLE` tells its table.
        read: its history, as in `predictornas.history.SCHEMA`.
    """

    folder: Path
    study: Mapping[str, object]
    read: Callable[[], pl.DataFrame]

    @property
    def quantities(self) -> Quantities:
        """How its costs are read: as errors of accuracies unless it says what else its columns are."""
        if "columns" not in self.study:
            return ERRORS
        where = f"{shown_path(self.folder)}/manifest.json: columns"
        remedy = _REMEDY.format(folder=shown_path(self.folder))
        entries = self.study["columns"]
        if not isinstance(entries, list) or len(entries) != 2:
            raise StoreError(f"{where}: the signal and the evaluation were expected. {remedy}")
        return Quantities(*(checked_column(entry, where, remedy).quantity for entry in entries))


def results_in(folders: Sequence[Path]) -> list[Result]:
    """The results of folders that `gain` or `search` wrote; histories are read when they are asked for.

    Raises:
        ConfigurationError: no folder, or one folder twice, or one that holds something else.
        StoreError: a folder that holds no finished study, or whose manifest is damaged.
    """
    if not folders:
        raise ConfigurationError(
            "Name at least one result folder, as in: predictornas compare gain-nasbench201-cifar10"
        )
    places = Counter(folder.resolve() for folder in folders)
    twice = [str(folder) for folder, count in places.items() if count > 1]
    if twice:
        raise ConfigurationError(f"{twice[0]} is named {places[Path(twice[0])]} times. Name each folder once.")
    return [Result(folder, _study(folder), partial(_history, folder)) for folder in folders]


def _study(folder: Path) -> Mapping[str, object]:
    kind = _other_kind(folder)
    if kind == "objectives":
        raise ConfigurationError(
            f"{shown_path(folder)} holds results for several objectives or limits, which `compare` does not compare. "
            "To compare methods, name them in one command: gain --methods A,B with the same objectives and limits."
        )
    if kind is not None:
        raise ConfigurationError(
            f"{shown_path(folder)} holds results of {KINDS[kind]}, which `compare` cannot read. "
            f"Name folders of {KINDS['study']}."
        )
    where, remedy = shown_path(folder), _REMEDY.format(folder=shown_path(folder))
    with suppress(OSError):  # of a name that cannot be, the reader below says why
        if not folder.exists():
            raise StoreError(f"{where} does not exist. Name folders that `gain` or `search` wrote.")
    content = read_json(folder / "manifest.json", error=StoreError, remedy=f"{where} holds no finished study. {remedy}")
    manifest = checked_object(content, {"study": dict}, f"{where}/manifest.json", error=StoreError, remedy=remedy)
    if CHECKSUM in manifest or "kind" in manifest:  # older versions wrote neither
        manifest = unsealed(manifest, f"{where}/manifest.json", error=StoreError, remedy=remedy)
    study = manifest["study"]
    checked_object(study, _STUDY, f"{where}/manifest.json: study", error=StoreError, remedy=remedy)
    return {**study, "evaluation": study["evaluation"] or study["signal"]}  # older versions wrote none for one column


def _other_kind(folder: Path) -> str | None:
    """What a folder holds instead of a study; None also where its manifest cannot be read, which is told later."""
    try:
        kind, _ = owner_of(folder)
    except StoreError:
        return None
    return None if kind == "study" else kind


def _history(folder: Path) -> pl.DataFrame:
    remedy = _REMEDY.format(folder=shown_path(folder))
    history = read_table(folder / "history.parquet", _HISTORY, remedy=remedy)
    if history.is_empty():
        raise StoreError(f"{shown_path(folder)}/history.parquet holds no evaluation. {remedy}")
    return history
