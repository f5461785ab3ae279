"""Installs the wheel into fresh environments, far from the checkout, and tries the main job in each.

    python perf/environments.py core core+plots newest 3.10 3.12 3.13 lowest

Each environment is a row of `docs/install/environments.csv`: interpreter, versions, distributions and megabytes in
addition to those of torch, and whether the histories are those of `docs/install/histories.csv` (10 seeds of three
methods; made by `--reference`). `lowest` installs every floor of setup.cfg and runs a part of the tests. Interpreters
are looked for as `pythonX.Y` on the path and among pyenv's. Old and newest versions of torch bring gigabytes.
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
from dataclasses import asdict, dataclass, fields
from pathlib import Path

ROOT = Path(__file__).parents[1]
HOME = ROOT / "docs" / "install"
BEGIN, END = "<!-- environments -->", "<!-- end -->"
TORCH = "torch==2.13.0"  # the CPU build, where the index has one

TESTS = ("spaces", "analysis", "samplers", "schedulers", "search", "predictors", "oracles", "benchmarks", "experiments")
"""Folders of tests that the lowest versions run: numbers, not pictures and not the checks that need new stubs."""

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
    """What is installed: an interpreter, extras, and the versions that matter."""

    python: str
    extras: str = ""
    torch: str = TORCH
    lowest: bool = False


ENVIRONMENTS = {
    "core": Environment("3.11"),
    "core+plots": Environment("3.11", extras="plots"),
    "core+cli+plots": Environment("3.11", extras="cli,plots"),
    "core+live": Environment("3.11", extras="live"),
    "core+pyg": Environment("3.11", extras="pyg"),
    "core+ray": Environment("3.11", extras="ray"),
    "3.10": Environment("3.10", extras="cli,live,plots,pyg", torch="torch"),
    "newest": Environment("3.11", extras="cli,live,plots,pyg", torch="torch"),
    "3.12": Environment("3.12", extras="cli,live,plots,pyg", torch="torch"),
    "3.13": Environment("3.13", extras="cli,live,plots,pyg", torch="torch"),
    "lowest": Environment("3.10", extras="test", lowest=True),
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
    histories: str
    tests: str


def main() -> None:
    """Tries what the command line names and writes the table anew."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("environments", nargs="*", metavar="ENVIRONMENT", help=", ".join(ENVIRONMENTS))
    parser.add_argument("--reference", action="store_true", help="write histories.csv with this interpreter")
    chosen = parser.parse_args()
    if unknown := set(chosen.environments) - set(ENVIRONMENTS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(ENVIRONMENTS)}")
    HOME.mkdir(exist_ok=True)
    if chosen.reference:
        lines = histories(Path(sys.executable), dict(os.environ))
        (HOME / "histories.csv").write_text(
            "method,seed,crc32\n" + "".join(line + "\n" for line in lines), encoding="utf-8"
        )
    for name in chosen.environments:
        with tempfile.TemporaryDirectory() as folder:
            row = tried(name, ENVIRONMENTS[name], Path(folder))
        save(row)
        print(row)


def tried(name: str, environment: Environment, folder: Path) -> Row:
    """Installs one environment into an empty folder and runs the main job there."""
    python = new_environment(environment.python, folder / "venv")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PREDICTORNAS"))}
    clean |= {"PREDICTORNAS_DATA": str(folder / "data"), "PREDICTORNAS_CACHE": str(folder / "cache")}

    def pip(*arguments: str) -> None:
        subprocess.run([python, "-m", "pip", "install", "--quiet", *arguments], check=True, cwd=folder, env=clean)

    pip("--upgrade", "pip")
    constraints = ["-c", str(written_floors(folder))] if environment.lowest else []
    pip("torch" if environment.lowest else environment.torch, "numpy", *constraints)
    alone = installed(python), size(folder / "venv")
    wheel = built_wheel(folder)
    pip(f"{wheel}[{environment.extras}]" if environment.extras else str(wheel), *constraints)
    versions = installed(python)
    expected = (HOME / "histories.csv").read_text(encoding="utf-8").split()[1:]
    found = histories(python, clean)
    same = sum(line in expected for line in found)
    return Row(
        environment=name,
        date=datetime.date.today().isoformat(),
        python=subprocess.run(
            [python, "-V"], capture_output=True, text=True, check=True, encoding="utf-8"
        ).stdout.split()[1],
        **{package: versions[package] for package in ("torch", "numpy", "scipy", "polars")},
        extras=environment.extras,
        distributions=len(versions.keys() - alone[0].keys()),
        megabytes=size(folder / "venv") - alone[1],
        histories=f"{same} of {len(expected)} the same",
        tests=tested(python, clean, folder) if environment.lowest else "-",
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
    """The wheel of this checkout."""
    subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", folder, ROOT], check=True)
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
    done = subprocess.run(
        [python, "-m", "pip", "list", "--format=json"], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return {entry["name"].lower(): entry["version"] for entry in json.loads(done.stdout)}


def size(folder: Path) -> int:
    """Megabytes on disk."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def histories(python: Path, environment: dict[str, str]) -> list[str]:
    """One line a run: method, seed, CRC-32 of the keys that it evaluated in order."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "histories.py"
        script.write_text(HISTORIES, encoding="utf-8")
        command = [python, "-W", "ignore", script]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    return [line.removeprefix("HISTORY,") for line in done.stdout.splitlines() if line.startswith("HISTORY,")]


def tested(python: Path, environment: dict[str, str], folder: Path) -> str:
    """The last line of a run of the tests, without the checks of shapes."""
    shutil.copytree(ROOT / "tests", folder / "tests")
    options = ["-q", "-n", "2", "--import-mode=importlib", "-p", "no:cacheprovider", "-m", "not slow", "-W", "ignore"]
    places = [f"tests/{name}" for name in TESTS]
    command = [python, "-m", "pytest", "-o", "addopts=", *options, *places]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    sys.stderr.write(done.stdout[-6000:])
    return done.stdout.strip().splitlines()[-1]


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
    main()
