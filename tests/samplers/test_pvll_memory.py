from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.samplers.pvll_memory import Memory, step_lengths


def memory(values: list[float], p: list[float] | None = None) -> Memory:
    count = len(values)
    marks = np.arange(count, dtype=np.float32).reshape(count, 1, 1)
    return Memory(marks, np.array(values), np.array(p if p is not None else [1.0] * count))


def test_the_oldest_are_forgotten() -> None:
    later = memory([0.1, 0.2, 0.3]).pushed(
        np.array([[[7]], [[8]]], np.float32), np.array([0.4, 0.5]), np.array([0.6, 0.7]), limit=3
    )
    assert later.sequences.ravel().tolist() == [2, 7, 8]
    assert later.values.tolist() == [0.3, 0.4, 0.5]
    assert later.p.tolist() == [1.0, 0.6, 0.7]
    assert len(later) == 3


def test_losses_by_hand() -> None:
    known = memory([0.5, 0.9, 0.8])
    np.testing.assert_allclose(known.normalised(known.values), [1.0, 0.0, 0.25])
    np.testing.assert_allclose(known.normalised(np.array([0.7, 0.95, 0.1])), [0.5, 0.0, 1.0])
    np.testing.assert_array_equal(memory([0.6, 0.6]).normalised(np.array([0.6, 0.1])), [0, 0])


def test_losses_from_a_quantile_on_are_alike() -> None:
    """One collapsed network at 0.1. The quantile .25 of five values is the second least: losses span 0.8 to 0.9."""
    known = memory([0.9, 0.1, 0.85, 0.8, 0.88])
    assert known.span(0.25) == (0.9, 0.8)
    np.testing.assert_allclose(known.normalised(known.values, 0.25), [0.0, 1.0, 0.5, 1.0, 0.2])
    assert known.span() == (0.9, 0.1)


def test_weights_and_their_effective_share_by_hand() -> None:
    """1/p = 2, 4, 4, 10: mean 5, squares 4 + 16 + 16 + 100 = 136, so the share is 20^2 / (4 * 136)."""
    known = memory([0.1] * 4, p=[0.5, 0.25, 0.25, 0.1])
    np.testing.assert_allclose(known.weights(), [0.4, 0.8, 0.8, 2.0])
    assert known.effective_share() == pytest.approx(400 / 544)
    assert memory([0.1] * 4).effective_share() == pytest.approx(1.0)
    assert known.clamp_rate(0.1) == 0.25
    assert known.clamp_rate(0.25) == 0.75


def test_step_lengths_by_hand() -> None:
    estimates = np.array([0.5, 0.52, 0.22, 0.32])
    np.testing.assert_allclose(step_lengths(estimates, 0.05), [0.1, 0.05, 0.3, 0.1])
    np.testing.assert_allclose(step_lengths(np.array([0.0, 1.0, 0.9]), 0.05), [0.55, 1.0, 0.1])
    assert step_lengths(np.array([0.4]), 0.05).tolist() == [1.0]
    assert step_lengths(np.empty(0), 0.05).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.01, 1.0))
def test_p_and_weights_keep_their_ranges(estimates: list[float], smallest: float) -> None:
    p = step_lengths(np.array(estimates), smallest)
    assert len(p) == len(estimates)
    assert ((p >= smallest) & (p <= 1)).all()
    known = memory([0.5] * len(p), p=p.tolist())
    assert known.weights().mean() == pytest.approx(1.0)
    assert 1 / len(p) - 1e-9 <= known.effective_share() <= 1 + 1e-9
