"""The scripts below `perf/` run as their first lines say, with the package installed and from any folder.

Each is run at a small size in a copy of its folder, so that what it writes below `docs/` is thrown away.
"""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas import Study
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.table import write_benchmark
from predictornas.spaces.registry import get_space
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.opened import open_study
from predictornas.studies.tasks import Execution
from tests.extras import needed

ROOT = Path(__file__).parents[1]
PERF = ROOT / "perf"
RESULTS = "checkout/docs/results"


def as_installed(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with the package on its path, but not the folder of the tests beside it, and with an empty store."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "predictornas").symlink_to(ROOT / "predictornas")
    changed = {"PYTHONPATH": tmp_path / "site", "PREDICTORNAS_DATA": tmp_path / "store", "OMP_NUM_THREADS": 1}
    environment = {**os.environ, **{name: str(value) for name, value in changed.items()}}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


def made_study(folder: Path) -> None:
    """Two seeds of two methods in the place of the committed studies."""
    opened = open_study(Study(methods=("random", "bayesian-optimisation"), budget=12, seeds=(0, 1)))
    advance_study(opened, folder / RESULTS / "made", Execution())
    collected(opened, folder / RESULTS / "made")


def committed(folder: Path, *names: str) -> None:
    """Copies of committed results."""
    for name in names:
        shutil.copytree(ROOT / "docs" / "results" / name, folder / RESULTS / name)


def histories(folder: Path) -> None:
    committed(folder, "search/nasbench101", "efficient-sampling/nasbench101")


def robustness(folder: Path) -> None:
    committed(folder, "robustness")
    made_study(folder)


def made_curves(folder: Path) -> None:
    """NAS-Bench-201 with random accuracies after three lengths of training."""
    space, rng = get_space("nasbench201"), np.random.default_rng(0)
    columns = [Column.named(metric="accuracy", split="valid", epochs=epochs, run="0") for epochs in (12, 50, 200)]
    columns.append(Column.named(metric="accuracy", split="test", epochs=200, run="1"))
    write_benchmark(
        folder / "store" / "made-curves",
        name="made-curves",
        space=space,
        genes=space.enumerate(),
        columns={column: rng.random(len(space), dtype=np.float32) for column in columns},
        signal=columns[-2].name,
        evaluation=columns[-1].name,
        source={},
        licence="generated, none",
    )


@dataclass(frozen=True)
class Run:
    """A run of a script at a small size.

    Attributes:
        script: file below `perf/`.
        arguments: of its command line, which begins in the folder that holds `checkout`.
        smaller: expressions in the place of its constants.
        lines: how many lines of what it prints match an expression.
        written: how many rows the tables have that it writes, by path.
        pictures: other files that it writes.
        needs: packages of extras.
        before: makes what it reads.
    """

    script: str
    arguments: str = ""
    smaller: Mapping[str, str] = field(default_factory=dict)
    lines: tuple[int, str] = (0, "^Traceback")
    written: Mapping[str, int] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    before: Callable[[Path], None] = lambda _: None


RATIO = r" [\d.]+x$"
"""The end of a line that compares."""

COMMITTED_COVERAGE = len(pl.read_csv(ROOT / "docs" / "results" / "statistics" / "coverage.csv"))
"""Rows with three numbers of seeds."""

RUNS = [
    Run(
        "climbing.py",
        "tuning out",
        {
            "TRAPS": "{'deceptive': (4,), 'exchanged': (4,)}",
            "TRAP_RUNS": "range(1)",
            "TRAP_BUDGET": "12",
            "TABLES": "{'nasbench201-cifar10': (12, range(3000, 3002))}",
        },
        written={
            f"{RESULTS}/robustness/peaks-runs.csv": 4 * (2 + 2),
            f"{RESULTS}/robustness/peaks.csv": 4 * (2 + 4),
        },
        before=robustness,
    ),
    Run(
        "climbing.py",
        "confirming out",
        {
            "GENERATED": "RobustnessStudy((CHOSEN,), ('plateau',), (0,), (0,), 12)",
            "TRAP_BUDGET": "12",
            "CONFIRMED": "(('nasbench201-cifar10', 12, range(2)),)",
        },
        written={f"{RESULTS}/robustness/peaks-cost.csv": 5, f"{RESULTS}/robustness/peaks-cost-runs.csv": 2 * 2},
        before=robustness,
    ),
    Run(
        "cluster.py",
        "out 1",
        {
            "METHODS": "{'nasbench201-cifar10': 'bayesian-optimisation'}",
            "EVALUATIONS": "{1: 11, 2: 12}",
            "RANDOM": "{2: 4}",
        },
        written={f"{RESULTS}/asynchronous/trainings.parquet": 11 + 2 * 12 + 2 * 4},
    ),
    Run(
        "coverage.py",
        smaller={"EXPERIMENTS": "20", "SEEDS": "(5,)"},
        written={f"{RESULTS}/statistics/coverage.csv": COMMITTED_COVERAGE // 3},
        before=histories,
    ),
    Run("dropins.py", smaller={"CELLS": "4", "ROUNDS": "1"}, lines=(3, RATIO)),
    Run(
        "environments.py",
        "--reference",
        {"HISTORIES": "HISTORIES.replace('range(10)', 'range(1)').replace('workers=2', 'workers=1')"},
        written={"checkout/docs/install/histories.csv": 3},
    ),
    Run(
        "exploration.py",
        "tuning out",
        {
            "BUDGET": "12",
            "TRAP_SEEDS": "(4,)",
            "RUNS_A_TRAP": "range(1)",
            "TUNED": "('nasbench201-cifar100',)",
            "TUNING_SEEDS": "range(100, 102)",
        },
        written={
            f"{RESULTS}/robustness/tuning.csv": 9 * (3 + 2),
            f"{RESULTS}/robustness/tuning-failures.csv": 9 * 3,
            f"{RESULTS}/robustness/tuning-cost.csv": 9 * 2,
        },
        before=robustness,
    ),
    Run(
        "exploration.py",
        "confirming out",
        {
            "BUDGET": "12",
            "RUNS_A_TRAP": "range(2)",
            "EXCHANGED_SEEDS": "range(1)",
            "GENERATED": "RobustnessStudy((FROZEN,), ('plateau',), (0,), (0,), 12)",
            "CONFIRMED": "(('nasbench201-cifar10', 'made', 12, 2),)",
        },
        written={
            f"{RESULTS}/robustness/exchanged.csv": 2 * 2,
            f"{RESULTS}/robustness/exchanged-failures.csv": 2,
            f"{RESULTS}/robustness/cost-runs.csv": 2 * 2 * 3,
            f"{RESULTS}/robustness/cost.csv": 3 * 2,
        },
        before=robustness,
    ),
    Run(
        "growth.py",
        "1",
        {"SIZES": "(20,)"},
        written={f"{RESULTS}/speed/growth.csv": 5},
        pictures=(f"{RESULTS}/speed/growth.png",),
        needs=("matplotlib",),
    ),
    Run(
        "histories.py",
        "out",
        lines=(2, "^made "),
        written={"out/histories.csv": 4 - 1},  # a line a run, of which the first is read as names
        before=made_study,
    ),
    Run(
        "journals.py",
        smaller={"SIZES": "{work: (1_800,) if 'report' in work else (2,) for work in SIZES}"},
        written={f"{RESULTS}/speed/journals.csv": 4},
    ),
    Run(
        "live.py",
        "--images 4 --channels 8 --cells 2 --rounds 1 --no-profile --files 4 --side 16",
        lines=(3, RATIO),
        needs=("PIL",),
    ),
    Run("loading.py", "--folder out --cells 2", lines=(5, RATIO)),
    Run(
        "modules.py",
        "--list",
        {"GAIN": "'gain --methods random --seeds 1 --budget 12 --workers 1 --format svg'"},
        lines=(1, "^search/loop.py$"),
    ),
    Run(
        "mutation.py",
        "out schedulers --count 1",
        written={"out/schedulers-0.csv": 1},
    ),
    Run("official_201.py", "--folder out --architectures 2 --form file", lines=(3, r"_\w+ +[1-9\d.]+$")),
    Run("official_201.py", "--folder out --architectures 2 --form folder", lines=(3, r"_\w+ +[1-9\d.]+$")),
    Run(
        "process.py",
        "checkout 1",
        {"FEW": "20", "WIDEST": "30", "SCORED": "1000", "BATCHES": "2"},
        lines=(5, RATIO),
    ),
    Run(
        "pyramids.py",
        smaller={
            "TABLES": "('made-curves',)",
            "PREDICTORS": "{'fast-gp': 10}",
            "UNTRAINED": "5",
            "JUDGED": "50",
            "DRAWS": "2",
        },
        written={f"{RESULTS}/nosh/pyramids/draws.csv": 2 * 5, f"{RESULTS}/nosh/pyramids/pyramids.csv": 5},
        before=made_curves,
    ),
    Run(
        "recommendations.py",
        "out",
        {"MORE": "{'nasbench201-cifar10': ('bayesian-optimisation',)}", "SEEDS": "(0, 1)", "EVALUATIONS": "11"},
        written={f"{RESULTS}/recommendations/recommendations.csv": 2 * 2 + 1},
        before=made_study,
    ),
    Run(
        "samplers.py",
        smaller={"SIZES": "{sampler: (2,) for sampler in SIZES}", "ROUNDS": "1"},
        lines=(4, r"^[\w-]+-2 .* ms$"),
    ),
    Run(
        "scoring.py",
        "1",
        {
            "PREDICTORS": "{'gcn 3 x 256': GCN(width=8), 'network with signals 4 x 96': SignalNetwork(width=8)}",
            "ROUNDS": "1",
            "MEMBERS": "20",
            "MANY": "20",
        },
        lines=(7, RATIO),
        needs=("lightgbm", "torch_geometric"),
    ),
    Run(
        "search_parts.py",
        "seconds.csv",
        {
            "METHODS": "{name: (sampler, min(n, 2)) for name, (sampler, n) in METHODS.items()}",
            "TRAININGS": "dict.fromkeys(TRAININGS, 2)",
            "EVALUATED": "(5,)",
            "ROUNDS": "1",
            "DENSE": "256",
        },
        lines=(20, " s$"),
        written={"seconds.csv": 20},
    ),
    Run("search_steps.py", "1", {"SIZES": "dict.fromkeys(SIZES, (2, 2))", "ROUNDS": "1"}, lines=(4, RATIO)),
    Run("spaces.py", smaller={"VERTICES": "5", "SAMPLE": "20", "REPEATS": "1"}, lines=(3, RATIO)),
    Run("supernet.py", "--batch 2 --channels 8 --size 8 --rounds 1", lines=(12, RATIO)),
    Run(
        "tasks.py",
        smaller={
            "SIZES": "{FILES: (1,), RUNS: (2,)}",
            "LABELS": "{name: LABELS[name] for name in ('serial', 'processes')}",
            "MOST": "{'processes': 1}",
        },
        written={f"{RESULTS}/speed/tasks.csv": 3},
        pictures=(f"{RESULTS}/speed/tasks.png",),
        needs=("matplotlib",),
    ),
    Run("training.py", "1", {"EPOCHS": "1", "ROUNDS": "1"}, lines=(4 * 2 + 2 * 2 + 1, RATIO)),
    Run(
        "transfer.py",
        "out 1",
        {
            "EVALUATIONS": "{'nasbench201-cifar10': 11}",
            "SOURCES": "{'nasbench201-cifar10': ('none', 'cifar100', 'cifar100, shuffled')}",
        },
        written={f"{RESULTS}/asynchronous/transfer.parquet": 11 * (1 + 2 * 3)},
    ),
]

SHARED = {"measure.py", "mutation_operators.py", "mutation_scores.py"}
"""What other scripts import and nobody runs."""

ELSEWHERE = {"gpu_smoke.py": "test_gpu_smoke.py"}
"""Scripts that another test runs."""

NOT_RUN = {
    "environments.py NAME": "installs hundreds of megabytes; its parts have tests in test_environments.py",
    "tasks.py study": "six commands of the command line with their figures, more than a minute at any size",
    "tasks.py, rows of parts and of Ray": "as its other rows, but half a minute; Ray has its tests",
}
"""Parts of scripts that no test runs, and why."""


def test_every_script_is_run_somewhere() -> None:
    assert all((ROOT / "tests" / file).exists() for file in ELSEWHERE.values())
    found = {path.name for path in PERF.glob("*.py")}
    assert found == {run.script for run in RUNS} | SHARED | ELSEWHERE.keys()
    assert {part.split()[0].rstrip(",") for part in NOT_RUN} < found


def with_constants(source: str, smaller: Mapping[str, str]) -> str:
    """A script whose constants get other values after their own ones."""
    tree, left, body = ast.parse(source), dict(smaller), list[ast.stmt]()
    for statement in tree.body:
        body.append(statement)
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            names = {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}
            body += [ast.parse(f"{name} = {left.pop(name)}").body[0] for name in sorted(names & left.keys())]
    assert not left, f"constants that the script does not have: {', '.join(left)}"
    return ast.unparse(ast.Module(body, []))


@pytest.mark.thorough
@pytest.mark.parametrize("run", RUNS, ids=lambda run: f"{run.script} {run.arguments}".strip())
def test_a_script_runs_at_a_small_size(run: Run, tmp_path: Path) -> None:
    for package in run.needs:
        needed(package)
    checkout = tmp_path / "checkout"
    shutil.copytree(PERF, checkout / "perf", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("predictornas", "tests", "setup.cfg"):
        (checkout / name).symlink_to(ROOT / name)
    (tmp_path / RESULTS / "speed").mkdir(parents=True)
    run.before(tmp_path)
    script = checkout / "perf" / run.script
    script.write_text(with_constants(script.read_text(encoding="utf-8"), run.smaller), encoding="utf-8")
    done = as_installed(tmp_path, str(script), *run.arguments.split())
    assert done.returncode == 0, done.stderr
    count, expression = run.lines
    assert len(re.findall(expression, done.stdout, re.MULTILINE)) == count, done.stdout
    for name, rows in run.written.items():
        path = tmp_path / name
        table = pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=None)
        assert len(table) == rows, name
    assert all((tmp_path / name).stat().st_size > 1000 for name in run.pictures)
