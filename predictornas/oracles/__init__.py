"""Oracles: they answer how good an architecture is, and what the answer cost."""

from predictornas.oracles.base import Evaluations, Oracle
from predictornas.oracles.tabular import TabularOracle

__all__ = ["Evaluations", "Oracle", "TabularOracle"]
