from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.errors import ConfigurationError
from predictornas.search.budget import Budget, Ledger
from predictornas.search.strategies import Proposal


def proposal(keys: list[int], epochs: int | None) -> Proposal:
    return Proposal(np.zeros((len(keys), 6), np.int8), np.array(keys, np.uint64), "test", epochs=epochs)


def costs(epochs: float | None, seconds: float | None = None) -> dict[str, float | None]:
    return {"cost_seconds": seconds, "cost_epochs": epochs}


def evaluate(ledger: Ledger, affordable: Proposal) -> list[Any]:
    """Books what a proposal costs where the oracle reports whole trainings; what was charged in epochs."""
    charged = []
    for key in affordable.keys.tolist():
        assert affordable.epochs is not None
        record = {"key": key, **ledger.charge(key, costs(float(affordable.epochs)))}
        ledger.enter(record)
        charged.append(record["cost_epochs"])
    return charged


@pytest.mark.parametrize("limits", [(None, None), (0, None), (None, 0), (-3, 10), (10, 0)])
def test_a_budget_without_a_limit(limits: tuple[int | None, int | None]) -> None:
    with pytest.raises(ConfigurationError, match="evaluations, epochs or seconds of training, at least 1"):
        Budget(*limits)


def test_evaluations_are_counted_down() -> None:
    ledger = Ledger(Budget(evaluations=3), resumes=False)
    assert ledger.evaluations_left == 3
    ledger.enter_all([{"key": 1, **costs(None)}, {"key": 2, **costs(float("nan"))}])
    assert ledger.evaluations_left == 1
    assert Ledger(Budget(epochs=3), resumes=False).evaluations_left is None


def test_without_a_limit_on_epochs_everything_can_be_afforded() -> None:
    wanted = proposal(list(range(50)), None)
    assert Ledger(Budget(evaluations=3), resumes=True).affordable(wanted) is wanted


def test_who_says_how_many_epochs() -> None:
    with pytest.raises(ConfigurationError, match="needs a scheduler"):
        Ledger(Budget(epochs=9), resumes=False).affordable(proposal([1], None))


def test_trainings_that_begin_anew_by_hand() -> None:
    ledger = Ledger(Budget(epochs=16), resumes=False)
    assert evaluate(ledger, ledger.affordable(proposal([1, 2, 3, 4], 1))) == [1.0] * 4  # 12 are left
    assert evaluate(ledger, ledger.affordable(proposal([3, 1], 3))) == [3.0] * 2  # 6 are left
    assert ledger.affordable(proposal([4, 2, 5], 3)).keys.tolist() == [4, 2]
    assert ledger.affordable(proposal([4], 6)).keys.tolist() == [4]
    assert len(ledger.affordable(proposal([4], 7))) == 0


def test_trainings_that_go_on_by_hand() -> None:
    ledger = Ledger(Budget(epochs=16), resumes=True)
    assert evaluate(ledger, ledger.affordable(proposal([1, 2, 3, 4], 1))) == [1.0] * 4  # 12 are left
    assert evaluate(ledger, ledger.affordable(proposal([3, 1], 3))) == [2.0] * 2  # 8 are left
    # 4 goes on from 1 epoch, 5 begins, and 3 has them already
    assert ledger.affordable(proposal([4, 5, 3, 2], 4)).keys.tolist() == [4, 5, 3]
    assert evaluate(ledger, ledger.affordable(proposal([3], 9))) == [6.0]
    assert ledger.affordable(proposal([4, 2, 5], 2)).keys.tolist() == [4, 2]


def test_seconds_are_charged_like_epochs_and_never_below_nothing() -> None:
    ledger = Ledger(Budget(evaluations=9), resumes=True)
    ledger.enter({"key": 1, **ledger.charge(1, costs(1.0, 12.5))})
    assert ledger.charge(1, costs(3.0, 30.0)) == costs(2.0, 17.5)
    assert ledger.charge(2, costs(3.0, 30.0)) == costs(3.0, 30.0)
    assert ledger.charge(1, costs(3.0, 10.0)) == costs(2.0, 0.0)
    assert ledger.charge(1, costs(None, None)) == costs(None, None)
    anew = Ledger(Budget(evaluations=9), resumes=False)
    anew.enter({"key": 1, **anew.charge(1, costs(1.0, 12.5))})
    assert anew.charge(1, costs(3.0, 30.0)) == costs(3.0, 30.0)


def test_epochs_that_the_oracle_does_not_know_cannot_be_limited() -> None:
    with pytest.raises(ConfigurationError, match="an oracle that reports `cost_epochs`"):
        Ledger(Budget(epochs=9), resumes=False).charge(1, costs(None, 2.0))
    assert Ledger(Budget(evaluations=9), resumes=False).charge(1, costs(None, 2.0)) == costs(None, 2.0)


def test_seconds_that_the_oracle_does_not_know_cannot_be_limited() -> None:
    with pytest.raises(ConfigurationError, match="A budget of 9 seconds needs an oracle that reports `cost_seconds`"):
        Ledger(Budget(seconds=9.0), resumes=False).charge(1, costs(2.0))


def test_what_exceeds_the_seconds_by_hand() -> None:
    ledger = Ledger(Budget(seconds=30.0), resumes=True)
    ledger.enter({"key": 1, **costs(None, 20.0)})
    assert not ledger.exceeded_by({"key": 2, **costs(None, 10.0)})
    assert ledger.exceeded_by({"key": 2, **costs(None, 10.1)})
    assert not ledger.exceeded_by({"key": 1, **ledger.charge(1, costs(None, 30.0))})  # 20 of them are paid
    assert not Ledger(Budget(evaluations=1), resumes=True).exceeded_by({"key": 2, **costs(None, 1e9)})


def test_costs_below_one_add_up_in_what_is_told() -> None:
    counts: list[int] = []
    ledger = Ledger(Budget(seconds=9.0), resumes=False, advance=counts.append)
    for _ in range(10):
        ledger.enter({"key": 1, **costs(None, 0.25)})
    assert sum(counts) == 2  # of 2.5: rounded to even


def test_progress_is_told_in_the_unit_of_the_budget() -> None:
    records = [{"key": 1, **costs(3.0)}, {"key": 2, **costs(9.0)}]
    for budget, told in ((Budget(evaluations=9), [2]), (Budget(epochs=90), [12]), (Budget(9, 90), [12])):
        counts: list[int] = []
        Ledger(budget, resumes=False, advance=counts.append).enter_all(records)
        assert counts == told


@pytest.mark.slow
@given(
    sweeps=st.lists(st.tuples(st.lists(st.integers(0, 9), unique=True, max_size=6), st.sampled_from([1, 3, 9]))),
    limit=st.integers(1, 60),
    resumes=st.booleans(),
)
def test_what_is_booked_is_what_is_trained_and_never_more_than_the_budget(
    sweeps: list[tuple[list[int], int]], limit: int, resumes: bool
) -> None:
    ledger = Ledger(Budget(epochs=limit), resumes=resumes)
    stopped_at: dict[int, int] = {}
    trained, booked = 0, 0.0
    for keys, epochs in sweeps:
        wanted = proposal(keys, epochs)
        affordable = ledger.affordable(wanted)
        booked += sum(evaluate(ledger, affordable))
        for key in affordable.keys.tolist():
            trained += max(0, epochs - stopped_at.get(key, 0)) if resumes else epochs
            stopped_at[key] = max(epochs, stopped_at.get(key, 0))
        assert booked == trained <= limit
        if len(affordable) < len(wanted):
            cut = keys[len(affordable)]
            assert trained + epochs - (stopped_at.get(cut, 0) if resumes else 0) > limit
