"""Entries: what a command takes up again, journals, manifests and kept results, and what it would compute again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.errors import StoreError
from predictornas.journal import Journal
from predictornas.search.recorded import Recorded
from predictornas.spaces.cache import Arrays, cached_arrays
from predictornas.studies.folder import MANIFEST, write_manifest
from predictornas.studies.gain.manifest import read_manifest
from predictornas.studies.sealed import kept, write_sealed
from tests.fuzz.engine import Entry, always
from tests.fuzz.mutations import any_of, mutated_bytes, mutated_json, mutated_numbers, with_pieces
from tests.fuzz.tables import at_home

_JSON = any_of(mutated_json, mutated_json, mutated_numbers, mutated_bytes)


def journal(folder: Path) -> Entry:
    """The journal of a run, as the same command opens it again."""
    path = folder / "run.jsonl"
    with Journal(path) as written:
        written.append({"kind": "run", "run_id": "abc", "method": "uniform-100", "seed": 0})
        for order in range(12):
            if order % 4 == 0:
                written.append({"kind": "proposal", "iteration": order // 4, "chosen": 4, "recommended": order})
            facts = {"kind": "evaluation", "iteration": order // 4, "order": order, "key": 2**63 + order}
            facts |= {"genes": [order % 5] * 6, "epochs": 12, "value": order / 16, "cost_seconds": None}
            written.append(facts | {"cost_epochs": 12.0, "predicted": None, "proposed_by": "initial"})
    whole = path.read_bytes()

    def read() -> Any:
        with Journal(path) as opened:
            recorded = Recorded(opened, path)
        names = ("iteration", "order", "key", "epochs", "value", "cost_seconds", "cost_epochs", "predicted")
        columns = repr([recorded.column(name).tolist() for name in names])  # NaN is not equal to itself
        return recorded.identity, columns, recorded.genes().tolist(), recorded.chosen, recorded.recommended

    def must_notice(content: bytes) -> bool:
        """A file that was cut off is an earlier state of itself, which is what journals are for."""
        return not whole.startswith(content[: content.rfind(b"\n") + 1])

    mutate = any_of(mutated_bytes, with_pieces(b'"crc32":"', b'{"kind":"evaluation"', b"\n", b"}\n{"))
    return Entry(file=path, mutate=mutate, read=read, must_notice=must_notice)


def resumed_manifest(folder: Path) -> Entry:
    """`manifest.json` of a study, as the same command reads it again."""
    study = {"benchmark": "toy", "signal": "run0", "evaluation": "rest", "budget": 12, "preset": "quick"}
    methods = {name: {"strategy": {"type": "RandomSearch", "initial": 4}, "seeds": [0, 1]} for name in ("a", "b")}
    facts = {"study": study | {"engine": "indexed", "warm_start": False}, "methods": methods, "created": ""}
    write_manifest(folder, "study", facts | {"made_with": [{"x": 1}]})
    return Entry(file=folder / MANIFEST, mutate=_JSON, read=lambda: read_manifest(folder), must_notice=always)


def kept_result(folder: Path) -> Entry:
    """A result that a study keeps; a damaged one is to be made again, which counts as an error here."""
    path = folder / "fit.json"
    write_sealed(path, {"measured": {"predictor": "gcn", "size": 20, "draw": 0, "tau": 0.5, "hits": 0.25}})

    def read() -> Any:
        return _or_made_again(kept(path, "measured"))

    return Entry(file=path, mutate=_JSON, read=read, must_notice=always)


def cache_array(folder: Path) -> Entry:
    """An array of the cache; a damaged one is to be computed again, which counts as an error here."""
    return _cache(folder, "keys.npy", with_pieces(b"'shape': (", b"|O", b"\x80\x04"))


def cache_manifest(folder: Path) -> Entry:
    """`manifest.json` of arrays in the cache."""
    return _cache(folder, "manifest.json", _JSON)


def _cache(folder: Path, file: str, mutate: Callable[..., bytes]) -> Entry:
    arrays = {"keys": np.arange(40, dtype=np.uint64), "genes": np.arange(60, dtype=np.int8).reshape(20, 3)}
    with at_home(PREDICTORNAS_CACHE=folder):
        cached_arrays("toy", 1, lambda: arrays)

    def build() -> Arrays:
        return _or_made_again(None)  # type: ignore[no-any-return]

    def read() -> Any:
        with at_home(PREDICTORNAS_CACHE=folder):
            return {name: array.tolist() for name, array in cached_arrays("toy", 1, build).items()}

    return Entry(file=folder / "toy-v1" / file, mutate=mutate, read=read, must_notice=always)


def _or_made_again(found: Any) -> Any:
    if found is None:
        raise StoreError("It is made again.")
    return found
