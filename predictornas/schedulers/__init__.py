"""Schedulers: they say which architectures are trained further, and for how many epochs; see `base`."""

from predictornas.schedulers.base import Plan, Scheduler, cost, incumbent
from predictornas.schedulers.full import Full
from predictornas.schedulers.halving import ASHALike, SuccessiveHalving
from predictornas.schedulers.nosh import NOSH

__all__ = ["NOSH", "ASHALike", "Full", "Plan", "Scheduler", "SuccessiveHalving", "cost", "incumbent"]
