"""A Gaussian process with a Weisfeiler-Lehman kernel: the predictor of NAS-BOWL (Ru et al. 2021)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt64
from scipy import sparse

from predictornas.plain_help import PlainHelp
from predictornas.predictors.fidelity import FidelityRule, comparable_accuracies
from predictornas.predictors.fitting import checked_values
from predictornas.spaces.base import Genes, Graphs, SearchSpace
from predictornas.spaces.hashing import mix

_BLOCK = 1 << 13
"""Architectures scored at once."""
_NOISES = 61
"""Variances of the noise that are tried."""
_ODD = np.uint64(0x9E3779B97F4A7C15)


@dataclass(kw_only=True)
class WeisfeilerLehmanProcess(metaclass=PlainHelp):
    """A Gaussian process on counts of the subtrees of a cell's graph (Ru, Wan et al. 2021, arXiv 2006.07556).

    A vertex is labelled by its operation, then by its label and the multiset of those of its successors, `depth`
    times. The kernel of two cells is what their bags of labels have in common, by level (the optimal assignment kernel
    of Kriege et al. 2016, for cells with operations on vertices), or the product of the counts, divided by the root of
    what each has in common with itself. Depth and noise are the most probable ones; what is predicted is the negated
    logarithm of the error, scaled to mean 0 and deviation 1.

    The public code subtracts the logarithm of the determinant where its likelihood should add it, so that the noise
    always ends at its upper limit. That error is not repeated.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.weisfeiler_lehman import WeisfeilerLehmanProcess
        >>> space, rng = get_space("nasbench101"), np.random.default_rng(0)
        >>> genes = space.sample(30, rng)
        >>> values = 0.9 + 0.01 * (space.graphs(genes).operations == 1).sum(axis=1)
        >>> predictor = WeisfeilerLehmanProcess().fit(space, genes, values, rng=rng)
        >>> more = space.sample(100, rng)
        >>> known = (space.graphs(more).operations == 1).sum(axis=1)
        >>> bool(np.corrcoef(predictor.predict(more), known)[0, 1] > 0.8)
        True

    Attributes:
        depths: candidates for the rounds of relabelling.
        optimal_assignment: whether bags are intersected instead of multiplied; the paper multiplies on NAS-Bench-201.
        least_noise: lowest variance of the noise, > 0, where the values have variance 1.
        most_noise: highest variance of the noise.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs; see `fidelity`.
        space_: the space it was fitted on.
        depth_: the rounds of relabelling that were chosen.
        noise_: the variance of the noise that was chosen.
        genes_: `(n, g)` what it was fitted on, each architecture once.
        targets_: `(n,)` what is learned of them.
    """

    depths: tuple[int, ...] = (1, 2, 3)
    optimal_assignment: bool = True
    least_noise: float = 1e-5
    most_noise: float = 1e-2
    fidelity_pairs: FidelityRule = "common"

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> WeisfeilerLehmanProcess:
        """Chooses depth and noise and conditions on all architectures.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)` accuracies as fractions, or anything else that is better the higher.
            epochs: `(n,)` fidelity of each value; where they differ, the order of the Borda shares is learned.
            rng: not used: nothing is random.

        Raises:
            DataError: a value is not finite.
        """
        values = checked_values(genes, values)
        genes, values = comparable_accuracies(genes, values, epochs, self.fidelity_pairs)
        self.space_, self.genes_, self.targets_ = space, genes, _targets(values)
        graphs = space.graphs(genes)
        noises = np.geomspace(self.least_noise, self.most_noise, _NOISES)
        best = -np.inf
        for depth in self.depths:
            bags = Bags.of(graphs, depth, self.optimal_assignment)
            spectrum, vectors = np.linalg.eigh(bags.kernel(bags))
            spectrum = spectrum.clip(min=0)
            evidence = np.array([_evidence(spectrum + noise, vectors.T @ self.targets_) for noise in noises])
            if evidence.max() > best:
                best, self.depth_, self.noise_ = evidence.max(), depth, float(noises[evidence.argmax()])
                self._bags, self._spectrum, self._vectors = bags, spectrum + self.noise_, vectors
        self._weights = self._vectors @ (self._vectors.T @ self.targets_ / self._spectrum)
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """The posterior mean of the scaled, negated logarithm of the error; higher is better."""
        return self._in_blocks(genes, lambda kernel: kernel @ self._weights)

    def predict_std(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """The posterior deviation of what `predict` gives, of a new training: the noise is part of it."""

        def deviations(kernel: Float[np.ndarray, "b n"]) -> Float[np.ndarray, " b"]:
            explained = np.square(kernel @ self._vectors) @ (1 / self._spectrum)
            return np.asarray(np.sqrt((1 - explained).clip(min=0) + self.noise_))

        return self._in_blocks(genes, deviations)

    def _in_blocks(
        self, genes: Genes, function: Callable[[Float[np.ndarray, "b n"]], Float[np.ndarray, " b"]]
    ) -> Float[np.ndarray, " n"]:
        blocks = [np.empty(0)]
        for start in range(0, len(genes), _BLOCK):
            graphs = self.space_.graphs(genes[start : start + _BLOCK])
            bags = Bags.of(graphs, self.depth_, self.optimal_assignment)
            blocks.append(function(bags.kernel(self._bags)))
        return np.concatenate(blocks)


@dataclass(frozen=True)
class Bags:
    """The bags of labels of n graphs, as sparse features whose products are the kernel.

    To intersect two bags is to multiply counts in unary: the t-th copy of a label is a feature of its own.

    Attributes:
        features: `(n, V (depth + 1))` an identity for each feature that a graph has.
        amounts: `(n, V (depth + 1))` how much of it, 0 where there is none.
    """

    features: UInt64[np.ndarray, "n f"]
    amounts: Float[np.ndarray, "n f"]

    @classmethod
    def of(cls, graphs: Graphs, depth: int, optimal_assignment: bool) -> Bags:
        """Of graphs whose vertices are relabelled `depth` times."""
        levels = [_bag(labels, optimal_assignment) for labels in _relabelled(graphs, depth)]
        features, amounts = zip(*levels, strict=True)
        return cls(np.concatenate(features, axis=1), np.concatenate(amounts, axis=1))

    def kernel(self, others: Bags) -> Float[np.ndarray, "n m"]:
        """What each of these has in common with each of the others, 1 with its like."""
        names = np.unique(others.features[others.amounts > 0])
        return np.asarray((self._matrix(names) @ others._matrix(names).T).toarray())

    def _matrix(self, names: UInt64[np.ndarray, " k"]) -> sparse.csr_array:
        """`(n, k)` amounts of the features of these names, divided by the length of all amounts."""
        lengths = np.sqrt(np.square(self.amounts).sum(axis=1)).clip(min=1)
        places = np.searchsorted(names, self.features).clip(max=max(len(names) - 1, 0))
        known = (self.amounts > 0) & (names[places] == self.features) if len(names) else self.amounts < 0
        rows = np.nonzero(known)[0]
        return sparse.csr_array(
            ((self.amounts / lengths[:, None])[known], (rows, places[known])), (len(self.features), len(names))
        )


def _relabelled(graphs: Graphs, depth: int) -> list[UInt64[np.ndarray, "n v"]]:
    """The labels of vertices after each round from none on, 0 on padding; those of two rounds are never the same."""
    edges = graphs.adjacency.astype(np.uint64)
    exists = graphs.operations >= 0
    labels = [mix((graphs.operations + 1).astype(np.uint64)) * exists]
    for _ in range(depth):
        # mixed before they are summed: sums of mixed labels depend on the multiset of the successors alone
        successors = np.einsum("nij,nj->ni", edges, mix(labels[-1] ^ _ODD))
        labels.append(mix(labels[-1] * _ODD + mix(successors + np.uint64(1))) * exists)
    return labels


def _bag(
    labels: UInt64[np.ndarray, "n v"], optimal_assignment: bool
) -> tuple[UInt64[np.ndarray, "n v"], Float[np.ndarray, "n v"]]:
    """The features of one level and how much of each."""
    ordered = np.sort(labels, axis=1)
    same = ordered[:, :, None] == ordered[:, None, :]
    earlier = np.tril(same, -1).sum(axis=2)  # how many of a label came before it
    if optimal_assignment:
        return mix(ordered + _ODD * earlier.astype(np.uint64)), (ordered > 0).astype(np.float64)
    return ordered, np.where((earlier == 0) & (ordered > 0), same.sum(axis=2), 0.0)


def _targets(values: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Negated logarithms of errors with mean 0 and deviation 1; values that are no accuracies are not taken to it."""
    accuracies = len(values) > 0 and values.min() >= 0 and values.max() < 1
    targets = -np.log1p(-values) if accuracies else values.astype(np.float64)
    if len(np.unique(targets)) < 2:
        return np.zeros(len(targets))
    return np.asarray((targets - targets.mean()) / targets.std())


def _evidence(variances: Float[np.ndarray, " n"], rotated: Float[np.ndarray, " n"]) -> float:
    """The logarithm of the marginal likelihood, but for a constant, in the eigenvectors of the kernel."""
    return float(-0.5 * (np.square(rotated) / variances).sum() - 0.5 * np.log(variances).sum())
