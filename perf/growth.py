"""How time and memory of scoring and training grow with the number of NAS-Bench-101 cells, as a table and a figure.

`python perf/growth.py [threads]` writes `docs/results/speed/growth.csv` and `growth.png`; about five minutes. An epoch
is timed in its two parts: scores with their backward pass, and the gradient of the pairwise loss, which grows with the
square of the number of cells and is therefore measured only as far as anyone trains.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import torch
from matplotlib.figure import Figure
from measure import memory_mebibytes, threads

from predictornas.predictors.engine.dense import dense_batch
from predictornas.predictors.engine.graph_index import build_index
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.gcn import GCN
from predictornas.predictors.losses import PairwiseCrossEntropy
from predictornas.spaces.registry import get_space
from predictornas.studies.pictures import Pictures, save_figures

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 423_624)
MOST_PAIRED = 30_000
MOST_TRAINED = 100_000
OUTPUT = Path(__file__).parents[1] / "docs" / "results" / "speed"


def best_of(work: Callable[[], object], rounds: int = 3) -> float:
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times[1:])


def works(size: int) -> dict[str, Callable[[], object]]:
    """The pieces of work on `size` random cells."""
    space, predictor = get_space("nasbench101"), GCN()
    rng = np.random.default_rng(0)
    genes = space.sample(size, rng)
    messages = predictor.message_passing(space.graphs(genes))
    network = predictor.new_network(5, torch.Generator().manual_seed(0))
    tables = IndexTables.of(build_index(messages, predictor.depth))
    pieces: dict[str, Callable[[], object]] = {
        "index, made": lambda: build_index(messages, predictor.depth),
        "scores, indexed": torch.inference_mode()(lambda: network.indexed(tables)),
    }

    def dense() -> None:
        with torch.inference_mode():
            for start in range(0, size, 256):
                network(dense_batch(messages, slice(start, start + 256)))

    pieces["scores, dense batches of 256"] = dense
    if size <= MOST_TRAINED:
        pieces["scores and backward, indexed"] = lambda: network.indexed(tables).sum().backward()
    if size <= MOST_PAIRED:
        gradient = PairwiseCrossEntropy().gradient_for(torch.from_numpy(rng.random(size)))
        scores = torch.rand(size)
        pieces["pairwise gradient"] = lambda: gradient(scores)
    return pieces


def memory(size: int, piece: str) -> float:
    """MiB that one piece adds to the peak of a process that has its tables ready."""
    code = (
        "import growth; from measure import memory_mebibytes as memory\n"
        f"work = growth.works({size})[{piece!r}]; before = memory('VmRSS')\n"
        "open('/proc/self/clear_refs', 'w').write('5'); work(); print(memory('VmHWM') - before)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=sys.path[0], encoding="utf-8"
    )
    return max(float(done.stdout), 0.0)


def slope(sizes: np.ndarray, values: np.ndarray) -> float:
    """Exponent of the power law through the larger half of the points; NaN where that is one point."""
    half = len(sizes) // 2
    if len(sizes) - half < 2:
        return float("nan")
    return float(np.polyfit(np.log(sizes[half:]), np.log(values[half:]), 1)[0])


def measure() -> pl.DataFrame:
    rows = []
    for size in SIZES:
        for piece, work in works(size).items():
            seconds = best_of(work, rounds=1 if piece.startswith("index") or "dense" in piece else 3)
            held = memory(size, piece) if "dense" not in piece else None
            rows.append({"work": piece, "architectures": size, "seconds": seconds, "mebibytes": held})
            print(rows[-1], flush=True)
    return pl.DataFrame(rows)


def draw(table: pl.DataFrame) -> Figure:
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    colours = {piece: f"C{number}" for number, piece in enumerate(table["work"].unique(maintain_order=True))}
    table = table.with_columns(pl.col("mebibytes").clip(lower_bound=1))  # less is a few pages of noise
    for axes, column, label in zip(
        figure.subplots(1, 2),
        ("seconds", "mebibytes"),
        ("seconds", "MiB above the process before, at least 1"),
        strict=True,
    ):
        for piece, part in table.drop_nulls(column).group_by("work", maintain_order=True):
            sizes, values = part["architectures"].to_numpy(), part[column].to_numpy()
            name = f"{piece[0]} (slope {slope(sizes, values):.2f})"
            axes.loglog(sizes, values, colours[piece[0]], marker="o", markersize=4, label=name)
        axes.set(xlabel="NAS-Bench-101 cells", ylabel=label)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=7, frameon=False)
    figure.suptitle(f"GCN 3 x 256, fp32, {torch.get_num_threads()} threads; slopes over the larger half of the sizes")
    return figure


def main() -> None:
    torch.set_num_threads(threads())
    OUTPUT.mkdir(parents=True, exist_ok=True)
    table = measure()
    table.write_csv(OUTPUT / "growth.csv")
    save_figures(OUTPUT, lambda: {"growth": draw(table)}, Pictures(("png",)))
    print(f"peak of this process: {memory_mebibytes('VmHWM'):.0f} MiB")


if __name__ == "__main__":
    main()
