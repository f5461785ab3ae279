"""What one column of a benchmark is, how it is named, and which columns may judge a search that another one drives."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from predictornas.errors import ConfigurationError, UnknownNameError

SPLITS = ("train", "valid", "test")
"""The parts of a data set that a value may have been measured on."""

_WORD = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
_LONGEST = 200  # a column is a file of this name, and file systems allow 255 bytes


@dataclass(frozen=True)
class Column:
    """One measured quantity of every architecture of a table; build it with `Column.named`.

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
    """

    name: str
    metric: str
    split: str | None = None
    epochs: int | None = None
    run: str | None = None
    nullable: bool = False

    def __post_init__(self) -> None:
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

    @classmethod
    def named(
        cls,
        *,
        metric: str,
        split: str | None = None,
        epochs: int | None = None,
        run: str | None = None,
        nullable: bool = False,
    ) -> Column:
        """A column under the name that follows from its parts.

        Raises:
            ConfigurationError: a part that cannot stand in a name, an unknown split, epochs below 1.
        """
        shown_run = f"run{run}" if run is not None and run.isdigit() else run
        parts = (split, metric, None if epochs is None else str(epochs), shown_run)
        name = "_".join(part for part in parts if part is not None)
        return cls(name, metric, split, epochs, run, nullable)

    @property
    def is_accuracy(self) -> bool:
        """Whether values are fractions in [0, 1], higher is better."""
        return self.metric.split("_")[-1] == "accuracy"

    def shares_noise_with(self, other: Column) -> bool:
        """Whether both hold values of one training run on one split, so that they err together.

        A mean holds every run, "rest" every run but run 0, and a run that is not known may be any. Epochs are not
        told apart: in a table of learning curves the same run is measured at all of them.
        """
        return self.split == other.split and _overlap(self.run, other.run)


def _overlap(run: str | None, other: str | None) -> bool:
    if run is not None and other is not None and run.isdigit() and other.isdigit():
        return run == other
    return {run, other} != {"0", "rest"}


def check_roles(columns: Mapping[str, Column], signal: str, evaluation: str | None) -> None:
    """Checks that `signal` may drive a search and `evaluation` may judge it.

    Raises:
        UnknownNameError: a column that there is not.
        ConfigurationError: a column that is no accuracy, or two columns that share a training run on the same split.
    """
    for role, name in (("signal", signal), ("evaluation", evaluation)):
        if name is None:
            continue
        if name not in columns:
            raise UnknownNameError("column", name, columns)
        if not columns[name].is_accuracy:
            raise ConfigurationError(
                f"{name!r} cannot be the {role}: it is no accuracy. Choose one of: {_listed(columns, None)}."
            )
    if evaluation is not None and columns[signal].shares_noise_with(columns[evaluation]):
        raise ConfigurationError(
            f"Signal {signal!r} and evaluation {evaluation!r} share a training run, so the evaluation would reward "
            f"the noise that the search chose. Beside this signal, evaluate on: {_listed(columns, columns[signal])}."
        )


def _listed(columns: Mapping[str, Column], signal: Column | None) -> str:
    """Accuracies that may judge `signal` (all accuracies without one), the mean of the other runs first."""
    fit = [
        column
        for column in columns.values()
        if column.is_accuracy and (signal is None or not column.shares_noise_with(signal))
    ]
    fit.sort(key=lambda column: (column.run != "rest", signal is not None and column.split != signal.split))
    return ", ".join(column.name for column in fit) or "none in this table"
