"""What one column of a benchmark is, how it is named, and which columns may judge a search that another one drives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.quantity import ERROR, Quantity

SPLITS = ("train", "valid", "test")
"""The parts of a data set that a value may have been measured on."""

DIRECTIONS = ("higher", "lower")
"""Which values of a column may be the better ones."""

FRACTION = "fraction"
"""The unit of values in [0, 1] that people read in percent."""

_KNOWN: Mapping[str, tuple[str, str]] = {
    "accuracy": ("higher", FRACTION),
    "error": ("lower", FRACTION),
    "loss": ("lower", ""),
    "perplexity": ("lower", ""),
    "score": ("higher", ""),
    "latency": ("lower", ""),
    "energy": ("lower", ""),
    "seconds": ("lower", "s"),
    "joules": ("lower", "J"),
    "parameters": ("lower", ""),
    "flops": ("lower", ""),
}
"""Direction and unit by the last word of a metric."""

_NOUNS = {"seconds": "time", "joules": "energy"}
"""What metrics that end in a unit are of, where nothing else says it."""

_SPLIT_WORDS = {"train": "training", "valid": "validation", "test": "test"}

_OPPOSITE: Mapping[str, str] = {"higher": "lower", "lower": "higher"}

_WORD = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_LONGEST = 200  # a column is a file of this name, and file systems allow 255 bytes
_UNIT = re.compile(r"[^\x00-\x1f\x7f]{0,20}")


@dataclass(frozen=True)
class Column:
    """One measured quantity of every architecture of a table; build it with `Column.named`.

    Example:
        >>> from predictornas.benchmarks.column import Column
        >>> loss = Column.named(metric="loss", split="valid", epochs=36, run="0")
        >>> loss.name, loss.direction, loss.unit
        ('valid_loss_36_run0', 'lower', '')
        >>> Column.named(metric="psnr", direction="higher", unit="dB").direction
        'higher'

    Attributes:
        name: `{split}_{metric}_{epochs}_{run}` without the parts that are None: `test_accuracy_108_run0`,
            `valid_accuracy_200_rest`, `train_seconds_108_run0`, `parameters`.
        metric: what was measured, with its unit where it has one: "accuracy" (a fraction), "seconds", "parameters",
            "latency_seconds". A metric that ends in "accuracy" lies in [0, 1].
        split: "train", "valid" or "test"; None where the quantity depends on no data.
        epochs: length of the training; None where there was none.
        run: the training run, "0", "1", "2"; "mean" of all runs, "rest" for the mean of all but run 0, or another
            named mean. None where it is not known or does not matter.
        nullable: whether values may be missing (NaN).
        direction: "higher" or "lower", whichever is better. Left out, it follows from the last word of the metric:
            an accuracy or a score is better the higher, an error, loss, perplexity, latency, energy, number of
            seconds, joules, parameters or flops the lower, and `negative_` before it turns it round. None where
            neither is known: such a column can drive and judge no search.
        unit: of the values: "fraction" for numbers in [0, 1] that are shown in percent, or what is written behind
            them, "s", "J", "dB"; empty for plain numbers. Left out, it follows from the metric.
    """

    name: str
    metric: str
    split: str | None = None
    epochs: int | None = None
    run: str | None = None
    nullable: bool = False
    direction: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        direction, unit = _by_metric(self.metric)
        object.__setattr__(self, "direction", self.direction or direction)
        object.__setattr__(self, "unit", unit if self.unit is None else self.unit)
        if self.split is not None and self.split not in SPLITS:
            raise UnknownNameError("split", self.split, SPLITS)
        if self.epochs is not None and self.epochs < 1:
            raise ConfigurationError(f"Column {self.name!r}: epochs are {self.epochs}; give at least 1, or None.")
        for part in (self.metric, self.name) if self.run is None else (self.metric, self.run, self.name):
            if len(part) > _LONGEST or not _WORD.fullmatch(part):
                raise ConfigurationError(
                    f"Column {self.name[:60]!r}: {part[:60]!r} is no column word; use at most {_LONGEST} lower-case "
                    "letters, digits and single '_'."
                )
        self._check_meaning()

    def _check_meaning(self) -> None:
        if self.direction is not None and self.direction not in DIRECTIONS:
            raise UnknownNameError("direction", self.direction, DIRECTIONS)
        if not _UNIT.fullmatch(str(self.unit)):
            raise ConfigurationError(
                f"Column {self.name!r}: {str(self.unit)[:60]!r} is no unit; use at most 20 printable characters."
            )
        if self.is_accuracy and (self.direction, self.unit) != _KNOWN["accuracy"]:
            raise ConfigurationError(
                f"Column {self.name!r}: an accuracy is a fraction, and the higher the better, not "
                f"{self.direction!r} in {self.unit!r}. Give the metric another name, or leave both out."
            )

    @classmethod
    def named(
        cls,
        *,
        metric: str,
        split: str | None = None,
        epochs: int | None = None,
        run: str | None = None,
        nullable: bool = False,
        direction: str | None = None,
        unit: str | None = None,
    ) -> Column:
        """A column under the name that follows from its parts.

        Raises:
            ConfigurationError: a part that cannot stand in a name, an unknown split or direction, epochs below 1.
        """
        shown_run = f"run{run}" if run is not None and run.isdigit() else run
        parts = (split, metric, None if epochs is None else str(epochs), shown_run)
        name = "_".join(part for part in parts if part is not None)
        return cls(name, metric, split, epochs, run, nullable, direction, unit)

    @property
    def is_accuracy(self) -> bool:
        """Whether values are fractions in [0, 1], higher is better."""
        words = self.metric.split("_")
        return words[-1] == "accuracy" and words[0] != "negative"

    @property
    def quantity(self) -> Quantity:
        """How its values become costs, and how these are named and written.

        Raises:
            ConfigurationError: it has no direction.
        """
        if self.direction is None:
            raise ConfigurationError(
                f"Column {self.name!r}: whether a high or a low {self.metric} is better is not known. Declare it in "
                'the recipe: "direction": "higher" or "lower".'
            )
        if self.is_accuracy or (self.metric == "error" and (self.direction, self.unit) == _KNOWN["error"]):
            return ERROR
        return Quantity(
            name=_in_words(self),
            unit="%" if self.is_fraction else self.unit or "",
            offset=1.0 if self.is_fraction else 0.0,
            percent=self.is_fraction,
            higher=self.direction == "higher",
        )

    def worth(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """What a search sees of its values, in float64, the higher the better.

        Accuracies and scores stay as they are; a fraction that is better the lower becomes 1 - value, all else its
        negative. Strategies take exactly 0 for the accuracy of a training that failed (see `History.succeeded`): a
        loss or a score of 0 becomes the smallest number above it.

        Raises:
            ConfigurationError: the column has no direction.
        """
        quantity, numbers = self.quantity, values.astype(np.float64)
        if self.direction == "lower":
            numbers = quantity.offset - numbers
        return numbers if quantity.percent else np.where(numbers == 0, np.nextafter(0.0, 1.0), numbers)

    def costs(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """What analysis sees of its values, in float64, the lower the better: `quantity.cost` of their worth.

        Raises:
            ConfigurationError: the column has no direction.
        """
        return np.asarray(self.quantity.cost(self.worth(values)))

    @property
    def is_fraction(self) -> bool:
        """Whether values lie in [0, 1] and are shown in percent."""
        return self.unit == FRACTION

    def shares_noise_with(self, other: Column) -> bool:
        """Whether both hold values of one training run on one split, so that they err together.

        A mean holds every run, "rest" every run but run 0, and a run that is not known may be any. Epochs are not
        told apart: in a table of learning curves the same run is measured at all of them.
        """
        return self.split == other.split and _overlap(self.run, other.run)


def said(parts: list[tuple[str, Any]]) -> dict[str, Any]:
    """A `dict_factory` of `dataclasses.asdict` without what older versions did not know, where it says nothing.

    That is direction and unit where the metric says them, and genes that a recipe does not name: so whatever was
    written before stays as it was, checksums included.
    """
    entries = dict(parts)
    if entries.keys() >= {"metric", "direction", "unit"}:
        for name, known in zip(("direction", "unit"), _by_metric(entries["metric"]), strict=True):
            if entries[name] == known:
                del entries[name]
    if "genes" in entries and entries["genes"] is None:
        del entries["genes"]
    return entries


def column_entry(column: Column) -> dict[str, Any]:
    """A column as manifests write it; `column_of_entry` reads it."""
    return asdict(column, dict_factory=said)


def column_of_entry(entry: Mapping[str, Any]) -> Column:
    """The column that a manifest describes; whatever else stands there is not looked at."""
    return Column(**{name: entry[name] for name in Column.__dataclass_fields__ if name in entry})


def _in_words(column: Column) -> str:
    """What a quantity is called: "validation loss", "edgegpu latency"; its unit is written elsewhere."""
    *words, last = column.metric.split("_")
    if last not in _NOUNS:
        words.append(last)
    elif not words:
        words.append(_NOUNS[last])
    return " ".join(words if column.split is None else [_SPLIT_WORDS[column.split], *words])


def _by_metric(metric: str) -> tuple[str | None, str]:
    """Direction and unit that a metric has unless something else is said."""
    first, *_ = words = metric.split("_")
    direction, unit = _KNOWN.get(words[-1], (None, ""))
    if first == "negative" and direction is not None:
        return _OPPOSITE[direction], "" if unit == FRACTION else unit
    return direction, unit


def _overlap(run: str | None, other: str | None) -> bool:
    if run is not None and other is not None and run.isdigit() and other.isdigit():
        return run == other
    return {run, other} != {"0", "rest"}


def check_roles(columns: Mapping[str, Column], signal: str, evaluation: str | None) -> None:
    """Checks that `signal` may drive a search and `evaluation` may judge it.

    The same name twice says that there is one measurement an architecture, and that the judge shares its noise.

    Raises:
        UnknownNameError: a column that there is not.
        ConfigurationError: a column without a direction, or two columns that share a training run on the same split.
    """
    for role, name in (("signal", signal), ("evaluation", evaluation)):
        if name is None:
            continue
        if name not in columns:
            raise UnknownNameError("column", name, columns)
        if columns[name].direction is None:
            raise ConfigurationError(
                f"{name!r} cannot be the {role}: whether a high or a low value is better is not known. Declare its "
                f'"direction" in the recipe, or choose one of: {_listed(columns)}.'
            )
    if evaluation is not None and evaluation != signal and columns[signal].shares_noise_with(columns[evaluation]):
        raise _shared_run(columns, signal, evaluation)


def chosen_roles(
    columns: Mapping[str, Column], own: tuple[str, str], signal: str | None, evaluation: str | None
) -> tuple[str, str]:
    """Signal and evaluation where a person names one, both or neither instead of a table's own.

    Where the signal is its own judge, another signal becomes that too.

    Args:
        columns: of the table.
        own: its own signal and evaluation.
        signal: named instead.
        evaluation: named instead.

    Raises:
        UnknownNameError, ConfigurationError: as in `check_roles`; also one column for both where only one was named,
            as nobody has said then that the judge may share the noise.
    """
    if evaluation is None and own[0] == own[1]:
        evaluation = signal or own[1]
    roles = signal or own[0], evaluation or own[1]
    check_roles(columns, *roles)
    if roles[0] == roles[1] and own[0] != own[1] and None in (signal, evaluation):
        raise _shared_run(columns, *roles)
    return roles


def _shared_run(columns: Mapping[str, Column], signal: str, evaluation: str) -> ConfigurationError:
    judges = _listed({column.name: column for column in judges_of(columns, signal)})
    return ConfigurationError(
        f"Signal {signal!r} and evaluation {evaluation!r} share a training run, so the evaluation would reward "
        f"the noise that the search chose. Beside this signal, evaluate on: {judges}. Where there is one measurement "
        "an architecture, name it as the signal and as the evaluation."
    )


def judges_of(columns: Mapping[str, Column], signal: str) -> list[Column]:
    """Columns of the metric of `signal` that err independently of it, the mean of the other runs first."""
    driving = columns[signal]
    fit = [
        column
        for column in columns.values()
        if column.metric == driving.metric and not column.shares_noise_with(driving)
    ]
    return sorted(fit, key=lambda column: (column.run != "rest", column.split != driving.split))


def _listed(columns: Mapping[str, Column]) -> str:
    names = [column.name for column in columns.values() if column.direction is not None]
    return ", ".join(names) or "none in this table"
