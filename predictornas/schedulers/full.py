"""No schedule: every architecture is trained to the end at once, as in a search without fidelities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictornas.history import History
from predictornas.schedulers.base import Plan
from predictornas.schedulers.rungs import check_levels


@dataclass(frozen=True)
class Full:
    """Every newcomer to the highest level, nobody twice.

    Attributes:
        levels: as of the schedulers it is compared with; only the last one is used.

    Raises:
        ConfigurationError: levels that do not ascend.
    """

    levels: tuple[int, ...]

    def __post_init__(self) -> None:
        check_levels(self.levels)

    @property
    def entry(self) -> int:
        """Epochs that a newcomer is trained: all."""
        return self.levels[-1]

    def promotions(self, history: History) -> Plan:
        """Never any."""
        return Plan(history.genes[:0], np.empty(0, np.uint64), self.levels[-1])
