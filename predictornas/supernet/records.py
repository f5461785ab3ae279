"""What a search leaves of each epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from predictornas.live.curve import Curve
from predictornas.supernet.derivation import genes_of
from predictornas.supernet.method import Method
from predictornas.supernet.network.mixture import PRUNED
from predictornas.supernet.parts.selection import EpochSelection, Magnitude
from predictornas.supernet.state import SearchState

EdgeValues = dict[str, list[dict[str, float]]]
"""For each cell type, a value by name of the operation for each edge."""


@dataclass(frozen=True)
class EpochRecord:
    """A search after one of its epochs.

    Attributes:
        epoch: counted from 1.
        phase: "search", "fine-tuning" (of perturbation selection), or with PVLL-NAS "warm-up", "memory" and "search".
        learning_rate: of the weights, at the beginning of the epoch.
        train_loss: mean over the training half as it was seen; None where nothing was trained.
        train_accuracy: likewise.
        validation_loss: mean over the validation half after the epoch; None where PVLL-NAS evaluates nothing.
        validation_accuracy: likewise; of the super-network at a mixture, or of PVLL-NAS's sampled path.
        seconds: wall time.
        genes: the architecture that would be selected now.
        alpha: the architecture parameters.
        importance: how much each operation is wanted, as the relaxation says; 1 or 0 on edges that are decided.
        decided: number of decided edges of each cell type.
        eigenvalue: of largest modulus of the Hessian of the validation loss; None where it was not asked for.
        clamp_rate: of PVLL-NAS's memory, see `Memory.clamp_rate`; None before its estimator is trained, as the next.
        effective_share: of PVLL-NAS's memory, see `Memory.effective_share`.
        second_order_error: of a finite difference, see `DifferenceError.relative`; None where it was not asked for.
        second_order_cosine: likewise `DifferenceError.cosine`.
    """

    epoch: int
    phase: str
    learning_rate: float
    train_loss: float | None
    train_accuracy: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    genes: tuple[int, ...]
    alpha: EdgeValues
    importance: EdgeValues
    decided: dict[str, int]
    eigenvalue: float | None = None
    clamp_rate: float | None = None
    effective_share: float | None = None
    second_order_error: float | None = None
    second_order_cosine: float | None = None

    def as_json(self) -> dict[str, Any]:
        """The record as JSON has it."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> EpochRecord:
        """What `as_json` came from."""
        return cls(**{**record, "genes": tuple(record["genes"])})


def selected(method: Method, records: Sequence[EpochRecord]) -> tuple[int, ...]:
    """The genes that a search arrives at: those of its last epoch, or of the best one with `BestEpoch`.

    Args:
        method: how it selects.
        records: of all epochs, in order.
    """
    if not isinstance(method.selection, EpochSelection):
        return records[-1].genes
    return records[method.selection.epoch_of([record.validation_accuracy for record in records])].genes


def architecture_of(state: SearchState) -> dict[str, Any]:
    """The part of a record that speaks of the architecture: genes, alpha, importance and decided edges."""
    importance = state.relaxation.importance(state.parameters)
    shown = {name: values.clone() for name, values in importance.items()}
    for name, values in shown.items():
        for edge, operation in state.decisions.of(name).items():
            values[edge] = 0
            if operation is not PRUNED:
                values[edge, operation] = 1
    genes = genes_of(state.parameters.topology, Magnitude().choices(state))
    return {
        "genes": tuple(genes.tolist()),
        "alpha": _by_name(state, state.parameters.alpha),
        "importance": _by_name(state, shown),
        "decided": {name: len(state.decisions.of(name)) for name in shown},
    }


def curve_of(records: Sequence[EpochRecord]) -> Curve:
    """The learning curve, as checkpoints keep it; NaN where nothing was measured."""

    def column(values: Sequence[float | None]) -> np.ndarray:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)

    return Curve(
        train_loss=column([record.train_loss for record in records]),
        train_accuracy=column([record.train_accuracy for record in records]),
        validation_accuracy=column([record.validation_accuracy for record in records]),
        test_accuracy=column([None] * len(records)),
        seconds=column([record.seconds for record in records]),
    )


def _by_name(state: SearchState, tensors: Mapping[str, Tensor]) -> EdgeValues:
    named = {}
    for cell in state.parameters.topology.cells:
        rows = tensors[cell.name].detach().to(torch.float64).tolist()
        named[cell.name] = [
            dict(zip(names, row, strict=False)) for names, row in zip(cell.operations, rows, strict=True)
        ]
    return named
