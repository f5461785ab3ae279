"""Torch-geometric models as predictors: graphs in its format, and an adapter that makes any module a `Predictor`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from predictornas.extras import extra
from predictornas.plain_help import PlainHelp
from predictornas.predictors.fidelity import comparable
from predictornas.predictors.fitting import checked_values, train
from predictornas.predictors.losses import Loss, PairwiseCrossEntropy
from predictornas.predictors.optimisers import GradientDescent, Optimiser
from predictornas.spaces.base import Genes, SearchSpace

if TYPE_CHECKING:
    import torch
    from torch_geometric.data import Batch, Data


def data_list(space: SearchSpace, genes: Genes) -> list[Data]:
    """One `torch_geometric.data.Data` an architecture, padding left out.

    Each has `x` `(vertices, K)` float32 one-hot operations, `edge_index` `(2, edges)` int64 sorted by source, edges
    pointing the way that data flows, and `num_nodes`.
    """
    import torch

    with extra("pyg", "A torch-geometric graph"):
        from torch_geometric.data import Data

    graphs = space.graphs(genes)
    one_hot = torch.eye(graphs.num_codes)
    codes = torch.from_numpy(graphs.operations.astype(np.int64))
    graph, source, target = np.nonzero(graphs.adjacency)
    edges = torch.from_numpy(np.stack([source, target]))
    bounds = np.searchsorted(graph, np.arange(len(genes) + 1)).tolist()
    sizes = (graphs.operations >= 0).sum(1).tolist()
    return [
        Data(x=one_hot[codes[row, :size]], edge_index=edges[:, bounds[row] : bounds[row + 1]], num_nodes=size)
        for row, size in enumerate(sizes)
    ]


@dataclass
class PyGPredictor(metaclass=PlainHelp):
    """Trains and applies a torch-geometric module.

    Example:
        >>> import numpy as np
        >>> import torch
        >>> from predictornas import PyGPredictor, get_space
        >>> class Counts(torch.nn.Module):  # in the place of any model of torch-geometric
        ...     def __init__(self, labels):
        ...         super().__init__()
        ...         self.linear = torch.nn.Linear(labels, 1)
        ...     def forward(self, data):
        ...         return torch.zeros(data.num_graphs, 1).index_add(0, data.batch, self.linear(data.x))
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> PyGPredictor(Counts, training_epochs=3).fit(space, genes, genes.mean(axis=1), rng=rng).predict(genes).shape
        (20,)

    Attributes:
        module_factory: makes an untrained module from K, the width of the one-hot operations. Called with a
            `torch_geometric.data.Batch` of n graphs, the module returns `(n,)` or `(n, 1)` scores, higher is better.
            Parameters that ask for no gradient stay as they are.
        loss: what training minimises.
        optimiser: how, on the full batch.
        training_epochs: number of steps, >= 0.
        batch_size: graphs scored at once.
        space_: the space it was fitted on.
        module_: the trained module.
    """

    module_factory: Callable[[int], torch.nn.Module]
    loss: Loss = field(default_factory=PairwiseCrossEntropy)
    optimiser: Optimiser = field(default_factory=GradientDescent)
    training_epochs: int = 2000
    batch_size: int = 256

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> PyGPredictor:
        """Trains a new module; see `Predictor.fit`. Where epochs differ it learns Borda shares, see `fidelity`.

        Torch's global random state is the same afterwards as before.

        Raises:
            DataError: a value is not finite.
            ConfigurationError: training diverged.
        """
        import torch

        values = checked_values(genes, values)
        genes, values = comparable(genes, values, epochs, "common")
        batch = _batch(space, genes)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**63)))  # modules draw weights and dropout from the global state
            module = self.module_factory(batch.num_node_features).train()
            if any(map(torch.nn.parameter.is_lazy, module.parameters())):
                with torch.no_grad():
                    module(batch)  # gives weights to layers that take their width from what they see
            learned = [parameter for parameter in module.parameters() if parameter.requires_grad]
            if learned and len(np.unique(values)) > 1:
                train(
                    learned,
                    lambda: module(batch).reshape(-1),
                    self.loss.gradient_for(torch.from_numpy(values.astype(np.float64))),
                    optimiser=self.optimiser,
                    epochs=self.training_epochs,
                )
        self.space_ = space
        self.module_ = module.eval()
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Scores in float32, higher is better; only their order matters."""
        import torch

        scores = np.empty(len(genes), np.float32)
        with torch.inference_mode():
            for start in range(0, len(genes), self.batch_size):
                rows = slice(start, start + self.batch_size)
                scores[rows] = self.module_(_batch(self.space_, genes[rows])).reshape(-1).numpy()
        return scores


def _batch(space: SearchSpace, genes: Genes) -> Batch:
    with extra("pyg", "A torch-geometric graph"):
        from torch_geometric.data import Batch

    return Batch.from_data_list(data_list(space, genes))
