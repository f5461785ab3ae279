from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from predictornas.history import History
from predictornas.observers import Observer
from predictornas.search.reported import Reporter
from predictornas.search.strategies import Proposal
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
GENES = SPACE.enumerate()[[4, 8, 15, 16]]
KEYS = SPACE.keys(GENES)


class Heard(Observer):
    def __init__(self) -> None:
        self.events: list[tuple[str, Mapping[str, Any]]] = []

    def told(self, kind: str, event: Mapping[str, Any]) -> None:
        self.events.append((kind, event))


def evaluated(history: History, rows: list[int], values: list[float]) -> History:
    return history.extended(keys=KEYS[rows], genes=GENES[rows], epochs=[1] * len(rows), values=values, iteration=0)


def test_what_was_evaluated_before_is_promoted_and_the_rest_proposed() -> None:
    heard = Heard()
    reporter = Reporter("run", [heard], SPACE, seed=7)
    history = evaluated(History.empty(SPACE.num_genes), [0, 1], [0.5, math.nan])
    proposal = Proposal(GENES[[1, 2]], KEYS[[1, 2]], "nosh", predicted=np.array([0.25, 0.75]), epochs=3)
    reporter.proposed(history, 2, proposal)
    (_, begin), *rest = heard.events
    assert (begin["done"], begin["seed"]) == (2, 7)
    assert [(kind, e["genes"], e["predicted"], e["epochs"], e["iteration"]) for kind, e in rest] == [
        ("proposed", [GENES[2].tolist()], [0.75], 3, 2),
        ("promoted", [GENES[1].tolist()], [0.25], 3, 2),
    ]


def test_the_best_goes_on_from_what_was_there_and_the_beginning_is_told_once() -> None:
    heard = Heard()
    reporter = Reporter("run", [heard], SPACE)
    before = evaluated(History.empty(SPACE.num_genes), [0, 1], [0.5, math.nan])
    later = evaluated(before, [2, 3], [0.25, 0.75])
    reporter.evaluated(later, 2)
    reporter.ended(later, None)
    reporter.ended(later, None)  # by the end of its budget, then by whoever closes it
    assert [kind for kind, _ in heard.events] == ["started", "evaluated", "evaluated", "ended"]
    assert [(e["order"], e["value"], e["best"]) for kind, e in heard.events if kind == "evaluated"] == [
        (2, 0.25, 0.5),
        (3, 0.75, 0.75),
    ]
    assert (heard.events[0][1]["done"], heard.events[-1][1]["done"]) == (2, 4)


def test_without_observers_nothing_is_described() -> None:
    class Refusing:
        name = "refusing"

        def describe(self, genes: object) -> str:
            raise AssertionError

    reporter = Reporter("run", [], Refusing())  # type: ignore[arg-type]
    reporter.evaluated(evaluated(History.empty(SPACE.num_genes), [0], [0.5]), 1)
