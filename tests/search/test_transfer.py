"""Searches that begin with what another source ranks first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from predictornas.description import describe
from predictornas.errors import ConfigurationError
from predictornas.predictors.gcn import GCN
from predictornas.predictors.transferring import Prior
from predictornas.search.building import bayesian_optimisation
from predictornas.search.loop import Search
from predictornas.search.strategies import PredictorSearch, RandomSearch
from predictornas.search.transfer import TransferSearch
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
COLD = bayesian_optimisation(10, 10)
CELLS = SPACE.sample(40, np.random.default_rng(0))


def worth(genes: Genes) -> np.ndarray:
    return np.asarray((genes == 3).sum(axis=1) - 2.0 * (genes == 0).sum(axis=1))


SOURCE = Prior(CELLS, worth(CELLS))


@pytest.mark.slow
def test_three_of_ten_to_begin_with_are_what_the_source_thinks_best() -> None:
    """At places 0, 3 and 6; the others are the first seven of a search without it."""
    informed, cold = (Search(SPACE, strategy, seed=1).ask() for strategy in (TransferSearch(COLD, (SOURCE,)), COLD))
    taken = np.isin(np.arange(10), [0, 3, 6])
    assert informed.keys[~taken].tolist() == cold.keys[:7].tolist()
    assert worth(informed.genes[taken]).min() >= 3  # as good as the best 4 % of all
    assert informed.proposed_by == "initial"


@pytest.mark.slow
def test_it_is_handed_out_piece_by_piece_as_it_is_together() -> None:
    strategy = TransferSearch(COLD, (SOURCE,))
    search, together = Search(SPACE, strategy, seed=1), Search(SPACE, strategy, seed=1).ask()
    assert [int(search.ask(1).keys[0]) for _ in range(10)] == together.keys.tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("share", "informed"), [(0.0, 0), (0.5, 5), (1.0, 10)])
def test_its_share_of_the_initial_set(share: float, informed: int) -> None:
    cold = set(Search(SPACE, COLD, seed=2).ask().keys.tolist())
    keys = Search(SPACE, TransferSearch(COLD, (SOURCE,), share), seed=2).ask().keys.tolist()
    assert len(set(keys)) == 10
    assert len(set(keys) - cold) == informed


@pytest.mark.slow
def test_several_sources_take_turns() -> None:
    """The second source likes zeros, and the architectures that it chooses have them."""
    opposite = Prior(CELLS, -worth(CELLS))
    genes = Search(SPACE, TransferSearch(COLD, (SOURCE, opposite), 0.4), seed=1).ask().genes[[0, 2, 5, 7]]
    assert worth(genes[::2]).min() > 0 > worth(genes[1::2]).max()


@pytest.mark.slow
def test_without_a_share_and_with_a_useless_source_it_is_the_search_without_it() -> None:
    """The opposite of the truth has the slope 0: every proposal is the same."""
    histories = []
    for strategy in (COLD, TransferSearch(COLD, (Prior(CELLS, -worth(CELLS)),), share=0.0)):
        search = Search(SPACE, strategy, seed=0)
        for _ in range(3):
            genes = search.ask().genes
            search.tell(genes, worth(genes))
        histories.append(search.history.keys.tolist())
    assert histories[0] == histories[1]


def test_what_is_described_tells_sources_apart() -> None:
    one, other = (TransferSearch(COLD, (Prior(CELLS, values),)) for values in (SOURCE.values, -SOURCE.values))
    assert describe(one) == describe(TransferSearch(COLD, (Prior(CELLS.copy(), worth(CELLS)),)))
    assert describe(one) != describe(other)


def test_only_a_search_with_a_process_learns_from_sources() -> None:
    with pytest.raises(ConfigurationError, match="GCN cannot learn from others"):
        TransferSearch(PredictorSearch(GCN(), COLD.sampler), (SOURCE,))
    with pytest.raises(ConfigurationError, match="RandomSearch cannot"):
        TransferSearch(RandomSearch(), (SOURCE,))  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="needs a prior"):
        TransferSearch(COLD, ())
    with pytest.raises(ConfigurationError, match=r"from 0 to 1; got 1 priors and 1\.5"):
        replace(TransferSearch(COLD, (SOURCE,)), share=1.5)
