"""A benchmark that travels to a machine which may not have it."""

from __future__ import annotations

import fcntl
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np
from jaxtyping import UInt8

from predictornas.benchmarks.layout import MANIFEST, read_manifest, verify_file_once
from predictornas.errors import StoreError
from predictornas.files import cache_home, data_home, remove_leftovers, writing_folder

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Table = TypeVar("Table", bound="DataclassInstance")
"""`Benchmark`, which packs itself and so cannot be imported here."""


@dataclass(frozen=True)
class PackedBenchmark(Generic[Table]):
    """What `Benchmark.packed` returns: the name of a table and a checksum of all that it holds; the files on demand.

    Attributes:
        folder: where the table lies on the machine that packed it.
        manifest: the table's.
        signal: the column that drives a search.
        evaluation: the column that judges it.
        open: opens the folder of a table, `Benchmark.open`.
    """

    folder: Path
    manifest: Mapping[str, Any]
    signal: str
    evaluation: str
    open: Callable[[Path], Table]

    def content(self) -> dict[str, UInt8[np.ndarray, " bytes"]]:
        """The bytes of every file of the table, by name."""
        return {name: np.fromfile(self.folder / name, np.uint8) for name in (MANIFEST, *self.manifest["files"])}

    def unpacked(self, content: Callable[[], Mapping[str, UInt8[np.ndarray, " bytes"]]]) -> Table:
        """The same table: from its folder or this machine's store if they hold it, else from this machine's cache.

        Args:
            content: fetches what `content` returned; called if the table is nowhere on this machine.

        Raises:
            StoreError: the cache cannot be written, or the content was damaged on the way.
        """
        table = self._opened(self.folder) or self._opened(data_home() / str(self.manifest["name"]))
        if table is None:
            table = self._from_cache(content)
        return replace(table, signal=self.signal, evaluation=self.evaluation)

    def _from_cache(self, content: Callable[[], Mapping[str, UInt8[np.ndarray, " bytes"]]]) -> Table:
        print_of = hashlib.sha256(json.dumps(self.manifest, sort_keys=True).encode()).hexdigest()
        folder = cache_home() / "tables" / print_of
        with _alone(folder.with_suffix(".lock")):
            table = self._opened(folder, verified=True)
            if table is None:
                remove_leftovers(folder.parent)
                with writing_folder(folder) as temporary:
                    for name, array in content().items():
                        (temporary / name).parent.mkdir(exist_ok=True)
                        array.tofile(temporary / name)
                table = self._opened(folder, verified=True)
        if table is None:
            raise StoreError(
                f"The table {self.manifest['name']!r} arrived damaged in {folder}. Start the same command again."
            )
        return table

    def _opened(self, folder: Path, *, verified: bool = False) -> Table | None:
        """The table in a folder; None if it is not there, is another one, or, where verified, is damaged."""
        try:
            if read_manifest(folder) != self.manifest:
                return None
            table = self.open(folder)
            if verified:
                for name, facts in self.manifest["files"].items():
                    verify_file_once(folder / name, facts["sha256"])
        except StoreError:
            return None
        return table


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a lock in the block, so that of many processes of a machine one writes what all of them read."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise StoreError(
            f"Could not write {path}: {error}. Set PREDICTORNAS_CACHE to a folder you may write to."
        ) from error
