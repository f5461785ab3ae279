"""What is measured on the super-networks that a search left on its way: what perturbation selects, and four scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from predictornas.papers.supernet.collapse_design import TUNING_FACTOR
from predictornas.papers.supernet.operation_strength import discretised
from predictornas.papers.supernet.trained_measures import Item
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.topology import Topology
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.parts.perturbation import accuracy, masked_accuracies
from predictornas.supernet.published import perturbation
from predictornas.supernet.records import EpochRecord
from predictornas.supernet.restoring import mode, restored
from predictornas.supernet.state import SearchState


@dataclass(frozen=True)
class PerturbedCells:
    """The cell that perturbation selection arrives at from the super-network of each snapshot.

    Attributes:
        rounds: epochs of fine-tuning from one round to the next, by snapshot, a pair each.
    """

    rounds: tuple[tuple[int, int], ...]

    @property
    def name(self) -> str:
        """Of the journal."""
        return "perturbed-" + "-".join(f"{epoch}x{interval}" for epoch, interval in self.rounds)

    def items(self, topology: Topology) -> list[Item]:
        """The snapshots."""
        return [{"epoch": epoch, "interval": interval} for epoch, interval in self.rounds]

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """The genes, and the accuracy of the super-network once all is decided."""
        method = ongoing.job.method
        own = perturbation(keeps_edges=ongoing.job.topology.inputs_kept is None)
        selection = replace(own, interval=item["interval"], rate_factor=TUNING_FACTOR)
        # the search ends here, so that its next epoch is the first one of the fine-tuning
        ended = replace(method, selection=selection, weights=replace(method.weights, epochs=ongoing.done))
        selecting = replace(ongoing, job=replace(ongoing.job, method=ended))
        record: EpochRecord = selecting.run_epoch()
        while not selecting.finished:
            record = selecting.run_epoch()
        return [{"genes": list(record.genes), "validation_accuracy": record.validation_accuracy}]


@dataclass(frozen=True)
class OperationScores:
    """Three scores of every operation of every edge, without any training, on the super-network of each snapshot.

    Attributes:
        snapshots: epochs with alpha.
        batches: of the validation half that the derivatives are averaged over.
    """

    snapshots: tuple[int, ...]
    batches: int = 4

    @property
    def name(self) -> str:
        """Of the journal."""
        return f"scores-{self.batches}-batches-" + "-".join(map(str, self.snapshots))

    def items(self, topology: Topology) -> list[Item]:
        """The snapshots."""
        return [{"epoch": epoch} for epoch in self.snapshots]

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """For each edge and operation `importance`, `masking` and `quadratic_form`; the larger, the more it is wanted.

        `masking` is what the accuracy on the validation half loses without the operation; `quadratic_form` what the
        loss gains by eq. 2.2 of the thesis of Wang, with the displacement that takes the operation's factor to zero,
        and `curvature` the same by eq. 2.3, which leaves out the slope.
        """
        state = ongoing.state
        validation = validation_batches(ongoing.images, ongoing.job.method.weights.batch_size)
        importance = state.relaxation.importance(state.parameters)
        whole = accuracy(state, validation, state.mixture().detached())
        quadratic = removal_estimates(ongoing, self.batches)
        rows = []
        for cell in state.parameters.topology.cells:
            for edge, names in enumerate(cell.operations):
                masked = masked_accuracies(state, validation, cell.name, edge, range(len(names)))
                for column, name in enumerate(names):
                    slope, curvature = (part[cell.name][edge, column].item() for part in quadratic)
                    rows.append(
                        {
                            "cell": cell.name,
                            "edge": edge,
                            "operation": name,
                            "importance": importance[cell.name][edge, column].item(),
                            "masking": whole - masked[column],
                            "quadratic_form": slope + curvature,
                            "curvature": curvature,
                        }
                    )
        return rows


@dataclass(frozen=True)
class OperationStrengths:
    """Discretisation accuracy at convergence (thesis of Wang, section 2.3.1) of the operations of some edges.

    Attributes:
        epoch: the snapshot.
        edges: the first so many edges of the cell.
        epochs: of fine-tuning, >= 1.
    """

    epoch: int
    edges: int
    epochs: int

    @property
    def name(self) -> str:
        """Of the journal: what is measured of an operation does not depend on which others are."""
        return f"strengths-{self.epochs}-epochs"

    def items(self, topology: Topology) -> list[Item]:
        """An operation each."""
        (cell,) = topology.cells
        return [
            {"epoch": self.epoch, "cell": cell.name, "edge": edge, "operation": name}
            for edge in range(min(self.edges, len(cell.edges)))
            for name in cell.operations[edge]
        ]

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """Accuracy and loss on the validation half with the edge discretised to the operation."""
        names = ongoing.state.parameters.topology.cell(item["cell"]).operations[item["edge"]]
        column = names.index(item["operation"])
        after = discretised(ongoing, item["cell"], item["edge"], column, epochs=self.epochs, rate_factor=TUNING_FACTOR)
        return [{"strength": after.accuracy, "loss": after.loss}]


def removal_estimates(ongoing: OngoingSearch, batches: int) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What the validation loss gains to first and to second order when an operation's factor p goes to zero.

    The terms of eq. 2.2 of the thesis of Wang in the factors, -p dL/dp and p^2 d2L/dp2 / 2, `(edges, operations)` by
    cell type, means over batches; nothing of the search changes.

    Args:
        ongoing: a search.
        batches: of the validation half, >= 1, fewer where it has fewer.
    """
    found: list[tuple[list[Tensor], list[Tensor]]] = []
    names: list[str] = []
    with ongoing.state.exact() as state, mode(state.network, training=True), restored(state.network.buffers()):
        validation = validation_batches(ongoing.images, ongoing.job.method.weights.batch_size)
        for _, batch in zip(range(batches), validation(), strict=False):
            leaves = _factors(state)
            names = list(leaves)
            loss = state.loss_of(batch, Mixture(leaves))
            slopes = torch.autograd.grad(loss, list(leaves.values()), create_graph=True, materialize_grads=True)
            found.append(_terms(list(leaves.values()), slopes))
    means = [
        [torch.stack(list(parts)).mean(dim=0) for parts in zip(*of_order, strict=True)]
        for of_order in zip(*found, strict=True)
    ]
    first, second = (dict(zip(names, parts, strict=True)) for parts in means)
    return first, second


def _factors(state: SearchState) -> dict[str, Tensor]:
    """The importance as factors that can be differentiated in."""
    importance = state.relaxation.importance(state.parameters)
    return {name: values.clone().requires_grad_() for name, values in importance.items()}


def _terms(leaves: list[Tensor], slopes: tuple[Tensor, ...]) -> tuple[list[Tensor], list[Tensor]]:
    """Both terms of each factor; only the diagonal of the Hessian counts, a product each."""
    first = [-(leaf * slope).detach() for leaf, slope in zip(leaves, slopes, strict=True)]
    second = []
    for leaf, slope in zip(leaves, slopes, strict=True):
        diagonal = torch.zeros_like(leaf)
        if slope.requires_grad:
            for place, entry in enumerate(slope.flatten()):
                (row,) = torch.autograd.grad(entry, leaf, retain_graph=True, materialize_grads=True)
                diagonal.view(-1)[place] = row.flatten()[place]
        second.append((leaf.detach() ** 2 * diagonal / 2).detach())
    return first, second
