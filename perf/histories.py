"""Whether a change leaves every history as it was: two seeds of the configuration of every committed study.

    PYTHONPATH=OLD python perf/histories.py OUT-OLD
    PYTHONPATH=NEW python perf/histories.py OUT-NEW
    diff OUT-OLD/histories.csv OUT-NEW/histories.csv

One line a run: study, method, seed, evaluations, and a checksum over keys, epochs, values, predictions and
recommendations. A killed command continues. Runs that train networks are cut: the change of a number shows in the first
iterations. An hour on one core.
"""

from __future__ import annotations

import csv
import json
import sys
import zlib
from pathlib import Path

import polars as pl

from predictornas import Study
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.opened import open_study
from predictornas.studies.tasks import Execution

RESULTS = Path(__file__).parents[1] / "docs" / "results"
SEEDS = (0, 1)
LIGHT = ("random", "local-search", "regularised-evolution", "one-shot")
"""Methods whose whole runs take seconds."""

CUTS = {"quick": None, "default": 60, "paper": 30}
"""Evaluations of the other methods, by preset."""

COLUMNS = ("key", "iteration", "epochs", "value", "evaluation", "predicted", "recommended")


def main(out: Path) -> None:
    file = out / "histories.csv"
    out.mkdir(parents=True, exist_ok=True)
    lines = list(csv.reader(file.open(encoding="utf-8"))) if file.exists() else []
    done = {tuple(line[:2]) for line in lines}
    for path in sorted(RESULTS.rglob("manifest.json")):
        facts, name = json.loads(path.read_text(encoding="utf-8")), path.parent.relative_to(RESULTS).as_posix()
        for method in facts.get("methods", ()):
            if (name, method) not in done:
                history = run(facts["study"], method, out / name.replace("/", "-") / method)
                with file.open("a", encoding="utf-8", newline="") as stream:
                    csv.writer(stream, lineterminator="\n").writerows(checksums(history, name, method))
                print(name, method, flush=True)


def run(facts: dict[str, object], method: str, folder: Path) -> pl.DataFrame:
    """The runs of one method under the configuration of a study, cut where that would take long."""
    budget, cut = facts["budget"], CUTS[str(facts["preset"])]
    if isinstance(budget, int) and cut is not None and method not in LIGHT:
        budget = min(budget, cut)
    names = ("benchmark", "signal", "evaluation", "preset", "engine", "warm_start")
    settings = {name: facts[name] for name in names} | {"budget_epochs": facts.get("budget_epochs")}
    opened = open_study(Study(methods=(method,), seeds=SEEDS, budget=budget, **settings))  # type: ignore[arg-type]
    advance_study(opened, folder, Execution())
    return collected(opened, folder)[0]


def checksums(history: pl.DataFrame, name: str, method: str) -> list[list[object]]:
    """One line for each run."""
    lines: list[list[object]] = []
    for (seed,), rows in history.sort("order").partition_by("seed", as_dict=True).items():
        digest = 0
        for column in COLUMNS:
            digest = zlib.crc32(str(rows[column].to_list()).encode(), digest)
        lines.append([name, method, seed, len(rows), digest])
    return sorted(lines)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
