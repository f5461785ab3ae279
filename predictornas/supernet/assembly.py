"""Network, architecture parameters and optimisers of a search, as they begin."""

from __future__ import annotations

import torch
from torch.nn import CrossEntropyLoss

from predictornas.live.devices import forward_precision
from predictornas.live.passes import generator_for
from predictornas.live.training import optimiser_of
from predictornas.live.training_recipes import Recipe
from predictornas.supernet.job import SearchJob
from predictornas.supernet.network.memory_layout import lay_out_weights
from predictornas.supernet.network.super_network import SuperNetwork
from predictornas.supernet.network.topology import Topology
from predictornas.supernet.parameters import ArchitectureParameters
from predictornas.supernet.state import SearchState


def assembled(job: SearchJob, topology: Topology, partial: int, recipe: Recipe) -> SearchState:
    """A search before its first step.

    Args:
        job: method, shape, seed and device.
        topology: the cells; those of the space, or fewer operations in a later stage.
        partial: k, the share 1/k of the channels that goes through the operations.
        recipe: how the weights learn.
    """
    method, device = job.method, job.device
    # weights are drawn on the CPU, so that every device starts from the same
    network = SuperNetwork(
        topology, job.shape, partial=partial, generator=generator_for(job.seed, 0, "weights", "cpu")
    ).to(device)
    lay_out_weights(network)
    settings = method.architecture
    parameters = ArchitectureParameters.initial(
        topology,
        generator_for(job.seed, 0, "architecture", device),
        settings.initial_scale,
        edge_weights=method.edge_weighted,
    )
    adam = torch.optim.Adam(
        parameters.tensors(), settings.learning_rate, betas=settings.betas, weight_decay=settings.weight_decay
    )
    return SearchState(
        network=network,
        parameters=parameters,
        relaxation=method.relaxation,
        weight_optimiser=optimiser_of(network, recipe),
        architecture_optimiser=adam,
        loss=CrossEntropyLoss(label_smoothing=method.weights.label_smoothing),
        generator=generator_for(job.seed, 0, "search", device),
        precision=forward_precision(torch.device(device)),
    )
