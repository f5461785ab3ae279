"""Numbers as a person reads them, and what an interval says in words."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from writing.reading import ends_of, value_of

FEWEST = 10
"""Seeds that must differ before a verdict rests on them, as `predictornas.analysis.statistics`."""

UNDECIDED = "cannot be said at this size"
"""What is said of an interval that contains both answers."""

VERDICTS = ("holds", "holds in part", "does not hold here", "cannot be said", "not testable here")
"""What the table of claims can say of one."""


def num(thing: Any, digits: int = 0, scale: float = 1.0) -> str:
    """A number with thousands separated, or a row with its interval: "6.03 [5.97, 6.10]"; "-" where there is none."""
    value, ends = value_of(thing), ends_of(thing)
    if value is None:
        return "-"
    text = _fixed(scale * value, digits)
    return text if ends is None else f"{text} {interval(thing, digits, scale)}"


def interval(thing: Any, digits: int = 0, scale: float = 1.0) -> str:
    """The interval of a row alone: "[5.97, 6.10]"."""
    ends = ends_of(thing)
    return "" if ends is None else "[" + ", ".join(_fixed(scale * end, digits) for end in ends) + "]"


def pct(thing: Any, digits: int = 2) -> str:
    """A fraction in percent, or in percentage points, without the sign %."""
    return num(thing, digits, 100.0)


def db(thing: Any, digits: int = 1) -> str:
    """A gain in dB; "<=" before one that no proposal reached, which is only a bound."""
    bound = "" if getattr(thing, "resolved", True) else "<= "
    return bound + num(thing, digits)


def tau(thing: Any, digits: int = 3) -> str:
    """A correlation, without the zero before the point."""
    return num(thing, digits).replace("0.", ".")


def span(values: Any, digits: int = 0, scale: float = 1.0) -> str:
    """The least and the greatest of some values: "13.8 to 15.8", or one of them where they read the same."""
    numbers = [_fixed(scale * value, digits) for value in (min(values), max(values))]
    return " to ".join(dict.fromkeys(numbers))


def says(thing: Any, claim: str, *, margin: float | None = None) -> str:
    """What a row's interval says of a claim, by rule.

    "yes" and "no" where the whole interval is on one side; "cannot be said at this size" where it contains both
    answers.

    Args:
        thing: a row with an interval.
        claim: "> X", "< X" or "= X" with a number X.
        margin: how far from X is still equal, for "= X"; without one such a claim can be refuted only.
    """
    relation, bound = claim.split()
    ends = ends_of(thing)
    if ends is None or not decisive(thing):
        return UNDECIDED
    low, high = (end - float(bound) for end in ends)
    if relation == "=":
        inside = margin is not None and -margin <= low and high <= margin
        outside = low > (margin or 0.0) or high < -(margin or 0.0)
        return "yes" if inside else "no" if outside else UNDECIDED
    if relation == "<":
        low, high = -high, -low
    return "yes" if low > 0 else "no" if high < 0 else UNDECIDED


def verdict(*answers: str) -> str:
    """What intervals say of a claim with several parts: `holds` where of all of them, `holds in part` where of some.

    Where of none, one part that fails is enough for `does not hold here`; without such a part it `cannot be said`.

    Args:
        answers: of each part what `says` says of it, "yes", "no" or `UNDECIDED`.
    """
    if "yes" in answers:
        return VERDICTS[0] if set(answers) == {"yes"} else VERDICTS[1]
    return VERDICTS[2] if "no" in answers else VERDICTS[3]


def _fixed(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # adding zero takes the sign from -0


def versus(thing: Any, digits: int = 2) -> str:
    """A difference of errors in points, as words: better where all of its interval is below 0, worse where above."""
    value, ends = value_of(thing), ends_of(thing)
    if value is None or ends is None or not decisive(thing):
        return UNDECIDED
    if ends[1] < 0:
        turned = SimpleNamespace(mean=-value, low=-ends[1], high=-ends[0])
        return f"{pct(turned, digits)} points better"
    return f"{pct(thing, digits)} points worse" if ends[0] > 0 else f"not told apart, {pct(thing, digits)} points"


def decisive(thing: Any) -> bool:
    """Whether a verdict may rest on a paired difference: enough of its seeds must differ."""
    return bool(getattr(thing, "nonzero", FEWEST) >= FEWEST)


def overlap(a: Any, b: Any) -> bool:
    """Whether two intervals overlap."""
    (low, high), (other_low, other_high) = ends_of(a) or (0.0, 0.0), ends_of(b) or (0.0, 0.0)
    return low <= other_high and other_low <= high


def holds(right: bool) -> str:
    """Whether a bar is reached."""
    return "yes" if right else "**no**"


def count(number: float | None) -> str:
    """A small number in words, as prose has it: "none", "one", ... "twelve"."""
    words = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    whole = int(number or 0)
    return words[whole] if whole < len(words) else f"{whole:,}"


def tau_span(values: Any, digits: int = 2) -> str:
    """The least and the greatest of some correlations."""
    return span(values, digits).replace("0.", ".")
