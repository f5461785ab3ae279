from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from predictornas.interrupts import STOPPED
from tests.kills import descendants

BEGIN = "from predictornas.interrupts import stop_on_interrupt; stop_on_interrupt(); print('ready', flush=True);"

BUSY = {
    "a loop": "\nwhile True: pass",
    "a call that waits": "import time; time.sleep(60)",
    "a lock": "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()",
    # with a call, because Python 3.10 never switches threads in a loop that only enters a try
    "swallowed exceptions": "\nwhile True:\n try:\n  len('')\n except BaseException: pass",
}


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, float]:
    """Exit code, standard error and seconds after an interrupt."""
    before = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    return process.returncode, said, time.monotonic() - before


def started(*arguments: str, folder: Path | None = None) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, *arguments], text=True, cwd=folder, **pipes)  # type: ignore[call-overload, no-any-return]


@pytest.mark.slow
@pytest.mark.parametrize("busy", BUSY.values(), ids=BUSY)
def test_whatever_a_process_does_it_stops_with_one_line(busy: str) -> None:
    process = started("-c", BEGIN + busy)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    code, said, seconds = interrupted(process)
    assert (code, said) == (130, STOPPED + "\n")
    assert seconds < 2


def test_a_process_that_was_told_to_ignore_interrupts_does() -> None:
    told = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN);"
    ends = "import os, signal; os.kill(os.getpid(), signal.SIGINT); print('still here')"
    ran = subprocess.run([sys.executable, "-c", told + BEGIN + ends], capture_output=True, text=True, check=True)
    assert ran.stdout == "ready\nstill here\n"


@pytest.mark.slow
def test_a_command_with_workers_stops_at_once_and_continues(tmp_path: Path) -> None:
    gain = "-m predictornas gain --benchmark nasbench201-cifar10 --methods uniform-50 --budget 40 --seeds 2 --workers 2"
    process = started(*gain.split(), "--out", "out", folder=tmp_path)
    deadline = time.monotonic() + 120
    while not any((tmp_path / "out" / "runs").glob("*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    workers = list(descendants(process.pid))
    assert len(workers) >= 2
    code, said, seconds = interrupted(process)
    assert code == 130
    assert said.endswith(STOPPED + "\n")
    assert "Traceback" not in said
    assert seconds < 2
    deadline = time.monotonic() + 20
    while any(_is_alive(worker) for worker in workers) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_is_alive(worker) for worker in workers)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[2]
