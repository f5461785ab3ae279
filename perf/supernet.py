"""One step of a super-network, forward and backward: `SuperNetwork` against one module an edge and operation.

The baseline is the reference of the tests, which computes the same. `PYTHONPATH=. python perf/supernet.py [threads]`:
two threads by default, about a minute on the CPU, with three cells. Where there is a GPU, it is measured too, with as
many cells and images as in the papers.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from measure import interleaved, report, threads

from predictornas.live.trainable_network import NetworkShape
from predictornas.spaces.darts import DARTS_OPERATIONS
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import Topology, darts_topology, nasbench201_topology
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import Dirichlet, GumbelHard, Relaxation, Softmax
from tests.supernet.straightforward import Straightforward, reference_of

ROUNDS = 3
CASES: dict[str, tuple[Topology, int, int, Relaxation]] = {
    "darts, all operations": (darts_topology(DARTS_OPERATIONS), 8, 1, Softmax()),
    "darts, 1/4 of the channels": (darts_topology(DARTS_OPERATIONS), 8, 4, Dirichlet()),
    "darts, a sampled path": (darts_topology(DARTS_OPERATIONS), 8, 1, GumbelHard()),
    "nasbench201, all operations": (nasbench201_topology(), 5, 1, Softmax()),
}
"""Topology, cells, k and relaxation."""


def steps(case: tuple[Topology, int, int, Relaxation], *, batch: int, device: str) -> dict[str, Callable[[], object]]:
    """A forward and a backward pass of either network, with the gradients of weights and architecture parameters."""
    topology, cells, partial, relaxation = case
    generator = torch.Generator(device).manual_seed(0)
    shape = NetworkShape(channels=16, cells=cells if device != "cpu" else min(cells, 3), classes=10)
    network = SuperNetwork(topology, shape, partial=partial, generator=generator)
    reference = reference_of(network)
    parameters = ArchitectureParameters.initial(topology, generator)
    images = torch.randn(batch, 3, 32, 32, generator=generator, device=device)
    labels = torch.randint(10, (batch,), generator=generator, device=device)

    def step(model: SuperNetwork | Straightforward) -> None:
        mixture = relaxation.mixture(parameters, progress=0.0, generator=generator.manual_seed(1))
        if mixture.sparse and isinstance(model, Straightforward):
            mixture = Mixture({name: weights.detach() for name, weights in mixture.weights.items()})
        torch.nn.functional.cross_entropy(model(images, mixture), labels).backward()
        model.zero_grad()
        if device != "cpu":
            torch.cuda.synchronize()

    return {"lanes": lambda: step(network), "modules": lambda: step(reference)}


def main() -> None:
    torch.set_num_threads(threads())
    lines = []
    for device, batch in [("cpu", 4), *([("cuda", 64)] if torch.cuda.is_available() else [])]:
        for name, case in CASES.items():
            seconds = interleaved(steps(case, batch=batch, device=device), rounds=ROUNDS)
            figure = f"{device}, a batch of {batch}, {name}"
            lines.append((figure, 1e3 * seconds["lanes"], 1e3 * seconds["modules"], "ms"))
    report(lines)


if __name__ == "__main__":
    main()
