"""Options that several verbs have: seeds, and where and how much of the tasks is run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from predictornas.errors import ConfigurationError

if TYPE_CHECKING:
    from predictornas.executors import Executor
    from predictornas.observers import Observer
    from predictornas.studies.pictures import Pictures
    from predictornas.studies.tasks import Execution, Share, Started

SEEDS_HELP = "How many, from 0 on: 20; or which: 100-119, or 3,7 (a number alone is a count; 3, is seed 3)."

Seeds = Annotated[str, Parameter(help=SEEDS_HELP)]

Workers = Annotated[int, Parameter(help="Processes; 0 takes one for each core. Results do not depend on it.")]

Threads = Annotated[int, Parameter(help="CPU threads of a training; with another number results differ by rounding.")]

Devices = Annotated[
    str,
    Parameter(help="cpu, cuda or cuda:N; of several, cuda:0,cuda:1, each network that is trained at a time has one."),
]

ExecutorName = Annotated[
    str | None, Parameter(name="--executor", help="serial, processes (the default), or ray for a cluster.")
]

Address = Annotated[
    str | None, Parameter(help="HOST:PORT of the Ray cluster, or auto for the one that this machine is part of.")
]

Part = Annotated[
    str | None,
    Parameter(help="Only a share of the runs, 3/20 the third of twenty, for array jobs; without it all is collected."),
]

Formats = Annotated[
    str | None,
    Parameter(
        name="--format",
        help="Files of each figure: png, svg, pdf, commas between; by default png,svg, for a paper pdf.",
    ),
]

Style = Annotated[
    Literal["screen", "paper", "paper-wide"],
    Parameter(
        name="--style",
        help="Figures for the screen, or for a paper: one column of 3.3 inches (paper), or both, 6.9 (paper-wide).",
    ),
]

Log = Annotated[
    Path | None, Parameter(name="--log", help="Append what happens to this file, a JSON object a line, as it happens.")
]

Board = Annotated[
    Path | None, Parameter(name="--tensorboard", help="Folder for TensorBoard, where each run writes what it measures.")
]

Open = Annotated[bool, Parameter(name="--open", negative="", help="Open the report, report.html, in a browser.")]


@dataclass(frozen=True)
class Where:
    """Where tasks are run, which share of them, and who is told what they do."""

    workers: int
    executor: str | None = None
    address: str | None = None
    part: str | None = None
    observers: tuple[Observer, ...] = ()

    def get_executor(self) -> Executor:
        """The executor that these options ask for.

        Raises:
            ConfigurationError: an executor, address or number of workers that cannot be.
            MissingDependencyError: Ray is asked for and not installed.
        """
        from predictornas.executors import get_executor

        name = self.executor or ("ray" if self.address else None)
        return get_executor(name, workers=worker_count(self.workers), address=self.address)

    def execution(self, started: Started) -> Execution:
        """The same for the engine of studies, with who is told about progress."""
        from predictornas.studies.tasks import Execution

        return Execution(self.get_executor(), started, self.share, self.observers)

    @property
    def share(self) -> Share | None:
        """Which of the tasks; None for all.

        Raises:
            ConfigurationError: no share.
        """
        from predictornas.studies.tasks import Share

        return None if self.part is None else Share.parse(self.part)


def observers_of(log: Path | None, board: Path | None) -> tuple[Observer, ...]:
    """The observers that `--log` and `--tensorboard` ask for.

    Raises:
        MissingDependencyError: TensorBoard is asked for and not installed.
    """
    from predictornas.observers import JSONLines, TensorBoard

    lines = () if log is None else (JSONLines(log),)
    return lines if board is None else (*lines, TensorBoard(board))


def pictures_as(formats: str | None, style: str) -> Pictures:
    """The formats and the style that `--format` and `--style` ask for.

    Raises:
        UnknownNameError: another format.
        ConfigurationError: no format.
    """
    from predictornas.studies.pictures import Pictures

    text = ("png,svg" if style == "screen" else "pdf") if formats is None else formats
    return Pictures(tuple(dict.fromkeys(name.strip().lower() for name in text.split(",") if name.strip())), style)


def whole_numbers(text: str, option: str) -> tuple[int, ...]:
    """Numbers from 1 with commas between.

    Example:
        >>> whole_numbers("78, 156", "--sizes")
        (78, 156)

    Args:
        text: as it was given.
        option: for messages.

    Raises:
        ConfigurationError: something else.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and len(part) < 10 and int(part) for part in parts):
        raise ConfigurationError(f"{option} {text[:60]!r}: give whole numbers from 1 with commas between, like 78,156.")
    return tuple(map(int, parts))


def worker_count(workers: int, threads: int = 1) -> int:
    """The processes that `--workers` asks for: 0 takes one for each core that this process may use.

    Where each computes on several threads, there are as many as the cores have room for.

    Raises:
        ConfigurationError: a negative number.
    """
    if workers < 0:
        raise ConfigurationError(f"--workers must be 0 (one for each core) or more, not {workers}.")
    return workers or max(1, len(os.sched_getaffinity(0)) // max(1, threads))


def training_processes(workers: int, device: str, threads: int) -> int:
    """How many networks are trained at once: as many as devices are named; on one GPU one at a time, unless asked.

    Example:
        >>> training_processes(0, "cuda:0,cuda:1", 1), training_processes(0, "cuda", 1)
        (2, 1)

    Raises:
        ConfigurationError: a negative number of workers.
    """
    several = device.count(",") + 1
    return several if workers == 0 and (several > 1 or device != "cpu") else worker_count(workers, threads)


_MOST_SEEDS = 1_000_000


def parsed_seeds(text: str) -> tuple[int, ...]:
    """The seeds that `--seeds` names, ascending: a count, or numbers and ranges between commas.

    Raises:
        ConfigurationError: something else.

    Example:
        >>> parsed_seeds("3"), parsed_seeds("3,"), parsed_seeds("7, 10-12")
        ((0, 1, 2), (3,), (7, 10, 11, 12))
    """
    if text.strip().isdecimal():
        if int(text) > _MOST_SEEDS:
            raise ConfigurationError(f"--seeds {int(text)} asks for so many runs. For that seed write {int(text)},")
        return tuple(range(int(text)))
    seeds: set[int] = set()
    for entry in filter(None, (entry.strip() for entry in text.split(","))):
        first, dash, last = (part.strip() for part in entry.partition("-"))
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            raise ConfigurationError(f"--seeds takes a count (20), a range (100-119) or a list (3,7), not {text!r}.")
        if int(last or first) - int(first) >= _MOST_SEEDS:
            raise ConfigurationError(f"--seeds {entry} asks for more than {_MOST_SEEDS:,} runs. Give a shorter range.")
        seeds |= set(range(int(first), int(last or first) + 1))
    return tuple(sorted(seeds))
