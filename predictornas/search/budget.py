"""What a search may spend, and the account of what it has spent."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from predictornas.errors import ConfigurationError
from predictornas.search.strategies import Proposal


@dataclass(frozen=True)
class Budget:
    """A limit on one run, the initial set T0 included: on evaluations, or on the epochs or seconds trained for them.

    Attributes:
        evaluations: evaluations in all; None for no limit.
        epochs: epochs in all; None for no limit. An evaluation that would go beyond it is not begun.
        seconds: of training in all, as the oracle reports them; None for no limit. They are known after an evaluation
            only: the first that goes beyond the limit ends the run and is not counted.

    Raises:
        ConfigurationError: no limit, or one below 1.
    """

    evaluations: int | None = None
    epochs: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        limits = [limit for limit in (self.evaluations, self.epochs, self.seconds) if limit is not None]
        if not limits or not min(limits) >= 1 or not math.isfinite(max(limits)):
            raise ConfigurationError(
                f"A budget is evaluations, epochs or seconds of training, at least 1 and finite, not {self}."
            )

    @property
    def unit(self) -> str:
        """What is limited, and progress is told in: "epochs", "seconds" or "evaluations"."""
        if self.epochs is not None:
            return "epochs"
        return "evaluations" if self.seconds is None else "seconds"


def affordable(proposal: Proposal, left: float, paid: Callable[[int], float]) -> Proposal:
    """The first architectures of a proposal, as many as there are epochs left for.

    Args:
        proposal: what would be trained.
        left: epochs that a budget still has.
        paid: epochs of an architecture, by its key, that it was trained for already and that need not be repeated.

    Raises:
        ConfigurationError: nobody says how many epochs the proposal takes.
    """
    if not len(proposal):
        return proposal
    if proposal.epochs is None:
        raise ConfigurationError(
            "A budget of epochs needs a scheduler that says how many each training takes. Use a method such as "
            "rank-nosh, or predictornas.search.scheduled.Scheduled with Full."
        )
    for place, key in enumerate(proposal.keys.tolist()):
        left -= max(0.0, proposal.epochs - paid(key))
        if left < 0:
            return proposal.first(place)
    return proposal


class Ledger:
    """The account of a run: it says what can still be afforded, and what an evaluation costs.

    Args:
        budget: the limits.
        resumes: whether trainings go on where earlier ones of the same architecture ended. Their oracle reports the
            cost of the whole training, of which only the new part is charged.
        advance: told of what is spent, in the budget's unit, rounded.
    """

    def __init__(self, budget: Budget, *, resumes: bool, advance: Callable[[int], None] = lambda _: None) -> None:
        self._budget = budget
        self._resumes = resumes
        self._advance = advance
        self._evaluations = 0
        self._spent = {"cost_seconds": 0.0, "cost_epochs": 0.0}
        self._paid: defaultdict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    @property
    def evaluations_left(self) -> int | None:
        """Evaluations that the budget still has; None where these are not limited."""
        return None if self._budget.evaluations is None else self._budget.evaluations - self._evaluations

    def affordable(self, proposal: Proposal) -> Proposal:
        """The first architectures of a proposal, as many as there are epochs left for.

        Raises:
            ConfigurationError: epochs are limited, but nobody says how many the proposal takes.
        """
        if self._budget.epochs is None:
            return proposal
        left = self._budget.epochs - self._spent["cost_epochs"]
        return affordable(proposal, left, lambda key: self._paid[key]["cost_epochs"] if self._resumes else 0.0)

    def charge(self, key: int, costs: dict[str, float | None]) -> dict[str, float | None]:
        """What is charged for an evaluation: its costs, less what was paid for the same training before.

        Args:
            key: of the architecture.
            costs: `cost_seconds` and `cost_epochs` as the oracle reports them; None where they are not known.

        Raises:
            ConfigurationError: epochs or seconds are limited, but the oracle does not know how many it trained.
        """
        for unit, limit in (("epochs", self._budget.epochs), ("seconds", self._budget.seconds)):
            if limit is not None and costs[f"cost_{unit}"] is None:
                raise ConfigurationError(
                    f"A budget of {limit:g} {unit} needs an oracle that reports `cost_{unit}`, and this one gave NaN. "
                    "Limit evaluations instead."
                )
        if not self._resumes:
            return costs
        paid = self._paid[key]
        return {name: None if cost is None else max(0.0, cost - paid[name]) for name, cost in costs.items()}

    def exceeded_by(self, record: Mapping[str, Any]) -> bool:
        """Whether an evaluation with these charges would go beyond the seconds that there are."""
        limit, cost = self._budget.seconds, record["cost_seconds"]
        return limit is not None and cost is not None and self._spent["cost_seconds"] + cost > limit

    def enter(self, record: Mapping[str, Any]) -> None:
        """Books an evaluation as it stands in the journal, with what was charged for it."""
        self.enter_all([record])

    def enter_all(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Books several evaluations and tells of their sum."""
        done = 0
        for record in records:
            costs = {name: record.get(name) for name in ("cost_seconds", "cost_epochs")}
            known = {name: cost for name, cost in costs.items() if cost is not None and not math.isnan(cost)}
            if self._resumes:
                for name, cost in known.items():
                    self._paid[record["key"]][name] += cost
            before = self._told()
            self._evaluations += 1
            for name, cost in known.items():
                self._spent[name] += cost
            done += self._told() - before
        if done:
            self._advance(done)

    def _told(self) -> int:
        """What was spent in the budget's unit; rounded as a whole, so that small costs add up."""
        unit = self._budget.unit
        return self._evaluations if unit == "evaluations" else round(self._spent[f"cost_{unit}"])
