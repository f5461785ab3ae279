"""What a scheduler is: it reads from a history which architectures to train further, and how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.spaces.base import Genes, Keys


@dataclass(frozen=True)
class Plan:
    """Trainings to do next, the most promising first.

    Attributes:
        genes: `(k, g)`.
        keys: `(k,)`.
        epochs: how long each is trained in all, >= 1: one that has been trained before goes on from there, or begins
            anew where the oracle cannot resume.
    """

    genes: Genes
    keys: Keys
    epochs: int

    def __len__(self) -> int:
        return len(self.keys)

    def without(self, keys: Keys) -> Plan:
        """All but some trainings."""
        kept = ~np.isin(self.keys, keys)
        return Plan(self.genes[kept], self.keys[kept], self.epochs)


@runtime_checkable
class Scheduler(Protocol):
    """Which architectures are trained further: a function of the history alone, frozen and stateless.

    A history has one row for each (architecture, level) that was evaluated. A search evaluates its newcomers after
    `entry` epochs, then what `promotions` plans, again and again until that is nothing. As plans depend on nothing
    else, a run that was killed goes on with what is left of its plan, once its newcomers are all evaluated.
    """

    @property
    def levels(self) -> tuple[int, ...]:
        """e_1 < ... < e_L, epochs after which architectures are evaluated."""
        ...

    @property
    def entry(self) -> int:
        """Epochs that a newcomer is trained."""
        ...

    def promotions(self, history: History) -> Plan:
        """The next trainings to go on with, all to the same level; none where nobody is to be promoted.

        Raises:
            DataError: the history has evaluations that this scheduler cannot have planned.
        """
        ...


def plan_of(scheduler: Scheduler, history: History) -> Plan:
    """What a scheduler plans that may be anybody's; see `Scheduler.promotions`.

    Raises:
        ConfigurationError: it gave something else than a plan.
    """
    plan: Any = scheduler.promotions(history)
    if not isinstance(plan, Plan):
        raise ConfigurationError(
            f"{type(scheduler).__name__}.promotions gave {type(plan).__name__} and no Plan: end it with "
            "`return Plan(genes, keys, epochs)`, empty where nobody is promoted. "
            "predictornas.testing.check_scheduler tries every rule."
        )
    return plan


def incumbent(history: History) -> int | None:
    """Row of the best architecture at the most epochs after which any training succeeded; ties to the first.

    None where no training succeeded; see `History.succeeded`.
    """
    longest = history.longest()
    return int(longest[history.values[longest].argmax()]) if len(longest) else None
