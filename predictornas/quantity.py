"""What a search is judged by, as it is computed with and as it is read: one place says which values are better."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Quantity:
    """How the values of a column become costs, and how costs are named and written.

    Searches maximise: they see accuracies as they are, and what is better the lower, such as a loss, negated. Analysis
    works with costs, the lower the better: `offset - value`. People read neither but the column's own metric in its
    own unit and direction; an accuracy they read as its error, in percent.

    Example:
        >>> from predictornas.quantity import ERROR, Quantity
        >>> float(ERROR.cost(0.9375)), ERROR.heading, ERROR.text(0.0625)
        (0.0625, 'error, %', '6.25')
        >>> loss = Quantity("validation loss", unit="", offset=0.0, percent=False)
        >>> loss.cost(-2.5), loss.heading, loss.text(2.5)
        (2.5, 'validation loss', '2.5')
        >>> score = Quantity("score", unit="", offset=0.0, percent=False, higher=True)
        >>> score.cost(0.75), score.plain(-0.75), score.best
        (-0.75, 0.75, 'highest')

    Attributes:
        name: what it is called in sentences and on axes.
        unit: written behind the name, empty for plain numbers; "%" with `percent`.
        offset: the cost of the value 0: 1 for fractions, whose costs lie in [0, 1] then, 0 for all else.
        percent: whether it is a fraction that is shown in percent.
        higher: whether it is read in the direction in which higher is better.
    """

    name: str = "error"
    unit: str = "%"
    offset: float = 1.0
    percent: bool = True
    higher: bool = False

    def cost(self, value: Any) -> Any:
        """The cost of what a search saw; like the two below of a number, an array or a column of polars."""
        return self.offset - value

    def plain(self, cost: Any) -> Any:
        """A cost as a program reads it: in the metric and direction of the column, fractions as fractions."""
        return self.offset - cost if self.higher else cost

    def shown(self, cost: Any) -> Any:
        """A cost as it stands in a figure or a table, without its unit."""
        return self.factor * self.plain(cost)

    def interval(
        self, value: float | None, low: float | None, high: float | None
    ) -> tuple[float | None, float | None, float | None]:
        """`plain` of a cost and the ends of its interval, the lower end first; what is None stays None."""
        ends = (high, low) if self.higher else (low, high)
        plain = [None if cost is None else self.plain(cost) for cost in (value, *ends)]
        return plain[0], plain[1], plain[2]

    def text(self, cost: float, digits: int = 2) -> str:
        """A cost as it is read; so many digits behind the point of a percentage, five that count of all else."""
        return number(self.shown(cost), percent=self.percent, digits=digits)

    def interval_text(self, value: float | None, low: float | None, high: float | None, digits: int = 2) -> str:
        """A cost and its interval, "6.11 [6.09, 6.13]"; the cost alone where there is none; "-" without it."""
        middle, *ends = (None if one is None else self.factor * one for one in self.interval(value, low, high))
        if middle is None:
            return "-"
        shown = number(middle, percent=self.percent, digits=digits)
        known = [number(end, percent=self.percent, digits=digits) for end in ends if end is not None]
        return f"{shown} [{', '.join(known)}]" if len(known) == 2 else shown

    def difference_text(self, difference: float, digits: int = 2) -> str:
        """A difference of costs, a regret for instance, which is better the lower whatever the direction."""
        return number(self.factor * difference, percent=self.percent, digits=digits)

    def digits_for_d3(self, digits: int) -> str:
        """The same as a format of interactive charts."""
        return f".{digits}f" if self.percent else ".5~g"

    @property
    def factor(self) -> float:
        """What plain numbers are multiplied with to be shown."""
        return 100.0 if self.percent else 1.0

    @property
    def heading(self) -> str:
        """Name and unit, as axes and headers have them."""
        return self.with_unit(self.name)

    def with_unit(self, words: str) -> str:
        """Other words, with this unit behind them: "regret, %"."""
        return f"{words}, {self.unit}" if self.unit else words

    @property
    def best(self) -> str:
        """Which value is the best one, in words."""
        return "highest" if self.higher else "lowest"

    @property
    def from_best(self) -> str:
        """On which side of the best value the others are, in words."""
        return "below the highest" if self.higher else "above the lowest"

    @property
    def bounds(self) -> tuple[float, float] | None:
        """Between which costs lie; None where that is not known."""
        return (0.0, 1.0) if self.percent else None


ERROR = Quantity()
"""The error of an accuracy, in percent: what most tables are searched for."""


@dataclass(frozen=True)
class Quantities:
    """What a study's signal and its evaluation are read as.

    Attributes:
        signal: of the column that drives the searches.
        evaluation: of the column that judges them.
    """

    signal: Quantity = ERROR
    evaluation: Quantity = ERROR

    @property
    def name(self) -> str:
        """The name of both, or both names."""
        names = dict.fromkeys((self.evaluation.name, self.signal.name))
        return " or ".join(names)

    @property
    def heading(self) -> str:
        """The heading of both; where they differ, both."""
        if self.evaluation.heading == self.signal.heading:
            return self.signal.heading
        return f"{self.evaluation.heading}; signal: {self.signal.heading}"

    def with_unit(self, words: str) -> str:
        """Other words with the unit behind them where both have the same."""
        return self.signal.with_unit(words) if self.signal.unit == self.evaluation.unit else words

    def digits_for_d3(self, digits: int) -> str:
        """A format of interactive charts that does for both."""
        plain = self.evaluation if self.signal.percent else self.signal
        return plain.digits_for_d3(digits)

    def told(self, text: str) -> str:
        """A text about errors, said of these."""
        if self == ERRORS:
            return text
        said = {"error": self.name, "errors": "values"}
        text = re.sub(r"\ban (?=error\b)", "an " if self.name[:1].lower() in "aeiou" else "a ", text)
        text = re.sub(r"\b[Ee]rrors?\b", lambda met: _in_the_case_of(met[0], said[met[0].lower()]), text)
        return re.sub(r"\blowest\b", self.evaluation.best, text)

    def of(self, trace: str) -> Quantity:
        """That of one of `predictornas.analysis.regret.TRACES`."""
        return self.signal if trace == "searched" else self.evaluation


def _in_the_case_of(word: str, other: str) -> str:
    return other[:1].upper() + other[1:] if word[0].isupper() else other


ERRORS = Quantities()
"""Both read as errors."""


def number(value: float, *, percent: bool = True, digits: int = 2) -> str:
    """A number as tables have it: so many digits behind the point of a percentage, five that count of all else."""
    if percent:
        return f"{round(value, digits) + 0.0:.{digits}f}"  # adding zero takes the sign from what was rounded to -0
    return f"{value + 0.0:.5g}" if abs(value) < 1e6 else f"{value:.4e}"
