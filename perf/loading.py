"""How long it takes to import NAS-Bench-101's official file and to open the imported table, and the memory of both.

    python perf/loading.py --folder FOLDER [--cells N]

The real cells and their real module hashes, but GENERATED metrics (uniform random numbers): 423,624 cells x 4 budgets
x 3 runs = 5.08 million records, 2 GB, written once into FOLDER. Importing and opening run in fresh processes and are
timed without Python's own imports; importing uses two processes, whose CPU seconds and peak memories are added. The
baseline of times is the reference parser, one record after the other as the original API does at every start, in CPU
seconds of the first records extrapolated to all; the baseline of memory is the size of the file.
"""

from __future__ import annotations

import argparse
import base64
import json
import struct
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import google_crc32c
import numpy as np

from predictornas.benchmarks.nasbench101.single_record import parse_record
from predictornas.benchmarks.nasbench101.tfrecord import read_frames
from predictornas.spaces.nasbench101 import OPERATIONS, NASBench101

BUDGETS, RUNS, POINTS = (4, 12, 36, 108), 3, 3
SAMPLE_BLOCKS = 4  # of about 5,000 records each, for the baseline

IMPORT = """
from predictornas.benchmarks.nasbench101.importing import import_tfrecord
clock()
import_tfrecord(Path(sys.argv[1]), Path(sys.argv[2]))
"""
OPEN = """
from predictornas.benchmarks.table import Benchmark
clock()
table = Benchmark.open(Path(sys.argv[2]))
table.lookup(np.asarray(table.genes[:4]), table.signal)
if "torch" in sys.modules: raise SystemExit("opening a table imported torch")
"""
PLAIN_OPEN = """
clock()
manifest = json.loads((Path(sys.argv[2]) / "manifest.json").read_text())
arrays = {path: np.load(path, mmap_mode="r") for path in Path(sys.argv[2]).rglob("*.npy")}
"""
CHILD = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
def clock():
    global wall, cpu
    wall, cpu = time.perf_counter(), time.process_time()
{body}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
second = resource.getrusage(resource.RUSAGE_CHILDREN)
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
memory = int(status["VmHWM"].split()[0]) + second.ru_maxrss
print(json.dumps([wall, cpu + second.ru_utime + second.ru_stime, memory / 1e3]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, required=True, help="where the generated file and the imported table lie"
    )
    parser.add_argument("--cells", type=int, default=len(NASBench101()), help="cells in the generated file")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    file, table = options.folder / f"generated-{options.cells}.tfrecord", options.folder / f"table-{options.cells}"
    if not file.exists():
        generate(file, options.cells)
    records = options.cells * len(BUDGETS) * RUNS
    size = file.stat().st_size / 1e6
    baseline = records * reference_seconds(file)
    import_wall, import_cpu, import_memory = measured(IMPORT, file, table)
    open_wall, _, open_memory = min(measured(OPEN, file, table) for _ in range(5))
    plain_wall, _, plain_memory = min(measured(PLAIN_OPEN, file, table) for _ in range(5))
    print(
        f"{records} generated records, {size:.0f} MB; baseline of times: reference parser, extrapolated from a sample"
    )
    print("figure                    value     baseline   ratio")
    line("import_seconds", import_wall, baseline)
    line("import_cpu_seconds", import_cpu, baseline)
    line("import_memory_mb", import_memory, size)
    line("open_seconds", open_wall, plain_wall)
    line("open_memory_mb", open_memory, plain_memory)


def line(name: str, value: float, baseline: float) -> None:
    print(f"{name:20} {value:10.4f} {baseline:12.4f}   {baseline / value:.2f}x")


def measured(body: str, file: Path, table: Path) -> list[float]:
    """Wall seconds, CPU seconds and peak memory in MB of a fresh process."""
    command = [sys.executable, "-c", CHILD.format(body=body), str(file), str(table)]
    return list(
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout)
    )


def reference_seconds(file: Path) -> float:
    """CPU seconds that the reference parser takes for one record, framing included."""
    start, count = time.process_time(), 0
    for frames in islice(read_frames(file), SAMPLE_BLOCKS):
        for index in range(len(frames)):
            parse_record(frames.record(index))
        count += len(frames)
    return (time.process_time() - start) / count


def generate(file: Path, cells: int) -> None:
    """Writes a file of the official form: real cells sorted by module hash, random metrics."""
    space, rng = NASBench101(), np.random.default_rng(0)
    genes = space.enumerate() if cells == len(space) else space.enumerate()[:cells]
    hashes, graphs = space.module_hashes(genes), space.graphs(genes)
    names = (*OPERATIONS, "input", "output")
    temporary = file.with_suffix(".part")
    with temporary.open("wb") as stream:
        for row in np.lexsort(hashes.T[::-1]):
            vertices = int((graphs.operations[row] >= 0).sum())
            adjacency = "".join(map(str, graphs.adjacency[row, :vertices, :vertices].ravel().tolist()))
            operations = ",".join(names[code] for code in graphs.operations[row, :vertices])
            messages = random_messages(rng)
            for index, message in enumerate(messages):
                epochs = BUDGETS[index // RUNS]
                fields = [
                    hashes[row].tobytes().hex(),
                    epochs,
                    adjacency,
                    operations,
                    base64.b64encode(message).decode(),
                ]
                write_record(stream, json.dumps(fields).encode())
    temporary.rename(file)


def random_messages(rng: np.random.Generator) -> list[bytes]:
    """The encoded ModelMetrics of all runs of one cell."""
    values = rng.random((len(BUDGETS) * RUNS, POINTS, 4), dtype=np.float32).astype("<f8")
    tail = b"\x10" + varint(int(rng.integers(200_000, 40_000_000))) + b"\x19" + struct.pack("<d", 1000.0)
    messages = []
    for index, points in enumerate(values.tolist()):
        epochs = BUDGETS[index // RUNS]
        message = b""
        for point, numbers in enumerate(points):
            message += b"\x0a\x2d" + EVALUATION.pack(9, epochs * point / 2, 17, numbers[0], 25, numbers[1], 33,
                                                     numbers[2], 41, numbers[3])  # fmt: skip
        messages.append(message + tail)
    return messages


EVALUATION = struct.Struct("<" + "Bd" * 5)  # a tag byte, then a double


def varint(value: int) -> bytes:
    digits = b""
    while value > 127:
        digits, value = digits + bytes([value & 127 | 128]), value >> 7
    return digits + bytes([value])


def write_record(stream: BinaryIO, data: bytes) -> None:
    length = struct.pack("<Q", len(data))
    stream.write(length + masked_crc(length) + data + masked_crc(data))


def masked_crc(data: bytes) -> bytes:
    crc = google_crc32c.value(data)
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


if __name__ == "__main__":
    main()
