"""`python -m tests.fuzz ENTRY --cases N --seed S`: altered files by the thousand, in a process that may die."""

from __future__ import annotations

import argparse
import json
import os
import resource
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.engine import BAD, GOOD, STILL_SECONDS, Case, altered, run_case
from tests.fuzz.entries import ENTRIES

_ADDRESS_SPACE = 24 << 30
_SILENT_SECONDS = 2 * STILL_SECONDS  # after which a process is stuck where no signal reaches it


def main() -> int:
    """Runs what the command line asks for; 1 if any case was bad."""
    options = _options()
    names = list(ENTRIES) if options.entry == "all" else [options.entry]
    if options.only is not None:
        return _look_at(names[0], options.seed, options.only)
    if options.part is not None:
        _work(names[0], options.seed, options.part, options.cases)
        return 0
    totals: Counter[str] = Counter()
    print(f"| entry | files | {' | '.join((*GOOD, *BAD))} |\n|---|{'--:|' * (1 + len(GOOD) + len(BAD))}", flush=True)
    for name in names:
        counts = Counter(outcome for outcome in _outcomes(name, options.seed, options.cases))
        totals.update(counts)
        print(_row(name, counts), flush=True)
    if len(names) > 1:
        print(_row("**all**", totals))
    return int(any(totals[outcome] for outcome in BAD))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("entry", choices=(*ENTRIES, "all"))
    parser.add_argument("--cases", type=int, default=1000, help="altered files of each entry")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="one case: writes the altered file to standard output")
    parser.add_argument("--part", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def _row(name: str, counts: Counter[str]) -> str:
    cells = [name, str(sum(counts.values())), *(str(counts[outcome]) for outcome in (*GOOD, *BAD))]
    return f"| {' | '.join(cells)} |"


def _outcomes(name: str, seed: int, cases: int) -> Iterator[str]:
    """The outcome of every case; one at which the process died or stood still is counted, and the next one begins."""
    done = 0
    while done < cases:
        for case in _from_process(name, seed, done, cases):
            done = case.number + 1
            if case.outcome in BAD:
                print(f"{name}, case {case.number}: {case.outcome}: {case.detail}", file=sys.stderr, flush=True)
            yield case.outcome


def _from_process(name: str, seed: int, start: int, cases: int) -> Iterator[Case]:
    command = [sys.executable, "-m", "tests.fuzz", name, "--seed", str(seed), "--part", str(start)]
    command += ["--cases", str(cases)]
    # unbuffered, so that nothing waits where select() does not see it; on stderr there are only panics of polars
    with subprocess.Popen(command, bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            process.stdout.readline()  # it is ready: starting may take long on a busy machine
            for number in range(start, cases):
                answers, _, _ = select.select([process.stdout], [], [], _SILENT_SECONDS)
                line = process.stdout.readline() if answers else b""
                if not line:
                    yield Case(number, *_death(process, answered=bool(answers)), _SILENT_SECONDS, b"")
                    return
                outcome, detail = json.loads(line)
                yield Case(number, outcome, detail, 0.0, b"")
        finally:
            process.kill()


def _death(process: subprocess.Popen[bytes], *, answered: bool) -> tuple[str, str]:
    if not answered:
        return "hang", f"silent for {_SILENT_SECONDS} s"
    code = process.wait()
    if code > 0:
        raise SystemExit(f"The harness itself failed: {process.args}")
    return "crash", f"the process ended by signal {-code}"


def _work(name: str, seed: int, start: int, cases: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    results = os.fdopen(os.dup(1), "w", encoding="ascii", buffering=1)
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        entry = ENTRIES[name](Path(folder))
        results.write("ready\n")
        for number in range(start, cases):
            case = run_case(name, entry, seed, number)
            results.write(json.dumps([case.outcome, case.detail]) + "\n")


def _look_at(name: str, seed: int, number: int) -> int:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        entry = ENTRIES[name](Path(folder))
        sys.stdout.buffer.write(altered(name, entry, seed, number))
        started = time.monotonic()
        case = run_case(name, entry, seed, number)
    print(f"{case.outcome}: {case.detail} ({time.monotonic() - started:.2f} s)", file=sys.stderr)
    return int(case.outcome in BAD)


if __name__ == "__main__":
    sys.exit(main())
