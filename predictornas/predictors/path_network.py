"""An ensemble of small fully connected networks on the path encoding: the predictor of BANANAS (White et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from predictornas.predictors.fidelity import FidelityRule, comparable_accuracies
from predictornas.predictors.fitting import checked_values
from predictornas.predictors.path_encoding import path_encoding, shortest_paths
from predictornas.spaces.base import Genes, SearchSpace

if TYPE_CHECKING:
    import torch

_PERCENT = 100.0
_LEAST = 1e-9  # a margin that is smaller is none but for rounding
_BEST, _WORST = 0.05, 0.95  # margins of the best and the worst value where values are no accuracies


@dataclass
class PathEnsemble:
    """Members that differ in their initial weights and the order of their batches, trained side by side.

    Minimises |(f - e_LB) / (e - e_LB) - 1| over errors e, in percent (White et al. 2021, section 4), which weighs good
    cells most. The networks predict e - e_LB (ours: it only moves the output's bias). Weights begin
    Glorot-uniform, biases at 0; Adam as in the public code. Its loss in later versions is the mean absolute error.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.path_network import PathEnsemble
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(20, rng)
        >>> small = PathEnsemble(members=3, layers=2, training_epochs=2)
        >>> fitted = small.fit(space, genes, genes.mean(axis=1) / 5, rng=rng)
        >>> fitted.predict(genes).shape, fitted.predict_members(genes).shape
        ((20,), (3, 20))

    Attributes:
        members: number of networks.
        layers: hidden layers of each.
        width: features of each hidden layer.
        longest: operations on the longest path that is encoded; see `path_encoding`. Where most architectures have
            no path that short, as in chains of layers, one-hot genes stand in the place of paths (ours).
        lower_bound: e_LB, a fraction below every error; 4.5 % suits CIFAR-10 and what is harder. Where an error is not
            above it, margins span those that are there, as for what is no accuracy (ours).
        training_epochs: passes over the architectures.
        batch_size: architectures in a step.
        learning_rate: of Adam.
        betas: of Adam.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs; see `fidelity`.
        space_: the space it was fitted on.
        scale_: the value of a margin of 0, and by how much a margin of 1 lies below it.
        by_paths_: whether it reads paths, and not one-hot genes.
        weights_: matrices and biases of each layer, member by member along the first axis.
    """

    members: int = 5
    layers: int = 10
    width: int = 20
    longest: int = 3
    lower_bound: float = 0.045
    training_epochs: int = 150
    batch_size: int = 32
    learning_rate: float = 0.01
    betas: tuple[float, float] = (0.9, 0.99)
    fidelity_pairs: FidelityRule = "common"

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> PathEnsemble:
        """Trains new networks.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)` accuracies as fractions, or anything else that is better the higher.
            epochs: `(n,)` fidelity of each value; where they differ, the order of the Borda shares is learned.
            rng: source of the initial weights and of the order of batches.

        Raises:
            DataError: a value is not finite.
            UnknownNameError: no such rule for pairs across fidelities.
        """
        import torch

        values = checked_values(genes, values)
        genes, values = comparable_accuracies(genes, values, epochs, self.fidelity_pairs)
        margins = self._scaled(values)
        self.space_ = space
        self.by_paths_ = bool((shortest_paths(space.graphs(genes)) > self.longest).sum() <= len(genes) / 2)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        features = self._features(genes)
        self.weights_ = self._initial_weights(features.shape[1], generator)
        self._train(features, torch.from_numpy((_PERCENT * margins).astype(np.float32)), generator)
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Mean predicted value over the members, such as an accuracy as a fraction."""
        return np.asarray(self.predict_members(genes).mean(axis=0))

    def predict_members(self, genes: Genes) -> Float[np.ndarray, "members n"]:
        """The value that each member predicts."""
        import torch

        with torch.inference_mode():
            margins = self._margins(self._features(genes)[None].expand(self.members, -1, -1))
        top, span = self.scale_
        return top - span * (margins.numpy().astype(np.float64) / _PERCENT)

    def _scaled(self, values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """e - e_LB of accuracies. What is none, such as a negated loss, as margins from 0.05 to 0.95 (ours).

        So are accuracies of which one is not below the bound: a search goes on where it finds more than was expected.
        """
        self.scale_ = 1 - self.lower_bound, 1.0
        if len(values) and (values.min() < 0 or values.max() > 1 or 1 - values.max() - self.lower_bound <= _LEAST):
            span = (values.max() - values.min()) / (_WORST - _BEST)
            self.scale_ = values.max() + _BEST * span, span
            return np.asarray(_BEST + (values.max() - values) / (span or 1.0))
        return np.asarray(1 - values - self.lower_bound)

    def _features(self, genes: Genes) -> torch.Tensor:
        """`(n, p)` float."""
        import torch

        if not self.by_paths_:
            return torch.from_numpy(self.space_.sequences(genes).astype(np.float32)).flatten(1)
        return torch.from_numpy(path_encoding(self.space_.graphs(genes), longest=self.longest).astype(np.float32))

    def _initial_weights(
        self, num_features: int, generator: torch.Generator
    ) -> list[tuple[torch.Tensor, torch.Tensor]]:
        import torch

        sizes = [num_features, *[self.width] * self.layers, 1]
        weights = []
        for inputs, outputs in pairwise(sizes):
            uniform = torch.rand(self.members, inputs, outputs, generator=generator)
            matrices = (2 * uniform - 1) * (6 / (inputs + outputs)) ** 0.5
            weights.append((matrices.requires_grad_(), torch.zeros(self.members, 1, outputs, requires_grad=True)))
        return weights

    def _margins(self, features: torch.Tensor) -> torch.Tensor:
        """`(members, b)` predicted errors above the bound, percent, of `(members, b, p)` features."""
        *hidden, (matrices, biases) = self.weights_
        for layer, shifts in hidden:
            features = shifts.baddbmm(features, layer).relu()
        return biases.baddbmm(features, matrices)[:, :, 0]

    def _train(self, features: torch.Tensor, margins: torch.Tensor, generator: torch.Generator) -> None:
        import torch

        parameters = [tensor for layer in self.weights_ for tensor in layer]
        fused = torch.torch_version.TorchVersion(torch.__version__) >= "2.4"  # before, on GPUs only
        adam = torch.optim.Adam(parameters, lr=self.learning_rate, betas=self.betas, fused=fused)
        for _ in range(self.training_epochs):
            orders = torch.rand(self.members, len(margins), generator=generator).argsort(dim=1)
            for batch in torch.split(orders, self.batch_size, dim=1):
                # a mean for each member and a sum over members: each learns as if it were alone
                loss = (self._margins(features[batch]) / margins[batch] - 1).abs().mean(dim=1).sum()
                adam.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                adam.step()
        for parameter in parameters:
            parameter.requires_grad_(False)
