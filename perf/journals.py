"""How reading journals, consolidating, telling and reporting grow, as a table with the slope of each.

`python perf/journals.py` writes `docs/results/speed/journals.csv`; about ten minutes. Every size runs in a process of
its own: its seconds are those of the processor, all threads together, so that other work on the machine does not count,
and its memory is the peak of the whole process, libraries included.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from measure import memory_mebibytes

from predictornas.history import History
from predictornas.journal import Journal, iterate_records
from predictornas.search.recorded import Recorded
from predictornas.studies.gain.manifest import claim
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.report import report_on
from predictornas.studies.gain.run_tables import consolidate
from predictornas.studies.gain.runs import tasks_of
from predictornas.studies.gain.study import Study
from predictornas.studies.gain.study_targets import study_targets

OUTPUT = Path(__file__).parents[1] / "docs" / "results" / "speed"
METHODS = ("uniform-50", "uniform-100", "uniform-1000")
EVALUATIONS = 300
BATCH = 10

SIZES = {
    "read the journal of a run, evaluations": (10_000, 100_000, 1_000_000),
    "tell one evaluation at a time, evaluations": (10_000, 30_000, 100_000),
    "consolidate 3 pool methods of 300 evaluations, seeds": (20, 100, 500),
    "report, rows of the history": (9_000, 99_000, 999_000),
}


def written_run(
    path: Path, evaluations: int, study: Study, seed: int, targets: int, identity: dict[str, object]
) -> None:
    """A journal as a search with pools writes it."""
    benchmark = study.open()
    values = benchmark.values(benchmark.signal)
    rows = np.random.default_rng(seed).integers(0, len(benchmark), evaluations)
    hits = list(range(targets))
    with Journal(path) as journal:
        journal.append({"kind": "run", **identity})
        for order, row in enumerate(rows.tolist()):
            iteration = order // BATCH
            if order % BATCH == 0:
                counted = {"pool_size": 100, "discarded": 0, "pool_hits": hits} if iteration else {}
                journal.append({"kind": "proposal", "iteration": iteration, "chosen": BATCH, **counted})
            journal.append(
                {
                    "kind": "evaluation",
                    "iteration": iteration,
                    "order": order,
                    "key": int(benchmark.keys[row]),
                    "genes": benchmark.genes[row].tolist(),
                    "epochs": 200,
                    "value": float(values[row]),
                    "cost_seconds": 1234.5,
                    "cost_epochs": 200.0,
                    "predicted": float(values[row]) / 3 if iteration else None,
                    "proposed_by": "uniform",
                }
            )


def reading(size: int, folder: Path) -> Callable[[], object]:
    written_run(folder / "run.jsonl", size, Study(), 0, 0, {"run_id": "a", "method": "random", "seed": 0})
    return lambda: Recorded(iterate_records(folder / "run.jsonl"), folder / "run.jsonl")


def telling(size: int, folder: Path) -> Callable[[], object]:
    genes = np.zeros((1, 6), np.int8)

    def tell() -> None:
        history = History.empty(6)
        for order in range(size):
            history = history.extended(keys=[order], genes=genes, epochs=[1], values=[0.5], iteration=order)

    return tell


def consolidating(size: int, folder: Path) -> Callable[[], object]:
    study = Study(methods=METHODS, budget=EVALUATIONS, seeds=tuple(range(size)))
    opened = open_study(study)
    runs = [task.what for task in tasks_of(claim(folder, opened), folder)]
    for run in runs:
        written_run(run.journal(folder), EVALUATIONS, study, run.seed, len(opened.targets), run.identity)
    return lambda: consolidate(folder, opened, runs)


def reporting(size: int, folder: Path) -> Callable[[], object]:
    consolidate_now = consolidating(size // (len(METHODS) * EVALUATIONS), folder)
    history, pools = consolidate_now()  # type: ignore[misc]
    benchmark = Study().open()
    errors = benchmark.costs(benchmark.signal)
    return lambda: report_on(history, pools, benchmark, study_targets(errors))


WORKS = dict(zip(SIZES, (reading, telling, consolidating, reporting), strict=True))


def measured(work: str, size: int) -> dict[str, object]:
    """One row of the table, from a process of its own; what it needs is made in another one before."""
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [sys.executable, __file__, work, str(size), folder],
            capture_output=True,
            text=True,
            check=True,
            encoding="utf-8",
        )
    return {"work": work, "size": size, **json.loads(ran.stdout.splitlines()[-1])}


def measure_here(work: str, size: int, folder: Path) -> None:
    piece = WORKS[work](size, folder)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")  # the peak so far is forgotten
    before, held = time.process_time(), memory_mebibytes("VmRSS")
    kept = piece()
    seconds, peak = time.process_time() - before, memory_mebibytes("VmHWM")
    print(json.dumps({"seconds": seconds, "mebibytes_before": held, "mebibytes": peak}))
    del kept


def slope(sizes: np.ndarray, values: np.ndarray) -> float:
    """Exponent of the power law through the points from the second on; NaN where these are fewer than two."""
    if len(sizes) < 3:
        return float("nan")
    return float(np.polyfit(np.log(sizes[1:]), np.log(values[1:]), 1)[0])


def main() -> None:
    if len(sys.argv) == 4:
        measure_here(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
        return
    rows = []
    for work, sizes in SIZES.items():
        for size in sizes:
            rows.append(measured(work, size))
            print(rows[-1], flush=True)
    table = pl.DataFrame(rows)
    slopes = [
        {"work": work, "slope": slope(part["size"].to_numpy(), part["seconds"].to_numpy())}
        for (work,), part in table.group_by("work", maintain_order=True)
    ]
    OUTPUT.mkdir(parents=True, exist_ok=True)
    joined = table.join(pl.DataFrame(slopes), on="work", how="left", maintain_order="left")
    joined.write_csv(OUTPUT / "journals.csv", float_precision=3)


if __name__ == "__main__":
    main()
