"""Every error this package raises on purpose; each message says what, where, the value met and the remedy."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from predictornas.plain_help import PlainHelp

QUOTED = 120
"""Characters of a value from outside that a message quotes."""

SCREEN = 2000
"""Characters of a message, about a screen of 25 lines of 80."""

_UNSAFE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""What moves the cursor, colours or reorders text on a terminal; the end of a line is not among them."""


def quoted(value: object, most: int = QUOTED) -> str:
    r"""A value from outside as messages show it: on one line, control characters as escapes, the end of a long one cut.

    Example:
        >>> from predictornas.errors import quoted
        >>> print(quoted("a\x1b[31m\nb"), quoted("x" * 1000, most=5))
        'a\x1b[31m\nb' 'xxxxx'... (1,000 characters)

    Args:
        value: any; a text or bytes are quoted, of anything else its `repr` is shown.
        most: characters that are kept.
    """
    if not isinstance(value, (str, bytes)):
        text = _safe(repr(value)).replace("\n", " ")
        return text if len(text) <= most else f"{text[:most]}... ({len(text):,} characters)"
    unit = "characters" if isinstance(value, str) else "bytes"
    return repr(value) if len(value) <= most else f"{value[:most]!r}... ({len(value):,} {unit})"


def on_screen(message: str) -> str:
    r"""A message that fits a screen: the middle of a very long one left out, control characters shown as escapes.

    Example:
        >>> from predictornas.errors import on_screen
        >>> print(on_screen("\x1b[2J gone"))
        \x1b[2J gone
    """
    return _cut(_safe(_cut(message)))  # escapes are longer than what they stand for


def _cut(message: str) -> str:
    if len(message) <= SCREEN:
        return message
    head, tail = SCREEN * 3 // 5, SCREEN * 3 // 10
    return f"{message[:head]} ... ({len(message) - head - tail:,} characters left out) ... {message[-tail:]}"


def _safe(text: str) -> str:
    return _UNSAFE.sub(lambda met: met[0].encode("unicode_escape").decode(), text)


class PredictorNASError(Exception, metaclass=PlainHelp):
    """Base of all errors raised on purpose. The command line prints it in one line and exits with code 2.

    As text it fits a screen, whatever file or argument it quotes.

    Example:
        >>> from predictornas import PredictorNASError, get_space
        >>> try:
        ...     get_space("nasbench20")
        ... except PredictorNASError as error:
        ...     print(error)
        There is no search space named 'nasbench20'. Did you mean 'nasbench201'? ...
    """

    def __str__(self) -> str:
        return on_screen(super().__str__())


class ConfigurationError(PredictorNASError):
    """An option, or a combination of options, that cannot work."""


class OutOfMemoryError(ConfigurationError):
    """A training that does not fit into the memory of its device."""


class WorkerLostError(PredictorNASError):
    """The process that had a task died: out of memory, or killed."""


SHOWN = 24
"""Names that a message lists at most; of more it lists the nearest few."""

_NEAREST = 5

_ALL = {
    "benchmark": "predictornas data list",
    "column": "predictornas data info NAME",
    "figure": "predictornas reproduce --list",
    "method": "predictornas gain --help",
    "objective": "predictornas data info NAME",
    "predictor": "predictornas predictors --help",
    "super-network method": "predictornas supernet --help",
}
"""What shows every name of a kind; of others the error's attribute `known` has them."""


class UnknownNameError(ConfigurationError):
    """A name that no registry knows; the message suggests one that begins with it, else the nearest known one.

    Args:
        kind: what was looked up, in the singular ("benchmark", "method", "column").
        name: the name that was not found.
        known: every name that would have been found.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names, start = sorted(known), name[:QUOTED]
        near = _begun(start, names) or difflib.get_close_matches(start, names, n=1, cutoff=0.5)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        super().__init__(f"There is no {kind} named {quoted(name)}. {hint}Known: {_listed(kind, start, names)}.")
        self.kind, self.name, self.known = kind, name, names

    def __reduce__(self) -> tuple[type[UnknownNameError], tuple[str, str, list[str]]]:
        return type(self), (self.kind, self.name, self.known)


def _begun(name: str, names: list[str]) -> list[str]:
    """Those that begin with what was typed, two letters at least, the shortest first."""
    begun = [known for known in names if known.lower().startswith(name.lower()) and len(name) > 1]
    return sorted(begun, key=len)


def _listed(kind: str, name: str, names: list[str]) -> str:
    """All names, or the nearest few of many and what shows the others."""
    if len(names) <= SHOWN:
        return ", ".join(names) or "none"
    close = difflib.get_close_matches(name, names, n=_NEAREST, cutoff=0.0)
    nearest = list(dict.fromkeys([*_begun(name, names), *close]))[:_NEAREST]
    place = _ALL.get(kind)
    everything = f"`{place}` shows all" if place else "all are in the error's `known`"
    return f"{', '.join(nearest)} and {len(names) - len(nearest)} more ({everything})"


class AtWorkError(PredictorNASError):
    """What was asked for is being made by another command right now; the command line says so and exits with 0."""


class DataError(PredictorNASError):
    """A file from outside (table, TFRecord, checkpoint, image batch) that breaks its format or its declared rules."""


class StoreError(DataError):
    """A file of our own store or cache that is incomplete, altered or of another schema version."""


class UnknownArchitectureError(DataError):
    """A table was asked for an architecture that it does not hold."""


class JournalError(DataError):
    """A journal of a run that cannot be continued (not merely a torn last line, which is repaired)."""


class BusyJournalError(JournalError):
    """A journal that another process writes right now."""


class CheckpointError(DataError):
    """A checkpoint of a training that is damaged or belongs to another training."""


class InvalidArchitectureError(PredictorNASError):
    """Genes that break the rules of their search space."""


class MissingDependencyError(PredictorNASError):
    """An optional package is needed; the message holds the command that installs it."""
