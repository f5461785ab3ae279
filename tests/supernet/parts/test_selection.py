from __future__ import annotations

import pytest

from predictornas.errors import UnknownNameError
from predictornas.supernet.network.mixture import PRUNED, Decisions
from predictornas.supernet.parts.selection import Magnitude
from tests.supernet.examples import Planted, fan, parameters_of, tiny_search

ALPHA = {"normal": [[9.0, 1.0, 0.0], [0.0, 3.0, 3.1], [0.0, 0.5, 0.0], [0.0, 0.3, 0.0]]}
TOPOLOGY = fan(4, ("none", "skip_connect", "sep_conv_3x3"))


def choices(rule: str, decisions: Decisions) -> tuple[tuple[int, int], ...]:
    state = tiny_search(Planted([1.0]), parameters_of(TOPOLOGY, ALPHA), decisions=decisions)
    return Magnitude(rule).choices(state)["normal"]


def test_the_rules_by_hand() -> None:
    """Edge 0 is nearly all `none`. By softmax: edge 1 has .46 and .51, edge 2 at most .45, edge 3 .40."""
    assert choices("darts", Decisions()) == ((1, 2), (2, 1))
    assert choices("gdas", Decisions()) == ((1, 1), (1, 2))


@pytest.mark.parametrize("rule", ["darts", "gdas"])
def test_what_is_decided_comes_first_and_the_rest_by_importance(rule: str) -> None:
    decisions = Decisions({"normal": {2: 2, 3: PRUNED}})
    assert choices(rule, decisions) == ((1, 2), (2, 2))
    everything = Decisions({"normal": {0: 1, 1: PRUNED, 2: 2, 3: PRUNED}})
    assert choices(rule, everything) == ((0, 1), (2, 2))


def test_of_too_many_decided_edges_those_of_largest_importance_stay() -> None:
    # softmax of the decided operations: .0003 on edge 0, .52 on edge 1, .27 on edge 2, .21 on edge 3
    decisions = Decisions({"normal": {0: 1, 1: 2, 2: 0, 3: 2}})
    assert choices("darts", decisions) == ((1, 2), (3, 2))


def test_another_rule_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="darts"):
        Magnitude("dart")
