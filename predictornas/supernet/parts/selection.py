"""Which architecture a search has arrived at: what is decided, and the largest importance for the rest."""

from __future__ import annotations

from dataclasses import dataclass

from predictornas.errors import UnknownNameError
from predictornas.supernet.derivation import RULES, Choices, strongest
from predictornas.supernet.network.mixture import PRUNED, OperationWeights
from predictornas.supernet.state import SearchState


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


def _with_decisions(importance: OperationWeights, state: SearchState, cell_type: str) -> OperationWeights:
    """The importance, raised above all others where an operation was decided, and below them where it was not."""
    ranked = importance.clone()
    for edge, operation in state.decisions.of(cell_type).items():
        ranked[edge] = -1.0
        if operation is not PRUNED:
            ranked[edge, operation] = 2.0 + importance[edge, operation]
    return ranked
