"""One search step (architecture parameters, then weights) of MiLeNAS against second-order DARTS, in one run.

He et al. 2020 report a third of the time of the second-order step; first-order DARTS and a sampled path (GDAS) are
timed beside it. `python perf/search_steps.py [threads]`: a super-network of the DARTS space with three cells of 16
channels and batches of 8 on the CPU; that of the papers, eight cells and batches of 64, where there is a GPU.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from measure import interleaved, report, threads

from predictornas.live.trainable_network import NetworkShape
from predictornas.supernet.assembly import assembled
from predictornas.supernet.job import SearchJob
from predictornas.supernet.published import get_method
from predictornas.supernet.state import Batch
from predictornas.supernet.weight_steps import train_at_mixtures

ROUNDS = 5
SIZES = {"cpu": (3, 8), "cuda": (8, 64)}
"""Cells, and images of a batch."""

BASELINE = "darts-2"
METHODS = ("milenas", "darts-1", "gdas", BASELINE)


def step_of(name: str, device: str) -> Callable[[], object]:
    """A step of one method on fixed random images."""
    cells, images = SIZES[device]
    job = SearchJob("darts-8", get_method(name), NetworkShape(16, cells, 10), seed=0, device=device)
    state = assembled(job, job.topology, 1, job.method.weights)
    draw = torch.Generator(device).manual_seed(0)
    batches = [
        Batch(
            torch.randn(images, 3, 32, 32, generator=draw, device=device),
            torch.randint(10, (images,), generator=draw, device=device),
        )
        for _ in range(2)
    ]

    def step() -> None:
        train_at_mixtures(state, job.method, [(batches[0], batches[1])], lambda _: 0.025, rests=False)
        if device != "cpu":
            torch.cuda.synchronize()

    return step


def main() -> None:
    torch.set_num_threads(threads())
    for device in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
        seconds = interleaved({name: step_of(name, device) for name in METHODS}, rounds=ROUNDS)
        print(f"{device}, {torch.get_num_threads()} threads")
        report([(name, 1e3 * seconds[name], 1e3 * seconds[BASELINE], "ms") for name in METHODS])


if __name__ == "__main__":
    main()
