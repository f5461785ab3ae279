from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.whereabouts import (
    BAD_THERE,
    FARTHEST,
    GOOD_THERE,
    HITS,
    PLACES,
    proposal_distances,
    whereabouts_table,
)
from predictornas.spaces.nasbench201 import NASBench201

SPACE = NASBench201()


def history(genes: list[list[int]], values: list[float], iterations: list[int]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "run_id": "a",
            "method": "any",
            "seed": 0,
            "order": np.arange(len(genes)),
            "iteration": iterations,
            "genes": genes,
            "value": values,
        }
    )


def test_distances_are_from_the_best_evaluated_before_the_iteration() -> None:
    """The best two of three are known first; the second proposal does not see the first, which the third does."""
    genes = [[0] * 6, [1] * 6, [2] * 6, [2, 2, 2, 2, 2, 0], [2, 2, 2, 2, 0, 0], [2, 2, 2, 0, 0, 0]]
    runs = history(genes, [0.1, 0.8, 0.9, 0.95, 0.2, 0.3], [0, 0, 0, 1, 1, 2])
    found = proposal_distances(runs, SPACE, parents=2)
    assert found.select("order", "distance").rows() == [(3, 1), (4, 2), (5, 2)]
    assert found["error"].to_list() == pytest.approx([0.05, 0.8, 0.7])


def proposals() -> pl.DataFrame:
    """Two runs of four: the first proposal of each at distance 1, the others at 2, 2 and beyond all counted apart."""
    errors = [[0.2, 0.05, 0.2, 0.05], [0.06, 0.3, 0.05, 0.2]]
    return pl.concat(
        [
            pl.DataFrame(
                {
                    "method": "any",
                    "seed": seed,
                    "order": range(4),
                    "iteration": 1,
                    "distance": [1, 2, 2, 20],
                    "error": own,
                }
            )
            for seed, own in enumerate(errors)
        ]
    )


def test_hits_places_and_what_a_distance_is_worth() -> None:
    table = whereabouts_table(proposals(), target=0.05, bad=0.1, early=2, at=(2, 4))
    values = {(row["quantity"], row["at"]): (row["value"], row["proposals"]) for row in table.to_dicts()}
    assert values == {
        (HITS, 2): (0.5, 4),
        (HITS, 4): (1.5, 8),
        (PLACES, 1): (0.25, 2),
        (PLACES, 2): (0.5, 4),
        (PLACES, FARTHEST): (0.25, 2),
        (BAD_THERE, 1): (0.5, 2),
        (BAD_THERE, 2): (0.5, 2),
        (GOOD_THERE, 2): (0.5, 2),
        (GOOD_THERE, FARTHEST): (0.5, 2),
    }
    assert set(table["runs"]) == {2}
    ends = table.filter(pl.col("quantity") == BAD_THERE).select("low", "high").rows()
    assert ends == [(0.0, 1.0), (0.0, 1.0)]  # two runs that say the opposite
