"""All records of an official NAS-Bench-101 file: the second half of a large one in a second process.

The second process is a plain subprocess, so that neither `if __name__ == "__main__"` in the caller's script nor threads
that the caller has started matter. Whatever goes wrong in two processes, reading starts over in one, which then tells
what is wrong with the file.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from predictornas.benchmarks.nasbench101.record_blocks import Records, parse_block
from predictornas.benchmarks.nasbench101.tfrecord import find_record, read_frames
from predictornas.errors import DataError

MIN_RECORD_BYTES = 200
"""No record with all its numbers is shorter."""

_LARGE_BYTES = 128 << 20  # below, starting a process takes longer than it saves

_SECOND_PROCESS = """
import sys
from predictornas.benchmarks.nasbench101.all_records import save_part
save_part(sys.argv[1], int(sys.argv[2]), sys.argv[3])
"""


def read_records(path: Path, progress: Callable[[int, int], None]) -> Records:
    """All records, in the order of the file.

    Args:
        path: the file.
        progress: told the bytes read so far and the size of the file.

    Raises:
        DataError: the file cannot be read or is empty, or a record is malformed: where it stands and what is wrong.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"Could not read {path}: {error.strerror or error}. Check the path.") from error
    if not size:
        raise DataError(f"{path} is empty. The copy is incomplete: download it again.")
    middle = find_record(path, size // 2) if size >= _LARGE_BYTES else None
    if middle is not None:
        try:
            return _read_halves(path, size, middle, progress)
        except (DataError, OSError, subprocess.SubprocessError):
            pass
    return _read_part(path, 0, size, progress)


def save_part(path: str, start: int, target: str) -> None:
    """What the second process does: writes the records from byte `start` to the end into a folder of arrays."""
    file = Path(path)
    _read_part(file, start, file.stat().st_size, lambda done, total: None).save(Path(target))


def _read_halves(path: Path, size: int, middle: int, progress: Callable[[int, int], None]) -> Records:
    with tempfile.TemporaryDirectory(prefix="predictornas-") as folder:
        command = [sys.executable, "-c", _SECOND_PROCESS, str(path), str(middle), folder]
        second = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            first_half = _read_part(path, 0, middle, lambda done, total: progress(int(done / total * size), size))
            if second.wait():
                raise subprocess.SubprocessError
        finally:
            second.kill()
            second.wait()
        return first_half.followed_by(Records.load(Path(folder)))


def _read_part(path: Path, start: int, stop: int, progress: Callable[[int, int], None]) -> Records:
    """The records between two bytes at which records start."""
    # arrays for as many records as there could be: what is not filled takes no memory
    records, count = Records.empty((stop - start) // MIN_RECORD_BYTES + 1), 0
    for frames in read_frames(path, start=start, stop=stop):
        block = parse_block(frames)
        records.put(count, block)
        count += len(block)
        progress(frames.end - start, stop - start)
    return records.head(count)
