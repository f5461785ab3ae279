"""A search in a folder: everything asked and told is on disk before it counts, so that a killed one goes on."""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.description import describe, differences
from predictornas.errors import ConfigurationError, StoreError
from predictornas.journal import Journal, iterate_records
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.restricted import RestrictedSpace

JOURNAL = "search.jsonl"
"""The journal of a folder: a record for the search, then one for each ask, tell, drop and add."""

_open: weakref.WeakValueDictionary[Path, SearchFolder] = weakref.WeakValueDictionary()


class SearchFolder:
    """The journal of one search. Whoever opens a folder again in the same process takes it over.

    That is what happens when a cell of a notebook runs twice; another process is refused while this one has the folder.

    Args:
        folder: where the journal is; made where it is missing.
        identity: what makes this search itself, see `identity_of`.

    Raises:
        ConfigurationError: the folder has a search with another identity; names what differs.
        BusyJournalError: another process has it open.
        JournalError: the journal is damaged.
        StoreError: it cannot be written.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any]) -> None:
        path, begun = folder.absolute() / JOURNAL, {"kind": "search", **identity}
        if path.exists():
            _refuse_another(path, begun)  # before anything is taken over
        if path in _open:
            _open[path].close()
        self._journal = Journal(path)
        self._is_open = True
        weakref.finalize(self, self._journal.close)
        if not len(self._journal):
            self._journal.append(begun)
        _refuse_another(path, begun)  # that another process began meanwhile
        _open[path] = self

    def events(self) -> Iterator[dict[str, Any]]:
        """Everything that was asked, told, dropped and added, the oldest first."""
        return (record for record in self._journal if record["kind"] != "search")

    def append(self, event: Mapping[str, Any]) -> None:
        """Writes an event.

        Raises:
            StoreError: the folder was closed or opened anew, or cannot be written.
        """
        if not self._is_open:
            raise StoreError(
                f"The search in {self._journal.path.parent} was closed, or opened anew by this process. Go on with the "
                "search that was opened last."
            )
        self._journal.append({name: _as_json(value) for name, value in event.items()})

    def close(self) -> None:
        """Lets go of the folder; safe to call twice."""
        self._is_open = False
        self._journal.close()


def _refuse_another(path: Path, begun: Mapping[str, Any]) -> None:
    found = next(iterate_records(path), begun)
    if found != begun:
        raise ConfigurationError(
            f"{path.parent} holds another search: {'; '.join(differences(found, begun, ('there', 'here')))}. Open it "
            "as it was begun, or choose another folder."
        )


def identity_of(space: SearchSpace, strategy: Strategy, seed: int) -> dict[str, Any]:
    """What a search is known by, as JSON.

    Raises:
        ConfigurationError: a space or strategy that cannot be told from another of its kind; see `describe`.
    """
    described = {"name": space.name, "described": describe(space)}
    if isinstance(space, RestrictedSpace):
        described["keys"] = describe(space.enumerated_keys())
    return {"space": described, "strategy": describe(strategy), "seed": int(seed)}


def _as_json(value: Any) -> Any:
    """Arrays as lists, what is not finite as null; a real number is the same when it is read again."""
    if isinstance(value, np.ndarray):
        return _as_json(value.tolist())
    if isinstance(value, list):
        return [_as_json(entry) for entry in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
