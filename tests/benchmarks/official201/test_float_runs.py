"""Pairs that are read at once are the pairs that are there."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.benchmarks.official201 import machine as machine_module
from predictornas.benchmarks.official201.float_runs import read_run
from predictornas.benchmarks.official201.machine import PickleMachine

KEYS = st.integers(0, 300) | st.text("abé@0", min_size=0, max_size=3)
VALUES = st.floats(allow_nan=False) | st.integers(0, 3)


def load(content: bytes) -> Any:
    return PickleMachine(iter([content])).load()


@settings(max_examples=40)
@given(st.lists(st.dictionaries(KEYS, VALUES, max_size=40), max_size=4), st.integers(2, 4))
def test_runs_change_nothing(dictionaries: list[dict[Any, Any]], protocol: int) -> None:
    again = [dict(reversed(content.items())) for content in dictionaries]  # the keys are references now
    content = pickle.dumps([dictionaries, again], protocol=protocol)
    found = load(content)
    assert found == [dictionaries, again]
    assert [list(held) for held in found[1]] == [list(held) for held in again]


def test_a_curve_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pushed: list[int] = []

    def counted(machine: PickleMachine, begun: int) -> int:
        pushed.append(read_run(machine, begun))
        return pushed[-1]

    monkeypatch.setattr(machine_module, "read_run", counted)
    rng = random.Random(0)
    names = [f"x-valid@{epoch}" for epoch in range(200)]
    value = [dict(zip(keys, [rng.random() for _ in keys], strict=True)) for keys in
             (range(200), names, names)]  # fmt: skip
    for protocol in (2, 4):
        pushed.clear()
        assert load(pickle.dumps(value, protocol=protocol)) == value
        assert sum(pushed) >= 2 * 3 * 180


@pytest.mark.parametrize("protocol", [2, 4])
def test_bytes_of_numbers_that_look_like_instructions_mislead_no_one(protocol: int) -> None:
    tricky = [1.5, float.fromhex("0x1.74b014b014b01p+8"), 2.0]
    value = {epoch: tricky[epoch % 3] for epoch in range(50)}
    assert load(pickle.dumps(value, protocol=protocol)) == value
