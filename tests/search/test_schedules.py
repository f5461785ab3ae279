from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.search.schedules import SPACE, STRATEGIES, Play, kill_many, play_many


@pytest.mark.slow
def test_whatever_happens_nothing_is_lost_doubled_or_proposed_otherwise() -> None:
    play_many(30)


def test_a_schedule_notices_what_is_lost_and_what_is_proposed_twice(tmp_path: Path) -> None:
    played = Play(tmp_path, STRATEGIES[0], SPACE, 0)
    played.happens(("ask", 2, 0))
    played.happens(("tell", 1, 0))
    whole = played.search.history
    for wrong in (whole.rows(np.arange(0)), whole.with_pending([])):
        with pytest.raises(AssertionError):
            played.check(wrong)
    played.search.history = played.twin.history = whole.with_pending([])
    with pytest.raises(AssertionError):
        played.happens(("ask", 4, 0))


@pytest.mark.slow
def test_a_search_whose_process_is_killed_is_the_one_that_was_left_alone(tmp_path: Path) -> None:
    alone, killed = kill_many(2, tmp_path)
    assert len(killed) > 5
    np.testing.assert_array_equal(killed.keys, alone.keys)
    np.testing.assert_array_equal(killed.values, alone.values)
    np.testing.assert_array_equal(killed.iterations, alone.iterations)
