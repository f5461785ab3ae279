"""What `test_cluster.py` lets a cluster do, in a process of its own: Ray's processes outlive its shutdown for a moment.

Run as `python -m tests.executors.cluster_driver HOST:PORT FOLDER`; writes `found.json` into the folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from predictornas.benchmarks.bundled import bundled_folder
from predictornas.benchmarks.packed import PackedBenchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import PredictorNASError, UnknownNameError
from predictornas.executors import cluster
from predictornas.executors.base import Executor, Task, Tell
from predictornas.executors.cluster import Ray
from predictornas.executors.serial import Serial
from predictornas.files import write_json, writing_folder
from predictornas.journal import Journal, read_records
from predictornas.oracles.live import LiveOracle
from predictornas.spaces.nasbench201 import NASBench201
from tests.live.training_examples import GENES, RECIPE, SHAPE, data

COUNT = 30


def work(what: tuple[int, float], target: Path, tell: Tell) -> tuple[int, float]:
    """Writes a journal, a file or a folder, as the target's name says; numbers depend on the order of sums.

    Returns:
        How many records were there at the beginning, and a sum.
    """
    seed, seconds = what
    values = torch.randn(200, 300, generator=torch.Generator().manual_seed(seed))
    total = float((values @ values.T).sum())
    if target.suffix == ".json":
        write_json(target, total)
        return 0, total
    if not target.suffix:
        with writing_folder(target) as folder:
            np.save(folder / "values.npy", values.numpy())
            (folder / "deep").mkdir()
            write_json(folder / "deep" / "sum.json", total)
        return 0, total
    with Journal(target) as journal:
        before = len(journal)
        tell(before)
        for step in range(before, COUNT):
            time.sleep(seconds)
            journal.append({"step": step, "value": float(values[step].sum())})
            tell(1)
    return before, total


def where(what: float, target: Path, tell: Tell) -> str:
    """The machine."""
    import ray

    time.sleep(what)
    return str(ray.util.get_node_ip_address())


def die(what: int, target: Path, tell: Tell) -> int:
    """Loses its process after so many records, which are home by then; -1 loses it at once."""
    with Journal(target) as journal:
        before = len(journal)
        tell(before)
        for step in range(before, COUNT):
            last = step - before + 1 == what
            time.sleep(0.2 * last)
            journal.append({"step": step, "process": os.getpid()})
            tell(1)
            if last or what < 0:
                time.sleep(0.3)
                os.kill(os.getpid(), signal.SIGKILL)
    return COUNT


def refuse(what: str, target: Path, tell: Tell) -> None:
    """Writes, and then raises."""
    target.write_text("before", encoding="utf-8")
    raise UnknownNameError("thing", what, ["known"])


def look_up(table: Benchmark, what: int, target: Path, tell: Tell) -> tuple[str, float]:
    """Where the table lies, and a value."""
    return str(table.folder), float(table.values(table.signal)[what])


@dataclass(frozen=True)
class Hidden:
    """A table in a folder that the machines of the cluster do not see."""

    table: Any

    def packed(self) -> Hidden:
        return Hidden(self.table.packed())

    def content(self) -> Any:
        return self.table.content()

    def unpacked(self, content: Callable[[], Mapping[str, Any]]) -> Benchmark:
        packed: PackedBenchmark = replace(self.table, folder=Path("/nowhere"))
        return packed.unpacked(content)


def whole(folder: Path) -> dict[str, str]:
    """All files, by name."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes().hex() for path in sorted(files)}


def same(ray: Ray, folder: Path) -> dict[str, Any]:
    """Journals, files and folders of both executors; a journal that was there already, with a torn line."""
    found: dict[str, Any] = {}
    executors: dict[str, Executor] = {"serial": Serial(), "ray": ray}
    for name, executor in executors.items():
        place = folder / name
        tasks = [Task((seed, 0.0), place / f"{seed}{('.jsonl', '.json', '')[seed % 3]}") for seed in range(6)]
        with Journal(tasks[0].target) as journal:
            values = torch.randn(200, 300, generator=torch.Generator().manual_seed(0))
            journal.append({"step": 0, "value": float(values[0].sum())})
        with tasks[0].target.open("ab") as stream:
            stream.write(b'{"step":1,"val')
        told: list[int] = []
        results = dict(executor.run(work, tasks, tell=told.append))
        found[name] = {"results": [results[task] for task in tasks], "told": sum(told), "files": whole(place)}
    return found


def drawn(ray: Ray, folder: Path) -> dict[str, Any]:
    """How many tasks were drawn at each result, and where they ran."""
    numbers: list[int] = []

    def drawing() -> Iterator[Task[float]]:
        for number in range(10):
            numbers.append(number)
            yield Task(0.3, folder / str(number))

    results = [(len(numbers), machine) for _, machine in ray.run(where, drawing())]
    return {"drawn": [count for count, _ in results], "machines": sorted({machine for _, machine in results})}


def while_it_runs(ray: Ray, folder: Path) -> list[int]:
    """How many records were home at each message."""
    target, lengths = folder / "slow.jsonl", list[int]()
    list(ray.run(work, [Task((1, 0.05), target)], tell=lambda _: lengths.append(len(read_records(target)))))
    return lengths


def lost(ray: Ray, folder: Path) -> dict[str, Any]:
    """Tasks that lose their processes."""
    often, told = Task(13, folder / "often.jsonl"), list[int]()
    [(_, result)] = ray.run(die, [often], tell=told.append)
    records = read_records(often.target)
    processes = len({record["process"] for record in records})
    steps = [record["step"] for record in records]
    always = raised(lambda: list(ray.run(die, [Task(-1, folder / "always.jsonl")])))
    return {"result": result, "steps": steps, "processes": processes, "told": sum(told), "always": always}


def raised(call: Callable[[], Any]) -> list[str]:
    """Kind, message and cause of an error."""
    try:
        call()
    except PredictorNASError as error:
        return [type(error).__name__, str(error), str(error.__cause__)]
    return ["nothing"]


def closed(ray: Ray, folder: Path) -> dict[str, Any]:
    """What is left of tasks after their generator was closed, and whether the cluster is of use afterwards."""
    tasks = [Task((0, 0.0), folder / "short.json"), *(Task((n, 0.2), folder / f"long{n}.jsonl") for n in range(3))]
    running = ray.run(work, tasks)
    next(running)
    running.close()
    time.sleep(1)
    before = whole(folder)
    time.sleep(1)
    again = [machine for _, machine in ray.run(where, [Task(0.0, folder / "x")])]
    return {"grown": whole(folder) != before, "again": again}


def refused(ray: Ray, folder: Path) -> dict[str, Any]:
    """What cannot work."""
    error = raised(lambda: list(ray.run(refuse, [Task("knwn", folder / "refused")])))
    kept = (folder / "refused").read_text(encoding="utf-8")
    cluster.MINUTE = 0.5
    large = raised(lambda: list(replace(ray, cpus=64).run(where, [Task(0.0, folder / "large")])))
    version, cluster._version = cluster._version, lambda: "9.9"
    other = raised(lambda: list(ray.run(where, [Task(0.0, folder / "other")])))
    cluster._version = version
    code = raised(lambda: list(ray.run(where, [Task(only_here(), folder / "code")])))
    return {"error": error, "kept": kept, "large": large, "other": other, "code": code}


def only_here() -> Any:
    """An object of a module that the other processes do not find."""
    module = ModuleType("only_here")
    exec("class Thing: ...", vars(module))
    sys.modules["only_here"] = module
    return module.Thing()


def tables(ray: Ray, folder: Path) -> dict[str, Any]:
    """A table that the machines have, and one that they do not."""
    table = Benchmark.open(bundled_folder("nasbench101-digits"))
    tasks = [Task(row, folder / str(row)) for row in range(4)]
    results = [list(ray.run(partial(look_up, given), tasks)) for given in (table, Hidden(table))]
    expected = {task.what: float(table.values(table.signal)[task.what]) for task in tasks}
    return {
        "folders": [sorted({result[0] for _, result in each}) for each in results],
        "right": [all(expected[task.what] == value for task, (_, value) in each) for each in results],
        "own": str(table.folder),
    }


def trainings(ray: Ray, folder: Path) -> dict[str, Any]:
    """Trainings that stop after two epochs, and then go on to four."""
    found = {}
    places: dict[str, Executor] = {"serial": Serial(), "ray": ray}
    for name, executor in places.items():
        oracle = LiveOracle(
            NASBench201(), data(), SHAPE, RECIPE, folder / name, validation=15, seed=7, executor=executor
        )
        for epochs in (2, 4):
            oracle.evaluate(GENES, epochs, np.random.default_rng(0))
        curves = [oracle.curve(row) for row in GENES]
        found[name] = {
            "losses": [curve.train_loss.tolist() for curve in curves],
            "accuracies": [curve.validation_accuracy.tolist() for curve in curves],
            "test": oracle.test_accuracy(GENES).tolist(),
            "epochs": [[record["epoch"] for record in read_records(path)] for path in folder.glob(f"{name}/*/*.jsonl")],
        }
    return found


def main(address: str, folder: Path) -> None:
    """All of it, once both machines are there."""
    ray, begin = Ray(address), time.monotonic()
    module = cluster.connected(address)
    while len([node for node in module.nodes() if node["Alive"]]) < 2:
        time.sleep(0.1)
    cluster.INTERVAL = 0.1
    found: dict[str, Any] = {"seconds": {"start": time.monotonic() - begin}}
    for part in (same, drawn, while_it_runs, lost, closed, refused, tables, trainings):
        begin = time.monotonic()
        found[part.__name__] = part(ray, folder / part.__name__)
        found["seconds"][part.__name__] = time.monotonic() - begin
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
