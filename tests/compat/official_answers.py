"""Asks an official API and its drop-in the same questions and says where their answers differ."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from predictornas.compat.official_store import OfficialQueryError

Question = tuple[str, Callable[[Any], Any]]

REFUSED = "refused"
METRICS = ("train", "x-valid", "x-test", "ori-test", "valid")


def ask(method: str, *arguments: Any, **named: Any) -> Question:
    """A question: a method and what it is given."""
    return f"{method}{arguments}{named or ''}", lambda api: getattr(api, method)(*arguments, **named)


def differences(official: Any, ours: Any, questions: Iterator[Question]) -> list[tuple[str, Any, Any]]:
    """The questions with different answers; numbers must be the same to the last bit.

    Both draw with `random.choice` and `random.randint`, whose generators start from the same state for both. They are
    not the global one, from which the checks of types draw too.
    """
    found = []
    for count, (text, asked) in enumerate(questions):
        with drawing(count):
            expected = answer(lambda asked=asked: asked(official), Exception)
        with drawing(count):
            given = answer(lambda asked=asked: asked(ours), OfficialQueryError)
        if not same(expected, given):
            found.append((text, expected, given))
    return found


@contextmanager
def drawing(seed: int) -> Iterator[None]:
    generator = random.Random(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(random, "choice", generator.choice)
        patch.setattr(random, "randint", generator.randint)
        yield


def answer(asked: Callable[[], Any], refusal: type[Exception]) -> Any:
    try:
        return plain(asked())
    except refusal:
        return REFUSED


def plain(value: Any) -> Any:
    """Containers and numbers; results of an architecture or a training as what they answer themselves."""
    if isinstance(value, dict):
        # what the comment of an answer says is worded otherwise
        return {key: bool(entry) if key == "comment" else plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if hasattr(value, "get_compute_costs"):
        return of_architecture(value)
    if hasattr(value, "get_eval_set"):
        return of_training(value)
    return value.tolist() if isinstance(value, np.ndarray) else value


def of_architecture(results: Any) -> dict[str, Any]:
    names = results.get_dataset_names()
    return {
        "index": results.arch_index,
        "name": results.arch_str,
        "number": results.arch_idx_str(),
        "seeds": {name: results.get_dataset_seeds(name) for name in names},
        "epochs": [results.get_total_epoch(), *(results.get_total_epoch(name) for name in names)],
        "costs": {name: plain(results.get_compute_costs(name)) for name in names},
        "latency": {name: results.get_latency(name) for name in names},
        "trainings": {name: plain(results.query(name)) for name in names},
        "keys": sorted(map(str, results.all_results)),
    }


def of_training(trial: Any) -> dict[str, Any]:
    sets = sorted(trial.get_eval_set())
    return {
        "facts": [trial.name, str(trial.seed), trial.epochs, trial.get_total_epoch(), trial.flop, trial.params],
        "latency": [trial.get_latency(), plain(trial.latency)],
        "sets": sets,
        "times": plain(trial.get_times()),
        "config": [trial.arch_config, trial.get_config(None), trial.get_config(str.upper)],
        "train": [answer(lambda e=e: trial.get_train(e), Exception) for e in (None, 0, trial.epochs - 1, trial.epochs)],
        "eval": {
            name: [answer(lambda e=e, name=name: trial.get_eval(name, e), Exception) for e in (None, 0, trial.epochs)]
            for name in (*METRICS[1:], "other")
        },
        "curves": [plain(dict(curve or {})) for curve in (trial.train_acc1es, trial.train_losses, trial.train_times)],
        "evaluated": [plain(dict(curve)) for curve in (trial.eval_acc1es, trial.eval_losses, trial.eval_times)],
    }


def same(expected: Any, given: Any) -> bool:
    if isinstance(expected, dict) and isinstance(given, dict):
        return expected.keys() == given.keys() and all(same(expected[key], given[key]) for key in expected)
    if isinstance(expected, list) and isinstance(given, list):
        return len(expected) == len(given) and all(map(same, expected, given))
    if isinstance(expected, float) and isinstance(given, float):
        return expected == given or (np.isnan(expected) and np.isnan(given))
    return type(expected) is type(given) and bool(expected == given)


class Cell:
    """An object with the `tostr` that the official packages ask of one."""

    def __init__(self, text: str) -> None:
        self._text = text

    def tostr(self) -> str:
        return self._text
