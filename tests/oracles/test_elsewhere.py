from __future__ import annotations

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.history import Pending
from predictornas.oracles.elsewhere import Elsewhere, Evaluator
from predictornas.oracles.tabular import TabularOracle
from tests.crews import Played
from tests.search.examples import CountingOracle

TABLE = open_benchmark("nasbench101-digits")


def asked(row: int, epochs: int | None = None) -> Pending:
    return Pending(int(TABLE.keys[row]), tuple(TABLE.genes[row].tolist()), 0, epochs)


def test_any_oracle_answers_one_by_one_whoever_is_asked_first() -> None:
    oracle = TabularOracle(TABLE)
    found = []
    for pick in (lambda running: 0, lambda running: running - 1):
        elsewhere, told = Elsewhere(oracle, Played(workers=3, pick=pick)), list[int]()
        assert isinstance(elsewhere, Evaluator)
        with elsewhere.crew(tell=told.append) as crew:
            for row in range(3):
                crew.send(elsewhere.task(asked(row)))
            landed = [crew.landed()[0] for _ in range(3)]
        assert told == [1, 1, 1]
        found.append({each.task.what: float(each.result.value[0]) for each in landed})
    assert found[0] == found[1]
    expected = oracle.evaluate(TABLE.genes[:3], None, np.random.default_rng(0)).value
    assert list(found[0].values()) == pytest.approx(expected.tolist())


def test_it_resumes_where_its_oracle_does() -> None:
    assert Elsewhere(TabularOracle(TABLE), Played()).resumes
    assert not Elsewhere(CountingOracle(), Played()).resumes


def test_tasks_that_run_at_a_time_have_targets_of_their_own() -> None:
    elsewhere = Elsewhere(TabularOracle(TABLE), Played())
    assert len({elsewhere.task(asked(row)).target for row in range(20)}) == 20
