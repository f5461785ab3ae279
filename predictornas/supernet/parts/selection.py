"""Which architecture a search has arrived at: what is decided, and the largest importance for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from predictornas.errors import UnknownNameError
from predictornas.supernet.derivation import RULES, Choices, strongest
from predictornas.supernet.network.mixture import PRUNED, OperationWeights
from predictornas.supernet.state import SearchState


@runtime_checkable
class RuledSelection(Protocol):
    """A selection that ends with the strongest operations and inputs, by a rule."""

    @property
    def rule(self) -> str:
        """ "darts" or "gdas", see `derivation.strongest`."""
        ...


@runtime_checkable
class EpochSelection(RuledSelection, Protocol):
    """A selection that may go back to the architecture of an earlier epoch."""

    def epoch_of(self, accuracies: Sequence[float | None]) -> int:
        """The epoch, counted from 0, whose architecture it takes.

        Args:
            accuracies: on the validation half after each epoch; None where none was measured.
        """
        ...


@dataclass(frozen=True)
class Derivation:
    """What selections have in common that take the strongest operations and inputs.

    Attributes:
        rule: "darts" or "gdas", see `derivation.strongest`.

    Raises:
        UnknownNameError: another rule.
    """

    rule: str = "darts"

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise UnknownNameError("derivation rule", self.rule, RULES)


@dataclass(frozen=True)
class Magnitude(Derivation):
    """The operations of largest importance on the strongest inputs of each node.

    Edges that are decided (SGAS, perturbation selection) stay as decided, so that this ends every search.
    """

    def choices(self, state: SearchState) -> Choices:
        """The edges kept and their operations; `derivation.genes_of` makes genes of them."""
        importance = state.relaxation.importance(state.parameters)
        ranked = {name: _with_decisions(values, state, name) for name, values in importance.items()}
        return strongest(state.parameters.topology, ranked, self.rule)


@dataclass(frozen=True)
class BestEpoch(Derivation):
    """The architecture that `Magnitude` gives after the epoch of best validation accuracy; of equals, the first one.

    He et al. 2020, section 4.1 (MiLeNAS).
    """

    def epoch_of(self, accuracies: Sequence[float | None]) -> int:
        """See `EpochSelection`."""
        return max(range(len(accuracies)), key=lambda epoch: accuracies[epoch] or 0.0)


def _with_decisions(importance: OperationWeights, state: SearchState, cell_type: str) -> OperationWeights:
    """The importance, raised above all others where an operation was decided, and below them where it was not."""
    ranked = importance.clone()
    for edge, operation in state.decisions.of(cell_type).items():
        ranked[edge] = -1.0
        if operation is not PRUNED:
            ranked[edge, operation] = 2.0 + importance[edge, operation]
    return ranked
