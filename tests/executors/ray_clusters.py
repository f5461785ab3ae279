"""A Ray cluster of several nodes on one machine, each with a loopback address of its own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

PATIENCE = 600.0
"""Seconds that a node has to come up."""


@dataclass
class Cluster:
    """Nodes that this process owns: each is a process group, and ends by its number, never by `ray stop`.

    Attributes:
        folder: where Ray keeps its sockets and logs; its path has to be short.
        port: of the head.
        variables: of the environment of all nodes and drivers.
        nodes: by loopback address.
    """

    folder: Path
    port: int
    variables: Mapping[str, str]
    nodes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        """The head."""
        return f"127.0.0.2:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a driver needs to join by the head's address."""
        ray = {"RAY_AUTH_MODE": "disabled", "PYTHONUNBUFFERED": "1"}
        # Ray gives up on what a busy machine starts slowly
        waits = ("RAY_raylet_start_wait_time_s", "RAY_worker_register_timeout_seconds")
        ray |= dict.fromkeys(waits, "500")
        return {**os.environ, "PREDICTORNAS_RAY_NODE": "127.0.0.2", **ray, **self.variables}

    def start(self, ip: str, *, cpus: int = 1) -> None:
        """Starts a node; the one at 127.0.0.2 is the head."""
        place = (
            ["--head", f"--port={self.port}", "--include-dashboard=false", f"--temp-dir={self.folder}"]
            if ip == "127.0.0.2"
            else [f"--address={self.address}"]
        )
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", f"--node-ip-address={ip}", *place]
        command += [f"--num-cpus={cpus}", "--num-gpus=0", "--object-store-memory=80000000", "--disable-usage-stats"]
        log = (self.folder / f"{ip}.log").open("ab")
        with log:
            self.nodes[ip] = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                start_new_session=True,
            )

    def wait_for(self, nodes: int) -> None:
        """Waits until so many nodes have joined."""
        deadline = time.monotonic() + PATIENCE
        while self._joined() < nodes:
            if time.monotonic() > deadline or any(node.poll() is not None for node in self.nodes.values()):
                logs = [path.read_text(encoding="utf-8") for path in self.folder.glob("127.*.log")]
                raise RuntimeError("\n".join([f"Of {nodes} nodes only {self._joined()} have joined.", *logs]))
            time.sleep(0.2)

    def _joined(self) -> int:
        """Nodes that have said so: `ray start --block` ends with these words."""
        logs = (path.read_text(encoding="utf-8", errors="replace") for path in self.folder.glob("127.*.log"))
        return sum("will now block" in log for log in logs)

    def kill(self, ip: str) -> None:
        """Ends a node with everything that it started."""
        node = self.nodes.pop(ip)
        for pid in reversed(group(node.pid)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        node.wait()


def group(session: int) -> list[int]:
    """The processes of a session."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                facts = (entry / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            if int(facts[3]) == session:
                found.append(int(entry.name))
    return sorted(found)


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", 0))
        return int(probe.getsockname()[1])


@contextmanager
def cluster(nodes: int = 2, variables: Mapping[str, str] | None = None, *, cpus: int = 1) -> Iterator[Cluster]:
    """A cluster of so many nodes of so many CPUs, ended at the end of the block."""
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="ray-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        here = Cluster(folder, free_port(), variables or {})
        stack.callback(lambda: [here.kill(ip) for ip in list(here.nodes)])
        here.start("127.0.0.2", cpus=cpus)
        here.wait_for(1)  # a node that comes before its head is ready can hang
        for number in range(1, nodes):
            here.start(f"127.0.0.{2 + number}", cpus=cpus)
        here.wait_for(nodes)
        yield here
