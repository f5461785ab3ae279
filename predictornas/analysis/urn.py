"""The urn experiment behind the gain: expected trials, decibels and the most that any method can score."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from predictornas.errors import ConfigurationError

Numbers = Shaped[np.ndarray, "..."] | np.number | int | float
"""A number, or an array that broadcasts against the other arguments."""


def expected_trials(k: Numbers, m: Numbers) -> Float[np.ndarray, "..."]:
    """Expected number of draws without replacement until the first success (Mauch et al. 2020, eq. 14).

    The printed eq. 12 lacks a factor M; eq. 13 and 14 are right.

    Example:
        >>> from predictornas.analysis.urn import expected_trials
        >>> float(expected_trials(10, 4))  # eleven draws in five gaps
        2.2

    Args:
        k: size of the urn, >= 1.
        m: successes in it, 0 <= m <= k. At m = 0 the formula's k + 1 is only a lower bound of the waiting time.

    Returns:
        (k + 1) / (m + 1), in draws, of the broadcast shape.

    Raises:
        ConfigurationError: an urn with more successes than members, or a negative count.
    """
    size, successes = np.asarray(k, np.float64), np.asarray(m, np.float64)
    if np.any(successes > size) or np.any(successes < 0):
        raise ConfigurationError(
            "An urn cannot hold fewer than 0 successes or more successes than members: "
            f"k from {size.min(initial=np.inf):g}, m from {successes.min(initial=np.inf):g} "
            f"to {successes.max(initial=-np.inf):g}. Count both on the same set of architectures."
        )
    # in random order m successes cut the other k - m into m + 1 gaps of equal expected length; the first success comes
    # one draw after the first gap: (k - m) / (m + 1) + 1
    return np.asarray((size + 1) / (successes + 1))


def place_of_best(n: int, draws: int) -> Float[np.ndarray, " n"]:
    """How likely the best of some draws without replacement is the best of all, the second best, and so on.

    Example:
        >>> from predictornas.analysis.urn import place_of_best
        >>> [float(chance) for chance in place_of_best(4, 2)]  # of the six pairs three hold the best, one the third
        [0.5, 0.3333333333333333, 0.16666666666666666, 0.0]

    Args:
        n: members of the urn, no two of them equally good.
        draws: 1 <= draws <= n.

    Returns:
        `(n,)` probabilities C(n - j, draws - 1) / C(n, draws) for places j = 1, ..., n.

    Raises:
        ConfigurationError: no draw, or more than there are members.
    """
    if not 1 <= draws <= n:
        raise ConfigurationError(f"{draws} draws from an urn of {n} cannot be made. Ask for 1 to {n}.")
    before = np.arange(1, n)
    # from place to place the binomial coefficient shrinks by a factor, so none of its huge values is ever computed
    shrinks = (n - before - (draws - 1)) / (n - before)
    return np.asarray(draws / n * np.concatenate([[1.0], np.cumprod(np.maximum(shrinks, 0.0))]))


def gain_db(baseline_trials: Numbers, method_trials: Numbers) -> Float[np.ndarray, "..."]:
    """The sample-efficiency gain in dB (Mauch et al. 2020, eq. 15, with the logarithm to base 10).

    Example:
        >>> from predictornas.analysis.urn import gain_db
        >>> float(gain_db(100, 10))  # found ten times earlier
        10.0

    Args:
        baseline_trials: expected trials in the reference set (the whole table S), > 0.
        method_trials: expected trials in what the method proposed, > 0.
    """
    return np.asarray(10 * np.log10(np.asarray(baseline_trials, np.float64) / np.asarray(method_trials, np.float64)))


def cap_db(n: int, k: Numbers, m: Numbers = 0) -> Float[np.ndarray, "..."]:
    """The gain of perfect proposals, which no method can exceed: 10 log10((n + 1) / (max(k, m) + 1)) dB.

    Perfect proposals hold min(k, m) hits, so the gain is (n + 1)/(k + 1) as long as the hits fit in k proposals, and
    (n + 1)/(m + 1), a single trial, from there on. It bounds the pooled estimator too, whatever the number of runs.

    Example:
        >>> from predictornas.analysis.urn import cap_db
        >>> round(float(cap_db(423_624, 1396)), 1)  # NAS-Bench-101 at 1400 evaluations, 4 of them T0
        24.8

    Args:
        n: architectures in the table.
        k: proposals of a run, without T0.
        m: architectures of the table that reach the target, M_S.
    """
    return gain_db(float(n + 1), np.maximum(np.asarray(k, np.float64), np.asarray(m, np.float64)) + 1)
