"""`ResultsCount` of the official packages: what was measured in one training of an architecture, from our tables.

`nas_201_api` computes means with numpy, `nats_bench` in plain Python; so do these, as they are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float

from predictornas.compat.official_store import OfficialQueryError, OfficialStore

_CLASSES = {"cifar10-valid": 10, "cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}
_SIZE_GENOTYPE = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"

NO_WEIGHTS = (
    "Tables hold no trained weights: they are made of the official files without them. Train the network again, or "
    "read the official -FULL archives with the official package."
)


@dataclass(frozen=True)
class Arithmetic:
    """How a package computes.

    Attributes:
        mean: of a list.
        total: of a list.
        mends_costs: where seeds note different FLOPs or parameters, those of seed 888 count.
    """

    mean: Callable[[Sequence[int | float]], Any]
    total: Callable[[Sequence[int | float]], Any]
    mends_costs: bool


def _plain_mean(values: Sequence[int | float]) -> float:
    return sum(values) / len(values)


NUMPY = Arithmetic(np.mean, np.sum, mends_costs=False)
PLAIN = Arithmetic(_plain_mean, sum, mends_costs=True)


class ResultsCount:
    """One training of an architecture.

    Attributes:
        name: the data set.
        seed: as text, as in the official files.
        epochs: its length.
        flop: millions of floating point operations; None where not known.
        params: millions of parameters; None where not known.
        latency: seconds, a list of one number; None where not known.
        arch_config: what the network is built from.
        net_state_dict: None: the official files without weights are read.
        train_acc5es: None: not kept.
    """

    net_state_dict = None
    train_acc5es = None

    def __init__(
        self, store: OfficialStore, arithmetic: Arithmetic, dataset: str, training: str, seed: int, index: int
    ) -> None:
        self.name, self.seed, self.epochs = dataset, str(seed), store.epochs(training)
        self._store, self._training, self._place = store, training, (seed, index)
        self._arithmetic = arithmetic
        self._curves: dict[tuple[str, str], Float[np.ndarray, " epochs"] | None] = {}
        flop, params, latency = (
            None if value != value else value for value in store.costs(dataset, training, seed, index)
        )
        self.flop, self.params, self.latency = flop, params, None if latency is None else [latency]
        self.arch_config = _config(store.names[index], dataset)

    @cached_property
    def eval_names(self) -> list[str]:
        """What the network was evaluated on."""
        sets = self._store.sets(self.name, self._training)
        return [name for name in sets if self._curve("accuracy", name) is not None]

    def __repr__(self) -> str:
        flop, params = self.flop or 0.0, self.params or 0.0
        return (
            f"ResultsCount({self.name}, arch={self.arch_config['arch_str']}, FLOP={flop:.2f}M, Param={params:.3f}MB, "
            f"seed={self.seed}, {len(self.eval_names)} eval-sets: [{', '.join(self.eval_names)}])"
        )

    @property
    def train_acc1es(self) -> dict[int, float]:
        """Percent on the training set, by epoch from 0."""
        return self._by_epoch("accuracy")

    @property
    def train_losses(self) -> dict[int, float]:
        """Losses on the training set, by epoch from 0."""
        return self._by_epoch("loss")

    @property
    def train_times(self) -> dict[int, float] | None:
        """Seconds of each epoch of training; None where not known."""
        return self._by_epoch("seconds") or None

    @property
    def eval_acc1es(self) -> dict[str, float]:
        """Percent, by `set@epoch`."""
        return self._by_set("accuracy")

    @property
    def eval_losses(self) -> dict[str, float]:
        """Losses, by `set@epoch`."""
        return self._by_set("loss")

    @property
    def eval_times(self) -> dict[str, float]:
        """Seconds of each evaluation, by `set@epoch`."""
        return self._by_set("seconds")

    def get_latency(self) -> float:
        """Seconds; -1.0 where not known."""
        return -1.0 if self.latency is None else sum(self.latency) / len(self.latency)

    def update_latency(self, latency: Sequence[int | float]) -> None:
        """Replaces the latency of this object; the table stays as it is."""
        self.latency = list(latency)

    def reset_pseudo_train_times(self, estimated_per_epoch_time: int | float) -> None:
        """Replaces the seconds of every epoch in this object."""
        self._curves["seconds", "train"] = np.full(self.epochs, estimated_per_epoch_time)

    def reset_pseudo_eval_times(self, eval_name: str, estimated_per_epoch_time: int | float) -> None:
        """Replaces the seconds of every evaluation in this object."""
        if eval_name not in self.eval_names:
            raise OfficialQueryError(f"Nothing was evaluated on {eval_name!r}; known: {', '.join(self.eval_names)}.")
        self._curves["seconds", eval_name] = np.full(self.epochs, estimated_per_epoch_time)

    def get_total_epoch(self) -> int:
        """The length of the training."""
        return self.epochs

    def get_eval_set(self) -> list[str]:
        """What the network was evaluated on."""
        return self.eval_names

    def get_times(self) -> dict[str, Any]:
        """Seconds an epoch and in all, of training and of each evaluation; None where not known."""
        info: dict[str, Any] = {}
        for name in ("train", *self.eval_names):
            curve = self._curve("seconds", name)
            listed = None if curve is None or np.isnan(curve).any() else curve.tolist()
            info[f"T-{name}@epoch"] = None if listed is None else self._arithmetic.mean(listed)
            info[f"T-{name}@total"] = None if listed is None else self._arithmetic.total(listed)
        return info

    def get_train(self, iepoch: int | None = None) -> dict[str, Any]:
        """Loss, accuracy and seconds on the training set after an epoch, counted from 0; None for the last.

        Raises:
            OfficialQueryError: no such epoch, or nothing is known of it.
        """
        return self._at("train", iepoch)

    def get_eval(self, name: str, iepoch: int | None = None) -> dict[str, Any]:
        """As `get_train`, on an evaluation set; "valid" stands for "x-valid"."""
        return self._at("x-valid" if name == "valid" else name, iepoch)

    def get_net_param(self, clone: bool = False) -> None:
        """Refused.

        Raises:
            OfficialQueryError: always; tables hold no weights.
        """
        raise OfficialQueryError(NO_WEIGHTS)

    def get_config(self, str2structure: Callable[[str], Any] | None) -> dict[str, Any]:
        """What the network is built from, its cell as text or as what `str2structure` makes of it."""
        given = self.arch_config
        key = "genotype" if "channels" in given or str2structure is not None else "arch_str"
        text = given["genotype"] if "channels" in given else given["arch_str"]
        cell = {key: text if str2structure is None else str2structure(text), "num_classes": given["class_num"]}
        if "channels" in given:
            return {"name": given["name"], "channels": given["channels"], **cell}
        return {"name": "infer.tiny", "C": given["channel"], "N": given["num_cells"], **cell}

    def _at(self, name: str, iepoch: int | None) -> dict[str, Any]:
        epoch = self.epochs - 1 if iepoch is None else iepoch
        if not 0 <= epoch < self.epochs:
            raise OfficialQueryError(f"Epochs of this training are 0 to {self.epochs - 1}; iepoch is {iepoch}.")
        accuracy, loss, seconds = (self._curve(measure, name) for measure in ("accuracy", "loss", "seconds"))
        if accuracy is None or loss is None or np.isnan([accuracy[epoch], loss[epoch]]).all():
            raise OfficialQueryError(
                f"There is no {name!r} after epoch {epoch} of training {self._training!r} on {self.name!r}; there is: "
                f"{', '.join(self.eval_names)}."
            )
        return {
            "iepoch": epoch,
            "loss": float(loss[epoch]),
            "accuracy": float(accuracy[epoch]),
            "cur_time": None if seconds is None else float(seconds[epoch]),
            "all_time": None if seconds is None else sum(seconds[: epoch + 1].tolist()),
        }

    def _curve(self, measure: str, name: str) -> Float[np.ndarray, " epochs"] | None:
        if (measure, name) not in self._curves:
            where = (measure, name, self.name, self._training, *self._place)
            self._curves[measure, name] = self._store.curve(*where)
        return self._curves[measure, name]

    def _by_epoch(self, measure: str, name: str = "train") -> dict[int, float]:
        curve = self._curve(measure, name)
        listed = [] if curve is None else curve.tolist()
        return {epoch: value for epoch, value in enumerate(listed) if value == value}

    def _by_set(self, measure: str) -> dict[str, float]:
        return {
            f"{name}@{epoch}": value
            for name in self.eval_names
            for epoch, value in self._by_epoch(measure, name).items()
        }


def _config(name: str, dataset: str) -> Mapping[str, Any]:
    if ":" in name:
        size = {"name": "infer.shape.tiny", "channels": name, "genotype": _SIZE_GENOTYPE}
        return {**size, "arch_str": name, "class_num": _CLASSES[dataset]}
    return {"channel": 16, "num_cells": 5, "arch_str": name, "class_num": _CLASSES[dataset]}
