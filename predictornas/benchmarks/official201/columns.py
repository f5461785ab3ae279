"""The columns of a table, made of the curves of an official file: at chosen epochs, in our units and names.

The longest training is the table's learning curve: `valid_accuracy_50_run0` is its epoch 50. A shorter training has a
schedule of its own and is no part of that curve, so its metric says which it is: `valid_of12_accuracy_12_run0` is the
end of the training of 12 epochs, and not epoch 12 of the long one, `valid_accuracy_12_run0`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from predictornas.benchmarks.column import Column

SEEDS = (777, 888, 999)
"""The official seeds; the runs 0, 1 and 2 of a table."""

LADDER = (1, 2, 4, 8, 12, 25, 50, 100, 150, 200)
"""Epochs that become columns where nothing else is asked for; the last of each training always does."""

_SPLITS = {"train": "train", "x-valid": "valid", "x-test": "test", "ori-test": "test"}

Columns = dict[Column, Float[np.ndarray, " n"]]


class OfficialCurve(NamedTuple):
    """One kind of curve of a table.

    Attributes:
        measure, name, training, seed: as in `states.Trial`.
        values: `(n, epochs)` as the official file says them.
    """

    measure: str
    name: str
    training: str
    seed: int
    values: Float[np.ndarray, "n epochs"]


def runs_of(seeds: Sequence[int]) -> dict[int, str]:
    """The run of each seed: the official ones have fixed places, others follow in ascending order."""
    others = sorted(set(seeds) - set(SEEDS))
    return {seed: str(run) for run, seed in enumerate((*SEEDS, *others)) if seed in seeds}


def epochs_shown(epochs: Sequence[int] | None, length: int) -> list[int]:
    """Which epochs of a training become columns: those asked for that it has, and its last. None for all."""
    if epochs is None:
        return list(range(1, length + 1))
    return sorted({*(epoch for epoch in epochs if 1 <= epoch <= length), length})


def metric_of(measure: str, name: str, dataset: str, epochs: int, *, longest: bool) -> str:
    """The metric of a column; `original_` marks the official test set of which the splits of two sets are halves."""
    halved = name == "ori-test" and not dataset.startswith("cifar10-") and dataset != "cifar10"
    return ("" if longest else f"of{epochs}_") + ("original_" if halved else "") + measure


def columns_of(
    curve: OfficialCurve, dataset: str, run: str | None, epochs: Sequence[int] | None, *, longest: bool
) -> Iterator[tuple[Column, Float[np.ndarray, " n"]]]:
    """The columns of one kind of curve: accuracies as fractions, losses, seconds since the training began."""
    length = curve.values.shape[1]
    values = curve.values
    if curve.measure == "accuracy":
        values = values / 100
    elif curve.measure == "seconds":
        values = np.cumsum(values, axis=1)
    metric = metric_of(curve.measure, curve.name, dataset, length, longest=longest)
    for epoch in epochs_shown(epochs, length):
        chosen = np.where(np.isinf(values[:, epoch - 1]), np.nan, values[:, epoch - 1])
        missing = np.isnan(chosen)
        if not missing.all():
            yield (
                Column.named(
                    metric=metric, split=_SPLITS[curve.name], epochs=epoch, run=run, nullable=bool(missing.any())
                ),
                chosen,
            )


def means_of(columns: Columns) -> Columns:
    """`mean` over the runs that there are and `rest` over all but run 0, of the accuracies of each training's end."""
    groups: dict[tuple[str, str | None], dict[int, dict[str, Float[np.ndarray, " n"]]]] = {}
    for column, values in columns.items():
        if column.is_accuracy and column.epochs is not None and column.run is not None:
            by_epochs = groups.setdefault((column.metric, column.split), {})
            by_epochs.setdefault(column.epochs, {})[column.run] = values
    made: Columns = {}
    for (metric, split), by_epochs in groups.items():
        last = max(by_epochs)
        runs = by_epochs[last]
        rest = [values for run, values in runs.items() if run != "0"]
        for name, chosen in (("mean", list(runs.values())), ("rest", rest if "0" in runs else [])):
            if not chosen:
                continue
            values = mean_of_present(np.stack(chosen))
            nullable = bool(np.isnan(values).any())
            made[Column.named(metric=metric, split=split, epochs=last, run=name, nullable=nullable)] = values
    return made


def cost_columns(costs: Sequence[Float[np.ndarray, "n 3"]], seeds: Sequence[int]) -> Columns:
    """FLOPs, parameters and latency of the longest training.

    Where the seeds of an architecture note different numbers, those of seed 888 count: the others are another cell's,
    as the official package says ("legacy issue") and does.

    Args:
        costs: of each seed, as the official file says them.
        seeds: ascending.
    """
    stacked = np.stack(costs)
    found: Columns = {}
    for place, metric, unit in ((0, "flops", 1e6), (1, "parameters", 1e6)):
        values = np.rint(_agreed(stacked[:, :, place], seeds) * unit)
        found[Column.named(metric=metric, nullable=bool(np.isnan(values).any()))] = values
    latency = stacked[:, :, 2]
    seconds = mean_of_present(np.where(latency > 0, latency, np.nan))
    found[Column.named(metric="latency_seconds", nullable=bool(np.isnan(seconds).any()))] = seconds
    return {column: values for column, values in found.items() if not np.isnan(values).all()}


def mean_of_present(values: Float[np.ndarray, "r n"]) -> Float[np.ndarray, " n"]:
    """The mean of those that are there; NaN where none is."""
    there: Bool[np.ndarray, "r n"] = ~np.isnan(values)
    count = there.sum(axis=0)
    mean: Float[np.ndarray, " n"] = np.full(values.shape[1], np.nan)
    np.divide(values.sum(axis=0, where=there), count, out=mean, where=count > 0)
    return mean


def _agreed(values: Float[np.ndarray, "r n"], seeds: Sequence[int]) -> Float[np.ndarray, " n"]:
    mean = mean_of_present(values)
    if 888 not in seeds:
        return mean
    differ = np.nanmax(values, axis=0, initial=-np.inf) - np.nanmin(values, axis=0, initial=np.inf) > 5e-6
    right = values[list(seeds).index(888)]
    return np.where(differ & ~np.isnan(right), right, mean)
