from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from predictornas.executors.luggage import Luggage, unpickled


class Table:
    """Must not be pickled."""

    def __init__(self, name: str) -> None:
        self.name = name

    def packed(self) -> PackedTable:
        return PackedTable(self.name)

    def __reduce__(self) -> str:
        raise AssertionError("A table was pickled.")


@dataclass(frozen=True)
class PackedTable:
    name: str

    def content(self) -> dict[str, np.ndarray]:
        return {"file": np.frombuffer(self.name.encode(), np.uint8)}

    def unpacked(self, content: Callable[[], Mapping[str, np.ndarray]]) -> tuple[str, Any]:
        return self.name, content()["file"].tobytes().decode() if self.name != "here" else None


def test_tables_are_sent_once_and_only_where_they_are_not() -> None:
    sent: dict[int, Any] = {}
    fetched: list[int] = []

    def put(content: Mapping[str, np.ndarray]) -> int:
        sent[len(sent)] = content
        return len(sent) - 1

    def fetch(place: int) -> Any:
        fetched.append(place)
        return sent[place]

    luggage = Luggage(pickle.Pickler, put)
    first = luggage.pickled(partial(max, [Table("one"), {"deep": Table("here")}], key=len))
    second = luggage.pickled((Table("one"), 7))
    assert len(sent) == 2
    assert unpickled(first, fetch).args == ([("one", "one"), {"deep": ("here", None)}],)
    assert unpickled(memoryview(second), fetch) == (("one", "one"), 7)
    assert fetched == [0, 0]


def test_a_class_with_such_a_method_is_no_table() -> None:
    assert unpickled(Luggage(pickle.Pickler, id).pickled(Table), id) is Table
