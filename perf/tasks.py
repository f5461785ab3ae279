"""What the engine of studies costs: time a task and memory of the driver, from 10 to 5,000 tasks.

`python perf/tasks.py` writes `docs/results/speed/tasks.csv` and `tasks.png`; about ten minutes. Rows that are there are
not measured again.
`python perf/tasks.py study` runs one large study through Ray and through 20 parts of one folder each, compares the
histories and writes `tasks-study.csv`; half an hour on two cores. Every measurement is a process of its own. Ray has
two CPUs of this machine, and begins and ends with its row.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl
from matplotlib.figure import Figure
from measure import memory_mebibytes

from predictornas.executors import Executor, Task, Tell, get_executor
from predictornas.looks import styles_of
from predictornas.plots.style import MUTED, count_axis, legend_beside, new_figure, tidy_axes
from predictornas.studies.gain.manifest import claim
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.runs import RunSearch, has_ended, tasks_of
from predictornas.studies.gain.study import Study
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.tasks import Execution, Share, run_missing

OUTPUT = Path(__file__).parents[1] / "docs" / "results" / "speed"
PARTS = 20
LABELS = {
    "serial": "serial",
    "parts": f"{PARTS} parts, one after the other",
    "processes": "2 processes",
    "ray": "Ray, 2 CPUs of one machine",
}
FILES, RUNS = "write a small file", "random search, 300 evaluations"
SIZES = {FILES: (10, 100, 1000, 5000), RUNS: (10, 100)}
MOST = {"ray": 1000}
"""Tasks through an executor that takes long."""

STUDY = {"random": 500, "local-search": 500, "bayesian-optimisation": 10}
"""Seeds of each method of the large study."""


def write_small(what: int, target: Path, tell: Tell) -> None:
    """The smallest task that there is."""
    target.write_text(f"{what}\n", encoding="utf-8")
    tell(1)


def is_there(task: Task[int]) -> bool:
    """Whether such a task is done."""
    return task.target.exists()


def begun(work: str, size: int, folder: Path) -> Callable[[Execution], list[Task[int]]]:
    """A call that runs the tasks of a row on an execution."""
    if work == FILES:
        tasks = [Task(number, folder / str(number)) for number in range(size)]
        return lambda execution: run_missing(write_small, tasks, is_done=is_there, execution=execution)
    opened = open_study(Study(methods=("random",), budget=300, seeds=tuple(range(size))))
    search, runs = RunSearch(opened), tasks_of(claim(folder, opened), folder)
    return lambda execution: run_missing(search, runs, is_done=has_ended, execution=execution)  # type: ignore[return-value]


def executor_named(name: str) -> Executor:
    """The executor of a row; Ray with two CPUs."""
    if name != "ray":
        return get_executor("processes" if name == "processes" else "serial", workers=2)
    import ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    return get_executor("ray")


def measure_here(work: str, name: str, size: int, folder: Path) -> None:
    """Prints one row."""
    run, begin = begun(work, size, folder), time.perf_counter()
    shares = [Share(part, PARTS) for part in range(1, PARTS + 1)] if name == "parts" else [None]
    processor, executor = time.process_time(), executor_named(name)
    ready = time.perf_counter()
    for share in shares:
        left = run(Execution(executor, share=share))
    if left:
        raise RuntimeError(f"{len(left)} tasks are missing")
    end = time.perf_counter()
    facts = {"start_seconds": ready - begin, "seconds": end - ready, "driver_seconds": time.process_time() - processor}
    print(json.dumps({**facts, "mebibytes": memory_mebibytes("VmHWM")}))


def measured(work: str, name: str, size: int) -> dict[str, object]:
    """One row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        call = [sys.executable, __file__, work, name, str(size), folder]
        ran = subprocess.run(call, capture_output=True, text=True, check=True, encoding="utf-8")
    return {"work": work, "executor": name, "tasks": size, **json.loads(ran.stdout.splitlines()[-1])}


def draw(table: pl.DataFrame) -> Figure:
    """Time a task and memory of the driver against the number of tasks that write a small file."""
    figure = new_figure(
        10,
        4.4,
        title="What the engine of studies costs",
        caption="Tasks that write a small file each; a busy machine. Dotted: what is allowed.",
    )
    left, right = figure.subplots(1, 2)
    styles = styles_of(LABELS)
    for name, label in LABELS.items():
        part = table.filter(pl.col("work") == FILES, pl.col("executor") == name)
        look = {"color": styles[name].color, "marker": styles[name].marker, "markersize": 5, "label": label}
        left.plot(part["tasks"], 1000 * part["seconds"] / part["tasks"], **look)
        right.plot(part["tasks"], part["mebibytes"], **look)
    left.set(xscale="log", yscale="log", xlabel="tasks", ylabel="milliseconds a task, start of workers included")
    right.set(xscale="log", ylim=(0, 1100), xlabel="tasks", ylabel="peak memory of the driver, MiB")
    left.axhline(20, color=MUTED, linewidth=0.8, linestyle=":")
    right.axhline(1000, color=MUTED, linewidth=0.8, linestyle=":")
    for axes in (left, right):
        axes.xaxis.set_major_formatter(count_axis())
        axes.yaxis.set_major_formatter(count_axis())
        tidy_axes(axes)
    legend_beside(figure, right)
    return figure


def command(folder: Path, *more: str) -> dict[str, float]:
    """Runs `predictornas gain` for the large study; its seconds, and the peak memory of it and its processes."""
    begin = time.perf_counter()
    call = ["-c", "from predictornas.cli import main; main()", "gain", "--budget", "300", "--out", str(folder), *more]
    process = subprocess.Popen([sys.executable, *call], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{more} ended with {status}")
    return {
        "seconds": time.perf_counter() - begin,
        "processor_seconds": usage.ru_utime + usage.ru_stime,
        "mebibytes": usage.ru_maxrss / 1024,
    }


def study() -> None:
    """Writes `tasks-study.csv`."""
    names = ",".join(name for name, seeds in STUDY.items() if seeds == max(STUDY.values()))
    most = ["--methods", names, "--seeds", str(max(STUDY.values()))]
    fewer = ["--methods", "bayesian-optimisation", "--seeds", str(STUDY["bayesian-optimisation"])]
    one = ["--executor", "serial"]
    rows, histories = [], []
    with tempfile.TemporaryDirectory() as work:
        for way in ("ray", "parts"):
            folder = Path(work) / way
            command(folder, *fewer, *one, "--part", f"{PARTS}/{PARTS}")  # has no run of its own: it claims the seeds
            if way == "ray":
                steps = {"runs and report": [command(folder, *most, "--executor", "ray")]}
            else:
                parts = [command(folder, *most, *one, "--part", f"{part}/{PARTS}") for part in range(1, PARTS + 1)]
                steps = {"runs": parts, "report": [command(folder, *most, *one)]}
            for step, taken in steps.items():
                sums = {name: sum(each[name] for each in taken) for name in ("seconds", "processor_seconds")}
                peak = max(each["mebibytes"] for each in taken)
                rows.append({"way": way, "step": step, "commands": len(taken), **sums, "mebibytes": peak})
                print(rows[-1], flush=True)
            histories.append(pl.read_parquet(folder / "history.parquet"))
    ray, parts = histories
    facts = {"runs": sum(STUDY.values()), "evaluations": len(ray), "equal": ray.equals(parts)}
    pl.DataFrame([{**row, **facts} for row in rows]).write_csv(OUTPUT / "tasks-study.csv", float_precision=1)


def main() -> None:
    """Every row, the figure."""
    if sys.argv[1:] == ["study"]:
        study()
        return
    if len(sys.argv) == 5:
        measure_here(sys.argv[1], sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
        return
    path = OUTPUT / "tasks.csv"
    rows = pl.read_csv(path).to_dicts() if path.exists() else []
    there = {(row["work"], row["executor"], row["tasks"]) for row in rows}
    for name in LABELS:
        for work, size in ((work, size) for work, sizes in SIZES.items() for size in sizes):
            if size <= MOST.get(name, size) and (work, name, size) not in there:
                rows.append(measured(work, name, size))
                print(rows[-1], flush=True)
                pl.DataFrame(rows).write_csv(path, float_precision=4)
    save_figures(OUTPUT, lambda: {"tasks": draw(pl.DataFrame(rows))}, Pictures(("png",)))


if __name__ == "__main__":
    main()
