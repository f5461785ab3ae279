from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from predictornas.supernet.method import Method
from predictornas.supernet.network.mixture import PRUNED, Decisions
from predictornas.supernet.parts.selection import BestEpoch
from predictornas.supernet.records import EpochRecord, architecture_of, curve_of, selected
from tests.supernet.examples import TRIANGLE, parameters_of, tiny_search

RECORD = EpochRecord(
    epoch=1,
    phase="search",
    learning_rate=0.025,
    train_loss=1.5,
    train_accuracy=0.25,
    validation_loss=None,
    validation_accuracy=None,
    seconds=0.1,
    genes=(0, 1, 2),
    alpha={"cell": [{"none": 0.1, "skip_connect": 1 / 3}]},
    importance={"cell": [{"none": 0.5, "skip_connect": 0.5}]},
    decided={"cell": 0},
)


def test_json_and_back_bit_for_bit() -> None:
    assert EpochRecord.from_json(json.loads(json.dumps(RECORD.as_json()))) == RECORD


def test_the_last_epoch_or_the_best() -> None:
    accuracies = [None, 0.5, 0.7, 0.7, 0.6]
    records = [replace(RECORD, genes=(place,), validation_accuracy=value) for place, value in enumerate(accuracies)]
    assert selected(Method(), records) == (4,)
    assert selected(Method(selection=BestEpoch()), records) == (2,)


def test_curves_have_gaps_where_nothing_was_measured() -> None:
    curve = curve_of([RECORD, replace(RECORD, train_loss=None, validation_accuracy=0.5)])
    np.testing.assert_array_equal(curve.train_loss, [1.5, np.nan])
    np.testing.assert_array_equal(curve.validation_accuracy, [np.nan, 0.5])
    assert not curve.failed


def test_what_is_written_of_an_architecture() -> None:
    alpha = torch.tensor([[0.0, 2.0, 0.0, 0.0], [3.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    state = tiny_search(parameters=parameters_of(TRIANGLE, {"cell": alpha}))
    found = architecture_of(state)
    # `none` is chosen where all edges are kept; genes are indices of (none, skip_connect, bend, turn)
    assert found["genes"] == (1, 0, 3)
    assert found["alpha"]["cell"][1] == {"none": 3.0, "skip_connect": 0.0, "bend": 0.0, "turn": 0.0}
    share = np.exp(2.0) / (np.exp(2.0) + 3)
    assert found["importance"]["cell"][0]["skip_connect"] == pytest.approx(share)
    assert found["decided"] == {"cell": 0}


def test_decided_edges_are_one_or_nothing() -> None:
    decided = Decisions({"cell": {0: 2, 1: PRUNED}})
    found = architecture_of(tiny_search(decisions=decided))
    assert found["genes"][:2] == (2, 0)
    assert list(found["importance"]["cell"][0].values()) == [0, 0, 1, 0]
    assert list(found["importance"]["cell"][1].values()) == [0, 0, 0, 0]
    assert sum(found["importance"]["cell"][2].values()) == pytest.approx(1)
    assert found["decided"] == {"cell": 2}
