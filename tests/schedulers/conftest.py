"""A search without a space: architectures are numbers, and what a training gives is written down beforehand."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from predictornas.history import History
from predictornas.schedulers import Plan, Scheduler

Values = Callable[[int, int], float]
"""What a training gives, from the number of the architecture and its epochs."""


def key_of(number: int) -> int:
    """Keys beyond what a signed integer holds, in another order than the numbers."""
    return number * 0x9E3779B97F4A7C15 % (1 << 64)


def cost(history: History, plan: Plan, *, resumes: bool) -> list[int]:
    """Epochs that each training of a plan takes, as it was made: anew, or on from the longest one before."""
    trained = list(zip(history.keys.tolist(), history.epochs.tolist(), strict=True))
    before = [max((epochs for each, epochs in trained if each == key), default=0) for key in plan.keys.tolist()]
    return [plan.epochs - (epochs if resumes else 0) for epochs in before]


class Rehearsal:
    """Evaluates what a scheduler plans, and remembers what was planned."""

    def __init__(self, scheduler: Scheduler, values: Values) -> None:
        self.scheduler, self.values = scheduler, values
        self.history = History.empty(2)
        self.plans: list[tuple[History, Plan]] = []
        self._came_in = 0

    def newcomers(self, count: int) -> Plan:
        numbers = np.arange(self._came_in, self._came_in + count)
        self._came_in += count
        genes = np.stack([numbers // 100, numbers % 100], axis=1).astype(np.int8)
        keys = np.array([key_of(int(number)) for number in numbers], np.uint64)
        return Plan(genes, keys, self.scheduler.entry)

    def evaluate(self, plan: Plan, iteration: int) -> None:
        numbers = plan.genes[:, 0].astype(int) * 100 + plan.genes[:, 1]
        assert [key_of(int(number)) for number in numbers] == plan.keys.tolist()
        self.plans.append((self.history, plan))
        self.history = self.history.extended(
            keys=plan.keys,
            genes=plan.genes,
            epochs=np.full(len(plan), plan.epochs),
            values=[self.values(int(number), plan.epochs) for number in numbers],
            iteration=iteration,
        )

    def promotions(self) -> Iterator[Plan]:
        while len(plan := self.scheduler.promotions(self.history)):
            yield plan

    def run(self, batches: list[int]) -> None:
        for iteration, count in enumerate(batches):
            self.evaluate(self.newcomers(count), iteration)
            for plan in self.promotions():
                self.evaluate(plan, iteration)

    def counts(self) -> list[int]:
        """Architectures that ever reached each level."""
        return [int((self.history.epochs == level).sum()) for level in self.scheduler.levels]


@pytest.fixture
def rehearse() -> type[Rehearsal]:
    return Rehearsal


@pytest.fixture
def improving() -> Values:
    """400 architectures of which later ones tend to be better, as a predictor makes them, measured with some noise."""
    rng = np.random.default_rng(0)
    noise, quality = rng.normal(size=(4, 400)), np.arange(400) / 100 + rng.normal(size=400) / 2
    levels = {1: 0, 2: 1, 4: 2, 8: 3}
    return lambda number, epochs: float(quality[number] + noise[levels[epochs], number] / 4)
