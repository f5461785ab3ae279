"""The machine reads what python's pickler writes, and refuses what official files do not hold."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.benchmarks.official201 import machine as module
from predictornas.benchmarks.official201.machine import PickleMachine
from predictornas.errors import DataError

PLAIN = st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | st.floats(allow_nan=False) | st.text()
LONG = st.integers(-9, 1 << 60)
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(0, 9), inner) | st.sets(LONG),
    max_leaves=30,
)


def load(content: bytes, **options: Any) -> Any:
    return PickleMachine(iter([content])).load(**options)


@settings(max_examples=40)
@given(NESTED, st.integers(2, 5))
def test_it_reads_what_the_pickler_writes(value: object, protocol: int) -> None:
    assert load(pickle.dumps(value, protocol=protocol)) == value


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_scalars_of_numpy_and_ordered_dictionaries_become_plain(protocol: int) -> None:
    value = OrderedDict(a=np.float64(0.1), b=np.int64(7), c=(1, "x"), d=np.float64(0.1))
    found = load(pickle.dumps(value, protocol=protocol))
    assert found == {"a": 0.1, "b": 7, "c": (1, "x"), "d": 0.1}
    assert [type(found[key]) for key in "ab"] == [float, int]


@pytest.mark.parametrize("protocol", [2, 4])
def test_blocks_may_end_anywhere(protocol: int) -> None:
    value = {"curve": {f"x-valid@{epoch}": epoch / 7 for epoch in range(200)}, "texts": ["a" * 300] * 3}
    content = pickle.dumps(value, protocol=protocol)
    pieces: Iterator[bytes] = (content[at : at + 7] for at in range(0, len(content), 7))
    assert PickleMachine(pieces).load() == value


def test_pickles_follow_one_another() -> None:
    machine = PickleMachine(iter([pickle.dumps(1 << 70, 2) + pickle.dumps([2], 2)]))
    assert [machine.load(), machine.load()] == [1 << 70, [2]]


@pytest.mark.parametrize("protocol", [2, 4])
def test_watched_values_are_handed_on_and_dropped(protocol: int) -> None:
    shared = "shared text"
    items = {index: {"full": {0: index / 2, 1: shared}, "less": OrderedDict(a=[index])} for index in range(1003)}
    taken: dict[int, Any] = {}
    found = load(
        pickle.dumps({"other": [1], "arch2infos": items, "last": shared}, protocol=protocol),
        watch="arch2infos",
        sink=taken.__setitem__,
    )
    assert taken == items
    assert found == {"other": [1], "arch2infos": dict.fromkeys(items), "last": shared}


@pytest.mark.parametrize(
    "items",
    [
        {5: {"full": {"a": {"b": 1}}}},
        {5: {"full": {"a": 1, "b": 2}}, 6: {"full": {"a": {"c": {}}}}, 7: {}, 8: {"full": {}}, 9: [1], 10: {"a": 1}},
        {5: {}},
    ],
)
@pytest.mark.parametrize("protocol", [2, 4])
def test_single_and_empty_values_are_handed_on_once(items: dict[int, Any], protocol: int) -> None:
    taken: list[tuple[int, Any]] = []
    content = {"before": 0, "arch2infos": items}
    found = load(
        pickle.dumps(content, protocol), watch="arch2infos", sink=lambda index, state: taken.append((index, state))
    )
    assert sorted(taken, key=lambda item: item[0]) == list(items.items())
    assert found["arch2infos"] == dict.fromkeys(items)


@pytest.mark.parametrize("count", [1, 1001])  # the pickler writes a thousand items at once, and a last one alone
@pytest.mark.parametrize("protocol", [2, 4])
def test_an_item_that_stands_alone_is_handed_on_whole(count: int, protocol: int) -> None:
    items = {index: {"full": {"arch_index": index, "seeds": [1]}, "less": {"a": 1, "b": 2}} for index in range(count)}
    taken: list[tuple[int, Any]] = []
    content = {"before": 0, "arch2infos": items, "last": 1}
    load(pickle.dumps(content, protocol), watch="arch2infos", sink=lambda index, state: taken.append((index, state)))
    assert taken == list(items.items())


def test_an_ordered_dictionary_is_watched_too() -> None:
    taken: dict[int, Any] = {}
    content = {"before": 0, "arch2infos": OrderedDict({3: OrderedDict(a=1), 4: {"b": 2}})}
    load(pickle.dumps(content, 4), watch="arch2infos", sink=taken.__setitem__)
    assert taken == {3: {"a": 1}, 4: {"b": 2}}


def test_a_container_shared_with_a_dropped_architecture_is_an_error_that_says_so() -> None:
    seeds = [777]
    content = pickle.dumps({"before": 0, "arch2infos": {0: {"seeds": seeds}, 1: {"seeds": seeds}}}, 4)
    with pytest.raises(DataError, match="shares a container with an earlier one"):
        load(content, watch="arch2infos", sink=lambda index, state: None)


class Evil:
    """Runs a command where it is loaded by pickle."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.putenv, ("PREDICTORNAS_PWNED", "1")


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_class_is_refused(protocol: int) -> None:
    with pytest.raises(DataError, match=r"it asks for posix\.putenv; only OrderedDict"):
        load(pickle.dumps({"a": Evil()}, protocol=protocol))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no complete pickle"),
        (pickle.dumps({"a": [1.5] * 9}, 2)[:-20], "no complete pickle"),
        (b"\x80\x02" + b"(" * 100, "containers inside one another"),
        (b"\x80\x04" + b"]\x85\x85.", "a tuple inside a tuple"),
        (b"\x80\x02r\xff\xff\xff\x7f", "no complete pickle"),
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "no official file has so many"),
        (b"\x80\x02X\xff\xff\xff\x7f.", "2,147,483,647 bytes are announced"),
        (b"\x80\x04\x8d" + b"\xff" * 8, "the instruction"),
        (b"\x80\x05\x96" + b"\xff" * 7 + b"\x00", "the instruction"),
        (b"\x80\x02\x8a\xff" + b"\x01" * 255 + b".", "a whole number of 255 bytes"),
        (b"\x80\x02}(K\x01u.", "a key without a value"),
        (b"\x80\x02](K\x01K\x02u.", "items are put where no dictionary is"),
        (b"\x80\x02}K\x01a.", "an entry is put where no list is"),
        (b"\x80\x02K\x01)R.", "a call of what cannot be called"),
        (b"\x80\x02}}b.", "a state is given to what has none"),
        (b"\x80\x02}(]K\x01u.", "no complete pickle"),
        (b"\x80\x02X\x01\0\0\0aQ.", "weights of networks"),
        (b"\x80\x02I1\n.", "the instruction 'I'"),
        (b"\x80\x02N2.", "the instruction '2'"),
        (b"\x80\x09N.", "unknown protocol"),
    ],
)
def test_bombs_and_torn_pickles_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=f"byte [0-9,]+: .*{message}"):
        load(content)


def test_an_architecture_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_INSTRUCTIONS", 1000)
    with pytest.raises(DataError, match="more than 1,000 instructions"):
        load(b"\x80\x02" + b"N" * 5000)
    with pytest.raises(DataError, match="more than 1,000 instructions"):
        load(pickle.dumps(dict.fromkeys(range(900), 0.5), 2))
