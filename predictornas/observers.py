"""Observers: they are told what a run does while it does it, to log it, to plot it, or to call somebody.

One small protocol for searches, studies, live searches, super-networks and trainings. Events are plain values.
"""

from __future__ import annotations

import copy
import errno
import json
import math
import os
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from predictornas.errors import ConfigurationError
from predictornas.extras import extra
from predictornas.plain_help import PlainHelp

Event = Mapping[str, Any]
"""Names and plain values: texts, numbers, lists of them, None. A value that is not finite is None."""


class Observer(metaclass=PlainHelp):
    """Told what a run does. Inherit and define what you want to hear of, or `told`, which hears everything.

    Every event has `run`, the name of the run. What an observer raises is reported once, as an `ObserverWarning`, and
    never stops a run; nothing that it does changes a result. The runs of a study are in several processes: an observer
    of a study has to be picklable, and opens what it writes to in the process that it is in.

    Example:
        >>> from predictornas import Observer, RandomSearch, Search, get_space
        >>> class Best(Observer):
        ...     def evaluated(self, event):
        ...         print(event["order"], event["value"], "best", event["best"])
        >>> search = Search(get_space("nasbench201"), RandomSearch(initial=2), seed=0, observers=[Best()])
        >>> search.tell(search.ask().genes, [0.7, 0.6])
        0 0.7 best 0.7
        1 0.6 best 0.7
    """

    def started(self, event: Event) -> None:
        """A run begins, or goes on: `done` evaluations or epochs (`unit`) are there; what it is made of."""
        self.told("started", event)

    def proposed(self, event: Event) -> None:
        """Architectures are to be evaluated: `iteration`, `by`, `architectures`, `genes`, `predicted`, `epochs`."""
        self.told("proposed", event)

    def promoted(self, event: Event) -> None:
        """The same of architectures that a scheduler trains on."""
        self.told("promoted", event)

    def evaluated(self, event: Event) -> None:
        """A result. Of a search `order`, `architecture`, `genes`, `epochs`, `value`, `failure`, and the `best` so far.

        Of a network or super-network that is trained it is an epoch: `epoch`, and what was measured after it.
        """
        self.told("evaluated", event)

    def ended(self, event: Event) -> None:
        """The run is over: `done` of which `unit`, and `recommended`, where there is something to recommend."""
        self.told("ended", event)

    def told(self, kind: str, event: Event) -> None:
        """Everything for which the observer has no method of its own; `kind` is the name of the method."""


class ObserverWarning(UserWarning):
    """An observer raised something; the run goes on."""


@dataclass(frozen=True)
class Announcer:
    """Tells observers of one run what happens.

    Attributes:
        run: the name of the run, in every event.
        observers: who is told.
    """

    run: str
    observers: tuple[Observer, ...] = ()
    _failed: set[int] = field(default_factory=set, init=False, repr=False, compare=False)

    def __call__(self, kind: str, /, **event: Any) -> None:
        """Tells all of them.

        Args:
            kind: a method of `Observer`.
            event: values; arrays become lists.
        """
        if not self.observers:
            return
        told = {"run": self.run, **{name: _plain(value) for name, value in event.items()}}
        for number, observer in enumerate(self.observers):
            try:
                getattr(observer, kind)(copy.deepcopy(told))  # what one changes, the next does not see
            except Exception as error:  # whatever a stranger's code raises
                if number not in self._failed:
                    self._failed.add(number)
                    warnings.warn(
                        f"{type(observer).__name__}.{kind} raised {type(error).__name__}: {error}. The run goes on; "
                        "further faults of this observer are not shown.",
                        ObserverWarning,
                        stacklevel=2,
                    )


SILENT = Announcer("")
"""Nobody listens."""


def several(observers: Sequence[Observer]) -> tuple[Observer, ...]:
    """The observers that somebody handed over.

    Raises:
        ConfigurationError: a single one, which is no list.
    """
    if isinstance(observers, Observer):
        raise ConfigurationError(f"Observers come in a list: observers=[{type(observers).__name__}(...)].")
    return tuple(observers)


@dataclass(frozen=True)
class JSONLines(Observer, metaclass=PlainHelp):
    """Appends every event to a file, one JSON object a line: `event`, `time` (seconds since 1970), and what it says.

    Several processes may write to the same file. A resumed run goes on with it.

    Example:
        >>> import json
        >>> import tempfile
        >>> from pathlib import Path
        >>> from predictornas import JSONLines, RandomSearch, Search, get_space
        >>> file = Path(tempfile.mkdtemp()) / "events.jsonl"
        >>> search = Search(get_space("nasbench201"), RandomSearch(initial=2), seed=0, observers=[JSONLines(file)])
        >>> search.tell(search.ask().genes, [0.7, 0.6])
        >>> [event["event"] for event in map(json.loads, file.read_text().splitlines())]
        ['started', 'proposed', 'evaluated', 'evaluated']

    Args:
        path: the file; made, with its folder, where it is missing.
    """

    path: Path | str

    def __post_init__(self) -> None:
        # a worker may have another working directory
        object.__setattr__(self, "path", Path(self.path).absolute())

    def told(self, kind: str, event: Event) -> None:
        """A line."""
        line = json.dumps({"event": kind, "time": round(time.time(), 3), **event}, ensure_ascii=False) + "\n"
        path = Path(self.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = line.encode()
        with path.open("ab", buffering=0) as file:  # one write, so that lines of several processes stay whole
            written = file.write(content)
            if written < len(content):
                # the disk is full: the rest of the line would stand behind what is written next
                file.truncate(file.tell() - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


class TensorBoard(Observer):
    """Writes what can be drawn as TensorBoard's scalars, a folder for each run (extra `tensorboard`).

    Of a search `value`, `best` and `epochs` by evaluation; of networks that are trained every number by epoch; at the
    end what is recommended, as a text.

    Example:
        >>> import tempfile
        >>> from predictornas import RandomSearch, Search, TensorBoard, get_space
        >>> board = TensorBoard(tempfile.mkdtemp())
        >>> search = Search(get_space("nasbench201"), RandomSearch(initial=2), seed=0, observers=[board])
        >>> search.tell(search.ask().genes, [0.7, 0.6])
        >>> search.close()

    Args:
        folder: give it to `tensorboard --logdir`.

    Raises:
        MissingDependencyError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder).absolute()  # a worker may have another working directory
        self._writers: dict[str, Any] = {}
        with extra("tensorboard", "Writing for TensorBoard"):
            import torch.utils.tensorboard  # noqa: F401

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder, "_writers": {}}

    def evaluated(self, event: Event) -> None:
        """Scalars."""
        writer = self._writer(event["run"])
        step = event["epoch"] if "epoch" in event else event["order"] + 1
        for name, value in event.items():
            if name not in ("epoch", "order", "iteration", "run") and type(value) in (int, float):
                writer.add_scalar(name, value, step)
        writer.flush()

    def ended(self, event: Event) -> None:
        """What is recommended; the files of the run are closed."""
        writer = self._writer(event["run"])
        if event.get("recommended") is not None:
            writer.add_text("recommended", f"`{event['recommended']}`", event["done"])
        writer.close()
        del self._writers[event["run"]]

    def _writer(self, run: str) -> Any:
        if run not in self._writers:
            from torch.utils.tensorboard import SummaryWriter

            self._writers[run] = SummaryWriter(str(self.folder / run))
        return self._writers[run]


@runtime_checkable
class Writable(Protocol):
    """What lines can be written to, such as `sys.stdout`."""

    def write(self, text: str, /) -> Any:
        """Takes a text."""

    def flush(self) -> Any:
        """Lets it be seen."""


class ProgressLines(Observer):
    """Prints a line when a run begins and ends, and at most one a minute in between: for notebooks and logs of jobs.

    Example:
        >>> import sys
        >>> from predictornas import ProgressLines, RandomSearch, Search, get_space
        >>> lines = ProgressLines(sys.stdout)
        >>> search = Search(get_space("nasbench201"), RandomSearch(initial=2), seed=0, observers=[lines])
        >>> search.tell(search.ask().genes, [0.7, 0.6])
        nasbench201-seed-0: begins
        >>> search.close()
        nasbench201-seed-0: ended after 2 evaluations

    Args:
        stream: where to; None for standard error.
        seconds: between two lines.
    """

    def __init__(self, stream: Writable | None = None, seconds: float = 60.0) -> None:
        self.stream = stream
        self.seconds = seconds
        self._next = 0.0

    def started(self, event: Event) -> None:
        """A line."""
        self._next = time.monotonic() + self.seconds
        self._say(event, f"goes on after {event['done']} {event['unit']}" if event["done"] else "begins")

    def evaluated(self, event: Event) -> None:
        """A line, if the last one is long ago."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self.seconds
        if "epoch" in event:
            measured = [f"{name} {value:.4g}" for name, value in event.items() if type(value) is float]
            self._say(event, f"epoch {event['epoch']}, {', '.join(measured[:4])}")
        else:
            best = "" if event["best"] is None else f", the best {event['best']:.4g}"
            self._say(event, f"{event['order'] + 1} evaluations{best}")

    def ended(self, event: Event) -> None:
        """A line."""
        self._say(event, f"ended after {event['done']} {event['unit']}")

    def _say(self, event: Event, what: str) -> None:
        stream = sys.stderr if self.stream is None else self.stream
        stream.write(f"{event['run']}: {what}\n")
        stream.flush()


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(entry) for name, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)
