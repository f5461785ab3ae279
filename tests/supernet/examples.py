"""A super-network small enough to be differentiated exactly, and searches on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.topology import CellTopology, Topology
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.parts.relaxations import Softmax
from predictornas.supernet.state import Batch, SearchState

OPERATIONS = ("none", "skip_connect", "bend", "turn")
_EDGES = ((0, 1), (0, 2), (1, 2))
TRIANGLE = Topology("nasbench201", (CellTopology("cell", _EDGES, (OPERATIONS,) * 3, 1),), OPERATIONS, None)
"""One cell of two computed nodes that keeps all its edges."""


def fan(inputs: int, operations: tuple[str, ...] = OPERATIONS, kept: int = 2) -> Topology:
    """Cells in which `inputs` given nodes lead into one node, which keeps `kept` of them."""
    edges = tuple((source, inputs) for source in range(inputs))
    cell = CellTopology("normal", edges, (operations,) * inputs, inputs)
    return Topology("darts", (cell,), operations, kept)


class TinyNetwork(nn.Module):
    """Features of 4 pixels through one triangle cell: `bend` is tanh(W x), `turn` is cos(W x)."""

    def __init__(self, generator: torch.Generator, classes: int = 3) -> None:
        super().__init__()

        def weight(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(shape, generator=generator, dtype=torch.float64))

        self.bends, self.turns = weight(3, 4, 4), weight(3, 4, 4)
        self.classifier = weight(classes, 4)

    def forward(self, images: Tensor, mixture: Mixture) -> Tensor:
        nodes = [images.flatten(1), torch.zeros(()), torch.zeros(())]
        factors = mixture.factors("cell")
        for edge, (source, target) in enumerate(TRIANGLE.cells[0].edges):
            x = nodes[source]
            outputs = (x, torch.tanh(x @ self.bends[edge].T), torch.cos(x @ self.turns[edge].T))
            for operation, output in enumerate(outputs, start=1):
                nodes[target] = nodes[target] + factors[edge, operation] * output
        return nodes[2] @ self.classifier.T


class CountingNetwork(TinyNetwork):
    """Counts its calls in a buffer, as batch norm does, and remembers whether it was in training mode."""

    def __init__(self, generator: torch.Generator) -> None:
        super().__init__(generator)
        self.register_buffer("calls", torch.zeros(()))
        self.modes: list[bool] = []

    def forward(self, images: Tensor, mixture: Mixture) -> Tensor:
        self.get_buffer("calls").add_(1)
        self.modes.append(self.training)
        return super().forward(images, mixture)


def batch(seed: int, images: int = 12, classes: int = 3) -> Batch:
    """Random images of 2 x 2 pixels and random labels."""
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randn((images, 1, 2, 2), generator=generator, dtype=torch.float64)
    return Batch(pixels, torch.randint(classes, (images,), generator=generator))


def parameters_of(topology: Topology, values: Mapping[str, Any] | None = None) -> ArchitectureParameters:
    """Double-precision parameters with these values of alpha, or with random ones of standard deviation 1."""
    parameters = ArchitectureParameters.initial(topology, torch.Generator().manual_seed(7), scale=1.0)
    alpha = {name: torch.as_tensor((values or parameters.alpha)[name]).detach() for name in parameters.alpha}
    leaves = {name: tensor.to(torch.float64).clone().requires_grad_() for name, tensor in alpha.items()}
    return ArchitectureParameters(topology, leaves)


def tiny_search(
    network: nn.Module | None = None, parameters: ArchitectureParameters | None = None, **fields: Any
) -> SearchState:
    """A search in the middle of nowhere; `fields` replace those of the state."""
    network = network or TinyNetwork(torch.Generator().manual_seed(0))
    parameters = parameters or parameters_of(TRIANGLE)
    weights = list(network.parameters()) or [nn.Parameter(torch.zeros(1))]
    settings = {
        "relaxation": Softmax(),
        "weight_optimiser": torch.optim.SGD(weights, lr=0.1),
        "architecture_optimiser": torch.optim.SGD(parameters.tensors(), lr=1.0),
        "loss": nn.functional.cross_entropy,
        "generator": torch.Generator().manual_seed(1),
    }
    return SearchState(network=network, parameters=parameters, **{**settings, **fields})


class Planted(nn.Module):
    """A network whose validation accuracy is the useful weight it holds, over the number of edges.

    On edge e only the operation `useful` helps, by `values[e]` times its factor; the sum of all is compared with the
    brightness of the image, and label 1 means that it is larger.
    """

    def __init__(self, values: list[float], useful: int = 2) -> None:
        super().__init__()
        self.values, self.useful = torch.tensor(values, dtype=torch.float64), useful

    def forward(self, images: Tensor, mixture: Mixture) -> Tensor:
        brightness = images.flatten(1)[:, 0]
        help_given = sum((factors[:, self.useful] * self.values).sum() for factors in mixture.weights.values())
        return torch.stack([brightness, torch.zeros_like(brightness) + help_given], dim=1)


def planted_batches(most: float, images: int = 400) -> Any:
    """Brightnesses spread evenly over [0, most], in two batches: accuracy is help / most."""
    brightness = (torch.arange(images, dtype=torch.float64) + 0.5) * most / images
    parts = brightness[:, None, None, None].chunk(2)
    return lambda: [Batch(part, torch.ones(len(part), dtype=torch.int64)) for part in parts]
