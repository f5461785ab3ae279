"""From the state of an architecture, dictionaries as the official classes write them, to arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType
from typing import Any

import numpy as np
from jaxtyping import Float

from predictornas.errors import DataError

DATASETS = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
"""The data sets of the official files; "cifar10-valid" is trained on half of the training images of "cifar10"."""

SETS = ("train", "x-valid", "x-test", "ori-test")
"""The official names of what a network is evaluated on."""

MEASURES = ("accuracy", "loss", "seconds")
"""In percent, and seconds of each epoch, as the official files have them."""

TRAININGS = {"less": "12", "full": "200", "01": "01", "12": "12", "90": "90", "200": "200"}
"""The official names of the hyper-parameters: those of the older files to those of the newer."""

MOST_EPOCHS = 1000
_TRAIN = {"accuracy": "train_acc1es", "loss": "train_losses", "seconds": "train_times"}
_EVALUATED = {"accuracy": "eval_acc1es", "loss": "eval_losses", "seconds": "eval_times"}
_NUMBERS = {float, int, NoneType}


@dataclass(frozen=True)
class Trial:
    """One training of an architecture.

    Attributes:
        training: its hyper-parameters, a value of `TRAININGS`.
        dataset: one of `DATASETS`.
        seed: of the training.
        epochs: its length.
        costs: `(3,)` millions of floating point operations, millions of parameters, seconds of latency; NaN where not
            known.
        sets: what it was evaluated on besides "train", in the order of the file.
        curves: `(epochs,)` values by measure and set, NaN where not known; only those that are known somewhere.
    """

    training: str
    dataset: str
    seed: int
    epochs: int
    costs: Float[np.ndarray, " 3"]
    sets: tuple[str, ...]
    curves: Mapping[tuple[str, str], Float[np.ndarray, " epochs"]]


@dataclass(frozen=True)
class Trained:
    """All trainings of an architecture.

    Attributes:
        name: the official text of the architecture.
        trials: in the order of the file.
    """

    name: str
    trials: Sequence[Trial]


def read_state(state: Any) -> Trained:
    """All trainings in the value of `arch2infos` of one architecture.

    Raises:
        DataError: it is not of the form that the official classes write, or holds a value that cannot be.
    """
    names, trials = set(), []
    for key, results in _typed(state, dict, "the architecture").items():
        if key not in TRAININGS:
            raise DataError(f"unknown hyper-parameters {key!r}; known: {', '.join(TRAININGS)}")
        results = _typed(results, dict, f"what is under {key!r}")
        names.add(_typed(results.get("arch_str"), str, "'arch_str'"))
        for place, trial in _typed(results.get("all_results"), dict, "'all_results'").items():
            trials.append(_trial(TRAININGS[key], place, _typed(trial, dict, "a training")))
    if len(names) != 1:
        raise DataError(f"one architecture has {len(names)} names: {sorted(names)[:2]}")
    return Trained(names.pop(), trials)


def _trial(training: str, place: Any, state: dict[str, Any]) -> Trial:
    dataset, seed = _typed(place, tuple, "the key of a training")
    if dataset not in DATASETS or type(seed) is not int:
        raise DataError(f"a training on {dataset!r} with the seed {seed!r}; known: {', '.join(DATASETS)}")
    epochs = _typed(state.get("epochs"), int, "'epochs'")
    if not 1 <= epochs <= MOST_EPOCHS:
        raise DataError(f"a training of {epochs} epochs")
    sets = tuple(_typed(state.get("eval_names"), list, "'eval_names'"))
    if unknown := set(sets) - set(SETS[1:]):
        raise DataError(f"an evaluation on {sorted(map(str, unknown))[0]!r}; known: {', '.join(SETS[1:])}")
    curves = {}
    for measure in MEASURES:
        found = _typed(state.get(_TRAIN[measure]) or {}, dict, _TRAIN[measure])
        evaluated = _typed(state.get(_EVALUATED[measure]) or {}, dict, _EVALUATED[measure])
        curves[measure, "train"] = _curve(found, range(epochs), measure)
        for name in sets:
            curves[measure, name] = _curve(evaluated, _keys(name, epochs), measure)
    return Trial(
        training=training,
        dataset=dataset,
        seed=seed,
        epochs=epochs,
        costs=_costs(state),
        sets=sets,
        curves={key: values for key, values in curves.items() if values is not None},
    )


@lru_cache(64)
def _keys(name: str, epochs: int) -> list[str]:
    return [f"{name}@{epoch}" for epoch in range(epochs)]


def _curve(found: dict[Any, Any], keys: Sequence[Any], measure: str) -> Float[np.ndarray, " epochs"] | None:
    """The values in the order of the epochs; None where there is none."""
    listed = list(map(found.get, keys)) if found else ()
    if not _NUMBERS.issuperset(map(type, listed)):
        raise DataError(f"a value of {measure!r} is no number")
    values = np.array(listed, np.float64)  # None becomes NaN
    if measure == "accuracy" and not (np.isnan(values) | ((values >= 0) & (values <= 100))).all():
        raise DataError(f"an accuracy outside 0 to 100 percent: {values[~((values >= 0) & (values <= 100))][0]}")
    return None if np.isnan(values).all() else values


def _costs(state: dict[str, Any]) -> Float[np.ndarray, " 3"]:
    latency = state.get("latency")
    mean = sum(latency) / len(latency) if type(latency) is list and latency else None
    listed = [state.get("flop"), state.get("params"), mean]
    if not _NUMBERS.issuperset(map(type, listed)):
        raise DataError(f"FLOPs, parameters and latency that are no numbers: {str(listed)[:80]}")
    return np.array(listed, np.float64)


def _typed(value: Any, kind: type, what: str) -> Any:
    if type(value) is not kind:
        raise DataError(f"{what} is {type(value).__name__}, not {kind.__name__}: not the form of the official files")
    return value
