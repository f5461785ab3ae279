"""Installs the wheel into fresh environments, far from the checkout, and tries the main job in each.

    python perf/environments.py core core+plots newest 3.10 3.12 3.13 lowest

Each environment is a row of `docs/install/environments.csv`: interpreter, versions, distributions and megabytes in
addition to those of torch and NumPy, how many modules are imported, and whether the histories are those of
`docs/install/histories.csv` (10 seeds of three methods; made by `--reference`). `lowest` installs every floor of
setup.cfg; it, 3.12 and 3.13 run the tests that need no checkout too. The exit code is 1 where a module is not imported
though its extra is there, a history differs, a test fails, or the core brings too much. Interpreters are looked for as
`pythonX.Y` on the path and among pyenv's. Old and newest versions of torch bring gigabytes.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / "docs" / "install"
BEGIN, END = "<!-- environments -->", "<!-- end -->"
TORCH = "torch==2.13.0"  # the CPU build, where the index has one

LEAN = 25  # distributions that the core may bring

MODULES = """
import importlib, re
from pathlib import Path
import predictornas
from predictornas.errors import MissingDependencyError

home = Path(predictornas.__file__).parent
for file in sorted(home.rglob("*.py")):
    name = ".".join(("predictornas", *file.relative_to(home).with_suffix("").parts)).removesuffix(".__init__")
    lacks = ""
    try:
        importlib.import_module(name)
    except MissingDependencyError as error:
        lacks = re.search(r"predictornas\\[(\\w+)\\]", str(error))[1]
    print("MODULE", name, lacks, sep=",")
"""

HISTORIES = """
import sys, tempfile, zlib
from pathlib import Path
from predictornas import Study, run_study

methods = ("random", "local-search", "bayesian-optimisation")
if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        history = run_study(Study(methods=methods, budget=60, seeds=tuple(range(10))), Path(folder), workers=2).history
    runs = history.sort("method", "seed", "order").partition_by("method", "seed", maintain_order=True)
    for run in runs:
        digest = zlib.crc32(run["key"].to_numpy().astype("<u8").tobytes())
        print("HISTORY", run["method"][0], run["seed"][0], digest, sep=",")
"""


@dataclass(frozen=True)
class Environment:
    """What is installed: an interpreter, extras, the version of torch (or every floor), and whether tests run."""

    python: str
    extras: str = ""
    torch: str = TORCH
    lowest: bool = False
    tested: bool = False


MOST = "cli,live,plots,pyg"
ENVIRONMENTS = {
    "core": Environment("3.11"),
    **{
        "core+" + extras.replace(",", "+"): Environment("3.11", extras)
        for extras in ("cli", "plots", "live", "pyg", "ray", "notebooks", "cli,plots")
    },
    "lowest": Environment("3.10", MOST, "torch", lowest=True, tested=True),
    "3.10": Environment("3.10", MOST, "torch"),
    "newest": Environment("3.11", MOST, "torch"),
    "3.12": Environment("3.12", MOST, "torch", tested=True),
    "3.13": Environment("3.13", MOST, "torch", tested=True),
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    environment: str
    date: str
    python: str
    torch: str
    numpy: str
    scipy: str
    polars: str
    extras: str
    distributions: int
    megabytes: int
    modules: str
    histories: str
    tests: str

    def faults(self) -> list[str]:
        """What makes this environment one that the package does not support."""
        found = []
        if not self.extras and self.distributions > LEAN:
            found.append(f"the core brings {self.distributions} distributions, more than {LEAN}")
        if "not" in self.modules:
            found.append(f"modules: {self.modules}")
        same, expected = re.findall(r"\d+", self.histories)
        if same != expected or not int(expected):
            found.append(f"histories: {self.histories}")
        if self.tests != "-" and (re.search("failed|error", self.tests) or "passed" not in self.tests):
            found.append(f"tests: {self.tests}")
        return found


def main() -> int:
    """Tries what the command line names and writes the table anew; 1 where an environment has a fault."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help=", ".join(ENVIRONMENTS))
    parser.add_argument("--reference", action="store_true", help="write histories.csv with this interpreter")
    parser.add_argument("--without-tests", action="store_true", help="run the tests in none of them")
    chosen = parser.parse_args()
    if unknown := set(chosen.environments) - set(ENVIRONMENTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(ENVIRONMENTS)}")
    HOME.mkdir(exist_ok=True)
    if chosen.reference:
        lines = histories(Path(sys.executable), dict(os.environ))
        (HOME / "histories.csv").write_text(
            "method,seed,crc32\n" + "".join(line + "\n" for line in lines), encoding="utf-8"
        )
    failed = False
    for name in chosen.environments:
        with tempfile.TemporaryDirectory() as folder:
            environment = replace(ENVIRONMENTS[name], tested=ENVIRONMENTS[name].tested and not chosen.without_tests)
            row = tried(name, environment, Path(folder))
        save(row)
        print(row)
        for fault in row.faults():
            failed = True
            print(f"FAULT in {name}: {fault}", file=sys.stderr)
    return int(failed)


def tried(name: str, environment: Environment, folder: Path) -> Row:
    """Installs one environment into an empty folder and runs the main job there."""
    python = new_environment(environment.python, folder / "venv")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PREDICTORNAS"))}
    clean |= {"PREDICTORNAS_DATA": str(folder / "data"), "PREDICTORNAS_CACHE": str(folder / "cache")}

    def pip(*arguments: str) -> None:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *arguments], check=True, cwd=folder, env=clean)

    pip("--upgrade", "pip")
    constraints = ["-c", str(written_floors(folder))] if environment.lowest else []
    pip(environment.torch, "numpy", *constraints)
    alone = installed(python), size(folder / "venv")
    wheel = built_wheel(folder)
    pip(f"{wheel}[{environment.extras}]" if environment.extras else str(wheel), *constraints)
    versions, megabytes = installed(python), size(folder / "venv") - alone[1]
    expected = (HOME / "histories.csv").read_text(encoding="utf-8").split()[1:]
    same = len(set(expected) & set(histories(python, clean)))
    modules = imported(python, clean, environment.extras.split(","))
    if environment.tested:
        pip(f"{wheel}[{environment.extras},test]", *constraints)
    return Row(
        environment=name,
        date=datetime.date.today().isoformat(),
        python=said(["-V"], python, clean).split()[1],
        **{package: versions[package] for package in ("torch", "numpy", "scipy", "polars")},
        extras=environment.extras,
        distributions=len(versions.keys() - alone[0].keys()),
        megabytes=megabytes,
        modules=modules,
        histories=f"{same} of {len(expected)} the same",
        tests=tested(python, clean, folder) if environment.tested else "-",
    )


def new_environment(version: str, folder: Path) -> Path:
    """A virtual environment of an interpreter `X.Y`."""
    candidates = [
        shutil.which(f"python{version}"),
        *sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python")),
    ]
    works = [
        str(path) for path in candidates if path and subprocess.run([path, "-V"], capture_output=True).returncode == 0
    ]
    if not works:
        raise SystemExit(f"There is no Python {version} here. Install it, for example by pyenv.")
    subprocess.run([works[-1], "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


def built_wheel(folder: Path) -> Path:
    """The wheel of what is committed; in the checkout itself modules of older builds could slip in."""
    subprocess.run(["git", "clone", "--quiet", ROOT, folder / "source"], check=True)
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, folder / "source"]
    subprocess.run(command, check=True)
    return next(folder.glob("predictornas-*.whl"))


def written_floors(folder: Path) -> Path:
    """Every floor of setup.cfg as a constraint."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lists = [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    found = re.findall(r"^([\w-]+) *>=([\d.]+)", "\n".join(lists), re.MULTILINE)
    file = folder / "floors.txt"
    file.write_text("".join(f"{name}=={floor}\n" for name, floor in sorted(set(found))), encoding="utf-8")
    return file


def installed(python: Path) -> dict[str, str]:
    """Distributions and their versions."""
    listed = json.loads(said(["-m", "pip", "list", "--format=json"], python, dict(os.environ)))
    return {entry["name"].lower(): entry["version"] for entry in listed}


def size(folder: Path) -> int:
    """Megabytes on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def histories(python: Path, environment: dict[str, str]) -> list[str]:
    """One line a run: method, seed, CRC-32 of the keys that it evaluated in order."""
    return marked_lines(HISTORIES, "HISTORY,", python, environment)


def imported(python: Path, environment: dict[str, str], extras: list[str]) -> str:
    """How many modules are imported; a missing extra is the only reason not to be."""
    lines = [line.split(",") for line in marked_lines(MODULES, "MODULE,", python, environment)]
    lacking = [(name, extra) for name, extra in lines if extra]
    text = f"{len(lines) - len(lacking)} of {len(lines)}"
    wrong = [name for name, extra in lacking if extra in extras]
    if wrong:
        return f"{text}, not {', '.join(wrong)}"
    without = ", ".join(sorted({extra for _, extra in lacking}))
    return f"{text}, without {without}" if without else text


def marked_lines(code: str, mark: str, python: Path, environment: dict[str, str]) -> list[str]:
    """What a script prints in lines that begin with a mark, without it."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.py"
        script.write_text(code, encoding="utf-8")
        output = said(["-W", "ignore", str(script)], python, environment, Path(folder))
    return [line.removeprefix(mark) for line in output.splitlines() if line.startswith(mark)]


def said(command: list[str], python: Path, environment: dict[str, str], folder: Path | None = None) -> str:
    """What an interpreter writes to standard output; a failure ends this script."""
    done = subprocess.run(
        [python, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    return done.stdout


def tested(python: Path, environment: dict[str, str], folder: Path) -> str:
    """The last line of a run of the tests: the folders, which need no checkout, without the checks of shapes."""
    for name in ("tests", "docs"):
        shutil.copytree(ROOT / name, folder / name)
    options = ["-q", "-n", "2", "--import-mode=importlib", "-p", "no:cacheprovider", "-m", "not slow", "-W", "ignore"]
    places = sorted({f"tests/{path.relative_to(folder).parts[1]}" for path in folder.glob("tests/*/**/test_*.py")})
    command = [python, "-m", "pytest", "-o", "addopts=", *options, *places]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    sys.stderr.write(done.stdout[-6000:])
    return re.sub(r" in [\d.]+s.*", "", done.stdout.strip().splitlines()[-1])


def save(row: Row) -> None:
    """Puts a row into the table in the place of an older one."""
    file = HOME / "environments.csv"
    rows = list(csv.DictReader(file.open(encoding="utf-8"))) if file.exists() else []
    rows = [old for old in rows if old["environment"] != row.environment] + [asdict(row)]
    rows.sort(key=lambda entry: list(ENVIRONMENTS).index(entry["environment"]))
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Row)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    document = ROOT / "docs" / "install.md"
    before, rest = document.read_text(encoding="utf-8").split(BEGIN)
    after = rest.split(END)[1]
    document.write_text(before + BEGIN + table(rows) + END + after, encoding="utf-8")


def table(rows: list[dict[str, str]]) -> str:
    """The rows as Markdown."""
    names = [field.name for field in fields(Row)]
    lines = [names, ["---"] * len(names), *([str(row[name]) for name in names] for row in rows)]
    return "\n" + "".join("| " + " | ".join(line) + " |\n" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
