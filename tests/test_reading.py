from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.errors import ConfigurationError, DataError, StoreError
from predictornas.reading import (
    MOST_DEPTH,
    checked_object,
    map_array,
    parse_json,
    read_json,
    sealed,
    shown_path,
    unsealed,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64) + 1, 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@pytest.mark.slow
@given(value=JSON)
def test_what_json_writes_is_read_back(value: object) -> None:
    assert parse_json(json.dumps(value, ensure_ascii=False).encode(), "it", remedy="") == value


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "Expecting value"),
        (b"{", "Expecting property name"),
        (b"\xff", "invalid start byte"),
        (b"\xef\xbb\xbf{}", "BOM"),
        (b"[" * (MOST_DEPTH + 1) + b"]" * (MOST_DEPTH + 1), f"nested deeper than {MOST_DEPTH}"),
        (b"[" * 100_000, "recursion"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a' occurs twice"),
        (b"[NaN]", "NaN is no number"),
        (b"[-Infinity]", "Infinity is no number"),
        (b"[1e999]", "too large"),
        (b"[18446744073709551616]", "more than 64 bits"),
        (b"1" * 5000, "4300"),
        (rb'["\ud800"]', "surrogates not allowed"),
        (rb'{"\ud800": 1}', "surrogates not allowed"),
    ],
)
def test_what_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(StoreError, match=rf"(?is)the file cannot be read as JSON \(.*{reason}.*\)\. Do this\."):
        parse_json(content, "the file", error=StoreError, remedy="Do this.")


def test_the_deepest_that_is_read() -> None:
    assert parse_json(b"[" * MOST_DEPTH + b"]" * MOST_DEPTH, "it", remedy="")
    assert parse_json(b"[18446744073709551615]", "it", remedy="") == [2**64 - 1]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "gone", tmp_path, tmp_path / ("long" * 100), Path("a\0b")):
        with pytest.raises(ConfigurationError, match=r"cannot be read \(.*\)\. Do this\."):
            read_json(path, error=ConfigurationError, remedy="Do this.")


def test_objects_have_their_entries_of_their_types() -> None:
    kinds = {"rows": int, "evaluation": (str, type(None))}
    value = {"rows": 3, "evaluation": None, "more": []}
    assert checked_object(value, kinds, "it", remedy="") is value
    for wrong, reason in (
        ([], "it: a JSON object was expected, not list. Do this."),
        ({"rows": 3}, "it lacks evaluation. Do this."),
        ({"rows": True, "evaluation": ""}, "it: 'rows' is True, not of type int. Do this."),
        ({"rows": 3, "evaluation": {}}, "it: 'evaluation' is dict, not of type str or NoneType. Do this."),
    ):
        with pytest.raises(DataError) as raised:
            checked_object(wrong, kinds, "it", remedy="Do this.")
        assert str(raised.value) == reason


@pytest.mark.slow
@given(value=st.dictionaries(st.text().filter(lambda name: name != "sha256"), JSON, max_size=4))
def test_a_sealed_object_keeps_its_content(value: dict[str, object]) -> None:
    again = json.loads(json.dumps(sealed(value)))
    assert unsealed(again, "it", remedy="") == value
    with pytest.raises(DataError, match="altered"):
        unsealed({**again, "sha25": 1}, "it", remedy="")


def test_a_checksum_that_does_not_match_or_is_missing() -> None:
    whole = sealed({"a": 1, "b": [0.5]})
    digest = "8ddd8f5db2bb1ddd1e9e0c08d5d7bcf4b6d5ac6f6e7b2b0d6a3df8b5e0a2b0ff"
    for wrong in ({**whole, "a": 2}, {**whole, "sha256": digest}, {**whole, "sha256": None}, {"a": 1, "b": [0.5]}):
        with pytest.raises(StoreError, match=r"it was altered: its checksum does not match\. Do this\."):
            unsealed(wrong, "it", error=StoreError, remedy="Do this.")


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int8).reshape(2, 3),
        np.asfortranarray(np.arange(6, dtype=np.float64).reshape(2, 3)),
        np.array([2**64 - 1], np.uint64),
        np.zeros((0, 4), np.float32),
        np.array([True, False]),
    ],
)
def test_arrays_are_mapped_as_numpy_wrote_them(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", array)
    met = map_array(tmp_path / "a.npy", remedy="")
    np.testing.assert_array_equal(met, array)
    assert (met.dtype, met.flags.writeable or not met.size) == (array.dtype, not met.size)


HEADER = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }"


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace(b"<f8", b"|O"),
        HEADER.replace(b"<f8", b"<U4"),
        HEADER.replace(b"(2,)", b"(3,)"),
        HEADER.replace(b"(2,)", b"()"),
        HEADER.replace(b"(2,)", b"(99999999999999999999999999,)"),
        HEADER.replace(b"(2,)", b"(2L,)"),
        HEADER.replace(b"False", b"print(1)"),
        HEADER[:-1],
        b"(" * 60,
        b"",
    ],
)
def test_other_headers_are_one_error(tmp_path: Path, header: bytes) -> None:
    header = header.ljust(117) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(16)
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(StoreError, match=r"a\.npy cannot be read as an array \(.*\)\. Do this\."):
        map_array(tmp_path / "a.npy", error=StoreError, remedy="Do this.")
    with pytest.raises(StoreError, match="cannot be read"):
        map_array(tmp_path / "gone.npy", error=StoreError, remedy="")


def test_long_paths_are_shown_in_short() -> None:
    assert shown_path(Path("a/b")) == "a/b"
    assert len(shown_path(Path("x" * 5000))) < 600
