"""Which changes of the code would no test notice? Random mutations of some packages, each against its own test file.

    python perf/mutation.py FOLDER samplers analysis --seed 0 --count 40
    python perf/mutation.py LATER samplers analysis --seed 0 --again FOLDER
    python perf/mutation.py FOLDER --summary docs/results/statistics/mutation.csv --when before

The first command draws `count` mutations of each package, and runs `tests/.../test_<module>.py` on each in a temporary
copy of the repository. FOLDER gets one CSV a package and seed, a row a mutant; a run that was stopped continues there,
and the survivors are printed as they come. The second tries the survivors on later code; what was killed before counts
as killed where its lines are still there, for tests only grow. The third adds up a folder. What a person has judged to
be equivalent is in `equivalent_mutants.csv` beside this script and leaves the score. Left out: decorators, annotations,
`__main__` blocks, the texts of messages and of errors, modules without a test file or that compute no numbers
(`PLUMBING`), and those whose test file fails as it is or takes more than `--slowest` seconds of the processor.
`mutation_operators.py` says what is changed.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import importlib
import itertools
import math
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import astuple, fields, replace
from pathlib import Path

import pytest
from mutation_operators import Mutation, mutations
from mutation_scores import Mutant, read, summary, write

ROOT = Path(__file__).parents[1]
OPTIONS = (
    *("-x", "-q", "-n", "0", "-W", "ignore::pytest.PytestAssertRewriteWarning"),
    *("-p", "no:cacheprovider", "-p", "no:nbmake", "-p", "no:anyio"),  # the last two only take time
)
LOADED = ("beartype", "hypothesis", "jaxtyping", "matplotlib.figure", "polars", "scipy.stats", "torch", "torch._dynamo")
PLUMBING = {
    "__init__",
    "execution",
    "figure",
    "figure_runs",
    "figures",
    "folder",
    "named_figures",
    "run",
    "runs",
    "tables",
}
NOT_COPIED = shutil.ignore_patterns(".git", "__pycache__", ".*_cache", ".hypothesis", "notebooks")


class Workplace:
    """A copy of the repository whose modules are mutated one at a time.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "copy"
        shutil.copytree(ROOT, self.root, ignore=NOT_COPIED)
        self._edits = 0
        self._seconds = dict[str, float | None]()
        for name in LOADED:
            importlib.import_module(name)

    def outcome(self, module: str, text: str, slowest: float) -> str:
        """What the tests of a module say of another text of it; "left out" if they are slow or fail as it is."""
        if module not in self._seconds:
            code, seconds = self._tests(module, slowest)
            print(f"{module}: {seconds:.1f} s{'' if code == 0 else ', left out'}", flush=True)
            self._seconds[module] = seconds if code == 0 else None
        seconds = self._seconds[module]
        return "left out" if seconds is None else self._mutated(module, text, 3 * seconds + 5)

    def _mutated(self, module: str, text: str, limit: float) -> str:
        path = self.root / module
        original = path.read_text(encoding="utf-8")
        self._edits += 1
        path.write_text(text, encoding="utf-8")
        os.utime(path, (self._edits, self._edits))  # or the last mutant's bytecode is taken, made in the same second
        try:
            code, _ = self._tests(module, limit)
        finally:
            path.write_text(original, encoding="utf-8")
        return {None: "timeout", 0: "survived"}.get(code, "killed")

    def _tests(self, module: str, limit: float) -> tuple[int | None, float]:
        """The tests' exit status, none where they need more seconds of the processor than allowed, and these seconds.

        A fork of this process runs them, which has imported what takes most of the time.
        """
        child = os.fork()
        if child == 0:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit), math.ceil(limit)))
            signal.alarm(math.ceil(20 * limit))  # for what waits for ever
            os.chdir(self.root)
            sys.path.insert(0, str(self.root))
            os.environ["PYTHONPATH"] = str(self.root)
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, 1)
            os.dup2(nothing, 2)
            os._exit(pytest.main([*OPTIONS, str(tests_of(self.root / module, self.root))]))
        _, status, used = os.wait4(child, 0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # workers that a test had started
        code = os.waitstatus_to_exitcode(status)
        seconds = used.ru_utime + used.ru_stime
        return (code, seconds) if code >= 0 else (None, max(seconds, limit))


def tests_of(module: Path, root: Path) -> Path:
    """The mirrored test file."""
    return root / "tests" / module.relative_to(root / "predictornas").with_name(f"test_{module.name}")


def every_mutation(package: str) -> list[tuple[str, list[Mutation]]]:
    """Those of the modules of one package that compute numbers, together where they are of one expression."""
    modules = (path for path in sorted((ROOT / "predictornas" / package).glob("*.py")) if path.stem not in PLUMBING)
    return [
        (str(path.relative_to(ROOT)), list(variants))
        for path in modules
        if tests_of(path, ROOT).exists()
        for _, variants in itertools.groupby(mutations(path.read_text(encoding="utf-8")), lambda found: found.place)
    ]


def drawn(package: str, seed: int) -> Iterator[tuple[str, Mutation]]:
    """The mutations of one package in random order: one of each expression, all expressions equally likely."""
    generator = random.Random(seed)
    every = every_mutation(package)
    generator.shuffle(every)
    return ((module, generator.choice(variants)) for module, variants in every)


def again(package: str, earlier: list[Mutant]) -> Iterator[tuple[str, Mutation]]:
    """The mutations of earlier mutants, where their lines are still in the same module."""
    now = {
        (module, found.original, found.mutated): found
        for module, variants in every_mutation(package)
        for found in variants
    }
    return ((mutant.module, now[mutant.identity]) for mutant in earlier if mutant.identity in now)


def run(path: Path, sample: Iterator[tuple[str, Mutation]], count: int, slowest: float, old: list[Mutant]) -> None:
    """The first `count` mutants of a sample, appended to a file as they end; what `old` ones have shown is taken."""
    done = {mutant.identity for mutant in read(path)}
    dead = {mutant.identity for mutant in old if mutant.outcome != "survived"}
    with path.open("a", newline="", encoding="utf-8") as file, tempfile.TemporaryDirectory() as temporary:
        writer = csv.writer(file, lineterminator="\n")
        if not done:
            writer.writerow([field.name for field in fields(Mutant)])
        workplace, tried = Workplace(Path(temporary)), 0
        for module, found in sample:
            if tried == count:
                break
            mutant = Mutant(module, found.line, found.kind, found.original, found.mutated, "killed")
            if mutant.identity in done:
                tried += 1
                continue
            if mutant.identity not in dead:
                mutant = replace(mutant, outcome=workplace.outcome(module, found.text, slowest))
            if mutant.outcome == "left out":
                continue
            tried += 1
            writer.writerow(astuple(mutant))
            file.flush()
            if mutant.outcome == "survived":
                print(f"{module}:{mutant.line} ({mutant.kind})\n- {mutant.original}\n+ {mutant.mutated}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--again", type=Path)
    parser.add_argument("--slowest", type=float, default=10.0)
    parser.add_argument("--summary", type=Path)
    parser.add_argument("--when", default="after")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for package in chosen.packages:
        name = f"{package.replace('/', '.')}-{chosen.seed}.csv"
        old = read(chosen.again / name) if chosen.again else []
        sample = again(package, old) if chosen.again else drawn(package, chosen.seed)
        run(chosen.folder / name, sample, len(old) or chosen.count, chosen.slowest, old)
    if chosen.summary:
        write(chosen.summary, chosen.when, summary(chosen.folder, chosen.when))


if __name__ == "__main__":
    main()
