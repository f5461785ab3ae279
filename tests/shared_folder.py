"""Eight commands under eight host names at one folder at once, some killed, some stopped for a while.

`python -m tests.shared_folder --rounds 10 --seed 0` starts eight commands a round, `gain --seeds A-B` and
`search --seed K`, whose seeds overlap or do not, each in a process that takes itself for another machine. In every
second round some of them get SIGKILL at a random moment, or are stopped until their locks are long stale and then go
on. One run is held by the script itself all the while, as by a ninth machine whose run takes for ever. Then a plain
command collects. What must hold: every command that was not killed exits with 0 and waits for nobody's run; every run
that a command asked for and exited is in the manifest and in the history, once, with the history of a lone serial run;
no lock is left. Every round is one line of the log; those that are there are not repeated.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import polars as pl

from predictornas import cli
from predictornas.studies import locks
from predictornas.studies.gain import report
from predictornas.studies.gain.study import journal_path
from predictornas.studies.locks import Locks

COMMANDS = 8
"""At once, each under a host name of its own."""

BEAT, STALE = 0.2, 3.0
"""Seconds between two touches of a lock, and after which it is nobody's: short, so that rounds are."""

SEEDS = 12
"""Seeds are drawn from 0 .. so many - 1."""

METHODS = ("random", "uniform-20")

SETTINGS = "--benchmark nasbench201-cifar10 --budget 40 --preset quick --json --out shared"

PATIENCE = 600.0
"""Seconds after which a command counts as hanging."""

PRELOADED = ("torch", "polars", "matplotlib.figure", "predictornas.cli.studies", "predictornas.studies.gain.execution")
"""Imported once for all commands."""

Wanted = tuple[str, int]
"""A run: method and seed."""


@dataclass
class Command:
    """One command of a round.

    Attributes:
        arguments: what follows `predictornas`.
        wants: the runs that it asks for.
        fate: "left alone", "killed" or "stopped".
        moment: seconds after its start at which that happens.
    """

    arguments: list[str]
    wants: list[Wanted]
    fate: str = "left alone"
    moment: float = 0.0


@dataclass
class Round:
    """What came of eight commands.

    Attributes:
        number: of the round.
        killed: commands that were killed at work.
        stopped: commands that were stopped at work and continued.
        runs: of the folder in the end.
        seconds: from the first start to the end of the last of the eight.
        harm: in words.
    """

    number: int
    killed: int = 0
    stopped: int = 0
    runs: int = 0
    seconds: float = 0.0
    harm: list[str] = field(default_factory=list)


def drawn(rng: np.random.Generator, *, disturbed: bool, seconds: float) -> list[Command]:
    """The commands of a round, in the order of their starts.

    Args:
        rng: draws everything.
        disturbed: whether some are killed or stopped.
        seconds: that a command takes, about.
    """
    commands = []
    for number in range(COMMANDS):
        first = int(rng.integers(SEEDS - 2))
        if number % 3 == 2:
            method = METHODS[int(rng.integers(len(METHODS)))]
            arguments, wants = f"search --method {method} --seed {first}", [(method, first)]
        else:
            last = first + int(rng.integers(3))
            arguments = f"gain --methods {','.join(METHODS)} --seeds {first}-{last} --workers {1 + number % 2}"
            wants = [(method, seed) for method in METHODS for seed in range(first, last + 1)]
        command = Command([*arguments.split(), *SETTINGS.split()], wants)
        if disturbed:
            command.fate = str(rng.choice(["left alone", "killed", "stopped"], p=[0.4, 0.4, 0.2]))
            command.moment = float(rng.uniform(0.1, 0.7)) * seconds
        commands.append(command)
    return commands


def start(host: str, arguments: list[str], folder: Path) -> BaseProcess:
    """Starts a command that takes this machine for the one of this name."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(PRELOADED))
    process = context.Process(target=be_host, args=(host, arguments, folder))
    process.start()
    return process


def be_host(host: str, arguments: list[str], folder: Path) -> None:
    """What the process of a command does. Pictures, which take most of its time, are left out."""
    os.chdir(folder)
    for stream, name in ((1, "out"), (2, "err")):
        handle = os.open(f"{host}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, stream)
    socket.gethostname = lambda: host
    locks.BEAT_SECONDS, locks.STALE_SECONDS = BEAT, STALE
    report._figures = lambda _: {}
    sys.argv = ["predictornas", *arguments]
    cli.main()


def ended(process: BaseProcess, seconds: float) -> int | None:
    """The exit code of a process; None where it takes longer."""
    process.join(seconds)
    return process.exitcode


def watched(commands: list[Command], processes: list[BaseProcess], held_to: float) -> Iterable[str]:
    """Kills and stops commands at their moments until all have ended; yields those that hang."""
    begin, waiting, asleep = time.monotonic(), set(range(len(commands))), dict[int, float]()
    while any(process.exitcode is None for process in processes):
        now = time.monotonic() - begin
        for number in list(waiting):
            command, process = commands[number], processes[number]
            if process.exitcode is not None:
                command.fate = "left alone"
            if command.fate == "left alone":
                waiting.discard(number)
            elif now >= command.moment:
                waiting.discard(number)
                os.kill(pid_of(process), signal.SIGKILL if command.fate == "killed" else signal.SIGSTOP)
                if command.fate == "stopped":
                    asleep[number] = now + 2 * STALE
        for number in [number for number, until in asleep.items() if now >= until]:
            del asleep[number]
            os.kill(pid_of(processes[number]), signal.SIGCONT)
        if now > held_to:
            for number, process in enumerate(processes):
                if process.exitcode is None:
                    process.kill()
                    yield f"host-{number} hangs"
            return
        time.sleep(0.02)


def pid_of(process: BaseProcess) -> int:
    """The number of a process that was started."""
    if process.pid is None:
        raise RuntimeError("it was not started")
    return process.pid


def run_round(number: int, seed: int, expected: pl.DataFrame, folder: Path, seconds: float) -> Round:
    """One round in an empty folder.

    Args:
        number: of the round; every second one is disturbed.
        seed: of all rounds.
        expected: the history of a lone serial run of all seeds.
        folder: where it happens.
        seconds: that a command takes, about.
    """
    rng = np.random.default_rng((seed, number))
    commands, done = drawn(rng, disturbed=number % 2 == 1, seconds=seconds), Round(number)
    folder.mkdir(parents=True)
    with Locks() as ours:
        held = (METHODS[-1], commands[0].wants[-1][1])
        ours.take(journal_of(held, expected, folder / "shared"))
        begin = time.monotonic()
        processes = [start(f"host-{place}", each.arguments, folder) for place, each in enumerate(commands)]
        done.harm += watched(commands, processes, PATIENCE)
        done.seconds = time.monotonic() - begin
    done.killed = sum(process.exitcode == -signal.SIGKILL for process in processes)
    done.stopped = sum(each.fate == "stopped" for each in commands)
    for place, (command, process) in enumerate(zip(commands, processes, strict=True)):
        if process.exitcode not in ((0, -signal.SIGKILL) if command.fate == "killed" else (0,)):
            said = (folder / f"host-{place}.err").read_text(encoding="utf-8").strip()[-600:]
            done.harm.append(f"{' '.join(command.arguments)} ({command.fate}) ended with {process.exitcode}: {said}")
    reported = [
        wanted
        for command, process in zip(commands, processes, strict=True)
        if process.exitcode == 0
        for wanted in command.wants
    ]
    time.sleep(STALE + 1)
    plain = start("collector", commands[0].arguments, folder)
    if ended(plain, PATIENCE) != 0:
        done.harm.append("the plain command failed: " + (folder / "collector.err").read_text(encoding="utf-8")[-600:])
        return done
    found, harm = inspected(folder / "shared", reported, expected)
    done.runs, done.harm = found, done.harm + harm
    return done


def journal_of(run: Wanted, expected: pl.DataFrame, folder: Path) -> Path:
    """Where the journal of a run is."""
    row = expected.filter(pl.col("method") == run[0], pl.col("seed") == run[1])
    return journal_path(folder, row["run_id"][0])


def inspected(folder: Path, reported: list[Wanted], expected: pl.DataFrame) -> tuple[int, list[str]]:
    """The runs that a collected folder holds, and what is wrong with it.

    Args:
        folder: of the study.
        reported: the runs that commands promised.
        expected: the history of a lone serial run of all seeds.
    """
    harm = []
    history = pl.read_parquet(folder / "history.parquet")
    methods = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["methods"]
    listed = [(method, seed) for method, entry in methods.items() for seed in entry["seeds"]]
    there = set(history.select("method", "seed").unique().iter_rows())
    harm += [f"not in the manifest: {run}" for run in sorted(set(reported) - set(listed))]
    harm += [f"not in the history: {run}" for run in sorted({*reported, *listed} - there)]
    harm += [f"twice in the manifest: {run}" for run in sorted(set(listed)) if listed.count(run) > 1]
    for method, seed in sorted(there):
        one = pl.col("method").eq(method) & pl.col("seed").eq(seed)
        if not history.filter(one).equals(expected.filter(one)):  # a run that is there twice differs too
            harm.append(f"another history: {(method, seed)}")
    harm += [f"left over: {path.name}" for path in sorted(folder.rglob(".*.lock*"))]
    return len(there), harm


def serial(folder: Path) -> tuple[pl.DataFrame, float]:
    """The history of a lone serial run of all seeds, and the seconds of one that finds it all done."""
    folder.mkdir()
    arguments = f"gain --methods {','.join(METHODS)} --seeds {SEEDS} --workers 1 {SETTINGS}".split()
    for _ in range(2):
        begin = time.monotonic()
        if ended(start("alone", arguments, folder), PATIENCE) != 0:
            raise RuntimeError((folder / "alone.err").read_text(encoding="utf-8"))
    return pl.read_parquet(folder / "shared" / "history.parquet"), time.monotonic() - begin


def run_rounds(rounds: int, seed: int, log: Path, *, keep: Path | None = None) -> list[Round]:
    """All rounds, those in the log not again.

    Args:
        rounds: how many.
        seed: of everything random.
        log: JSON lines.
        keep: where folders of harmed rounds go.
    """
    done = [Round(**json.loads(line)) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
    numbers = {each.number for each in done}
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        missing = [number for number in range(rounds) if number not in numbers]
        expected, seconds = serial(work / "alone") if missing else (pl.DataFrame(), 0.0)
        for number in missing:
            one = run_round(number, seed, expected, work / str(number), seconds)
            if not one.killed:  # eight at once take longer than one
                seconds = max(seconds, one.seconds)
            with log.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(asdict(one)) + "\n")
            if one.harm and keep is not None:
                shutil.copytree(work / str(number), keep / str(number))
            done.append(one)
    return done


def table(rounds: list[Round]) -> str:
    """Sums over the rounds, as Markdown."""
    disturbed = [each for each in rounds if each.number % 2]
    rows = []
    for name, some in (
        ("left alone", [each for each in rounds if not each.number % 2]),
        ("with kills and stops", disturbed),
    ):
        counts = (len(some), COMMANDS * len(some), *(sum(getattr(r, what) for r in some) for what in _COUNTS))
        rows.append(f"| {name} | " + " | ".join(map(str, (*counts, sum(len(each.harm) for each in some)))) + " |")
    heads = ["rounds", "number", "commands", "killed", "stopped", "runs", "harm"]
    return "\n".join(["| " + " | ".join(heads) + " |", "|---|" + "--:|" * (len(heads) - 1), *rows])


_COUNTS = ("killed", "stopped", "runs")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--log", type=Path, help="JSON lines; shared-SEED.jsonl in the temporary folder by default")
    parser.add_argument("--keep", type=Path, help="where the folders of rounds with harm go")
    given = parser.parse_args()
    log = given.log or Path(tempfile.gettempdir()) / f"shared-{given.seed}.jsonl"
    rounds = run_rounds(given.rounds, given.seed, log, keep=given.keep)
    sys.stdout.write(table(rounds) + "\n")
    for each in rounds:
        for harm in each.harm:
            sys.stdout.write(f"round {each.number}: {harm}\n")
    sys.exit(any(each.harm for each in rounds))


if __name__ == "__main__":
    main()
