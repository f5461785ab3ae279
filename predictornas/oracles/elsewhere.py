"""Evaluations that are made by workers, several at once: each is a task, and answers as soon as it is done."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from predictornas.executors.base import Crew, Executor, Task, Tell, crewed, nothing
from predictornas.history import Pending
from predictornas.oracles.base import Evaluations, Oracle
from predictornas.plain_help import PlainHelp
from predictornas.seeding import rng_for


@runtime_checkable
class Evaluator(Protocol, metaclass=PlainHelp):
    """Evaluates architectures by workers, each as a task of its own; `LiveOracle` does, and `Elsewhere` for any oracle.

    One that has an attribute `resumes = True` goes on with a training where it was stopped before, as an oracle does.
    """

    def crew(self, *, tell: Tell = ...) -> AbstractContextManager[Crew]:
        """The workers, for the time of a block; the result of each task is an `Evaluations` of one row.

        Args:
            tell: told of units of work as they are done, such as epochs.
        """
        ...

    def task(self, asked: Pending) -> Task[Any]:
        """An evaluation as a task; each that runs at a time has a target of its own."""
        ...


@dataclass(frozen=True)
class Elsewhere(metaclass=PlainHelp):
    """Any oracle, asked by workers, one architecture at a time.

    What is drawn depends on the architecture and the length of its training alone, so answers do not depend on who gave
    them and when.

    Example:
        >>> from predictornas import Elsewhere, TabularOracle, open_benchmark
        >>> from predictornas.executors import get_executor
        >>> oracle = TabularOracle(open_benchmark("nasbench101-digits"))
        >>> Elsewhere(oracle, get_executor("processes", workers=2)).resumes  # as the curves of this table do
        True

    Args:
        oracle: picklable.
        executor: where the workers are: "processes" or "ray", or another that can be given one task after the other.
        seed: of the run.

    Raises:
        ConfigurationError: when workers are wanted of an executor whose tasks have to be known beforehand.
    """

    oracle: Oracle
    executor: Executor
    seed: int = 0

    @property
    def resumes(self) -> bool:
        """Whether the oracle does."""
        return getattr(self.oracle, "resumes", False)

    def crew(self, *, tell: Tell = nothing) -> AbstractContextManager[Crew]:
        """See `Evaluator`."""
        return crewed(self.executor).crew(partial(_asked, self.oracle, self.seed), tell=tell)

    def task(self, asked: Pending) -> Task[Any]:
        """See `Evaluator`; nothing is written to its target."""
        return Task(asked, Path(f"evaluation-{asked.key:016x}"))


def _asked(oracle: Oracle, seed: int, asked: Pending, target: Path, tell: Tell) -> Evaluations:
    rng = rng_for(seed, 0, f"oracle {asked.key:016x} {asked.epochs}")
    evaluations = oracle.evaluate(np.array([asked.genes], np.int8), asked.epochs, rng)
    tell(1)
    return evaluations
