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
from predictornas.history import History
from predictornas.oracles.tabular import TabularOracle
from predictornas.predictors.engine.space_index import blocks_of
from predictornas.search.loop import Search, iterate
from predictornas.search.pvll import PVLLInOneRun, PVLLSearch, PVLLState
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, Keys, SearchSpace
from predictornas.studies.gain.study import data_fingerprint
from predictornas.studies.sealed import kept, write_sealed
from predictornas.studies.tasks import Execution, run_all

PROTOCOL = 3
"""Raised whenever the same configuration and seed would give other numbers."""


COLLAPSED = 0.2
"""Share of the table, by the signal, that is in no test set: what learned little would decide every mean square."""

_AT_ONCE = 1 << 16

LATE = 50
"""The last proposals of a run, whose median says what the sampler has learned to propose."""


@dataclass(frozen=True)
class EstimatorRun:
    """A search with PVLL-NAS, and how its estimator is judged.

    Attributes:
        benchmark: name of an offline or imported table.
        search: the method.
        budget: evaluations, the warm-up included; no more than the space has beside the test set.
        seed: of the search.
        test_size: architectures of the test set: one set for all runs, uniform among those that did not collapse (the
            better 80 % of the table by the signal), never proposed.
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
        For each run, rows with `evaluations`, `test_loss` and `training_loss` (mean squared error of the estimated loss
        in [0, 1], for which 0 is the table's best accuracy and 1 its `COLLAPSED` quantile, in all runs the same),
        `relative_loss` (test loss over the variance of the test set: 1 is no better than the mean), `tau` (Kendall's,
        on the test set), `clamp_rate` and `effective_share` of the memory's weights, and `descent_share`: of the
        proposals so far, those with an estimated loss no higher than that of the one before, both by the estimator that
        was to learn from the later one (None before the first proposal). The last row also has evaluation errors: of
        the best by the signal (`incumbent`), the argmax of the architecture parameters (`derived`), the minimum of the
        estimator over the space (`minimum`), the median of the last `LATE` proposals (`late`), None where there is
        none; and `warm_up_share`, of all evaluations.
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
    test, scale = _fixed_test(benchmark, space, run.test_size)
    training = space.restricted_to(np.setdiff1d(space.enumerated_keys(), space.keys(test)))
    strategy = PVLLInOneRun(run.search)
    search = Search(training, strategy, seed=run.seed)
    truth = _accuracies(benchmark, space.keys(test), benchmark.signal)
    sequences = training.sequences(test)
    rows: list[dict[str, Any]] = []
    states: list[PVLLState] = []  # the latest two
    fell: list[bool] = []
    for step in iterate(search, TabularOracle(benchmark), run.budget):
        tell(len(step.evaluations.value))
        states = [*states[-1:], strategy.state(training, search.history, seed=run.seed)]
        if len(states) > 1:
            fell.append(_fell(*states))
        if run.curve or len(search.history) == run.budget:
            judged = _judged(run.search, states[-1], sequences, truth, scale)
            descent = float(np.mean(fell)) if fell else None
            rows.append({"evaluations": len(search.history), **judged, "descent_share": descent})
    return [*rows[:-1], rows[-1] | _ended(run.search, benchmark, space, search.history, states[-1])]


def _fell(before: PVLLState, after: PVLLState) -> bool:
    """Whether the latest architecture was no worse than the one before by the estimator that had not learned from it.

    What section 4.2 of Li, Dong et al. 2020 assumes of every step.
    """
    earlier, latest = before.estimator.losses(after.memory.sequences[-2:])
    return bool(latest <= earlier)


def _fixed_test(benchmark: Benchmark, space: SearchSpace, size: int) -> tuple[Genes, float]:
    """The test set of all runs on this part of a table, and the width of accuracies that is a loss of 1."""
    values = _accuracies(benchmark, space.enumerated_keys(), benchmark.signal)
    floor = float(np.nanquantile(values, COLLAPSED))
    learned = space.restricted_to(space.enumerated_keys()[values > floor])
    return learned.sample(size, rng_for(0, 0, "test set")), float(np.nanmax(values)) - floor


def _ended(
    search: PVLLSearch, benchmark: Benchmark, space: SearchSpace, history: History, state: PVLLState
) -> dict[str, float | None]:
    """What a run found, by four rules, and the share of it that went into the warm-up."""
    proposed = history.keys[history.iterations > 0][-LATE:]
    late = _errors(benchmark, proposed)
    return {
        "incumbent": _error(benchmark, history.keys[history.best(1)]),
        "derived": _error(benchmark, _derived(search, state, space)),
        "minimum": _error(benchmark, _least(state, space)),
        "late": float(np.nanmedian(late)) if len(late) else None,
        "warm_up_share": search.warm_up / len(history),
    }


def part_of(space: SearchSpace, choices: Sequence[Sequence[int]]) -> SearchSpace:
    """The architectures whose gene i takes one of the values `choices[i]`; all of them where `choices` is empty."""
    if not choices:
        return space
    genes = space.enumerate()
    inside = np.all([np.isin(genes[:, gene], allowed) for gene, allowed in enumerate(choices)], axis=0)
    return space.restricted_to(space.enumerated_keys()[inside])


def _judged(
    search: PVLLSearch,
    state: PVLLState,
    test: Float[np.ndarray, "n steps k"],
    truth: Float[np.ndarray, " n"],
    scale: float,
) -> dict[str, float | None]:
    """How well the estimator tells losses, in the table's units: those of the memory differ between memories."""
    memory = state.memory
    best, worst = memory.span(search.clip)
    estimated = best - (best - worst) * state.estimator.losses(test)
    remembered = best - (best - worst) * state.estimator.losses(memory.sequences)
    loss = float(((estimated - truth) ** 2).mean())
    tau = float(kendalltau(estimated, truth).statistic)
    # psi cannot say how bad the clipped ones are, and was never asked
    known = np.maximum(memory.values, worst)
    return {
        "test_loss": loss / scale**2,
        "training_loss": float(((remembered - known) ** 2).mean()) / scale**2,
        "relative_loss": loss / float(truth.var()),
        "tau": None if np.isnan(tau) else tau,  # an estimator that has learned nothing calls all equal
        "clamp_rate": memory.clamp_rate(search.smallest_p),
        "effective_share": memory.effective_share(),
    }


def _derived(search: PVLLSearch, state: PVLLState, space: SearchSpace) -> Keys:
    """The key of the argmax of the architecture parameters; none where they were not moved or break the rules."""
    import torch

    if not search.gradient:
        return np.empty(0, np.uint64)
    architecture = state.architecture
    genes = architecture.decoded(architecture.soft(torch.zeros_like(architecture.logits)[None]))
    return space.keys(genes[space.valid(genes)])


def _least(state: PVLLState, space: SearchSpace) -> Keys:
    """The key of the architecture whose estimated loss is least; where several are, the first."""
    losses = [state.estimator.losses(space.sequences(part)) for part in blocks_of(space.enumerate(), _AT_ONCE)]
    return space.enumerated_keys()[[int(np.concatenate(losses).argmin())]]


def _error(benchmark: Benchmark, keys: Keys) -> float | None:
    """The evaluation error of the one architecture with this key, None without a key or a value."""
    errors = _errors(benchmark, keys)
    return None if not len(errors) or np.isnan(errors[0]) else float(errors[0])


def _errors(benchmark: Benchmark, keys: Keys) -> Float[np.ndarray, " m"]:
    """The evaluation errors of these architectures."""
    return 1 - _accuracies(benchmark, keys, benchmark.evaluation)


def _accuracies(benchmark: Benchmark, keys: Keys, column: str) -> Float[np.ndarray, " n"]:
    return np.asarray(benchmark.values(column)[benchmark.rows(keys)], np.float64)
