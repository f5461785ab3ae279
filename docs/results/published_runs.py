"""Packs the runs of the committed studies into the file that ships with the package.

python docs/results/regenerate.py runs
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from predictornas.benchmarks.known_benchmarks import CATALOG
from predictornas.errors import UnknownNameError
from predictornas.packed_runs import Source, pack, ranges
from predictornas.search.methods import get_preset, get_strategy

PVLL_TABLES = ("nasbench101", *(f"nasbench201-full-{name}" for name in ("cifar10", "cifar100", "imagenet16-120")))

SHIPPED = 3_000_000
"""Bytes that the file may have; an evaluation takes about four."""

LEFT_OUT = (
    *(f"efficient-sampling/nasbench101-paper-{evaluations}" for evaluations in (300, 1400)),
    *(f"pvll/{table}-paper" for table in PVLL_TABLES),
)
"""Studies that would make it larger than that, and stay in their folders: the paper's setting, of which the beginning
of each run ships as `nasbench101-paper-150`, and PVLL-NAS as printed."""

OTHERS = {"nasbench101-val30k": "nasbench101"}
"""Tables that the catalogue does not know, and their spaces."""

LEVELS = (12, 25, 50, 100, 200)
"""Lengths of trainings, which only say here whether a name with a scheduler is one."""


def renew(results: Path, target: Path) -> None:
    """Writes the file of all committed studies that `studies_in` finds.

    Args:
        results: the folder of the result folders.
        target: the file.

    Raises:
        ValueError: it would be larger than what may ship.
    """
    content = pack(source_of(folder, results) for folder in studies_in(results))
    if len(content) > SHIPPED:
        raise ValueError(f"{len(content):,} bytes are more than the {SHIPPED:,} that may ship.")
    target.write_bytes(content)


def studies_in(results: Path) -> Iterator[Path]:
    """The folders of studies with one objective, but for `LEFT_OUT`; fronts have other columns and stay there too."""
    for path in sorted(results.rglob("history.parquet")):
        if str(path.parent.relative_to(results)) in LEFT_OUT:
            continue
        if manifest_of(path.parent).get("kind", "study") == "study":
            yield path.parent


def manifest_of(folder: Path) -> dict[str, Any]:
    """What a folder says of itself."""
    content: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return content


def space_of(table: str) -> str:
    """The search space of a table by its name."""
    return CATALOG[table].space if table in CATALOG else OTHERS[table]


def digest(path: Path) -> str | None:
    """SHA-256 of a file; None where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def source_of(folder: Path, results: Path) -> Source:
    """A folder as it is packed."""
    manifest = manifest_of(folder)
    study, pools = manifest["study"], folder / "pools.parquet"
    table = {"table": study["benchmark"], "space": space_of(study["benchmark"])}
    table |= {name: study[name] for name in ("data_sha256", "signal", "evaluation")}
    if "columns" in study:
        table["columns"] = study["columns"]
    commits = [entry["commit"] for entry in manifest["made_with"] if entry.get("commit")]
    facts = {
        "study": folder.relative_to(results).as_posix(),
        "methods": sorted(manifest["methods"]),
        **{name: study.get(name) for name in ("budget", "budget_epochs", "preset", "engine", "warm_start")},
        "command": command(manifest),
        "commits": list(dict.fromkeys(commits)),
        "history_sha256": digest(folder / "history.parquet"),
        "pools_sha256": digest(pools),
    }
    return Source(
        facts, table, pl.read_parquet(folder / "history.parquet"), pl.read_parquet(pools) if pools.exists() else None
    )


def command(manifest: dict[str, Any]) -> str | None:
    """The commands that make the runs again; None where a method is not known by a name."""
    study = manifest["study"]
    flags = ["--benchmark", study["benchmark"], "--preset", study["preset"]]
    for flag in ("budget", "budget_epochs"):
        if study.get(flag) is not None:
            flags += [f"--{flag.replace('_', '-')}", str(study[flag])]
    if study["engine"] != "indexed":
        flags += ["--engine", study["engine"]]
    if study["warm_start"]:
        flags += ["--warm-start"]
    for flag in ("signal", "evaluation"):
        if study[flag] != getattr(CATALOG.get(study["benchmark"]), flag, None):
            flags += [f"--{flag}", study[flag]]
    by_seeds: dict[str, list[str]] = {}
    for method, entry in manifest["methods"].items():
        try:
            get_strategy(method, replace(get_preset(study["preset"]), levels=LEVELS))
        except UnknownNameError:
            return None
        counted = entry["seeds"] == list(range(len(entry["seeds"])))
        seeds = str(len(entry["seeds"])) if counted else ranges(entry["seeds"])
        by_seeds.setdefault(seeds, []).append(method)
    return "\n".join(
        " ".join(["predictornas gain", *flags, "--seeds", seeds, "--methods", ",".join(methods)])
        for seeds, methods in by_seeds.items()
    )
