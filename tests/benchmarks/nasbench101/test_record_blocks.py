from __future__ import annotations

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.benchmarks.nasbench101 import record_blocks as nasbench101_blocks
from predictornas.benchmarks.nasbench101.record_blocks import Records, parse_block
from predictornas.benchmarks.nasbench101.single_record import parse_record
from predictornas.benchmarks.nasbench101.tfrecord import Frames, read_frames
from predictornas.errors import DataError

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "official_file.py")))

GOOD = official.records_of(official.random_runs([4, 108]))


@pytest.fixture
def frames_of(tmp_path: Path) -> Callable[[list[bytes]], Frames]:
    def build(records: list[bytes]) -> Frames:
        return next(read_frames(official.write(tmp_path / "some.tfrecord", records)))

    return build


@pytest.fixture
def no_reference(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: bytes) -> None:
        raise AssertionError(f"the fast way did not read {data!r}")

    monkeypatch.setattr(nasbench101_blocks, "parse_record", refuse)


def assert_as_the_reference(records: Records, data: list[bytes]) -> None:
    expected = [parse_record(record) for record in data]
    assert [row.astype(">u8").tobytes() for row in records.hashes] == [record.module_hash for record in expected]
    assert records.epochs.tolist() == [record.epochs for record in expected]
    assert records.cells.tolist() == [record.cell for record in expected]
    assert records.parameters.tolist() == [record.parameters for record in expected]
    np.testing.assert_array_equal(records.metrics, np.array([record.metrics for record in expected], np.float32))


@pytest.mark.usefixtures("no_reference")
def test_the_official_form_is_read_fast_and_as_the_reference_reads_it(frames_of: Any) -> None:
    assert_as_the_reference(parse_block(frames_of(GOOD)), GOOD)


def changed_metrics(draw: st.DrawFn, epochs: int) -> bytes:
    fraction = st.floats(0, 1, width=32)
    values = draw(st.lists(st.tuples(st.floats(0, 1e6, width=32), *[fraction] * 3), min_size=2, max_size=2))
    metrics = official.model_metrics(epochs, values, draw(st.integers(1, 2**31 - 1)))
    if draw(st.booleans()):
        metrics.unknown_number = draw(st.integers(0, 2**64 - 1))
    if draw(st.booleans()):
        metrics.evaluation_data[draw(st.integers(0, 2))].unknown = draw(st.binary(max_size=4))
    return metrics.SerializeToString()


@st.composite
def good_records(draw: st.DrawFn) -> bytes:
    epochs = draw(st.sampled_from([1, 4, 12, 108, 9999]))
    separators = draw(st.sampled_from([None, (",", ":"), (" ,\n", ":")]))
    cell = draw(st.sampled_from(official.CELLS))
    return official.record(cell, epochs, changed_metrics(draw, epochs), separators=separators)


@pytest.mark.slow
@settings(max_examples=50)
@given(data=st.lists(good_records(), min_size=1, max_size=12))
def test_every_good_record_is_read_as_by_the_reference(
    tmp_path_factory: pytest.TempPathFactory, data: list[bytes]
) -> None:
    path = official.write(tmp_path_factory.getbasetemp() / "good.tfrecord", data)
    assert_as_the_reference(parse_block(next(read_frames(path))), data)


@pytest.mark.slow
@settings(max_examples=80)
@given(data=st.data(), index=st.integers(0, len(GOOD) - 1))
def test_a_record_with_any_byte_changed_is_read_or_refused_as_by_the_reference(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, index: int
) -> None:
    record = bytearray(GOOD[index])
    place = data.draw(st.integers(0, len(record) - 1))
    interesting = st.sampled_from(list(b'"[]{},: \\019=Aaf+/x\n')) | st.integers(0, 255)
    record[place] = data.draw(interesting)
    records = [GOOD[0], bytes(record), GOOD[-1]]
    frames = next(read_frames(official.write(tmp_path_factory.getbasetemp() / "changed.tfrecord", records)))
    reason = refusal(bytes(record))
    if reason is None:
        assert_as_the_reference(parse_block(frames), records)
    else:
        start = f"{frames.path}, record 1 at byte {16 + len(GOOD[0])}: {reason}. "
        with pytest.raises(DataError, match=re.escape(start)):
            parse_block(frames)


def refusal(record: bytes) -> str | None:
    """What the reference says against a record."""
    try:
        parse_record(record)
    except DataError as error:
        return str(error)
    return None


def mutate(index: int, value: Any) -> bytes:
    fields = json.loads(GOOD[40])
    fields[index] = value
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b'""""""""',
        b'["", 1, "", "", ""]',
        mutate(0, "A" * 32),
        mutate(1, 1234567),
        mutate(2, "1" * 49),
        mutate(3, "input,conv3x3-bn-relu,output"),
        mutate(3, "input,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,conv3x3-bn-relu,outpux"),
        mutate(4, "===="),
        mutate(4, "A==="),
        mutate(4, "AB=A"),
        mutate(4, json.loads(GOOD[40])[4] + "AAAA"),
    ],
)
def test_malformed_records_are_refused_where_they_stand(frames_of: Any, record: bytes) -> None:
    frames = frames_of([GOOD[0], record])
    with pytest.raises(DataError, match="record 1 at byte"):
        parse_block(frames)


def test_records_are_saved_and_put_together(frames_of: Any, tmp_path: Path) -> None:
    records = parse_block(frames_of(GOOD))
    collected = Records.empty(len(GOOD) + 5)
    collected.put(0, records.head(10))
    collected.put(10, parse_block(frames_of(GOOD[10:])))
    collected.head(20).save(tmp_path)
    other = parse_block(frames_of(GOOD[20:]))
    assert_as_the_reference(Records.load(tmp_path).followed_by(other), GOOD)
    assert_as_the_reference(collected.head(len(GOOD)), GOOD)
