"""What a search is told: values, and reasons where there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.predictors.fitting import as_array
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


def checked(space: SearchSpace, history: History, given: Given, *, otherwise: int = 0, twice: bool = False) -> Results:
    """The results that somebody told.

    Args:
        space: the space.
        history: what was told before, and what is in flight.
        given: as it came.
        otherwise: length of what nobody asked for, where none is given, or 0.
        twice: whether a training may be told that is known, or told twice at once.

    Raises:
        ConfigurationError: lengths differ, a value or a cost is missing, or an architecture has its value already;
            names it.
    """
    genes, by = given.genes, given.by
    keys, failures, missing = space.keys(genes), _reasons(given), np.full(len(genes), np.nan)
    known = missing if given.values is None else _numbers(given.values, f"{by} takes one value an architecture")
    if known.shape != missing.shape:
        raise ConfigurationError(f"{by} takes one value an architecture: {len(genes)} of them, values {known!r:.80}.")
    for row in np.flatnonzero(~np.isfinite(known)).tolist():
        if given.values is None and row not in failures:
            raise ConfigurationError(
                f"{by} got neither a value of {space.describe(genes[row])} nor, as `failed`, why there is none."
            )
        failures.setdefault(row, f"its value is {known[row]}")
    known[list(failures)] = np.nan
    lengths = _lengths(history, given, keys, otherwise)
    costs = _costs(space, history, given, np.isfinite(known))
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
    """The rows of trainings that a history does not have, or has no value of where they do; each training once."""
    trainings = list(zip(history.keys.tolist(), history.epochs.tolist(), strict=True))
    known = {training for training, failed in zip(trainings, history.failed.tolist(), strict=True) if not failed}
    seen, rows = set(trainings), dict[tuple[int, int], int]()
    told = list(enumerate(zip(results.keys.tolist(), results.epochs.tolist(), strict=True)))
    for row, training in sorted(told, key=lambda each: each[0] in results.failures):  # a value before a failure
        if training not in rows and training not in (seen if row in results.failures else known):
            rows[training] = row
    return sorted(rows.values())


def _numbers(given: Any, wanted: str) -> Float[np.ndarray, "..."]:
    """A copy of numbers as they came: of a list, a tensor, a masked array."""
    try:
        return np.array(as_array(given), np.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ConfigurationError(f"{wanted}, and got what is no number: {error}.") from None


def _lengths(history: History, given: Given, keys: Keys, otherwise: int) -> Int[np.ndarray, " k"]:
    """The epochs that were told; else those that were asked for, or that the failure had that is tried again."""
    again = np.flatnonzero(history.failed)
    asked = dict(zip(history.keys[again].tolist(), history.epochs[again].tolist(), strict=True))
    asked |= {each.key: each.epochs or 0 for each in history.pending}
    expected = np.array([asked.get(key, otherwise) for key in keys.tolist()], np.int64)
    if given.epochs is None:
        return expected
    wanted = f"{given.by} takes the epochs of each of {len(keys)} architectures, whole numbers from 0"
    epochs = _numbers(given.epochs, wanted)
    if epochs.shape != keys.shape or not ((epochs >= 0) & (epochs < 2**53)).all() or (epochs % 1).any():
        raise ConfigurationError(f"{wanted}, not {epochs!r:.80}.")
    # a file that says no length says 0, which no scheduler plans
    return np.where((epochs == 0) & (otherwise > 0), expected, epochs).astype(np.int64)


def _costs(
    space: SearchSpace, history: History, given: Given, succeeded: Bool[np.ndarray, " k"]
) -> Float[np.ndarray, "k m"] | None:
    """The costs that were told: a row of the same width for all that a search is told, complete where none failed."""
    if given.costs is None:
        if history.costs is not None and succeeded.any():
            raise ConfigurationError(
                f"{given.by} got no costs of {space.describe(given.genes[succeeded.argmax()])}. This search goes by "
                f"{history.costs.shape[1]} of each architecture."
            )
        return None
    wanted = f"{given.by} takes a row of finite costs an architecture"
    costs = _numbers(given.costs, wanted)
    if costs.ndim != 2 or len(costs) != len(given.genes) or np.isinf(costs).any():
        raise ConfigurationError(f"{wanted}, not {costs!r:.80}.")
    if history.costs is None and not history.failed.all():
        raise ConfigurationError(f"{given.by} got costs, and none were told of the {len(history)} before.")
    if history.costs is not None and costs.shape[1] != history.costs.shape[1]:
        raise ConfigurationError(f"{wanted}: {history.costs.shape[1]} in this search, not {costs.shape[1]}.")
    lacking = np.isnan(costs).any(axis=1) & succeeded
    if lacking.any():
        row = lacking.argmax()
        raise ConfigurationError(
            f"{given.by} got a value of {space.describe(given.genes[row])} and the costs {costs[row].tolist()}. Tell "
            "all of its costs, or, as `failed`, why there are none."
        )
    return costs


def _reasons(given: Given) -> dict[int, str]:
    """Why evaluations failed, by row: one reason for all, or one a row, None where there is a value."""
    failed, count = given.failed, len(given.genes)
    if hasattr(failed, "dtype"):  # of numpy or torch; a masked one has None where it is masked
        failed = (failed if isinstance(failed, np.ma.MaskedArray) else as_array(failed)).tolist()
    for_all = failed is None or isinstance(failed, (str, bool, BaseException))
    each = [failed] * count if for_all else list(failed)
    if len(each) != count:
        raise ConfigurationError(
            f"{given.by} takes one reason for all architectures, or one for each of {count}, None where there is none; "
            f"got {len(each)}."
        )
    return {row: _in_words(reason) for row, reason in enumerate(each) if not _is_none(reason)}


def _is_none(reason: Any) -> bool:
    """Whether it says that nothing failed: None, false, or the NaN that tables have in an empty place."""
    if isinstance(reason, (float, np.floating)):
        return bool(np.isnan(reason))
    return reason is None or (isinstance(reason, (bool, np.bool_)) and not reason)


def _in_words(reason: Any) -> str:
    if isinstance(reason, BaseException):
        return f"{type(reason).__name__}: {reason}"
    return "failed" if isinstance(reason, (bool, np.bool_)) else str(reason)


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
