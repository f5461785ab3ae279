import io
import os
import pickle
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from predictornas.errors import DataError
from predictornas.plain_pickle import array_in, load_plain_pickle

# as python 2 and numpy 1 wrote it with protocol 2: {"data": array([[1, 2, 3], [4, 5, 6]], uint8), "labels": [7, 8]}
PYTHON_2 = (
    b"\x80\x02}q\x01(U\x04dataq\x02cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85U\x01b\x87"
    b"Rq\x05(K\x01K\x02K\x03\x86cnumpy\ndtype\nq\x06U\x02u1K\x00K\x01\x87Rq\x07(K\x03U\x01|NNNJ\xff\xff\xff\xff"
    b"J\xff\xff\xff\xffK\x00tb\x89U\x06\x01\x02\x03\x04\x05\x06tbU\x06labelsq\x08]q\x09(K\x07K\x08eu."
)

NUMBERS = hnp.arrays(
    st.sampled_from(["u1", "<i8", ">i4", "<f4", "?"]), hnp.array_shapes(min_dims=1, max_dims=3, max_side=4)
)


def read(content: bytes, folder: Path) -> object:
    path = folder / "batch"
    path.write_bytes(content)
    return load_plain_pickle(path)


def test_a_pickle_of_python_2(tmp_path: Path):
    value = read(PYTHON_2, tmp_path)
    assert isinstance(value, dict)
    assert value[b"labels"] == [7, 8]
    assert value[b"data"].dtype == np.uint8
    assert value[b"data"].tolist() == [[1, 2, 3], [4, 5, 6]]
    assert (pickle.loads(PYTHON_2, encoding="bytes")[b"data"] == value[b"data"]).all()


@pytest.mark.parametrize("number", [np.float64(0.25), np.float32(-1.5), np.int64(-(2**62)), np.uint8(255), np.bool_(1)])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_numbers_of_numpy_become_those_of_python(tmp_path: Path, number: np.generic, protocol: int):
    value = read(pickle.dumps([{"a": number}] * 2, protocol), tmp_path)
    assert value == [{"a": number.item()}] * 2
    assert type(value[0]["a"]) is type(number.item())


def test_a_number_of_another_size_than_its_type_is_refused(tmp_path: Path):
    content = pickle.dumps(np.float64(0.25), 2)
    assert content.count(b"f8") == 1
    with pytest.raises(DataError, match="no complete pickle of plain values"):
        read(content.replace(b"f8", b"f4"), tmp_path)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    array=NUMBERS,
    labels=st.lists(st.integers()),
    protocol=st.integers(0, pickle.HIGHEST_PROTOCOL),
    fortran=st.booleans(),
    old_name=st.booleans(),
)
def test_every_protocol_gives_the_values_back(tmp_path_factory, array, labels, protocol, fortran, old_name):
    array = np.asfortranarray(array) if fortran else array
    content = pickle.dumps({"data": array, "labels": labels, "note": b"\x00\xff"}, protocol)
    if old_name and protocol < 4:  # from protocol 4 on, names carry their lengths
        content = content.replace(b"numpy._core.", b"numpy.core.")
    value = read(content, tmp_path_factory.mktemp("pickle"))
    assert isinstance(value, dict)
    assert np.array_equal(value["data"], array, equal_nan=array.dtype.kind == "f")
    assert value["data"].dtype == array.dtype.newbyteorder("=")
    assert value["labels"] == labels
    assert value["note"] == b"\x00\xff"


def test_a_torn_pickle_is_refused_wherever_it_ends(tmp_path: Path):
    for end in range(len(PYTHON_2)):
        with pytest.raises(DataError, match=r"Fetch it again|Do not use"):
            read(PYTHON_2[:end], tmp_path)


@pytest.mark.slow
@settings(max_examples=200)
@given(place=st.integers(0, len(PYTHON_2) - 1), byte=st.integers(0, 255))
def test_an_altered_byte_never_ends_in_another_error(tmp_path_factory, place, byte):
    altered = PYTHON_2[:place] + bytes([byte]) + PYTHON_2[place + 1 :]
    with suppress(DataError):
        read(altered, tmp_path_factory.mktemp("pickle"))


class Harmful:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (str(self.marker),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_code_is_refused_before_it_runs(tmp_path: Path, protocol: int):
    marker = tmp_path / "ran"
    content = pickle.dumps({"data": Harmful(marker)}, protocol)
    with pytest.raises(DataError, match=r"batch: the pickle asks for posix\.mkdir; only"):
        read(content, tmp_path)
    assert not marker.exists()
    pickle.loads(content)
    assert marker.exists(), "the pickle would not have done harm anyway"


@pytest.mark.parametrize(
    "value", [np.array([Path("x"), None], dtype=object), np.array(["text"]), np.zeros(2, dtype="i4,f8")]
)
def test_arrays_of_anything_but_numbers_are_refused(tmp_path: Path, value: object):
    with pytest.raises(DataError, match=r"Do not use the file|only arrays of numbers"):
        read(pickle.dumps(value, 2), tmp_path)


def test_outside_objects_are_refused(tmp_path: Path):
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    pickler.persistent_id = lambda value: "somewhere"  # type: ignore[method-assign]
    pickler.dump([1])
    with pytest.raises(DataError, match="outside itself"):
        read(stream.getvalue(), tmp_path)


def test_the_stand_ins_cannot_be_altered_by_a_pickle(tmp_path: Path):
    forged = (
        b"\x80\x02cnumpy\nndarray\n(N}U\x08__init__Nstb.",
        b"\x80\x02cnumpy\ndtype\n(N}U\x08__code__Nstb.",
        b"\x80\x02cnumpy\ndtype\n(N}U\x0c__defaults__K\x01K\x02\x86stb.",
        b"\x80\x02cnumpy\ndtype\n)\x81.",
        b"\x80\x02cnumpy\ndtype\nU\x05(1,f8K\x00K\x01\x87R.",
        b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nNK\x00N\x87R.",
    )
    for content in forged:
        with pytest.raises(DataError):
            read(content, tmp_path)
    assert isinstance(read(PYTHON_2, tmp_path), dict)


def test_small_files_take_neither_memory_nor_time(tmp_path: Path):
    nested = []
    for _ in range(60):
        nested = [nested, nested]
    began = time.perf_counter()
    assert read(b"\x80\x02Nr\xff\xff\xff\x7f.", tmp_path) is None  # a memo entry with a number near 2**31
    read(pickle.dumps({"data": nested}), tmp_path)  # 2**60 leaves
    with pytest.raises(DataError, match="complete"):
        read(b"\x80\x04\x8e" + (2**50).to_bytes(8, "little") + b"x.", tmp_path)
    assert time.perf_counter() - began < 2


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(DataError, match="gone cannot be read"):
        load_plain_pickle(tmp_path / "gone")


def test_no_more_memory_is_taken_than_the_pickle_has_bytes(tmp_path: Path):
    assert read(pickle.dumps({"a": bytearray(b"bytes")}, 5), tmp_path) == {"a": bytearray(b"bytes")}
    tracemalloc.start()
    with pytest.raises(DataError, match="no complete pickle"):
        read(b"\x80\x05\x96" + (1 << 31).to_bytes(8, "little") + b"few bytes", tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def text(value: str) -> bytes:
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


LONG = text("x" * 100_000) + b"q\x01"
ENCODED = b"c_codecs\nencode\nq\x00" + LONG + text("latin1") + b"q\x02"
SWAPPED = (
    b"cnumpy.core.numeric\n_frombuffer\nq\x00"
    + (b"B" + (100_000).to_bytes(4, "little") + bytes(100_000) + b"q\x01")
    + (
        b"cnumpy\ndtype\n"
        + text("u2")
        + b"K\x00K\x01\x87R(K\x03"
        + text(">")
        + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    )
    + b"q\x02"
)


@pytest.mark.parametrize(
    ("memory", "call"),
    [
        (ENCODED, b"h\x00h\x01h\x02\x86R"),
        (SWAPPED, b"h\x00(h\x01h\x02M\x50\xc3\x85X\x01\x00\x00\x00CtR"),
    ],
    ids=["text", "array"],
)
def test_what_a_pickle_repeats_is_not_made_again_and_again(tmp_path: Path, memory: bytes, call: bytes):
    """150 kB that ask for a gigabyte."""
    once = read(b"\x80\x03(" + memory + call + b"t.", tmp_path)
    assert isinstance(once, tuple)
    assert len(once[-1] if isinstance(once[-1], bytes) else array_in(once[-1])) in (100_000, 50_000)
    tracemalloc.start()
    with pytest.raises(DataError, match="batch: the pickle makes far more bytes than it holds"):
        read(b"\x80\x03(" + memory + call * 10_000 + b"t.", tmp_path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 << 20


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("order", [">", "<"])
def test_what_a_pickle_holds_once_may_be_of_any_size(tmp_path: Path, protocol: int, order: str):
    arrays = {str(place): np.arange(place * 1000, dtype=f"{order}u2") for place in range(1, 9)}
    numbers = [np.bool_(True)] * 1000 + [np.dtype(f"{order}f8").type(number) for number in range(1000)]
    value = read(pickle.dumps({**arrays, "numbers": numbers, "note": bytes(range(256)) * 100}, protocol), tmp_path)
    assert isinstance(value, dict)
    assert (value.pop("numbers"), value.pop("note")) == (numbers, bytes(range(256)) * 100)
    assert value.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(value[name], array)
