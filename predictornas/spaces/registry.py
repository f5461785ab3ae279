"""Search spaces by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.metadata import entry_points

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.darts_variants import DARTS_SPACES
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201

SPACES: dict[str, Callable[[], SearchSpace]] = {
    "nasbench101": NASBench101,
    "nasbench201": NASBench201,
    **DARTS_SPACES,
}
"""The spaces of this package; installed packages add theirs in the entry-point group `predictornas.spaces`."""


def register_space(name: str, factory: Callable[[], SearchSpace]) -> None:
    """Makes a space known by name in this process, as an entry point does in all of them.

    Args:
        name: what tables and `get_space` call it.
        factory: makes the space; called once.

    Raises:
        ConfigurationError: another space has this name.
    """
    if SPACES.get(name, factory) is not factory:
        raise ConfigurationError(f"There is a space {name!r} already. Choose another name.")
    SPACES[name] = factory


@cache
def get_space(name: str) -> SearchSpace:
    """The space of this name; the same object at every call, so that what it enumerates is shared.

    Example:
        >>> from predictornas import get_space
        >>> space = get_space("nasbench201")
        >>> space.name, len(space), space.num_genes
        ('nasbench201', 15625, 6)

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
