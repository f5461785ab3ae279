"""What a search is told: values, and reasons where there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.spaces.base import Genes, Keys, SearchSpace


@dataclass(frozen=True)
class Given:
    """What somebody told of `k` architectures, as it came; see `Search.tell`.

    Attributes:
        genes: `(k, g)`.
        values: one an architecture, or None where all failed.
        epochs: of each; None for what was asked for.
        costs: of each.
        failed: a reason for all, or one for each.
        by: the call that it came with, for messages.
    """

    genes: Genes
    values: Any = None
    epochs: Any = None
    costs: Any = None
    failed: Any = None
    by: str = "tell()"


@dataclass(frozen=True)
class Results:
    """Results of `k` architectures, checked.

    Attributes:
        keys: `(k,)`.
        values: `(k,)`, NaN where an evaluation failed.
        epochs: `(k,)`.
        costs: `(k, m)`; None in a search with one objective.
        failures: why evaluations failed, by row.
    """

    keys: Keys
    values: Float[np.ndarray, " k"]
    epochs: Int[np.ndarray, " k"]
    costs: Float[np.ndarray, "k m"] | None
    failures: dict[int, str]

    def rows(self, chosen: Sequence[int]) -> Results:
        """Some of them."""
        return Results(
            self.keys[chosen],
            self.values[chosen],
            self.epochs[chosen],
            None if self.costs is None else self.costs[chosen],
            {place: self.failures[row] for place, row in enumerate(chosen) if row in self.failures},
        )


def checked(space: SearchSpace, history: History, given: Given, *, twice: bool = False) -> Results:
    """The results that somebody told.

    Args:
        space: the space.
        history: what was told before, and what is in flight.
        given: as it came.
        twice: whether a training may be told that is known, or told twice at once.

    Raises:
        ConfigurationError: lengths differ, a value is missing, or an architecture has its value already; names it.
    """
    genes, costs, by = given.genes, given.costs, given.by
    keys, failures, missing = space.keys(genes), _reasons(given), np.full(len(genes), np.nan)
    known = np.array(missing if given.values is None else given.values, np.float64)
    if known.shape != missing.shape:
        raise ConfigurationError(f"{by} takes one value an architecture: {len(genes)} of them, values {known!r:.80}.")
    for row in np.flatnonzero(~np.isfinite(known)).tolist():
        if given.values is None and row not in failures:
            raise ConfigurationError(
                f"{by} got neither a value of {space.describe(genes[row])} nor, as `failed`, why there is none."
            )
        failures.setdefault(row, f"its value is {known[row]}")
    known[list(failures)] = np.nan
    again = np.flatnonzero(history.failed)
    asked = dict(zip(history.keys[again].tolist(), history.epochs[again].tolist(), strict=True))
    asked |= {each.key: each.epochs or 0 for each in history.pending}
    expected = [asked.get(key, 0) for key in keys.tolist()]
    lengths = np.asarray(expected if given.epochs is None else given.epochs, np.int64)
    if lengths.shape != missing.shape:
        raise ConfigurationError(f"{by} takes the epochs of each of {len(genes)} architectures, not {lengths!r:.80}.")
    if costs is not None:
        costs = np.asarray(costs, np.float64)
        if costs.ndim != 2 or len(costs) != len(genes) or np.isinf(costs).any():
            raise ConfigurationError(f"{by} takes a row of finite costs an architecture, not {costs!r:.80}.")
    if not twice:
        _refuse_what_is_known(space, history, given, keys, lengths)
    return Results(keys, known, lengths, costs, failures)


def with_results(history: History, event: Mapping[str, Any], iterations: Int[np.ndarray, " k"]) -> History:
    """The history with results, each in the place of a failure of the same training, where there was one.

    Args:
        history: what was told before.
        event: genes and `Results` by name, as arrays or as they are read from JSON.
        iterations: `(k,)`.
    """
    keys, epochs = np.array(event["keys"], np.uint64), np.array(event["epochs"], np.int64)
    failed = np.flatnonzero(history.failed)
    if len(failed):
        told = set(zip(keys.tolist(), epochs.tolist(), strict=True))
        trained = zip(history.keys[failed].tolist(), history.epochs[failed].tolist(), strict=True)
        again = failed[[each in told for each in trained]]
        history = history.rows(np.delete(np.arange(len(history)), again)) if len(again) else history
    return history.extended(
        keys=keys,
        genes=np.array(event["genes"], np.int8).reshape(-1, history.genes.shape[1]),
        epochs=epochs,
        values=np.array(event["values"], np.float64),
        iteration=iterations,
        costs=None if event["costs"] is None else np.array(event["costs"], np.float64),
        failures={int(row): reason for row, reason in event["failures"].items()},
    )


def unknown_rows(history: History, results: Results) -> list[int]:
    """The rows of trainings that a history has no value of, each training once."""
    succeeded = ~history.failed
    known = set(zip(history.keys[succeeded].tolist(), history.epochs[succeeded].tolist(), strict=True))
    rows = []
    for row, training in enumerate(zip(results.keys.tolist(), results.epochs.tolist(), strict=True)):
        if training not in known:
            known.add(training)
            rows.append(row)
    return rows


def _reasons(given: Given) -> dict[int, str]:
    """Why evaluations failed, by row: one reason for all, or one a row, None where there is a value."""
    failed, count = given.failed, len(given.genes)
    each = [failed] * count if failed is None or isinstance(failed, (str, bool, BaseException)) else list(failed)
    if len(each) != count:
        raise ConfigurationError(
            f"{given.by} takes one reason for all architectures, or one for each of {count}, None where there is none; "
            f"got {len(each)}."
        )
    return {row: _in_words(reason) for row, reason in enumerate(each) if reason is not None and reason is not False}


def _in_words(reason: Any) -> str:
    if isinstance(reason, BaseException):
        return f"{type(reason).__name__}: {reason}"
    return "failed" if reason is True else str(reason)


def _refuse_what_is_known(
    space: SearchSpace, history: History, given: Given, keys: Keys, epochs: Int[np.ndarray, " k"]
) -> None:
    """A history has one value of an architecture and length of training; only a failure is replaced."""
    succeeded, told = ~history.failed, set[tuple[int, int]]()
    for row, training in enumerate(zip(keys.tolist(), epochs.tolist(), strict=True)):
        same = (history.keys == training[0]) & (history.epochs == training[1]) & succeeded
        if same.any() or training in told:
            known = f"{history.values[same][0]:g} is known" if same.any() else f"it is in this {given.by} twice"
            raise ConfigurationError(
                f"{space.describe(given.genes[row])} has one value after {training[1]} epochs, and {known}. Tell every "
                "result once."
            )
        told.add(training)
