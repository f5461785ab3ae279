"""Architecture parameters: what a search moves to say which operations, and which edges, it wants."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.supernet.network.topology import Topology


@dataclass
class ArchitectureParameters:
    """Leaf tensors that an optimiser moves.

    Attributes:
        topology: the cells they belong to.
        alpha: `(edges, operations)` for each cell type. Places that pad an edge with fewer operations are there, but
            no relaxation reads them.
        beta: `(edges,)` for each cell type (PC-DARTS), or None.
    """

    topology: Topology
    alpha: dict[str, Float[Tensor, "edges operations"]]
    beta: dict[str, Float[Tensor, " edges"]] | None = None

    @classmethod
    def initial(
        cls,
        topology: Topology,
        generator: torch.Generator,
        scale: float = 1e-3,
        *,
        edge_weights: bool = False,
    ) -> ArchitectureParameters:
        """Normal random numbers of standard deviation `scale` (all released codes: 1e-3), on the generator's device.

        Args:
            topology: the cells.
            generator: the only source of random numbers.
            scale: the standard deviation.
            edge_weights: whether there are parameters of whole edges too.
        """

        def leaf(*shape: int) -> Tensor:
            values = scale * torch.randn(shape, generator=generator, device=generator.device)
            return values.requires_grad_()

        alpha = {cell.name: leaf(len(cell.edges), cell.width) for cell in topology.cells}
        beta = {cell.name: leaf(len(cell.edges)) for cell in topology.cells} if edge_weights else None
        return cls(topology, alpha, beta)

    def tensors(self) -> list[Tensor]:
        """The leaf tensors, alpha before beta, cell types in the order of the topology."""
        return [*self.alpha.values(), *(self.beta or {}).values()]

    def state_dict(self) -> dict[str, Tensor]:
        """The values by name, e.g. `alpha.normal`; they share memory with the parameters."""
        named = {f"alpha.{name}": values.detach() for name, values in self.alpha.items()}
        return named | {f"beta.{name}": values.detach() for name, values in (self.beta or {}).items()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Takes over the values of `state_dict`; the leaf tensors stay the same objects.

        Raises:
            ConfigurationError: other names or shapes, as from another space or another method.
        """
        own = self.state_dict()
        met = {name: tuple(values.shape) for name, values in state.items()}
        expected = {name: tuple(values.shape) for name, values in own.items()}
        if met != expected:
            raise ConfigurationError(
                f"Architecture parameters of shapes {met} do not fit these cells, which need {expected}. Load a state "
                "that was saved with the same space and method."
            )
        for name, values in own.items():
            values.copy_(state[name])
