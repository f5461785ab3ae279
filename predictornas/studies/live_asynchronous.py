"""The asynchronous form of a search that trains its networks, and its history as a tidy table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas.errors import ConfigurationError
from predictornas.history import SCHEMA
from predictornas.journal import iterate_records
from predictornas.observers import Observer
from predictornas.oracles.live import LiveOracle
from predictornas.schedulers.halving import SuccessiveHalving
from predictornas.search.asynchronous import run_asynchronously
from predictornas.search.folder import JOURNAL
from predictornas.search.loop import Search
from predictornas.search.scheduled import Scheduled
from predictornas.search.strategies import Strategy
from predictornas.studies.gain.run_tables import Notation, completed


def check_asynchronous(strategy: Strategy) -> None:
    """Refuses a strategy that needs all of a batch before it can go on.

    Raises:
        ConfigurationError: successive halving.
    """
    if isinstance(strategy, Scheduled) and isinstance(strategy.scheduler, SuccessiveHalving):
        raise ConfigurationError(
            "Successive halving compares whole batches of newcomers, which an asynchronous search does not have. Use "
            "asha, nosh or rank-nosh."
        )


def search_asynchronously(
    folder: Path,
    strategy: Strategy,
    oracle: LiveOracle,
    *,
    seed: int,
    observers: Sequence[Observer],
    evaluations: int | None,
    epochs: int | None,
    hours: float | None,
    advance: Callable[[int], None],
) -> Search:
    """Runs, or goes on with, a search whose journal is in a folder; closed when it has ended.

    Args:
        folder: of the search.
        strategy: what proposes.
        oracle: trains.
        seed: of the run.
        observers: told of each training as it ends.
        evaluations: in all; limits and errors are those of `run_asynchronously`.
        epochs: in all.
        hours: of this call.
        advance: told of what is done.
    """
    search = Search.open(folder, oracle.space, strategy, seed=seed, observers=observers)
    run_asynchronously(search, oracle, evaluations=evaluations, epochs=epochs, hours=hours, advance=advance)
    search.close()
    return search


def asynchronous_history(identity: Mapping[str, Any], search: Search, folder: Path, oracle: LiveOracle) -> pl.DataFrame:
    """What was told, in that order, with the columns of `predictornas.history.SCHEMA`; `evaluation` is null.

    A training that failed has no value, and no costs: nobody knows how far it came.

    Args:
        identity: of the run: `run_id`, `method`, `seed`.
        search: one that has ended.
        folder: where its journal is.
        oracle: what trained, which knows the seconds.
    """
    journaled = _Journaled(folder / JOURNAL, search)
    history, costs, paid = search.history, list[tuple[float, int] | tuple[None, None]](), Counter[int]()
    trainings = list(zip(history.keys.tolist(), history.epochs.tolist(), strict=True))
    for row, (key, epochs) in enumerate(trainings):
        if history.failed[row]:
            costs.append((None, None))
            continue
        curve = oracle.curve(history.genes[row]).until(epochs)
        costs.append((float(curve.seconds[paid[key] :].sum()), len(curve) - paid[key]))
        paid[key] = len(curve)
    columns = {
        "iteration": history.iterations.tolist(),
        "order": list(range(len(history))),
        "key": pl.Series(history.keys.tolist(), dtype=pl.UInt64),
        "genes": history.genes.tolist(),
        "architecture": Notation(search.space).of(history.genes),
        "epochs": history.epochs.tolist(),
        "value": pl.Series(np.where(history.failed, np.nan, history.values)).fill_nan(None),
        "cost_seconds": [seconds for seconds, _ in costs],
        "cost_epochs": [epochs for _, epochs in costs],
        "predicted": [journaled.predicted.get(training) for training in trainings],
        "proposed_by": [journaled.proposed_by.get(training) for training in trainings],
        "recommended": pl.Series([journaled.recommended.get(training) for training in trainings], dtype=pl.UInt64),
    }
    return completed(pl.DataFrame(columns), identity, SCHEMA)


class _Journaled:
    """What the journal of a search knows of each training, by key and epochs, and its history does not.

    Attributes:
        predicted: the score that it was proposed with.
        proposed_by: by whom.
        recommended: key of what would have been recommended after it was told; None for the best by the signal.
    """

    def __init__(self, journal: Path, search: Search) -> None:
        self.predicted: dict[tuple[int, int], float | None] = {}
        self.proposed_by: dict[tuple[int, int], str] = {}
        self.recommended: dict[tuple[int, int], int | None] = {}
        opinion = search.opinion()
        told = list[tuple[int, int]]()  # since the last ask, which knew of them
        for event in iterate_records(journal):
            if event["kind"] == "ask":
                self.recommended |= dict.fromkeys(told, event["recommended"])
                told = []
                for row, key in enumerate(event["keys"]):
                    training = key, event["epochs"]
                    self.predicted[training] = None if event["predicted"] is None else event["predicted"][row]
                    self.proposed_by[training] = event["by"]
            elif event["kind"] == "tell":
                told += zip(event["keys"], event["epochs"], strict=True)
        self.recommended |= dict.fromkeys(told, None if opinion is None else int(search.history.keys[opinion]))
