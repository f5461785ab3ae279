"""Writes the curves of one data set, architecture by architecture in any order, each kind of curve as one array file.

A curve is written where it belongs as soon as it is there, so memory holds none of them. Two kinds take one number
an architecture instead of one an epoch: time, which the official files know as one estimate for all epochs, and sets
that were evaluated after the last epoch only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64

from predictornas.benchmarks.official201.curves import (
    ALL,
    COSTS,
    LAST,
    OFFICIAL,
    SAME,
    file_of_costs,
    file_of_curve,
    spread,
)
from predictornas.benchmarks.official201.states import Trial
from predictornas.errors import DataError

MOST_ARCHITECTURES = 1 << 17
"""Places of a file; the larger of the two official spaces has 32,768."""

MOST_SEEDS = 10

_HEADER = 128  # bytes before the values: enough for any shape, so that it can be written last
_VERSION = b"\x93NUMPY\x01\x00"


class CurveFiles:
    """The curves of one data set, on their way to the folder of its table."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._curves: dict[tuple[str, str, str, int], _CurveFile] = {}
        self._costs: dict[tuple[str, int], Float[np.ndarray, "places costs"]] = {}
        self._trained: dict[tuple[str, int], Bool[np.ndarray, " places"]] = {}
        self._trainings: dict[str, dict[str, Any]] = {}

    def put(self, place: int, trial: Trial) -> None:
        """Takes in one training of the architecture with this official index.

        Raises:
            DataError: a training of another length than those of other architectures, or of too many seeds.
        """
        known = self._trainings.setdefault(
            trial.training, {"epochs": trial.epochs, "sets": list(trial.sets), "seeds": []}
        )
        if known["epochs"] != trial.epochs:
            raise DataError(f"trainings {trial.training!r} of {known['epochs']} and of {trial.epochs} epochs")
        key = trial.training, trial.seed
        if key not in self._trained:
            known["seeds"] = sorted([*known["seeds"], trial.seed])
            if len(known["seeds"]) > MOST_SEEDS:
                raise DataError(f"trainings of more than {MOST_SEEDS} seeds: {known['seeds']}")
            self._costs[key], self._trained[key] = np.full((64, COSTS), np.nan), np.zeros(64, bool)
        self._costs[key] = _reaching(self._costs[key], place, np.nan)
        self._trained[key] = _reaching(self._trained[key], place, False)
        self._costs[key][place], self._trained[key][place] = trial.costs, True
        for (measure, name), values in trial.curves.items():
            where = (measure, name, trial.training, trial.seed)
            if where not in self._curves:
                path = self._folder / file_of_curve(*where)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._curves[where] = _CurveFile(path, trial.epochs)
            self._curves[where].put(place, values)

    def places(self) -> Int64[np.ndarray, " n"]:
        """The official indexes of the architectures that were trained, ascending."""
        found = [np.flatnonzero(trained) for trained in self._trained.values()]
        return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)

    def finish(self, places: Int64[np.ndarray, " n"]) -> dict[str, Any]:
        """Completes the files for a table of these architectures, in this order (ascending).

        Returns:
            The entry `curves` of the table's manifest.
        """
        for (training, seed), costs in self._costs.items():
            whole = _reaching(costs, int(places.max()), np.nan)
            trained = _reaching(self._trained[training, seed], int(places.max()), False)
            np.save(self._folder / file_of_costs(training, seed), np.column_stack([trained, whole])[places])
        np.save(self._folder / OFFICIAL, places)
        files = [
            {"measure": measure, "set": name, "training": training, "seed": seed, "kept": curve.finish(places)}
            for (measure, name, training, seed), curve in sorted(self._curves.items(), key=lambda item: item[0])
        ]
        trainings = {name: self._trainings[name] for name in sorted(self._trainings)}
        return {"trainings": trainings, "files": files}

    def close(self) -> None:
        """Gives the open files back, finished or not."""
        for curve in self._curves.values():
            curve.close()


class _CurveFile:
    """One kind of curve: `(place, epochs)` on disk, or one number a place while that says all."""

    def __init__(self, path: Path, epochs: int) -> None:
        self._path = path
        self._epochs = epochs
        self._kept = ""
        self._known = np.zeros(64, bool)
        self._single = np.full(64, np.nan)
        self._handle: int | None = None

    def put(self, place: int, values: Float[np.ndarray, " epochs"]) -> None:
        kind = _kind(values)
        if (self._handle is None and kind != (self._kept or kind)) or (kind == ALL and self._handle is None):
            self._write_all()
        self._kept = ALL if self._handle is not None else kind
        self._known, self._single = _reaching(self._known, place, False), _reaching(self._single, place, np.nan)
        self._known[place], self._single[place] = True, values[-1]
        if self._handle is not None:
            self._write(self._handle, place, values)

    def finish(self, places: Int64[np.ndarray, " n"]) -> str:
        """Writes the array of these places and says which of its epochs it keeps."""
        self._known = _reaching(self._known, int(places.max()), False)
        self._single = _reaching(self._single, int(places.max()), np.nan)
        if self._handle is None:
            np.save(self._path, self._single[places][:, None])
            return self._kept
        self._close_up(self._handle, places)
        os.pwrite(self._handle, _header(len(places), self._epochs), 0)
        self.close()
        return ALL

    def close(self) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _write_all(self) -> None:
        """Goes over to whole curves: what was kept as one number is written out."""
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        for place in np.flatnonzero(self._known).tolist():
            self._write(self._handle, place, spread(self._single[place : place + 1, None], self._kept, self._epochs)[0])

    def _write(self, handle: int, place: int, values: Float[np.ndarray, " epochs"]) -> None:
        os.pwrite(handle, values.astype("<f8").tobytes(), _HEADER + 8 * self._epochs * place)

    def _close_up(self, handle: int, places: Int64[np.ndarray, " n"]) -> None:
        """Moves the rows together where the table lacks places; those without this curve become NaN."""
        width, nothing = 8 * self._epochs, np.full(self._epochs, np.nan)
        for row, place in enumerate(places.tolist()):  # ascending: no row is written over before it has moved
            if not self._known[place]:
                self._write(handle, row, nothing)
            elif row != place:
                os.pwrite(handle, os.pread(handle, width, _HEADER + width * place), _HEADER + width * row)
        os.truncate(handle, _HEADER + width * len(places))


def _kind(values: Float[np.ndarray, " epochs"]) -> str:
    if (values == values[0]).all():
        return SAME
    return LAST if np.isnan(values[:-1]).all() else ALL


def _reaching(array: Any, place: int, fill: Any) -> Any:
    """The array, or a longer one that reaches the place."""
    if place < len(array):
        return array
    longer = np.full((2 * place + 1, *array.shape[1:]), fill, array.dtype)
    longer[: len(array)] = array
    return longer


def _header(rows: int, epochs: int) -> bytes:
    """The start of a file of numpy's format, version 1."""
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {epochs}), }}".encode()
    free = _HEADER - len(_VERSION) - 2
    return _VERSION + free.to_bytes(2, "little") + text.ljust(free - 1) + b"\n"
