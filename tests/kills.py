"""Kills commands, and processes that they started, at random moments and compares what the next start arrives at.

`python -m tests.kills --kills 100 --seed 0` kills each of seven commands in turn with SIGKILL: half of the time at a
moment drawn from the length of its undisturbed run, else when the folder has grown to a size drawn from that of the
finished one; every third time one of its child processes instead of itself. Then the same command runs again, and what
it leaves is compared with what the undisturbed run left. Every kill is one line of the log; those that are there are
not repeated, so the same command resumes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.journal import read_records
from predictornas.spaces.registry import get_space

PATIENCE = 120.0
"""Seconds after which a command that lost a process counts as hanging: many times what it takes when left alone."""

BENCHMARK = "nasbench201-cifar10"

SEARCHED = f"--benchmark {BENCHMARK} --workers 2 --out out"

BUILD = """
from dataclasses import replace
from pathlib import Path
from predictornas.studies.measured_table import TableRecipe, build_table
from predictornas.interrupts import stop_on_interrupt

if __name__ == "__main__":
    stop_on_interrupt()
    recipe = TableRecipe("tiny", 3, 8, (40, 20, 20), (0, 0, 8, 192), 2, 1, 20, budgets=(1, 2), seeds=(0, 3))
    build_table(recipe, Path("out"), workers=2)
"""

COMMANDS = {
    "data import": "data import mine table.csv --recipe recipe.json",
    "gain": f"gain --methods random,uniform-50 --budget 30 --seeds 2 {SEARCHED}",
    "predictors": f"predictors --names gp,gcn --sizes 20 --draws 2 --judged 200 {SEARCHED}",
    "live-search": "live-search --space nasbench201 --images digits --method rank-nosh --budget-epochs 24 --levels 1,2 "
    "--training-images 64 --channels 4 --cells 1 --workers 2 --out out",
    "supernet": "supernet --method darts-1 --space nasbench201 --small --epochs 3 --out out",
    "build-table": "",
    "reproduce": f"reproduce mauch-fig3 --preset quick --budget 20 --seeds 1 {SEARCHED}",
}
"""What is killed, each at about the smallest size that it has; `build-table` on a table of seven cells (`BUILD`)."""


@dataclass(frozen=True)
class Killed:
    """One kill and what came of it.

    Attributes:
        number: of the kill.
        command: that ran.
        victim: "command", or "child".
        moment: what it was killed at.
        alive: whether there was anything to kill any more.
        seconds: from the kill to the end of the command.
        hung: whether the command was still there after `PATIENCE`.
        code: with which the next start of the command ended.
        differs: what differs from the undisturbed run, in words.
    """

    number: int
    command: str
    victim: str
    moment: str
    alive: bool
    seconds: float
    hung: bool
    code: int
    differs: list[str]


class Scene:
    """A folder in which a command runs, with a store of its own."""

    def __init__(self, command: str, folder: Path, store: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(store, folder / "store")
        write_table(folder)
        self.command, self.folder = command, folder
        (folder / "build.py").write_text(BUILD, encoding="utf-8")
        script = ["build.py"] if command == "build-table" else ["-m", "predictornas", *COMMANDS[command].split()]
        self._arguments = [sys.executable, *script]
        if command == "data import":
            self.run()  # so that the table is there already and must not be lost

    @property
    def results(self) -> Path:
        """Where the command writes."""
        return self.folder / ("store" if self.command == "data import" else "out")

    def start(self) -> subprocess.Popen[bytes]:
        """Starts the command."""
        root = Path(__file__).parents[1]
        environment = os.environ | {"PREDICTORNAS_DATA": str(self.folder / "store"), "PYTHONPATH": str(root)}
        log = (self.folder / "said.txt").open("ab")
        with log:
            return subprocess.Popen(self._arguments, cwd=self.folder, env=environment, stdout=log, stderr=log)

    def run(self) -> tuple[int, float]:
        """Runs the command to its end; its exit code, -1 where it hangs, and the seconds that it took."""
        begin, process = time.monotonic(), self.start()
        try:
            return process.wait(3 * PATIENCE), time.monotonic() - begin
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return -1, time.monotonic() - begin

    def size(self) -> int:
        """Bytes that the command has left so far."""
        total = 0
        for path in self.results.rglob("*"):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue
        return total


def write_table(folder: Path) -> None:
    """A table to import, and its recipe."""
    space = get_space("nasbench201")
    genes = space.enumerate()[:3000]
    accuracies = np.random.default_rng(0).random((len(genes), 2)).round(6)
    rows = {"arch": [space.describe(row) for row in genes], "a": accuracies[:, 0], "b": accuracies[:, 1]}
    pl.DataFrame(rows).write_csv(folder / "table.csv")
    columns = [
        {"source": source, "metric": "accuracy", "split": "valid", "epochs": 9, "run": run}
        for source, run in (("a", "0"), ("b", "1"))
    ]
    signals = {"signal": "valid_accuracy_9_run0", "evaluation": "valid_accuracy_9_run1"}
    recipe = {"space": "nasbench201", "architecture": {"string": "arch"}, "columns": columns, **signals}
    (folder / "recipe.json").write_text(json.dumps(recipe), encoding="utf-8")


def kill(seed: tuple[int, int, int], scene: Scene, whole: tuple[float, int], left: dict[str, Any]) -> Killed:
    """Starts the command, kills it or a child of it, starts it again and compares.

    Args:
        seed: of all kills, number of this one, and of the attempt.
        scene: a fresh one.
        whole: seconds and bytes of the undisturbed run.
        left: what that left, as `contents` gives it.
    """
    rng = np.random.default_rng(seed)
    victim = "child" if rng.random() < 1 / 3 else "command"
    share = float(rng.random())
    by_size = bool(rng.random() < 0.5)
    moment = f"{share:.3f} of the {'bytes' if by_size else 'seconds'}"
    begin, process, before = time.monotonic(), scene.start(), scene.size()
    while process.poll() is None:
        grown = (scene.size() - before) / max(whole[1] - before, 1)
        if (grown if by_size and whole[1] > before else (time.monotonic() - begin) / whole[0]) >= share:
            break
        time.sleep(0.003)
    children = list(descendants(process.pid))
    target = process.pid if victim == "command" or not children else int(rng.choice(children))
    alive = process.poll() is None
    if alive:
        os.kill(target, signal.SIGKILL)
    killed_at = time.monotonic()
    hung = False
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        hung = True
        process.kill()
        process.wait()
    seconds = time.monotonic() - killed_at
    victim = "command" if target == process.pid else "child"
    code, _ = scene.run()
    differs = differences(left, contents(scene.results))
    return Killed(seed[1], scene.command, victim, moment, alive, seconds, hung, code, differs)


def descendants(pid: int) -> Iterator[int]:
    """The processes that a process started, and theirs."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in map(int, children):
        yield child
        yield from descendants(child)


def contents(folder: Path) -> dict[str, Any]:
    """What a folder holds by path, without times, versions and the bytes of pictures."""
    return {
        str(path.relative_to(folder)): content_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "seconds" not in path.name
    }


def content_of(path: Path) -> Any:
    """What must be the same after every kill."""
    if path.suffix == ".jsonl":
        return journal(path)
    if path.suffix in (".parquet", ".csv"):
        read = pl.read_parquet if path.suffix == ".parquet" else pl.read_csv
        return timeless_table(read(path.read_bytes()))
    if path.suffix == ".json":
        return timeless(json.loads(path.read_text(encoding="utf-8")))
    if path.suffix in (".png", ".svg", ".pdf") or path.name.endswith("checkpoint"):
        return path.stat().st_size > 0
    return path.read_bytes()


def journal(path: Path) -> list[Any]:
    """The records of a journal. An epoch of a training may be logged twice: its checkpoint was not complete."""
    records = [timeless(record) for record in read_records(path)]
    if path.name == "epochs.jsonl":
        return [json.loads(text) for text in dict.fromkeys(json.dumps(record) for record in records)]
    key = "key" if path.parent.name == "journals" else None
    return sorted(records, key=lambda record: record.get(key, -1)) if key else records


def timeless_table(table: pl.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table without what was timed."""
    timed = [name for name in table.columns if "seconds" in name]
    if "quantity" in table.columns:
        table = table.filter(~pl.col("quantity").str.contains("seconds"))
    return table.drop(timed).to_dicts()


def timeless(value: Any) -> Any:
    """A value of JSON without what depends on time or on versions."""
    left_out = {"made_with", "runs_made_with", "created", "minutes", "sha256", "files"}
    if isinstance(value, dict):
        kept = (name for name in value if name not in left_out and "seconds" not in name)
        return {name: timeless(value[name]) for name in kept}
    return [timeless(entry) for entry in value] if isinstance(value, list) else value


def differences(expected: dict[str, Any], found: dict[str, Any]) -> list[str]:
    """What is lost, too much, or different."""
    lost = [f"lost: {name}" for name in expected.keys() - found.keys()]
    more = [f"left over: {name}" for name in found.keys() - expected.keys()]
    other = [f"differs: {name}" for name in expected.keys() & found.keys() if repr(expected[name]) != repr(found[name])]
    return sorted(lost + more + other)


def undisturbed(command: str, work: Path, store: Path) -> tuple[tuple[float, int], dict[str, Any]]:
    """Seconds, bytes and contents of a run that nobody kills."""
    scene = Scene(command, work / "undisturbed", store)
    code, seconds = scene.run()
    if code != 0:
        raise RuntimeError(f"{command} ended with {code}: {(scene.folder / 'said.txt').read_text(encoding='utf-8')}")
    return (seconds, scene.size()), contents(scene.results)


def kill_all(kills: int, seed: int, log: Path, commands: list[str]) -> list[Killed]:
    """All kills, those in the log not again."""
    done = [Killed(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    numbers = {killed.number for killed in done}
    known: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        work, store = Path(folder), Path(folder) / "store"
        os.environ["PREDICTORNAS_DATA"] = str(store)
        open_benchmark(BENCHMARK)  # builds it
        for number in range(kills):
            if number in numbers:
                continue
            command = commands[number % len(commands)]
            if command not in known:
                known[command] = undisturbed(command, work, store)
            killed = kill((seed, number, 0), Scene(command, work / "killed", store), *known[command])
            attempt = 1
            while not killed.alive:  # it was faster than the undisturbed run, and there was nothing left to kill
                killed = kill((seed, number, attempt), Scene(command, work / "killed", store), *known[command])
                attempt += 1
            with log.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(killed)) + "\n")
            done.append(killed)
    return done


def failed(killed: Killed) -> bool:
    """Whether a kill did harm."""
    return killed.hung or killed.code != 0 or bool(killed.differs)


def table(kills: list[Killed]) -> str:
    """Counts by command, as Markdown."""
    heads = ["command", "kills", "of a child", "hung", "failed to resume", "lost, doubled or different"]
    lines = ["| " + " | ".join(heads) + " |", "|---|" + "---:|" * 5]
    by_command = Counter(killed.command for killed in kills)
    for command in by_command:
        mine = [killed for killed in kills if killed.command == command]
        counts = (
            len(mine),
            sum(killed.victim == "child" for killed in mine),
            sum(killed.hung for killed in mine),
            sum(killed.code != 0 for killed in mine),
            sum(bool(killed.differs) for killed in mine),
        )
        lines.append(f"| `{command}` | " + " | ".join(map(str, counts)) + " |")
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines; kills-SEED.jsonl in the temporary folder by default")
    parser.add_argument("--commands", nargs="*", choices=list(COMMANDS), default=list(COMMANDS))
    given = parser.parse_args()
    log = given.log or Path(tempfile.gettempdir()) / f"kills-{given.seed}.jsonl"
    kills = kill_all(given.kills, given.seed, log, given.commands)
    sys.stdout.write(table(kills) + "\n")
    for killed in filter(failed, kills):
        sys.stdout.write(f"{killed}\n")
    sys.exit(any(map(failed, kills)))


if __name__ == "__main__":
    main()
