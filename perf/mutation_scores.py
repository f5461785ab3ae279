"""Mutants as a CSV keeps them, a row each, and the share of them that tests notice."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

EQUIVALENT = Path(__file__).with_name("equivalent_mutants.csv")


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


def read(path: Path) -> list[Mutant]:
    """The mutants of a file; none where there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return [Mutant(**row | {"line": int(row["line"])}) for row in csv.DictReader(file)]


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
    kept = list(csv.DictReader(path.open(encoding="utf-8", newline=""))) if path.exists() else []
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows([row for row in kept if row["when"] != when] + rows)
