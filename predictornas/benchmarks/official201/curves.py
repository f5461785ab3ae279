"""The curves of a table that was imported from an official file of NAS-Bench-201 or NATS-Bench: how they lie, as read.

In addition to its columns such a table has a folder `curves` with everything that the file says of every epoch, as the
file says it: percent, loss, seconds an epoch, float64.

    curves/official.npy                        (n,)    the official index of each row, ascending
    curves/architectures.npy                   (m, g)  genes of all that the file names, trained or not
    curves/costs_TRAINING_SEED.npy             (n, 4)  trained (0 or 1), MFLOPs, millions of parameters, latency in s
    curves/MEASURE_SET_TRAINING_SEED.npy       (n, e)  a value an epoch, or (n, 1) where one number says all
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped

from predictornas.benchmarks.layout import CURVES, verify_file_once
from predictornas.benchmarks.official201.states import MEASURES, SETS
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, StoreError, UnknownNameError
from predictornas.reading import map_array
from predictornas.spaces.base import Genes

ALL, SAME, LAST = "all", "same", "last"
"""What is kept of a kind of curve: every epoch; one value that all epochs share; the last epoch, the others NaN."""

OFFICIAL, ARCHITECTURES = f"{CURVES}/official.npy", f"{CURVES}/architectures.npy"

COSTS = 3
"""FLOPs, parameters and latency."""


def file_of_curve(measure: str, name: str, training: str, seed: int) -> str:
    """Where a curve lies, relative to the folder of the table."""
    return f"{CURVES}/{measure}_{name}_{training}_{seed}.npy"


def file_of_costs(training: str, seed: int) -> str:
    """Where the costs of the trainings of a seed lie, relative to the folder of the table."""
    return f"{CURVES}/costs_{training}_{seed}.npy"


def spread(stored: Float[np.ndarray, "n k"], kept: str, epochs: int) -> Float[np.ndarray, "n epochs"]:
    """A value an epoch, from what is kept."""
    if kept == ALL:
        return stored
    if kept == SAME:
        return np.broadcast_to(stored, (len(stored), epochs))
    whole = np.full((len(stored), epochs), np.nan)
    whole[:, -1:] = stored
    return whole


@dataclass(frozen=True, eq=False)
class OfficialCurves:
    """Every epoch of every training of a table; arrays are mapped from disk and read-only.

    Attributes:
        table: one that was imported from an official file.
    """

    table: Benchmark

    def __post_init__(self) -> None:
        if CURVES not in self.table.manifest:
            raise ConfigurationError(
                f"{self.table.name!r} was not imported from an official file of NAS-Bench-201 or NATS-Bench and has no "
                "curves. Import one: predictornas data import nasbench201 FILE."
            )

    @cached_property
    def official(self) -> Int64[np.ndarray, " n"]:
        """`(n,)` the official index of each row, ascending: the place in the file's `meta_archs`."""
        return self._array(OFFICIAL, 1)

    @cached_property
    def architectures(self) -> Genes:
        """`(m, g)` genes of all architectures that the file names, trained or not, in its order."""
        return self._array(ARCHITECTURES, 2, whole=True)

    @property
    def trainings(self) -> dict[str, int]:
        """Epochs of each training by its official name: "12" and "200", or "01", "12" and "90"."""
        return {name: facts["epochs"] for name, facts in self._entry["trainings"].items()}

    def seeds(self, training: str) -> list[int]:
        """Seeds that any architecture was trained with, ascending."""
        return list(self._training(training)["seeds"])

    def sets(self, training: str) -> list[str]:
        """What networks were evaluated on in addition to "train", in the order of the file."""
        return list(self._training(training)["sets"])

    def trained(self, training: str, seed: int) -> Bool[np.ndarray, " n"]:
        """`(n,)` which architectures were trained with this seed."""
        return np.asarray(self._costs(training, seed)[:, 0] == 1)

    def costs(self, training: str, seed: int) -> Float[np.ndarray, "n 3"]:
        """`(n, 3)` MFLOPs, millions of parameters and seconds of latency as noted for this seed; NaN where not."""
        return self._costs(training, seed)[:, 1:]

    def curve(self, measure: str, name: str, training: str, seed: int) -> Float[np.ndarray, "n epochs"] | None:
        """`(n, epochs)` values after each epoch; None where no architecture has any.

        Args:
            measure: "accuracy" in percent, "loss", or "seconds" of that epoch alone.
            name: "train", "x-valid", "x-test" or "ori-test".
            training: its official name.
            seed: 777, 888 or 999; one of `seeds(training)`, as the trainings of 12 epochs in NATS-Bench's topology file
                carry the seed 111, and 777 on cifar10-valid alone.

        Raises:
            UnknownNameError: an unknown measure, set or training.
            StoreError: the file was altered.
        """
        for what, given, known in (("measure", measure, MEASURES), ("set", name, SETS)):
            if given not in known:
                raise UnknownNameError(what, given, known)
        epochs = self._training(training)["epochs"]
        stored = self.stored(measure, name, training, seed)
        return None if stored is None else spread(stored, self.kept(measure, name, training, seed), epochs)

    def stored(self, measure: str, name: str, training: str, seed: int) -> Float[np.ndarray, "n k"] | None:
        """As `curve`, but as it lies on disk: `(n, epochs)`, or `(n, 1)` where one number says all (see `kept`)."""
        if (measure, name, training, seed) not in self._kept:
            return None
        return self._array(file_of_curve(measure, name, training, seed), 2)

    def kept(self, measure: str, name: str, training: str, seed: int) -> str:
        """What `stored` holds: "all" epochs, one value that is the "same" at all, or that of the "last" one."""
        return self._kept[measure, name, training, seed]

    @property
    def _entry(self) -> Mapping[str, Any]:
        entry: Mapping[str, Any] = self.table.manifest[CURVES]
        return entry

    @cached_property
    def _kept(self) -> dict[tuple[str, str, str, int], str]:
        files: Sequence[Mapping[str, Any]] = self._entry["files"]
        return {(file["measure"], file["set"], file["training"], file["seed"]): file["kept"] for file in files}

    def _training(self, name: str) -> Mapping[str, Any]:
        trainings: Mapping[str, Mapping[str, Any]] = self._entry["trainings"]
        if name not in trainings:
            raise UnknownNameError("training", name, trainings)
        return trainings[name]

    def _costs(self, training: str, seed: int) -> Float[np.ndarray, "n 4"]:
        if seed not in self.seeds(training):
            raise UnknownNameError("seed", str(seed), map(str, self.seeds(training)))
        return self._array(file_of_costs(training, seed), 2)

    def _array(self, file: str, dimensions: int, *, whole: bool = False) -> Shaped[np.ndarray, "n ..."]:
        path, remedy = self.table.folder / file, f"Import {self.table.name!r} again."
        if file not in self.table.manifest["files"]:
            raise StoreError(f"{path} is not among the files of its manifest. {remedy}")
        verify_file_once(path, self.table.manifest["files"][file]["sha256"])
        array = map_array(path, error=StoreError, remedy=remedy)
        if array.ndim != dimensions or (len(array) != len(self.table) and not whole):
            raise StoreError(f"{path} has the shape {array.shape} for {len(self.table)} rows. {remedy}")
        return array
