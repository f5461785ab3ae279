from __future__ import annotations

import numpy as np
import pytest

from predictornas.predictors.process import description as module
from predictornas.predictors.process.description import Description, description, structure_of, without_weights
from predictornas.predictors.process.graph_features import random_flow_features
from predictornas.predictors.process.shared_flow import shared_flow_features
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs = SPACE.graphs(SPACE.sample(50, np.random.default_rng(0)))
    monkeypatch.setattr(module, "_BLOCK", 16)
    structure, subtrees = without_weights(graphs)
    found = Description.of(graphs)
    np.testing.assert_array_equal(found.structure, structure)
    np.testing.assert_array_equal(found.subtrees, subtrees)


@pytest.mark.slow
def test_a_whole_space_is_described_once_and_comes_from_the_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path))
    genes = SPACE.enumerate()
    first = description(SPACE, genes)
    monkeypatch.setattr(Description, "of", None)  # whoever describes it again fails
    second = description(SPACE, genes)
    for (name, array), (other, again) in zip(first.arrays().items(), second.arrays().items(), strict=True):
        assert name == other
        np.testing.assert_array_equal(array, again)
    np.testing.assert_array_equal(structure_of(SPACE, genes), first.structure)
    np.testing.assert_array_equal(structure_of(SPACE, genes[::100]), first.structure[::100])
    flow = shared_flow_features(second.ways, second.num_codes, width=3, seed=0)
    expected = random_flow_features(SPACE.graphs(genes[::100]), width=3)
    np.testing.assert_allclose(flow[::100], expected, rtol=1e-5, atol=1e-5 * np.abs(expected).max())
