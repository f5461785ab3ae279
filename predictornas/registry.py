"""What is known by name: one record a part, one registry a kind; whatever a part is made of is loaded on demand.

Every list of names follows from the records: help texts, suggestions, legends, documents. Other packages add to a kind
by entry points, and `module:attribute` stands wherever a name does.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from predictornas.errors import ConfigurationError, PredictorNASError, UnknownNameError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Number = Literal["none", "needed", "optional"]
"""Whether a part's name ends in a number, as in `uniform-1000`."""

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_NUMBERED = re.compile(r"(.+)-(\d+)")


class PluginWarning(UserWarning):
    """A part of another package that is not used: it cannot be loaded, or its name is taken."""


@dataclass(frozen=True)
class Look:
    """How a part is drawn.

    Attributes:
        colour: hexadecimal.
        marker: a matplotlib marker that can be filled, so that parts differ without colour too.
    """

    colour: str
    marker: str


@dataclass(frozen=True)
class Registered:
    """What is known of a part before it is loaded.

    Attributes:
        name: what people ask for; where there is a number behind it, without that.
        target: `module:attribute` of a class, a function or an object that makes the part or is it; or that itself.
        help: one line for help texts and documents.
        label: what a figure calls it; the name itself where empty.
        takes: settings that the target is called with, by keyword; see the registry of each kind for what there is.
        number: whether the name ends in a number.
        number_label: how a figure says the number, as in "N' = {:,}".
        look: in figures; None for a spare colour.
        looks: looks of their own for some numbers.
        plugin: what says where it comes from, if not from this package.
    """

    name: str
    target: Any
    help: str = ""
    label: str = ""
    takes: tuple[str, ...] = ()
    number: Number = "none"
    number_label: str = ""
    look: Look | None = None
    looks: Mapping[int, Look] = field(default_factory=dict)
    plugin: str = ""

    @property
    def spellings(self) -> tuple[str, ...]:
        """How its name is written, `uniform-N`."""
        plain, numbered = (self.name,), (f"{self.name}-N",)
        return {"none": plain, "needed": numbered, "optional": plain + numbered}[self.number]

    def load(self) -> Any:
        """The target.

        Raises:
            ConfigurationError: of another package's part, where it cannot be loaded.
        """
        if not isinstance(self.target, str):
            return self.target
        return load_reference(self.target) if self.plugin else _imported(self.target)

    def make(self, **settings: Any) -> Any:
        """The part: what the target makes of the settings that it takes, or the target itself where it is an object.

        Raises:
            ConfigurationError: of another package's part, where it cannot be loaded or made.
        """
        target = self.load()
        if not (inspect.isclass(target) or inspect.isroutine(target) or isinstance(target, partial)):
            return target
        lacking = set(self.takes) - set(settings)
        if self.plugin and lacking:
            raise ConfigurationError(
                f"{self.name!r} ({self.plugin}) takes {', '.join(sorted(lacking))}; there is {', '.join(settings)}."
            )
        taken = {name: settings[name] for name in self.takes}
        try:
            return target(**taken)
        except PredictorNASError:
            raise
        except Exception as error:
            if not self.plugin:
                raise
            given = f"with {', '.join(self.takes)}" if self.takes else "without arguments"
            raise ConfigurationError(
                f"{self.name!r} ({self.plugin}), called {given}, fails: {type(error).__name__}: {error}"
            ) from error


class Registry:
    """The parts of one kind: those of this package, then those of other packages, then any `module:attribute`.

    Other packages are looked at only where a name is asked for that this package does not have, and only the one that
    has it is loaded. An entry point leads to what makes a part, to a part, or to a `Registered` that says more of it.

    Args:
        kind: in the singular, for messages.
        records: of this package, in the order of lists and legends.
        group: of the entry points.
        takes: settings that parts of other packages are called with.
        number: whether their names end in a number.
    """

    def __init__(
        self,
        kind: str,
        records: Iterable[Registered],
        *,
        group: str,
        takes: tuple[str, ...] = (),
        number: Number = "none",
    ) -> None:
        self.kind, self.group = kind, group
        self._takes, self._number = takes, number
        self._records = {record.name: record for record in records}

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def __contains__(self, name: object) -> bool:
        return name in self._records

    def __getitem__(self, name: str) -> Registered:
        """The record of this name.

        Raises:
            UnknownNameError: there is none.
            ConfigurationError: a part of another package that cannot be loaded.
        """
        record = self.find(name)
        if record is None:
            raise UnknownNameError(self.kind, name, self.spellings())
        return record

    @property
    def records(self) -> tuple[Registered, ...]:
        """Those of this package and those that were added in this process."""
        return tuple(self._records.values())

    def spellings(self) -> list[str]:
        """How every known name is written, without loading anything: this package's, then those of others."""
        return [spelling for record in self.records for spelling in record.spellings] + self.others()

    def others(self) -> list[str]:
        """The names that other packages add."""
        return list(self._plugins())

    def add(self, record: Registered) -> None:
        """Makes a part known in this process, as an entry point does in all of them.

        Raises:
            ConfigurationError: another part has this name.
        """
        known = self._records.get(record.name)
        if known is not None and known.target is not record.target:
            raise ConfigurationError(f"There is a {self.kind} {record.name!r} already. Choose another name.")
        self._records[record.name] = record

    def find(self, name: str) -> Registered | None:
        """The record of this name, None where there is none.

        Raises:
            ConfigurationError: a part of another package that cannot be loaded.
        """
        if name in self._records:
            return self._records[name]
        if _REFERENCE.fullmatch(name):
            return self._of(name, load_reference(name), "of your own")
        point = self._plugins().get(name)
        if point is None:
            return None
        plugin = f"plug-in {point.value}{_origin(point)}"
        try:
            return self._of(name, point.load(), plugin)
        except Exception as error:
            raise ConfigurationError(
                f"The {self.kind} {name!r} ({plugin}) cannot be loaded: {type(error).__name__}: {error}. Mend or "
                "remove that package."
            ) from error

    def own(self, name: str) -> tuple[Registered, int | None] | None:
        """The record of this package (or added in this process) of a name with or without a number at its end."""
        if name in self._records:
            return self._records[name], None
        match = _NUMBERED.fullmatch(name)
        return (self._records[match[1]], int(match[2])) if match and match[1] in self._records else None

    def numbered(self, name: str) -> tuple[Registered, int | None] | None:
        """The record of a name with or without a number at its end, and that number; None where there is none.

        Raises:
            ConfigurationError: a part of another package that cannot be loaded.
        """
        own = self.own(name)
        if own is not None:
            return own
        record = self.find(name)
        if record is not None:
            return record, None
        match = _NUMBERED.fullmatch(name)
        record = self.find(match[1]) if match else None
        return (record, int(match[2])) if match and record else None

    def shown(self, name: str) -> tuple[Registered, int | None] | None:
        """As `numbered`, for a legend: loads no `module:attribute`, and warns of a plug-in that cannot be loaded."""
        if ":" in name:
            return None
        try:
            return self.numbered(name)
        except ConfigurationError as error:
            warnings.warn(str(error), PluginWarning, stacklevel=2)
            return None

    def _of(self, name: str, loaded: Any, plugin: str) -> Registered:
        if isinstance(loaded, Registered):
            return replace(loaded, name=name, plugin=plugin)
        return Registered(name, loaded, takes=self._takes, number=self._number, plugin=plugin)

    def _plugins(self) -> dict[str, EntryPoint]:
        """Entry points of this kind by name. A name that is taken stays what it is; a warning says so."""
        found: dict[str, EntryPoint] = {}
        for point in points_of(self.group):
            taken = found.get(point.name)
            if point.name in self._records:
                _warn_shadowed(self.kind, point, "predictornas")
            elif taken is None:
                found[point.name] = point
            elif taken.value != point.value:
                _warn_shadowed(self.kind, point, taken.value)
        return found


@cache
def points_of(group: str) -> tuple[EntryPoint, ...]:
    """The entry points of a group, in the order of their names; the same for the life of a process."""
    from importlib.metadata import entry_points  # slow to import, and most commands ask for nothing of others

    return tuple(sorted(entry_points(group=group), key=lambda point: (point.name, point.value)))


def expect(part: Any, protocol: type, record: Registered) -> Any:
    """The part, once it has what its kind must have; parts of this package are not asked.

    Raises:
        ConfigurationError: it lacks something.
    """
    if record.plugin and not isinstance(part, protocol):
        lacking = [name for name in dir(protocol) if not name.startswith("_") and not hasattr(part, name)]
        raise ConfigurationError(
            f"{record.name!r} ({record.plugin}) is no {protocol.__name__}: {type(part).__name__} lacks "
            f"{', '.join(lacking) or 'its fields'}."
        )
    return part


def load_reference(reference: str) -> Any:
    """What `module:attribute` stands for; modules are looked for in the current directory too.

    Raises:
        ConfigurationError: there is no such module, it cannot be imported, or it has no such attribute.
    """
    module = reference.partition(":")[0]
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # at the end, for what is installed goes first; for good, as workers unpickle by module
    try:
        return _imported(reference)
    except PredictorNASError:
        raise
    except Exception as error:
        absent = isinstance(error, ModuleNotFoundError) and f"{module}.".startswith(f"{error.name}.")
        reason = f"it is neither installed nor in {here}" if absent else f"{type(error).__name__}: {error}"
        raise ConfigurationError(f"{reference!r}: {module} cannot be imported: {reason}.") from error


def _imported(reference: str) -> Any:
    module, _, path = reference.partition(":")
    loaded: Any = importlib.import_module(module)
    for name in path.split("."):
        if not hasattr(loaded, name):
            public = [known for known in dir(loaded) if not known.startswith("_")]
            raise UnknownNameError(f"attribute of {module}", name, public)
        loaded = getattr(loaded, name)
    return loaded


def _origin(point: EntryPoint) -> str:
    return "" if point.dist is None else f" of {point.dist.name} {point.dist.version}"


def _warn_shadowed(kind: str, point: EntryPoint, by: str) -> None:
    warnings.warn(
        f"The {kind} {point.name!r} of the plug-in {point.value}{_origin(point)} is not used: {by} has that name. "
        "Give it another one.",
        PluginWarning,
        stacklevel=4,
    )
