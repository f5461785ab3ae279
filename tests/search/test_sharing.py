from __future__ import annotations

import numpy as np
import pytest

from predictornas.samplers.base import Pool
from predictornas.search.sharing import places_of, with_others
from predictornas.search.strategies import Proposal
from predictornas.spaces.registry import get_space
from tests.search.examples import CountingPredictor

SPACE = get_space("nasbench201")
CELLS = SPACE.sample(12, np.random.default_rng(0))
LEARNED = CountingPredictor().fit(SPACE, CELLS, np.arange(12.0), rng=np.random.default_rng(0))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.29, 0.6, 1.0])
def test_a_share_is_the_same_however_many_are_asked_for_at_once(share: float) -> None:
    one_by_one = [places_of(share, known, 1)[0] for known in range(200)]
    by_sevens = np.concatenate([places_of(share, known, 7) for known in range(0, 203, 7)])[:200]
    assert one_by_one == by_sevens.tolist()
    assert sum(one_by_one[:100]) == round(100 * share)


def test_others_stand_at_their_places_with_their_scores_and_both_pools() -> None:
    """By hand: cells 0 and 1 were ranked in a pool of 0 to 5, cells 7 and 5 come from one of 5 to 11."""
    keys = SPACE.keys(CELLS)
    scores = LEARNED.predict(CELLS)
    pool = Pool(CELLS[:6], keys[:6])
    proposal = Proposal(CELLS[:2], keys[:2], proposed_by="uniform", predicted=scores[:2], pool=pool)
    shared = with_others(proposal, np.array([0, 2]), Pool(CELLS[5:], keys[5:]), [2, 0], LEARNED)
    order = [7, 0, 5, 1]
    np.testing.assert_array_equal(shared.keys, keys[order])
    np.testing.assert_array_equal(shared.genes, CELLS[order])
    assert shared.predicted is not None
    np.testing.assert_allclose(shared.predicted, scores[order])
    assert shared.pool is not None
    assert sorted(shared.pool.keys.tolist()) == sorted(keys.tolist())  # cell 5, which is in both, once
