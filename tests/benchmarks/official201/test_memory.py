"""What a pickle may refer back to, and what is dropped of it."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.benchmarks.official201 import memory as module
from predictornas.benchmarks.official201.memory import PickleMemory
from predictornas.errors import DataError


def test_texts_stay_and_containers_are_dropped() -> None:
    memory = PickleMemory()
    for index, value in enumerate(["a", {}, 1.5, "b", "a", ("c", 1), ("c", 1), (b"",)]):
        memory.put(index, value)
    memory.forget()
    assert [memory.get(index) for index in (0, 2, 3, 4)] == ["a", 1.5, "b", "a"]
    assert memory.get(5) is memory.get(6)
    assert memory.texts == ["", "a", "b"]
    with pytest.raises(DataError, match="shares a container with an earlier one"):
        memory.get(1)
    with pytest.raises(DataError, match="shares a container"):
        memory.get(7)
    with pytest.raises(DataError, match="a reference to the object 8, of which there is none"):
        memory.get(8)


def test_many_texts_are_put_and_found_at_once() -> None:
    memory = PickleMemory()
    found = memory.same_length(b"x@0x@1", 3)
    assert found is not None
    texts, numbers = found
    assert texts == ["x@0", "x@1"]
    indexes = np.array([7, 9])
    memory.put_texts(indexes, numbers)
    assert (memory.get(7), memory.get(9), memory.next) == ("x@0", "x@1", 10)
    assert memory.get_texts(indexes) == texts
    assert memory.get_texts(np.array([7, 8])) is None
    assert memory.get_texts(np.array([1 << 20])) is None
    assert memory.same_length("é".encode(), 2) is None


def test_a_later_object_takes_the_place_of_an_earlier_text() -> None:
    memory = PickleMemory()
    memory.put(0, "a")
    memory.put(0, 2.5)
    assert memory.get(0) == 2.5


def test_it_grows_with_what_is_put_and_no_faster() -> None:
    memory = PickleMemory()
    for index in range(0, 300_000, 50_000):
        memory.put(index, str(index))
    assert [memory.get(index) for index in (0, 250_000)] == ["0", "250000"]
    with pytest.raises(DataError, match="out of turn"):
        memory.put(1 << 28, "far")
    with pytest.raises(DataError, match="no official file has so many"):
        memory.put(1 << 30, "farther")


def test_different_texts_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_CHARACTERS", 10)
    memory = PickleMemory()
    memory.number("12345")
    memory.number("12345")
    with pytest.raises(DataError, match="more different texts"):
        memory.number("1234567")
