"""What the theorems of PVLL-NAS say in numbers: how many evaluations a loss estimator needs (Li, Dong et al. 2020)."""

from __future__ import annotations

import math

from predictornas.errors import ConfigurationError


def generalisation_gap(dimension: int, steps: int, *, delta: float = 0.05) -> float:
    """Bound on |empirical - expected loss| of every estimator of a class: sqrt(2 (d + ln(2/delta)) / T).

    Li, Dong et al. 2020, theorem 1 (eq. 14). Losses lie in [0, 1], so from 1 on the bound says nothing.

    Args:
        dimension: d, Pollard's pseudo-dimension of the class, >= 0.
        steps: T, evaluated architectures, >= 1.
        delta: probability that the bound fails, in (0, 1).

    Returns:
        The bound, in units of the normalised loss.

    Raises:
        ConfigurationError: a value out of range.
    """
    return math.sqrt(2 * _complexity(dimension, delta) / _at_least_one("steps", steps))


def slack(dimension: int, step: int, *, delta: float = 0.05) -> float:
    """Delta_t, by how much an estimated loss may exceed the true one: sqrt((8/t) (d + ln(2/delta))).

    Li, Dong et al. 2020, section 4.2. It is twice `generalisation_gap` at T = t.

    Args:
        dimension: d, Pollard's pseudo-dimension of the class, >= 0.
        step: t >= 1.
        delta: probability that the bound fails, in (0, 1).

    Returns:
        The slack, in units of the normalised loss.

    Raises:
        ConfigurationError: a value out of range.
    """
    return math.sqrt(8 / _at_least_one("step", step) * _complexity(dimension, delta))


def largest_informative_dimension(steps: int, *, delta: float = 0.05) -> int | None:
    """The largest pseudo-dimension d at which theorem 1 says anything: `generalisation_gap(d, steps) <= 1`.

    The pseudo-dimension of a network is about its number of weights or more, so for the paper's T = 100 (d = 46 at
    delta = 0.05) the theorem is vacuous for every network in use.

    Args:
        steps: T, evaluated architectures, >= 1.
        delta: probability that the bound fails, in (0, 1).

    Returns:
        d; None where the bound exceeds 1 even at d = 0.

    Raises:
        ConfigurationError: a value out of range.
    """
    largest = math.floor(_at_least_one("steps", steps) / 2 - _complexity(0, delta))
    return largest if largest >= 0 else None


def label_complexity(dimension: int, size: int, *, delta: float = 0.05) -> float:
    """Evaluations that suffice, up to a constant factor the theorem does not give: sqrt(N (d + ln(2/delta))).

    Li, Dong et al. 2020, theorem 2 (eq. 16). It exceeds N itself, and says nothing, where N < d + ln(2/delta).

    N has two meanings: in the paper it is the size of the input space; in the authors' slides a number of samples,
    after which an estimator of error at most sqrt((8/N) (d + ln(2/delta))), `slack(d, N)`, is learned from so few
    labels.

    Args:
        dimension: d, Pollard's pseudo-dimension of the class, >= 0.
        size: N >= 1, architectures in the space (paper) or samples (slides).
        delta: probability that the bound fails, in (0, 1).

    Returns:
        Number of evaluated architectures, up to the constant.

    Raises:
        ConfigurationError: a value out of range.
    """
    return math.sqrt(_at_least_one("size", size) * _complexity(dimension, delta))


def _complexity(dimension: int, delta: float) -> float:
    """d + ln(2/delta), which all bounds share."""
    if dimension < 0 or not 0 < delta < 1:
        raise ConfigurationError(
            f"A bound needs a pseudo-dimension >= 0 and 0 < delta < 1, not dimension={dimension} and delta={delta}."
        )
    return dimension + math.log(2 / delta)


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise ConfigurationError(f"A bound needs {name} >= 1, not {value}.")
    return value
