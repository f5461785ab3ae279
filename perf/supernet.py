"""One step of a super-network, forward and backward: `SuperNetwork` against one module an edge and operation.

    python perf/supernet.py [threads] [--batch 16] [--channels 16] [--size 32] [--rounds 3]

The baselines are the reference of the tests, which computes the same, of torch's own convolutions: once as released
code is, with images in planes, and once with the channels last. Beside them stands the time that the multiply-adds of
the step would take as one large product of matrices. Processor time of one thread by default, with three cells (of
each stage in NAS-Bench-201), a minute or two. Where there is a GPU, it is measured too, with as many cells and images
as in the papers.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from measure import interleaved, machine_limits, plain, report
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).parents[1]))

from predictornas.live.trainable_network import NetworkShape
from predictornas.spaces.darts import DARTS_OPERATIONS
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import Topology, darts_topology, nasbench201_topology
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import Dirichlet, GumbelHard, Relaxation, Softmax
from tests.supernet.straightforward import Straightforward, reference_of

CASES: dict[str, tuple[Topology, int, int, Relaxation]] = {
    "darts, all operations": (darts_topology(DARTS_OPERATIONS), 8, 1, Softmax()),
    "darts, 1/4 of the channels": (darts_topology(DARTS_OPERATIONS), 8, 4, Dirichlet()),
    "darts, a sampled path": (darts_topology(DARTS_OPERATIONS), 8, 1, GumbelHard()),
    "nasbench201, all operations": (nasbench201_topology(), 5, 1, Softmax()),
}
"""Topology, cells, k and relaxation."""

OURS, LAST, PLANES = "lanes", "modules, channels last", "modules, planes"


@dataclass(frozen=True)
class Size:
    """Images of a batch, their height and width, and channels of the first cells."""

    batch: int
    pixels: int
    channels: int


def steps(
    case: tuple[Topology, int, int, Relaxation], size: Size, device: str
) -> tuple[dict[str, Callable[[], object]], float]:
    """A step of each network, with the gradients of weights and architecture parameters; the operations of one."""
    topology, cells, partial, relaxation = case
    generator = torch.Generator(device).manual_seed(0)
    shape = NetworkShape(channels=size.channels, cells=cells if device != "cpu" else min(cells, 3), classes=10)
    network = SuperNetwork(topology, shape, partial=partial, generator=generator)
    parameters = ArchitectureParameters.initial(topology, generator)
    images = torch.randn(size.batch, 3, size.pixels, size.pixels, generator=generator, device=device)
    labels = torch.randint(10, (size.batch,), generator=generator, device=device)

    def logits(model: SuperNetwork | Straightforward, images: torch.Tensor) -> torch.Tensor:
        mixture = relaxation.mixture(parameters, progress=0.0, generator=generator.manual_seed(1))
        if mixture.sparse and isinstance(model, Straightforward):
            mixture = Mixture({name: weights.detach() for name, weights in mixture.weights.items()})
        found: torch.Tensor = model(images, mixture)
        return found

    def step(model: SuperNetwork | Straightforward, images: torch.Tensor) -> None:
        torch.nn.functional.cross_entropy(logits(model, images), labels).backward()
        model.zero_grad()
        if device != "cpu":
            torch.cuda.synchronize()

    planes, last = plain(reference_of(network)), plain(reference_of(network)).to(memory_format=torch.channels_last)
    turned = images.contiguous(memory_format=torch.channels_last)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        logits(planes, images)
    works = {
        OURS: lambda: step(network, images),
        LAST: lambda: step(last, turned),
        PLANES: lambda: step(planes, images),
    }
    return works, 3.0 * counter.get_total_flops()  # gradients of images and weights each take as many again


def measured(
    size: Size, device: str, *, rounds: int, clock: Callable[[], float]
) -> Iterator[tuple[str, float, float, str]]:
    """A line for each case and baseline: figure, ours, baseline, unit."""
    _, product, _, operations = machine_limits()
    for name, case in CASES.items():
        works, wanted = steps(case, size, device)
        seconds = interleaved({**works, "product": product}, rounds=rounds, clock=clock)
        baselines = {name: seconds[name] for name in (LAST, PLANES)}
        if device == "cpu":
            baselines["one matrix product"] = wanted * seconds["product"] / operations
        for baseline, took in baselines.items():
            figure = f"{device}, a batch of {size.batch}, {name}; {baseline}"
            yield figure, 1e3 * seconds[OURS], 1e3 * took, "ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("threads", type=int, nargs="?", default=1)
    for name, default in (("batch", 16), ("channels", 16), ("size", 32), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    clock = time.process_time if asked.threads == 1 else time.perf_counter
    size = Size(asked.batch, asked.size, asked.channels)
    lines = list(measured(size, "cpu", rounds=asked.rounds, clock=clock))
    if torch.cuda.is_available():
        lines += measured(Size(64, 32, 16), "cuda", rounds=asked.rounds, clock=time.perf_counter)
    report(lines)


if __name__ == "__main__":
    main()
