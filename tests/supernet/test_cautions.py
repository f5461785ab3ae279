from __future__ import annotations

from dataclasses import replace

import pytest

from predictornas.supernet.cautions import after, before, edge_entropy
from predictornas.supernet.records import EpochRecord
from tests.supernet.search_examples import job


def record(*edges: dict[str, float]) -> EpochRecord:
    return EpochRecord(1, "search", 0.1, 1.0, 0.5, 1.0, 0.5, 1.0, (), {}, {"cell": list(edges)}, {})


EVEN, OPEN, DECIDED = {"a": 0.5, "b": 0.5}, {"a": 0.6, "b": 0.4}, {"a": 1.0, "b": 0.0}


def test_entropy_by_hand() -> None:
    assert edge_entropy(EVEN) == pytest.approx(1.0)
    assert edge_entropy({"a": 1.5, "b": 0.5}) == pytest.approx(0.8112781244591328)  # of 3/4 and 1/4, in bits
    assert edge_entropy(DECIDED) == 0.0
    assert edge_entropy({"a": 1.0}) == 0.0


def test_sgas_without_none_is_warned_of() -> None:
    (text,) = before(job("sgas-1", "darts"))
    assert text == (
        "darts has no operation 'none', from which SGAS takes the importance of an edge: that factor of its scores is "
        "left out. Its paper's space is darts-8."
    )
    assert before(job("sgas-1", "darts-8")) == before(job("darts-1", "darts")) == []


def test_alpha_that_never_left_its_start_makes_noise() -> None:
    searched = job("darts-1", "nasbench201")
    (text,) = after(searched, [record(EVEN, EVEN), record(EVEN, {"a": 0.501, "b": 0.499})])
    assert "The architecture is noise" in text
    assert "entropy 1.000 of 1" in text
    assert after(searched, [record(EVEN, EVEN), record(EVEN, OPEN)]) == []


def test_alpha_that_was_to_rest_is_told_so() -> None:
    searched = job("darts-1", "nasbench201")
    resting = replace(searched, method=replace(searched.method, warm_up=searched.method.epochs))
    (text,) = after(resting, [record(EVEN, EVEN)])
    assert text.startswith("Alpha rested to the end, as it was asked to: the weights are a start for other searches")


def test_edges_that_were_decided_while_alpha_was_at_its_start() -> None:
    """SGAS ends with every edge decided, so what counts is how undecided the open ones were."""
    searched = job("sgas-1", "darts-s2")
    assert len(after(searched, [record(EVEN, EVEN), record(DECIDED, EVEN), record(DECIDED, DECIDED)])) == 1
    assert after(searched, [record(OPEN, OPEN), record(DECIDED, DECIDED)]) == []


def test_perturbation_does_not_read_alpha() -> None:
    assert after(job("darts-1+pt", "nasbench201"), [record(EVEN)]) == []
    assert after(job("darts-1", "nasbench201"), []) == []
