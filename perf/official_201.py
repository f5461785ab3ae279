"""How long it takes to import the official forms of NAS-Bench-201 at full size, and the most memory that it needs.

    python perf/official_201.py --folder FOLDER [--architectures N] [--form file|folder] [--keep]

GENERATED numbers in the official form: 15,625 architectures, four data sets, three seeds of 200 epochs with every set
evaluated at every epoch, 12 epochs beside them; 9 GB as torch's stream of pickles, and as a `-simple` folder. The
objects would need more than 24 GB, so the stream is written architecture by architecture: the pickle of one is a
template in which numbers, name, index and the references are replaced. Importing runs in a fresh process; its memory
is the peak of that process and of all its children together, sampled (`VmHWM` of each added would be more).
"""

from __future__ import annotations

import argparse
import bz2
import json
import os
import pickle
import pickletools
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from predictornas.benchmarks.official201.states import DATASETS
from predictornas.benchmarks.official201.streams import TORCH_MAGIC, TORCH_PROTOCOL
from predictornas.spaces.nasbench201 import NASBench201, to_string

SETS = {"cifar10-valid": ("x-valid", "ori-test"), "cifar10": ("ori-test",)}
OTHER_SETS = ("x-valid", "x-test", "ori-test")
SEEDS = (777, 888, 999)
TRAININGS = {"less": (12, SEEDS[:1]), "full": (200, SEEDS)}
INDEX = 70_000  # of the template: four bytes wide, as no index of the file would be by itself

IMPORT = """
import json, resource, sys, time
from pathlib import Path
from predictornas.benchmarks.importing import import_official
start, begun = time.perf_counter(), time.process_time()
tables = import_official("official", Path(sys.argv[1]))
below = resource.getrusage(resource.RUSAGE_CHILDREN)
cpu = time.process_time() - begun + below.ru_utime + below.ru_stime
print(json.dumps([time.perf_counter() - start, cpu, len(tables), len(tables[0])]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the generated files and the store lie")
    parser.add_argument("--architectures", type=int, default=len(NASBench201()))
    parser.add_argument("--form", choices=("file", "folder"), default="file")
    parser.add_argument("--keep", action="store_true", help="leave the generated file for another run")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    names = [to_string(genes) for genes in NASBench201().enumerate()[: options.architectures]]
    made = options.folder / (f"{len(names)}.pth" if options.form == "file" else f"{len(names)}-simple")
    write = write_stream if options.form == "file" else write_folder
    if not made.exists():
        partial = made.with_suffix(".part")
        write(partial, names)
        partial.rename(made)
    sizes = [path.stat().st_size for path in (made.rglob("*") if made.is_dir() else [made]) if path.is_file()]
    seconds, processor, megabytes = imported(made, options.folder / "store")
    print(f"{options.form} of {len(names)} architectures, {sum(sizes) / 1e6:.0f} MB in {len(sizes)} files")
    print(f"import_seconds   {seconds:10.1f}\ncpu_seconds      {processor:10.1f}\npeak_memory_mb   {megabytes:10.1f}")
    shutil.rmtree(options.folder / "store", ignore_errors=True)
    if not options.keep:
        shutil.rmtree(made) if made.is_dir() else made.unlink()


def imported(path: Path, store: Path) -> tuple[float, float, float]:
    """Seconds, processor seconds and peak memory in MB of an import in a fresh process."""
    environment = {**os.environ, "PREDICTORNAS_DATA": str(store)}
    process = subprocess.Popen([sys.executable, "-c", IMPORT, str(path)], stdout=subprocess.PIPE, env=environment)
    peaks = [0.0]

    def watch() -> None:
        while process.poll() is None:
            peaks[0] = max(peaks[0], memory_of(process.pid))
            time.sleep(0.1)

    watcher = threading.Thread(target=watch)
    watcher.start()
    output = process.communicate()[0]
    watcher.join()
    if process.returncode:
        raise SystemExit(process.returncode)
    seconds, processor, tables, rows = json.loads(output)
    if (tables, rows) != (len(DATASETS), int(path.name.split("-")[0].split(".")[0])):
        raise SystemExit(f"{tables} tables of {rows} rows were imported")
    return float(seconds), float(processor), peaks[0]


def memory_of(pid: int) -> float:
    """Resident MB of a process and of all below it."""
    folder = Path(f"/proc/{pid}")
    try:
        status = dict(line.split(":", 1) for line in (folder / "status").read_text(encoding="utf-8").splitlines())
        below = [(task / "children").read_text(encoding="utf-8").split() for task in (folder / "task").iterdir()]
        resident = int(status.get("VmRSS", "0 kB").split()[0]) / 1e3
        return resident + sum(memory_of(int(child)) for children in below for child in children)
    except (OSError, ValueError):  # it has just ended
        return 0.0


def state(index: int, name: str, rng: np.random.Generator) -> dict[str, Any]:
    """What `arch2infos` holds of one architecture, as the official classes write it."""
    made = {}
    for key, (epochs, seeds) in TRAININGS.items():
        results = {
            (dataset, seed): trial(dataset, seed, epochs, name, rng) for dataset, seed in product(DATASETS, seeds)
        }
        made[key] = {
            "arch_index": index,
            "arch_str": name,
            "all_results": results,
            "dataset_seed": {dataset: list(seeds) for dataset in DATASETS},
            "clear_net_done": True,
        }
    return made


def trial(dataset: str, seed: int, epochs: int, name: str, rng: np.random.Generator) -> dict[str, Any]:
    sets = SETS.get(dataset, OTHER_SETS)

    def keys() -> list[str]:  # anew for each dictionary: the official ones have no texts in common either
        return [f"{evaluated}@{epoch}" for evaluated in sets for epoch in range(epochs)]

    return {
        "name": dataset,
        "net_state_dict": None,
        "train_acc1es": curve(range(epochs), rng),
        "train_acc5es": curve(range(epochs), rng),
        "train_losses": curve(range(epochs), rng),
        "train_times": dict.fromkeys(range(epochs), 20.0 + rng.random()),
        "arch_config": {"channel": 16, "num_cells": 5, "arch_str": name, "class_num": 10},
        "params": rng.random(),
        "flop": 100 * rng.random(),
        "seed": str(seed),
        "epochs": epochs,
        "latency": [0.01 + rng.random() / 100],
        "eval_names": list(sets),
        "eval_acc1es": curve(keys(), rng),
        "eval_times": dict.fromkeys(keys(), 2.0 + rng.random()),
        "eval_losses": curve(keys(), rng),
    }


def curve(keys: Any, rng: np.random.Generator) -> dict[Any, float]:
    """Numbers as the official ones are: computed in single precision, kept in double."""
    return dict(zip(keys, rng.random(len(keys), dtype=np.float32).astype(np.float64).tolist(), strict=True))


def write_stream(path: Path, names: list[str]) -> None:
    """Torch's older form: magic number, version, system, the object, an empty list of tensors."""
    system = {
        "protocol_version": TORCH_PROTOCOL,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    with path.open("wb") as stream:
        for value in (TORCH_MAGIC, TORCH_PROTOCOL, system):
            stream.write(pickle.dumps(value, protocol=2))
        head = {"meta_archs": names, "total_archs": len(names), "evaluated_indexes": list(range(len(names)))}
        start = pickle.dumps(head, protocol=2)
        stream.write(start[: -len(pickle.SETITEMS + pickle.STOP)])  # the dictionary is left open
        stream.write(pickle.BINUNICODE + len(b"arch2infos").to_bytes(4, "little") + b"arch2infos" + pickle.EMPTY_DICT)
        stream.write(pickle.MARK)
        for content in Template().architectures(names, first=len(names) + 10):
            stream.write(content)
        stream.write(pickle.SETITEMS + pickle.SETITEMS + pickle.STOP + pickle.dumps([], protocol=2))


class Template:
    """The pickle of one architecture, and where in it the bytes lie that differ in another."""

    def __init__(self) -> None:
        name = "|" + "?" * 60
        content, memos, floats, indexes, named = b"", [], [], [], []
        source = pickle.dumps(state(INDEX, name, np.random.default_rng(0)), protocol=2)
        operations = list(pickletools.genops(source))[1:-1]  # without protocol and stop
        ends = [position for _, _, position in operations[1:]] + [len(source) - 1]
        for (operation, argument, position), end in zip(operations, ends, strict=True):
            code = operation.code.encode("latin1")
            if code in (pickle.BINPUT, pickle.LONG_BINPUT, pickle.BINGET, pickle.LONG_BINGET):
                memos.append(len(content) + 1)
                wide = pickle.LONG_BINPUT if code in (pickle.BINPUT, pickle.LONG_BINPUT) else pickle.LONG_BINGET
                content += wide + int(argument or 0).to_bytes(4, "little")
                continue
            if code == pickle.BINFLOAT:
                floats.append(len(content) + 1)
            elif argument == INDEX:
                indexes.append(len(content) + 1)
            elif argument == name:
                named.append((len(content), len(content) + end - position))
            content += source[position:end]
        ((self._name_start, self._name_end),) = named
        self._content = np.frombuffer(content, np.uint8)
        self._floats = np.add.outer(floats, np.arange(8))
        self._memos, self._indexes = (np.add.outer(places, np.arange(4)) for places in (memos, indexes))
        self._memo_values = self._content[self._memos].view("<u4")[:, 0]
        self._numbers = self._content[self._floats].view(">f8")[:, 0]

    def architectures(self, names: list[str], first: int) -> Iterator[bytes]:
        """Index and pickle of each; references count from `first`."""
        rng, entries = np.random.default_rng(1), int(self._memo_values.max()) + 1
        for index, name in enumerate(names):
            content = self._content.copy()
            # another factor and not other numbers: times stay the same at every epoch
            factor = np.float32(0.5 + rng.random() / 2)
            content[self._floats] = (self._numbers * factor).astype(">f8").view(np.uint8).reshape(-1, 8)
            moved = (self._memo_values + (first + index * entries)).astype("<u4")
            content[self._memos] = moved.view(np.uint8).reshape(-1, 4)
            content[self._indexes] = np.frombuffer(index.to_bytes(4, "little"), np.uint8)
            encoded = name.encode()
            yield b"".join((
                pickle.BININT + index.to_bytes(4, "little"),
                content[: self._name_start].tobytes(),
                pickle.BINUNICODE + len(encoded).to_bytes(4, "little") + encoded,
                content[self._name_end :].tobytes(),
            ))  # fmt: skip


def write_folder(path: Path, names: list[str]) -> None:
    path.mkdir(exist_ok=True)
    meta = {"meta_archs": names, "total_archs": len(names), "arch2infos": None, "evaluated_indexes": set()}
    (path / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(meta, protocol=4)))
    rng = np.random.default_rng(2)
    for index, name in enumerate(names):
        file = path / f"{index:06d}.pickle.pbz2"
        trainings = dict(zip(("12", "200"), state(index, name, rng).values(), strict=True))
        if not file.exists():
            file.write_bytes(bz2.compress(pickle.dumps(trainings, protocol=4)))


if __name__ == "__main__":
    main()
