"""Search spaces by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

from predictornas.errors import UnknownNameError
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201

SPACES: dict[str, Callable[[], SearchSpace]] = {"nasbench101": NASBench101, "nasbench201": NASBench201}
"""The spaces of this package; others register a factory in the entry-point group `predictornas.spaces`."""


@cache
def get_space(name: str) -> SearchSpace:
    """The space of this name; the same object at every call, so that what it enumerates is shared.

    Raises:
        UnknownNameError: no space has this name.
    """
    if name in SPACES:
        return SPACES[name]()
    plugins = {point.name: point for point in entry_points(group="predictornas.spaces")}
    if name in plugins:
        space: SearchSpace = plugins[name].load()()
        return space
    raise UnknownNameError("search space", name, [*SPACES, *plugins])
