from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.errors import JournalError
from predictornas.search.recorded import Recorded

RUN = {"kind": "run", "run_id": "abc", "seed": 3}
SOURCE = Path("run.jsonl")


def evaluation(order: int, iteration: int, **changed: Any) -> dict[str, Any]:
    facts = {
        "kind": "evaluation",
        "iteration": iteration,
        "order": order,
        "key": 2**64 - 1 - order,
        "genes": [order, 1],
    }
    facts |= {"epochs": 108, "value": 0.5 + order / 100, "cost_seconds": None, "cost_epochs": 9.0, "predicted": None}
    return facts | {"proposed_by": "initial" if iteration == 0 else "uniform"} | changed


RECORDS = [
    RUN,
    {"kind": "proposal", "iteration": 0, "chosen": 2},
    evaluation(0, 0),
    evaluation(1, 0),
    {"kind": "proposal", "iteration": 1, "chosen": 1, "recommended": 7, "pool_size": 9, "pool_hits": [0, 3]},
    evaluation(2, 1, predicted=0.25, value=1, cost_seconds=2.5),
    {"kind": "recommendation", "iteration": 2, "recommended": 8},
]


def test_records_become_columns() -> None:
    recorded = Recorded(RECORDS, SOURCE)
    assert len(recorded) == 3
    assert recorded.identity == {"run_id": "abc", "seed": 3}
    assert recorded.column("key").tolist() == [2**64 - 1, 2**64 - 2, 2**64 - 3]
    assert recorded.column("value").tolist() == [0.5, 0.51, 1.0]
    assert recorded.column("value", 1, 2).tolist() == [0.51]
    assert recorded.column("iteration").tolist() == [0, 0, 1]
    np.testing.assert_array_equal(recorded.column("predicted"), [np.nan, np.nan, 0.25])
    assert recorded.genes().tolist() == [[0, 1], [1, 1], [2, 1]]
    assert recorded.genes(1).tolist() == [[1, 1], [2, 1]]
    assert [recorded.column(name).dtype.name for name in ("key", "epochs", "value")] == ["uint64", "int64", "float64"]
    names, places = recorded.proposed_by()
    assert [names[place] for place in places] == ["initial", "initial", "uniform"]
    assert recorded.chosen == {0: 2, 1: 1}
    assert recorded.recommended == {1: 7, 2: 8}
    assert recorded.opinion_given
    assert [list(recorded.pools.iterations), list(recorded.pools.sizes), list(recorded.pools.hits)] == [
        [1],
        [9],
        [0, 3],
    ]
    assert list(recorded.costs(2, 3)) == [{"key": 2**64 - 3, "cost_seconds": 2.5, "cost_epochs": 9.0}]


def test_the_end_counts_until_something_follows() -> None:
    recorded = Recorded([RUN, evaluation(0, 0), {"kind": "end", "evaluations": 1}], SOURCE)
    assert recorded.ended
    recorded.add(evaluation(1, 1))
    assert not recorded.ended


def test_a_run_without_evaluations() -> None:
    recorded = Recorded([], SOURCE)
    assert (len(recorded), recorded.identity, recorded.opinion_given) == (0, {}, False)
    assert recorded.genes().shape == (0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"kind": []},
        {"kind": "evaluations"},
        RUN,
        {"kind": "proposal", "iteration": 1},
        {"kind": "proposal", "iteration": 1, "chosen": None},
        {"kind": "proposal", "iteration": 1, "chosen": 1, "pool_hits": [1, "2"], "pool_size": 3},
        {"kind": "recommendation", "iteration": 1, "recommended": [1]},
        {"kind": "end"},
        {"kind": "end", "evaluations": 2},
        evaluation(0, 1),
        evaluation(2, 1),
        evaluation(1, -1),
        evaluation(1, 0, key=-1),
        evaluation(1, 0, key=2**64),
        evaluation(1, 0, epochs=1.5),
        evaluation(1, 0, value="0.5"),
        evaluation(1, 0, value=None, genes=3),
        evaluation(1, 0, genes=[1, 300]),
        evaluation(1, 0, genes=[1]),
        evaluation(1, 0, genes=[1, [1]]),
        evaluation(1, 0, cost_seconds=10**400),
    ],
)
def test_what_no_run_writes_is_an_error_that_names_the_record(wrong: dict[str, Any]) -> None:
    with pytest.raises(JournalError, match=r"run\.jsonl, record 3: not what a run writes"):
        Recorded([RUN, evaluation(0, 0), wrong], SOURCE)


def test_the_first_record_is_that_of_the_run() -> None:
    with pytest.raises(JournalError, match="record 1"):
        Recorded([evaluation(0, 0)], SOURCE)


def test_costs_are_a_row_an_evaluation_and_must_be_in_all() -> None:
    first = {"kind": "run", "run_id": "a", "method": "m", "seed": 0}
    records = [first, evaluation(0, 0, costs=[0.1, 5.0]), evaluation(1, 0, costs=[0.2, 4.0])]
    costs = Recorded(records, Path("j")).costs_of(1)
    assert costs is not None
    assert costs.tolist() == [[0.2, 4.0]]
    assert Recorded([first, evaluation(0, 0)], Path("j")).costs_of() is None
    for wrong in (evaluation(1, 0), evaluation(1, 0, costs=[0.2])):
        with pytest.raises(JournalError, match="costs"):
            Recorded([first, evaluation(0, 0, costs=[0.1, 5.0]), wrong], Path("j"))
