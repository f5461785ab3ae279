from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from predictornas.benchmarks.nasbench101 import all_records as nasbench101_reading
from predictornas.benchmarks.nasbench101.all_records import MIN_RECORD_BYTES, read_records
from predictornas.benchmarks.nasbench101.single_record import parse_record
from predictornas.errors import DataError

official = SimpleNamespace(**runpy.run_path(str(Path(__file__).parents[2] / "official_file.py")))

DATA = official.records_of(official.random_runs([4, 12, 36, 108]))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return official.write(tmp_path / "some.tfrecord", DATA)


@pytest.fixture
def two_processes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes every file a large one; holds what the second process answered."""
    monkeypatch.setattr(nasbench101_reading, "_LARGE_BYTES", 1)
    codes: list[int] = []
    original = nasbench101_reading.subprocess.Popen

    class Watched(original):  # type: ignore[misc, valid-type]
        def wait(self, timeout: float | None = None) -> int:
            codes.append(super().wait(timeout))
            return codes[-1]

    monkeypatch.setattr(nasbench101_reading.subprocess, "Popen", Watched)
    return codes


def silent(done: int, total: int) -> None:
    pass


def metrics_of(data: list[bytes]) -> np.ndarray:
    return np.array([parse_record(record).metrics for record in data], np.float32)


def test_a_small_file_is_read_in_one_process(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nasbench101_reading.subprocess, "Popen", None)
    np.testing.assert_array_equal(read_records(file, silent).metrics, metrics_of(DATA))


@pytest.mark.slow
def test_two_processes_read_the_same_in_the_same_order(file: Path, two_processes: list[int]) -> None:
    records = read_records(file, silent)
    np.testing.assert_array_equal(records.metrics, metrics_of(DATA))
    assert [row.astype(">u8").tobytes() for row in records.hashes] == [parse_record(r).module_hash for r in DATA]
    assert two_processes[0] == 0


@pytest.mark.slow
@pytest.mark.parametrize("damaged", [3, len(DATA) - 3])
@pytest.mark.usefixtures("two_processes")
def test_two_processes_tell_the_same_error_as_one(file: Path, damaged: int) -> None:
    byte = sum(len(data) + 16 for data in DATA[:damaged])
    content = bytearray(file.read_bytes())
    content[byte + 20] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=f"record {damaged} at byte {byte}: the checksum of the record's data"):
        read_records(file, silent)


def test_a_second_process_that_cannot_start_does_not_matter(
    file: Path, two_processes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    np.testing.assert_array_equal(read_records(file, silent).metrics, metrics_of(DATA))
    assert two_processes == []


def test_what_looks_like_a_record_in_the_middle_but_is_none_does_not_matter(
    tmp_path: Path, two_processes: list[int]
) -> None:
    metrics = official.model_metrics(4, np.full((2, 4), 0.5))
    metrics.evaluation_data[0].unknown = b"before " + official.framed(b"inner") + b" behind"
    # base64 hides it, so the place is chosen instead of found
    data = [official.record(official.CELLS[0], 4, metrics.SerializeToString())] * 3
    path = official.write(tmp_path / "odd.tfrecord", data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nasbench101_reading, "find_record", lambda path, after: after)
        np.testing.assert_array_equal(read_records(path, silent).metrics, metrics_of(data))


def test_progress_ends_at_the_size_of_the_file(file: Path) -> None:
    calls: list[tuple[int, int]] = []
    read_records(file, lambda done, total: calls.append((done, total)))
    assert calls[-1] == (file.stat().st_size, file.stat().st_size)


def test_empty_and_missing_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is empty"):
        read_records(official.write(tmp_path / "empty.tfrecord", []), silent)
    with pytest.raises(DataError, match="No such file"):
        read_records(tmp_path / "missing.tfrecord", silent)


def test_no_record_is_shorter_than_is_believed() -> None:
    metrics = official.model_metrics(1, np.full((2, 4), 0.5), parameters=1)
    metrics.ClearField("total_time")
    metrics.evaluation_data[0].Clear()
    shortest = official.record(official.CELLS[1], 1, metrics.SerializeToString(), separators=(",", ":"))
    parse_record(shortest)
    assert len(official.framed(shortest)) >= MIN_RECORD_BYTES
