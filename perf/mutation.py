"""Which changes of the code would no test notice? Random mutations of some packages, each against its own test file.

    python perf/mutation.py FOLDER samplers analysis --seed 0 --count 40
    python perf/mutation.py FOLDER --summary docs/results/statistics/mutation.csv --when before

The first command draws `count` mutations of each package, and runs `tests/.../test_<module>.py` on each in a temporary
copy of the repository. FOLDER gets one CSV a package and seed, a row a mutant; a run that was stopped continues there,
and the survivors are printed as they come. The second adds up the folder. What a person has judged to be equivalent is
in `equivalent_mutants.csv` beside this script and leaves the score. Left out: decorators, annotations, `__main__`
blocks, the texts of messages and of errors, modules without a test file or that compute no numbers (`PLUMBING`), and
those whose test file takes more than `--slowest` seconds of the processor. `mutation_operators.py` says what is
changed.
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
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import pytest
from mutation_operators import Mutation, mutations

ROOT = Path(__file__).parents[1]
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.csv")
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


@dataclass(frozen=True)
class Mutant:
    """A mutation and what became of it: killed, timeout (of tests that took a third before) or survived."""

    module: str
    line: int
    kind: str
    original: str
    mutated: str
    outcome: str

    @property
    def identity(self) -> tuple[str, str, str]:
        """The same in every version of the module that has these lines."""
        return self.module, self.original, self.mutated


class Workplace:
    """A copy of the repository whose modules are mutated one at a time.

    Args:
        folder: an empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "copy"
        shutil.copytree(ROOT, self.root, ignore=NOT_COPIED)
        self._edits = 0
        self._seconds = dict[str, float]()
        for name in LOADED:
            importlib.import_module(name)

    def outcome(self, module: str, text: str, slowest: float) -> str:
        """What the tests of a module say of another text of it; "slow" where they take too long without any change.

        Raises:
            RuntimeError: they fail without any change.
        """
        if module not in self._seconds:
            code, self._seconds[module] = self._tests(module, slowest)
            if code not in (0, None):
                raise RuntimeError(f"The tests of {module} fail before anything was changed.")
            print(f"{module}: {self._seconds[module]:.1f} s", flush=True)
        seconds = self._seconds[module]
        return "slow" if seconds >= slowest else self._mutated(module, text, 3 * seconds + 5)

    def _mutated(self, module: str, text: str, limit: float) -> str:
        path = self.root / module
        original = path.read_text()
        self._edits += 1
        path.write_text(text)
        os.utime(path, (self._edits, self._edits))  # or the last mutant's bytecode is taken, made in the same second
        try:
            code, _ = self._tests(module, limit)
        finally:
            path.write_text(original)
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


def drawn(package: str, seed: int) -> Iterator[tuple[str, Mutation]]:
    """The mutations of one package in random order: one of each expression, all expressions equally likely."""
    generator = random.Random(seed)
    modules = (path for path in sorted((ROOT / "predictornas" / package).glob("*.py")) if path.stem not in PLUMBING)
    every = [
        (str(path.relative_to(ROOT)), list(variants))
        for path in modules
        if tests_of(path, ROOT).exists()
        for _, variants in itertools.groupby(mutations(path.read_text()), lambda found: found.place)
    ]
    generator.shuffle(every)
    return ((module, generator.choice(variants)) for module, variants in every)


def read(path: Path) -> list[Mutant]:
    """The mutants of a file; none where there is no file."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [Mutant(**row | {"line": int(row["line"])}) for row in csv.DictReader(file)]


def run(folder: Path, package: str, seed: int, count: int, slowest: float) -> None:
    """The first `count` mutants of one package and seed, appended to its file as they end."""
    path = folder / f"{package.replace('/', '.')}-{seed}.csv"
    known = {mutant.identity for mutant in read(path)}
    with path.open("a", newline="") as file, tempfile.TemporaryDirectory() as temporary:
        writer = csv.writer(file, lineterminator="\n")
        if not known:
            writer.writerow([field.name for field in fields(Mutant)])
        workplace, tried = Workplace(Path(temporary)), 0
        for module, mutation in drawn(package, seed):
            if tried == count:
                break
            new = (module, mutation.original, mutation.mutated) not in known
            outcome = workplace.outcome(module, mutation.text, slowest) if new else ""
            tried += outcome != "slow"
            if outcome in {"", "slow"}:
                continue
            mutant = Mutant(module, mutation.line, mutation.kind, mutation.original, mutation.mutated, outcome)
            writer.writerow(astuple(mutant))
            file.flush()
            if outcome == "survived":
                print(f"{module}:{mutant.line} ({mutant.kind})\n- {mutant.original}\n+ {mutant.mutated}", flush=True)


def summary(folder: Path, when: str) -> list[dict[str, object]]:
    """A row for each package and seed: how many mutants there were, how many of them count, how many died."""
    with EQUIVALENT.open(newline="") as file:
        equivalent = {(row["module"], row["original"], row["mutated"]) for row in csv.DictReader(file)}
    rows = list[dict[str, object]]()
    for path in sorted(folder.glob("*-*.csv")):
        package, _, seed = path.stem.rpartition("-")
        tried = read(path)
        survived = [mutant for mutant in tried if mutant.outcome == "survived"]
        harmless = sum(mutant.identity in equivalent for mutant in survived)
        killed = len(tried) - len(survived)
        score = round(killed / (len(tried) - harmless), 3)
        rows.append(
            {"package": package, "when": when, "seed": seed, "mutations": len(tried), "equivalent": harmless}
            | {"killed": killed, "score": score}
        )
    return rows


def write(path: Path, when: str, rows: list[dict[str, object]]) -> None:
    """These rows in the place of those of the same time in a CSV."""
    kept = list(csv.DictReader(path.open(newline=""))) if path.exists() else []
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows([row for row in kept if row["when"] != when] + rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("packages", nargs="*")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--slowest", type=float, default=10.0)
    parser.add_argument("--summary", type=Path)
    parser.add_argument("--when", default="after")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    for package in chosen.packages:
        run(chosen.folder, package, chosen.seed, chosen.count, chosen.slowest)
    if chosen.summary:
        write(chosen.summary, chosen.when, summary(chosen.folder, chosen.when))


if __name__ == "__main__":
    main()
