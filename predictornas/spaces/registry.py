"""Search spaces by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.registry import Registered, Registry, expect

if TYPE_CHECKING:
    from predictornas.spaces.base import SearchSpace

_DARTS = {
    "darts": "7 operations, those of DARTS without `none` (Liu et al. 2019)",
    "darts-8": "the same with `none`",
    "darts-s1": "two operations an edge, chosen so that DARTS fails (Zela et al. 2020)",
    "darts-s2": "skip connections and separable convolutions",
    "darts-s3": "the same with `none`",
    "darts-s4": "separable convolutions and noise",
}

SPACES = Registry(
    "search space",
    (
        Registered(
            name="nasbench101",
            target="predictornas.spaces.nasbench101:NASBench101",
            help="423,624 cells of up to seven vertices, operations on the vertices (Ying et al. 2019)",
        ),
        Registered(
            name="nasbench201",
            target="predictornas.spaces.nasbench201:NASBench201",
            help="15,625 cells of four nodes, operations on the edges (Dong and Yang 2020)",
        ),
        Registered(
            name="nasbench-graph",
            target="predictornas.spaces.nasbench_graph:NASBenchGraph",
            help="26,206 graph neural networks of four operations, the tree they form included (Qin et al. 2022)",
        ),
        Registered(
            name="natsbench-size",
            target="predictornas.spaces.chains.natsbench_size:NATSBenchSize",
            help="32,768 networks of five layers, eight widths each: NATS-Bench's size space (Dong et al. 2021)",
        ),
        *(
            Registered(name=name, target="predictornas.spaces.darts_variants:darts_space", help=text, takes=("name",))
            for name, text in _DARTS.items()
        ),
    ),
    group="predictornas.spaces",
)
"""Targets are called without arguments, or with their `name`."""


def register_space(name: str, factory: Callable[[], SearchSpace]) -> None:
    """Makes a space known by name in this process, as an entry point does in all of them.

    Args:
        name: what tables and `get_space` call it.
        factory: makes the space; called once.

    Raises:
        ConfigurationError: another space has this name.
    """
    SPACES.add(Registered(name, factory))


def get_space(name: str) -> SearchSpace:
    """The space of this name; the same object at every call, so that what it enumerates is shared.

    Example:
        >>> from predictornas import get_space
        >>> space = get_space("nasbench201")
        >>> space.name, len(space), space.num_genes
        ('nasbench201', 15625, 6)

    Args:
        name: as `predictornas live-search --help` lists them, one of another package, or `module:attribute`.

    Raises:
        UnknownNameError: no space has this name.
        ConfigurationError: a space of another package that cannot be loaded.
    """
    return _made(name)


@cache
def _made(name: str) -> SearchSpace:
    from predictornas.spaces.base import SearchSpace

    record = SPACES[name]
    space: SearchSpace = expect(record.make(name=name), SearchSpace, record)
    return space


def check_registered(space: SearchSpace) -> None:
    """Refuses a space that a file could not name, as files name no modules; see `space_of_file`.

    Raises:
        ConfigurationError: no registered space has its name.
    """
    if space.name not in SPACES:
        raise ConfigurationError(
            f"A table of {space.name!r} could not be opened again: files name spaces, and no registered space has this "
            "name. Announce it under this name in the entry points `predictornas.spaces` of a package, or in this "
            "process with register_space(); see docs/guides/own-space.md."
        )


def space_of_file(name: str) -> SearchSpace:
    """The space that a file names: as `get_space`, but no file makes a module of its choice be imported.

    Raises:
        UnknownNameError: no space has this name, or it is a `module:attribute` that nobody registered in this process.
    """
    if ":" in name and name not in SPACES:
        raise UnknownNameError("search space", name, SPACES.spellings())
    return get_space(name)
