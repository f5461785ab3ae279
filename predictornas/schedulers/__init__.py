"""Schedulers: they say which architectures are trained further, and for how many epochs; see `base`.

The names below are loaded when first used: help texts list schedulers, and need no numpy for that.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_MODULES = {
    "NOSH": "nosh",
    "ASHALike": "halving",
    "Full": "full",
    "Plan": "base",
    "Scheduler": "base",
    "SuccessiveHalving": "halving",
    "incumbent": "base",
}

__all__ = ["NOSH", "ASHALike", "Full", "Plan", "Scheduler", "SuccessiveHalving", "incumbent"]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)


if TYPE_CHECKING:
    from predictornas.schedulers.base import Plan, Scheduler, incumbent
    from predictornas.schedulers.full import Full
    from predictornas.schedulers.halving import ASHALike, SuccessiveHalving
    from predictornas.schedulers.nosh import NOSH
