"""Executors by name; each is loaded when it is asked for."""

from __future__ import annotations

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.executors.base import Executor

EXECUTORS = ("serial", "processes", "ray")
"""Every name of an executor."""


def get_executor(name: str | None = None, *, workers: int = 1, address: str | None = None) -> Executor:
    """The executor of this name.

    Args:
        name: "serial" in this process, "processes" of this machine, or "ray" for a cluster; None for "serial" with one
            worker, else "processes".
        workers: how many "processes".
        address: for "ray", the cluster: see `predictornas.executors.cluster.Ray`.

    Raises:
        UnknownNameError: there is no such executor; names the nearest.
        ConfigurationError: fewer than one worker, or an address of something that is no cluster.

    Example:
        >>> from pathlib import Path
        >>> from predictornas.executors import Task, get_executor
        >>> def squared(number, target, tell):
        ...     tell(1)
        ...     return number**2
        >>> tasks = (Task(number, Path(f"{number}.json")) for number in (2, 3))
        >>> [square for task, square in get_executor("serial").run(squared, tasks)]
        [4, 9]
    """
    if workers < 1:
        raise ConfigurationError(f"workers={workers}: at least one is needed.")
    if name is None:
        name = "serial" if workers == 1 else "processes"
    if name not in EXECUTORS:
        raise UnknownNameError("executor", name, EXECUTORS)
    if address is not None and name != "ray":
        raise ConfigurationError(
            f"The address {address!r} is that of a Ray cluster, but the executor is {name!r}. Use 'ray', or no address."
        )
    if name == "serial":
        from predictornas.executors.serial import Serial

        return Serial()
    if name == "ray":
        from predictornas.executors.cluster import Ray

        return Ray(address)
    from predictornas.executors.processes import Processes

    return Processes(workers)
