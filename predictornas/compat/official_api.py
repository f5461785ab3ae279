"""What the interfaces of `nas_201_api` and of `nats_bench` share: indexes, queries, costs and simulated training."""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from predictornas.compat import official_text
from predictornas.compat.official_results import SEED_OF_RIGHT_COSTS, ArchResults
from predictornas.compat.official_store import OfficialQueryError, OfficialStore, opened
from predictornas.compat.official_trials import NO_WEIGHTS, Arithmetic
from predictornas.errors import ConfigurationError

Source = str | os.PathLike[str] | dict[str, Any]
"""A file or a name; a dictionary, which the official packages take too, is refused with a reason."""

OfSeeds = Mapping[int, tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]]
"""By seed a value of every row, and which rows were trained with it."""

_KEPT = 256  # architectures whose results are kept at hand

_WORKED_OUT = ("meta_archs", "archstr2index", "arch2infos_dict", "_info")
"""Attributes that no pickle holds: they follow from the store, and the memory of answers cannot be pickled."""

_TEST = {"cifar10-valid": "ori-test", "cifar10": "ori-test"}
_VALIDATED = ("cifar10", "cifar100", "ImageNet16-120")


class OfficialAPI:
    """The queries that both packages offer; each adds its own names and texts.

    Args:
        source: the official file, a `-simple` folder, or the name that one was imported under.
        space: the search space that it must hold.
        arithmetic: how means are computed.
        verbose: kept, not used: queries print nothing.

    Attributes:
        meta_archs: the architecture of each index.
        archstr2index: the index of each architecture.
        arch2infos_dict: by index, the `ArchResults` of each training; read from the table when asked for.
        filename: the name of the file, or of the imported tables.
        verbose: as given.
    """

    _joint = ", "
    """Between loss and accuracy in texts."""
    _tests_valid = False
    """Whether the texts show the test set of "cifar10-valid" too."""

    def __init__(self, source: Source, space: str, arithmetic: Arithmetic, verbose: bool) -> None:
        if not isinstance(source, (str, os.PathLike)):
            raise ConfigurationError(
                f"A {type(source).__name__} cannot be opened. Give the path of the official file, or the name that it "
                "was imported under."
            )
        self._store, self.filename = opened(source, space)
        self._arithmetic = arithmetic
        self.verbose = verbose
        self._attach()
        self.reset_time()

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in _WORKED_OUT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._attach()

    def _attach(self) -> None:
        """Sets what follows from the store; a copy in another process works it out anew."""
        self.meta_archs = self._store.names
        self.archstr2index = self._store.index_of
        self.arch2infos_dict: Mapping[int, Mapping[str, ArchResults]] = _Infos(self._store, self._arithmetic)
        self._info = lru_cache(_KEPT)(self._uncached_info)

    def __getitem__(self, index: int) -> str:
        return self.meta_archs[index]

    def __len__(self) -> int:
        return len(self.meta_archs)

    def __iter__(self) -> Iterator[str]:
        return iter(self.meta_archs)

    def arch(self, index: int) -> str:
        """The architecture of an index.

        Raises:
            OfficialQueryError: no such index.
        """
        if not 0 <= index < len(self):
            raise OfficialQueryError(f"Indexes are 0 to {len(self) - 1}, not {index}.")
        return self.meta_archs[index]

    @property
    def avaliable_hps(self) -> list[str]:
        """The names of the trainings (the official spelling)."""
        return list(self._store.trainings)

    @property
    def used_time(self) -> int | float:
        """Seconds of training and validation that `simulate_train_eval` has added up."""
        return self._used_time

    def reset_time(self) -> None:
        """Sets `used_time` to zero."""
        self._used_time: int | float = 0

    def random(self) -> int:
        """An index drawn from Python's `random`."""
        return random.randint(0, len(self) - 1)

    def query_index_by_arch(self, arch: Any) -> int:
        """The index of an architecture: a text, an object with `tostr()`, or an index itself; -1 where unknown.

        Raises:
            OfficialQueryError: an index that there is not.
        """
        if isinstance(arch, (int, np.integer)):
            self.arch(int(arch))
            return int(arch)
        text = arch.tostr() if hasattr(arch, "tostr") else arch
        return self.archstr2index.get(text, -1) if isinstance(text, str) else -1

    def query_by_arch(self, arch: Any, hp: str) -> str | None:
        """The same as `query_info_str_by_arch`."""
        return self.query_info_str_by_arch(arch, hp)

    def query_info_str_by_arch(self, arch: Any, hp: str = "12") -> str | None:
        """Costs and last metrics of an architecture, as text; None and a warning where it was not trained.

        Raises:
            OfficialQueryError: no such training.
        """
        index = self.query_index_by_arch(arch)
        if index not in self.arch2infos_dict:
            warnings.warn(f"Architecture {arch!r} (index {index}) was not trained.", stacklevel=2)
            return None
        return "\n".join(self._lines(self._info(index, str(hp)), f"arch-index={index}"))

    def query_meta_info_by_index(self, arch_index: int, hp: str = "12") -> ArchResults:
        """The results of an architecture; what is changed in them stays theirs.

        Raises:
            OfficialQueryError: not trained, or no such training.
        """
        return self._uncached_info(arch_index, str(hp))

    def query_by_index(self, arch_index: int, dataname: str | None = None, hp: str = "12") -> Any:
        """The results of an architecture, or those on one data set by seed.

        Raises:
            OfficialQueryError: not trained, no such training or data set.
        """
        info = self.query_meta_info_by_index(arch_index, hp)
        return info if dataname is None else info.query(dataname)

    def get_more_info(
        self, index: Any, dataset: str, iepoch: int | None = None, hp: str = "12", is_random: bool | int = True
    ) -> dict[str, Any]:
        """Loss, accuracy (percent) and seconds of training, validation and test after an epoch.

        Args:
            index: index, text or object.
            dataset: what it was trained on.
            iepoch: counted from 0; None for the last.
            hp: the training.
            is_random: True for a seed drawn from Python's `random`, False for the mean of all, or a seed.

        Returns:
            `train-loss`, `train-accuracy`, `train-per-time`, `train-all-time`; the same for `valid`, `test` and
            `valtest` (the whole of the official test images) where these were evaluated after that epoch.

        Raises:
            OfficialQueryError: not trained, no such training, data set, epoch or seed.
        """
        found = self._info(self.query_index_by_arch(index), str(hp))
        if is_random is True:
            is_random = random.choice(found.get_dataset_seeds(dataset))
        train = found.get_metrics(dataset, "train", iepoch, is_random)
        epochs, halved = train["iepoch"] + 1, dataset not in _TEST
        sets = {"valid": "x-valid", "test": _TEST.get(dataset, "x-test")} | ({"valtest": "ori-test"} if halved else {})
        if dataset == "cifar10-valid":
            found.get_metrics(dataset, "x-valid", iepoch, is_random)  # the one set that may not lack
        info = _part("train", train, epochs)
        for part, name in sets.items():
            try:
                info |= _part(part, found.get_metrics(dataset, name, iepoch, is_random), epochs)
            except OfficialQueryError:
                continue
        return info

    def get_cost_info(self, index: int, dataset: str, hp: str = "12") -> dict[str, Any]:
        """`flops` and `params` in millions, `latency` and times in seconds.

        Raises:
            OfficialQueryError: not trained, no such training or data set.
        """
        return self._info(index, str(hp)).get_compute_costs(dataset)

    def get_latency(self, index: int, dataset: str, hp: str = "12") -> Any:
        """Seconds for a batch of 256; None where not known.

        Raises:
            OfficialQueryError: not trained, no such training or data set.
        """
        return self.get_cost_info(index, dataset, hp)["latency"]

    def get_net_config(self, index: int, dataset: str) -> dict[str, Any]:
        """What the network is built from.

        Raises:
            OfficialQueryError: not trained, or no such data set.
        """
        info = self._info(index, self.avaliable_hps[0])
        config: dict[str, Any] = next(iter(info.query(dataset).values())).get_config(None)
        return config

    def get_net_param(self, index: int, dataset: str, seed: int | None, hp: str = "12") -> None:
        """Refused.

        Raises:
            OfficialQueryError: always; tables hold no weights.
        """
        raise OfficialQueryError(NO_WEIGHTS)

    def clear_params(self, index: int, hp: str | None = None) -> None:
        """Does nothing: there are no weights."""

    def reload(self, archive_root: str | None = None, index: int | None = None) -> None:
        """Refused.

        Raises:
            OfficialQueryError: always; a table does not change once it is imported.
        """
        raise OfficialQueryError("A table does not change once it is imported. Open the other file instead.")

    def show(self, index: int = -1) -> None:
        """Prints what is known of an architecture; of all where the index is negative."""
        if index >= len(self):
            sys.stdout.write(f"This index ({index}) is out of range (0~{len(self)}).\n")
            return
        if index < 0:
            sys.stdout.write(f"{self}\n")
        for shown in [index] if index >= 0 else self._store.evaluated:
            if index < 0:
                sys.stdout.write(f"\narchitecture {shown}: {self.meta_archs[shown]}\n")
            sys.stdout.write(self._shown(shown))

    def statistics(self, dataset: str, hp: str | int) -> dict[int, int]:
        """How many architectures were trained with how many seeds.

        Raises:
            OfficialQueryError: no such data set or training.
        """
        if dataset not in self._store.datasets:
            raise OfficialQueryError(f"No data set {dataset!r}; there are {', '.join(self._store.datasets)}.")
        counts: dict[int, int] = {}
        for index in self._store.evaluated:
            seeds = len(self._store.seeds(dataset, self._known(str(hp)), index))
            counts[seeds] = counts.get(seeds, 0) + 1
        return counts

    def _lines(self, results: ArchResults, extra_info: str | None) -> list[str]:
        return official_text.information(results, extra_info, joint=self._joint, tests_valid=self._tests_valid)

    def _shown(self, index: int) -> str:
        if index not in self.arch2infos_dict:
            return f"The {index}-th architecture has not been evaluated or not saved.\n"
        lines = []
        for hp, epochs in self._store.trainings.items():
            lines += [f"{'>' * 40} {epochs:03d} epochs {'>' * 40}", *self._lines(self._info(index, hp), None)]
        return "\n".join([*lines, f"{'<' * 40}------------{'<' * 40}", ""])

    def _known(self, hp: str) -> str:
        if hp not in self._store.trainings:
            raise OfficialQueryError(f"No training {hp!r}; there are {', '.join(self._store.trainings)}.")
        return hp

    def _uncached_info(self, index: int, hp: str) -> ArchResults:
        if index not in self.arch2infos_dict:
            raise OfficialQueryError(f"Architecture {index} was not trained: {self.filename} knows nothing of it.")
        return ArchResults(self._store, self._arithmetic, index, self._known(hp))

    def _simulated(
        self, arch: Any, dataset: str, iepoch: int | None, hp: str, latency_hp: str, account_time: bool
    ) -> tuple[Any, Any, Any, Any]:
        index = self.query_index_by_arch(arch)
        if dataset not in _VALIDATED:
            raise OfficialQueryError(f"No data set {dataset!r}; there are {', '.join(_VALIDATED)}.")
        trained_on = "cifar10-valid" if dataset == "cifar10" else dataset
        info = self.get_more_info(index, trained_on, iepoch, hp, is_random=True)
        if "valid-accuracy" in info:
            accuracy, seconds = info["valid-accuracy"], info["valid-per-time"]
        else:  # the older trainings know validation at their end only
            accuracy = info["valtest-accuracy"]
            seconds = self.get_more_info(index, dataset, None, hp, is_random=True)["valid-per-time"]
        cost = info["train-all-time"] + seconds
        latency = self.get_latency(index, dataset, latency_hp)
        if account_time:
            self._used_time += cost
        return accuracy, latency, cost, self._used_time

    def _best(
        self, dataset: str, metric_on_set: str, flop_max: int | float | None, param_max: int | float | None, hp: str
    ) -> tuple[int, Any]:
        dataset, name = _remapped(dataset, metric_on_set)
        store, training = self._store, self._known(str(hp))
        if dataset not in store.datasets:
            raise OfficialQueryError(f"No data set {dataset!r}; there are {', '.join(store.datasets)}.")
        accuracy, allowed = _mean(store.column("accuracy", name, dataset, training))
        for limit, what in ((flop_max, "flops"), (param_max, "parameters")):
            if limit is not None:
                allowed &= ~(self._noted(store.column(what, name, dataset, training)) > limit)
        if not allowed.any():
            return -1, None
        if np.isnan(accuracy[allowed]).any():
            raise OfficialQueryError(f"Some architectures trained on {dataset!r} were not evaluated on {name!r}.")
        best = int(np.argmax(np.where(allowed, accuracy, -np.inf)))
        return int(store.official_indexes(dataset)[best]), float(accuracy[best])

    def _noted(self, costs: OfSeeds) -> Float[np.ndarray, " n"]:
        """FLOPs or parameters of all rows, as `get_compute_costs` gives them."""
        mean, _ = _mean(costs)
        if not self._arithmetic.mends_costs or SEED_OF_RIGHT_COSTS not in costs:
            return mean
        noted = np.stack([np.where(there, np.round(values, 5), np.nan) for values, there in costs.values()])
        right, there = costs[SEED_OF_RIGHT_COSTS]
        differ = np.fmax.reduce(noted) > np.fmin.reduce(noted)
        return np.where(differ & there, right, mean)


class _Infos(Mapping[int, Mapping[str, ArchResults]]):
    """By index of the architectures that were trained, in ascending order, what each training gave."""

    def __init__(self, store: OfficialStore, arithmetic: Arithmetic) -> None:
        self._store, self._arithmetic = store, arithmetic
        self._known = set(store.evaluated)

    def __getitem__(self, index: int) -> Mapping[str, ArchResults]:
        if index not in self._known:
            raise OfficialQueryError(f"Architecture {index} was not trained.")
        return {hp: ArchResults(self._store, self._arithmetic, index, hp) for hp in self._store.trainings}

    def __contains__(self, index: object) -> bool:
        return index in self._known

    def __iter__(self) -> Iterator[int]:
        return iter(self._store.evaluated)

    def __len__(self) -> int:
        return len(self._known)


def _part(name: str, found: Mapping[str, Any], epochs: Any) -> dict[str, Any]:
    seconds = found["all_time"]
    return {
        f"{name}-loss": found["loss"],
        f"{name}-accuracy": found["accuracy"],
        f"{name}-per-time": None if seconds is None else seconds / epochs,
        f"{name}-all-time": seconds,
    }


def _remapped(dataset: str, metric_on_set: str) -> tuple[str, str]:
    """The data set and set that "valid" and "test" stand for; other names stand for themselves."""
    if dataset == "cifar10":
        official = {"valid": ("cifar10-valid", "x-valid"), "test": ("cifar10", "ori-test")}
        return official.get(metric_on_set, (dataset, metric_on_set))
    if dataset in ("cifar100", "ImageNet16-120"):
        return dataset, {"valid": "x-valid", "test": "x-test"}.get(metric_on_set, metric_on_set)
    return dataset, "x-valid" if metric_on_set == "valid" else metric_on_set


def _mean(columns: OfSeeds) -> tuple[Float[np.ndarray, " n"], Bool[np.ndarray, " n"]]:
    """The mean over the seeds that each row was trained with, added up in their order, and which rows have any."""
    rows = len(next(iter(columns.values()))[1])
    total, count = np.zeros(rows), np.zeros(rows, int)
    for values, there in columns.values():
        total[there] += values[there]
        count += there
    return np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0), count > 0


def default_path(name: str) -> Path:
    """Where the official packages look for a file where none is given: `TORCH_HOME`, else `~/.torch`."""
    return Path(os.environ.get("TORCH_HOME", Path.home() / ".torch")) / name
