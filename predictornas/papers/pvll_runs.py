"""One run of PVLL-NAS on a table with its loss estimator looked at, kept as a file so that figures resume."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import kendalltau

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.description import describe
from predictornas.executors import Task, Tell
from predictornas.oracles.tabular import TabularOracle
from predictornas.search.loop import Search, iterate
from predictornas.search.pvll import PVLLSearch, PVLLState, replay, states
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, Keys, SearchSpace
from predictornas.studies.gain.study import data_fingerprint
from predictornas.studies.sealed import kept, write_sealed
from predictornas.studies.tasks import Execution, run_all

PROTOCOL = 1
"""Raised whenever the same configuration and seed would give other numbers."""


@dataclass(frozen=True)
class EstimatorRun:
    """A search with PVLL-NAS, and how its estimator is judged.

    Attributes:
        benchmark: name of an offline or imported table.
        search: the method.
        budget: evaluations, the warm-up included.
        seed: of the search and of the test set.
        test_size: architectures of the test set: uniform, never proposed.
        curve: whether the estimator is judged after every evaluation, or only at the end.
        choices: allowed values of each gene, for a part of the space; empty for all of it.
    """

    benchmark: str
    search: PVLLSearch
    budget: int
    seed: int
    test_size: int = 100
    curve: bool = False
    choices: tuple[tuple[int, ...], ...] = ()


def estimator_rows(runs: Sequence[EstimatorRun], folder: Path, execution: Execution) -> list[list[dict[str, Any]]]:
    """What each run showed, from its file in `folder` where it is there already.

    Returns:
        For each run, rows with `evaluations`, `test_loss` and `training_loss` (mean squared error of the estimated
        accuracy, fractions squared), `relative_loss` (test loss over the variance of the test set: 1 is no better than
        the mean), `tau` (Kendall's, on the test set); the last row also with `incumbent` and `derived`, evaluation
        errors of the best by signal and of the argmax of the architecture parameters (None where there is none).
    """
    fingerprints = {name: data_fingerprint(open_benchmark(name)) for name in {run.benchmark for run in runs}}
    tasks = [Task(run, folder / f"{_run_id(run, fingerprints[run.benchmark])}.json") for run in runs]
    run_all(_measure, tasks, is_done=_is_measured, units=lambda task: task.what.budget, execution=execution)
    return [kept(task.target, "rows") for task in tasks]


def _run_id(run: EstimatorRun, fingerprint: str) -> str:
    facts = {"protocol": PROTOCOL, "data": fingerprint, **describe(run)}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _is_measured(task: Task[EstimatorRun]) -> bool:
    return kept(task.target, "rows") is not None


def _measure(run: EstimatorRun, path: Path, tell: Tell) -> None:
    write_sealed(path, {"run": describe(run), "rows": _measured(run, tell)})


def _measured(run: EstimatorRun, tell: Tell) -> list[dict[str, Any]]:
    benchmark = open_benchmark(run.benchmark)
    space = part_of(benchmark.space, run.choices)
    test = space.sample(run.test_size, rng_for(run.seed, 0, "test set"))
    training = space.restricted_to(np.setdiff1d(space.enumerated_keys(), space.keys(test)))
    search = Search(training, run.search, seed=run.seed)
    for step in iterate(search, TabularOracle(benchmark), run.budget):
        tell(len(step.evaluations.value))
    history = search.history
    truth = _accuracies(benchmark, space.keys(test), benchmark.signal)
    if run.curve:
        seen = [len(history.before(iteration)) for iteration in range(1, int(history.iterations.max()) + 2)]
        visited = zip(seen, states(run.search, training, history, seed=run.seed), strict=True)
    else:
        visited = zip([len(history)], [replay(run.search, training, history, seed=run.seed)], strict=True)
    rows = []
    for evaluations, state in visited:
        rows.append({"evaluations": evaluations, **_judged(state, training, test, truth)})
    rows[-1] |= {
        "incumbent": _error(benchmark, history.keys[history.best(1)]),
        "derived": _error(benchmark, _derived(run.search, state, space)),
    }
    return rows


def part_of(space: SearchSpace, choices: Sequence[Sequence[int]]) -> SearchSpace:
    """The architectures whose gene i takes one of the values `choices[i]`; all of them where `choices` is empty."""
    if not choices:
        return space
    genes = space.enumerate()
    inside = np.all([np.isin(genes[:, gene], allowed) for gene, allowed in enumerate(choices)], axis=0)
    return space.restricted_to(space.enumerated_keys()[inside])


def _judged(
    state: PVLLState, space: SearchSpace, test: Genes, truth: Float[np.ndarray, " n"]
) -> dict[str, float | None]:
    """How well the estimator tells accuracies, in the table's own units: normalised ones differ between memories."""
    memory = state.memory
    best, width = memory.values.max(), np.ptp(memory.values)
    estimated = best - width * state.estimator.losses(space.sequences(test))
    remembered = best - width * state.estimator.losses(memory.sequences)
    loss = float(((estimated - truth) ** 2).mean())
    tau = float(kendalltau(estimated, truth).statistic)
    return {
        "test_loss": loss,
        "training_loss": float(((remembered - memory.values) ** 2).mean()),
        "relative_loss": loss / float(truth.var()),
        "tau": None if np.isnan(tau) else tau,  # an estimator that has learned nothing calls all equal
    }


def _derived(search: PVLLSearch, state: PVLLState, space: SearchSpace) -> Keys:
    """The key of the argmax of the architecture parameters; none where they were not moved or break the rules."""
    import torch

    if not search.gradient:
        return np.empty(0, np.uint64)
    architecture = state.architecture
    genes = architecture.decoded(architecture.soft(torch.zeros_like(architecture.logits)[None]))
    return space.keys(genes[space.valid(genes)])


def _error(benchmark: Benchmark, keys: Keys) -> float | None:
    """The evaluation error of the one architecture with this key, None without a key or a value."""
    if not len(keys) or benchmark.evaluation is None:
        return None
    value = float(_accuracies(benchmark, keys, benchmark.evaluation)[0])
    return None if np.isnan(value) else 1 - value


def _accuracies(benchmark: Benchmark, keys: Keys, column: str) -> Float[np.ndarray, " n"]:
    return np.asarray(benchmark.values(column)[benchmark.rows(keys)], np.float64)
