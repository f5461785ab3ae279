"""Loses parts of a Ray cluster while `predictornas gain` runs on it, and compares what is left in the end.

`python -m tests.cluster` runs a small study serially, and then on clusters of two nodes on this machine of which it
kills, in turn, a process of a task, a machine, the command itself, and the head. After the last two the same command
runs again, after the head's end on a new cluster. Each case is a line: what the command ended with, seconds from the
kill to its end, lines of journals that were home at the kill and when it had ended, and what differs from the serial
run in the end.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.executors.ray_clusters import ROOT, Cluster, cluster, group
from tests.kills import contents, differences

STUDY = "--benchmark nasbench101-digits --preset quick --budget 60 --seeds 4 --methods random,uniform-50,local-search"

PATIENCE = 600.0


@dataclass
class Command:
    """The command that runs on a cluster, its folder and what it says."""

    out: Path
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, out: Path, nodes: Cluster | None) -> Command:
        where = "serial" if nodes is None else f"ray --address {nodes.address}"
        command = f"-m predictornas gain {STUDY} --executor {where} --out {out}"
        with out.with_suffix(".log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *command.split()],
                cwd=ROOT,
                env=os.environ if nodes is None else nodes.environment,
                stdout=log,
                stderr=log,
            )
        return cls(out, process)

    def lines(self) -> int:
        """Lines of journals that are home."""
        return sum(path.read_bytes().count(b"\n") for path in self.out.rglob("*.jsonl"))

    def wait(self) -> int:
        """Its code; -1 where it hangs."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -1

    def said(self) -> str:
        """Its last line; empty if it said nothing."""
        lines = self.out.with_suffix(".log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else ""


def kill_task(nodes: Cluster, command: Command) -> None:
    """Kills one process that runs a task."""
    for pid in (pid for node in nodes.nodes.values() for pid in group(node.pid)):
        try:
            name = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if name.startswith(b"ray::carry"):
            os.kill(pid, signal.SIGKILL)
            return
    raise RuntimeError("No task runs.")


def stop_node(nodes: Cluster, command: Command) -> None:
    """Kills the second machine."""
    nodes.kill("127.0.0.3")


def kill_command(nodes: Cluster, command: Command) -> None:
    """Kills the command."""
    os.kill(command.process.pid, signal.SIGKILL)


def kill_head(nodes: Cluster, command: Command) -> None:
    """Kills the machine of the head, on which the command runs too."""
    nodes.kill("127.0.0.2")


Kill = Callable[[Cluster, Command], None]

EXPECTED: dict[Kill, int] = {kill_task: 0, stop_node: 0, kill_command: -signal.SIGKILL, kill_head: 2}
"""What is killed, and how the command ends."""


def case(kill: Kill, work: Path, left: dict[str, Any]) -> bool:
    """Runs one case, and says how it went; whether all was well."""
    name = kill.__name__
    out = work / name
    with cluster(2) as nodes:
        command = Command.start(out, nodes)
        while command.lines() < 250 and command.process.poll() is None:
            time.sleep(0.05)
        at_kill, begin = command.lines(), time.monotonic()
        kill(nodes, command)
        code, seconds = command.wait(), time.monotonic() - begin
        at_end, said = command.lines(), command.said()
        if kill is kill_command and Command.start(out, nodes).wait() != 0:
            said = "The same command failed."
    if kill is kill_head:
        with cluster(2) as nodes:
            if Command.start(out, nodes).wait() != 0:
                said = "The same command failed."
    differs = differences(left, contents(out))
    well = code == EXPECTED[kill] and at_end >= at_kill and not differs
    line = f"{name}: code {code}, {seconds:.1f} s, {at_kill} lines, then {at_end}; differs: {differs or 'nothing'}"
    sys.stdout.write(line + (f"\n    {said}" if code else "") + "\n")
    sys.stdout.flush()
    return well


def main() -> None:
    """The command line."""
    work = Path(tempfile.mkdtemp())
    try:
        alone = Command.start(work / "serial", None)
        if alone.wait() != 0:
            raise RuntimeError(alone.said())
        left = contents(alone.out)
        asked = [kill for kill in EXPECTED if kill.__name__ in sys.argv[1:] or not sys.argv[1:]]
        well = [case(kill, work, left) for kill in asked]
        sys.exit(not all(well))
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
