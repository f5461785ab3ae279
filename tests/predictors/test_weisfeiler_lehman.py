"""The process against itself written out: strings and counters for labels, matrices and determinants for the rest."""

from collections import Counter

import numpy as np
import pytest

from predictornas.errors import DataError
from predictornas.predictors.base import Predictor, UncertainPredictor
from predictornas.predictors.weisfeiler_lehman import Bags, WeisfeilerLehmanProcess
from predictornas.spaces.base import Genes, Graphs
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench101")


def drawn(count: int, seed: int = 0) -> tuple[Genes, np.ndarray]:
    rng = np.random.default_rng(seed)
    return SPACE.sample(count, rng), 0.85 + 0.1 * rng.random(count)


def labels(graphs: Graphs, row: int, depth: int) -> Counter[str]:
    """All labels of a graph, of every level, as strings."""
    vertices = [v for v, code in enumerate(graphs.operations[row]) if code >= 0]
    level = {v: str(graphs.operations[row, v]) for v in vertices}
    bag = Counter(f"0:{label}" for label in level.values())
    for round_ in range(1, depth + 1):
        level = {
            v: f"({level[v]}|{','.join(sorted(level[w] for w in vertices if graphs.adjacency[row, v, w]))})"
            for v in vertices
        }
        bag.update(f"{round_}:{label}" for label in level.values())
    return bag


def kernel(first: list[Counter[str]], second: list[Counter[str]], optimal_assignment: bool) -> np.ndarray:
    def common(a: Counter[str], b: Counter[str]) -> float:
        return sum((a & b).values()) if optimal_assignment else sum(a[label] * b[label] for label in a)

    return np.array([[common(a, b) / np.sqrt(common(a, a) * common(b, b)) for b in second] for a in first])


@pytest.mark.parametrize("optimal_assignment", [True, False])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_the_kernel_is_what_bags_of_labels_have_in_common(optimal_assignment: bool, depth: int) -> None:
    graphs, others = SPACE.graphs(drawn(12)[0]), SPACE.graphs(drawn(9, seed=1)[0])
    found = Bags.of(graphs, depth, optimal_assignment).kernel(Bags.of(others, depth, optimal_assignment))
    bags = [labels(graphs, row, depth) for row in range(12)]
    expected = kernel(bags, [labels(others, row, depth) for row in range(9)], optimal_assignment)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("optimal_assignment", [True, False])
def test_depth_noise_and_posterior_are_those_of_the_marginal_likelihood(optimal_assignment: bool) -> None:
    genes, values = drawn(25)
    new = drawn(7, seed=2)[0]
    process = WeisfeilerLehmanProcess(optimal_assignment=optimal_assignment, most_noise=1.0)
    process.fit(SPACE, genes, values, rng=np.random.default_rng(0))
    targets = -np.log(1 - values)
    targets = (targets - targets.mean()) / targets.std()
    graphs, others = SPACE.graphs(genes), SPACE.graphs(new)
    best = (-np.inf, 0, 0.0)
    for depth in (1, 2, 3):
        bags = [labels(graphs, row, depth) for row in range(25)]
        for noise in np.geomspace(1e-5, 1.0, 61):
            covariance = kernel(bags, bags, optimal_assignment) + noise * np.eye(25)
            likelihood = -(targets @ np.linalg.solve(covariance, targets) + np.linalg.slogdet(covariance)[1]) / 2
            best = max(best, (likelihood, depth, noise))
    _, depth, noise = best
    assert process.depth_ == depth
    assert process.noise_ == pytest.approx(noise)
    assert 1e-5 < noise < 1.0  # with the sign of the public code it would be the upper limit
    bags = [labels(graphs, row, depth) for row in range(25)]
    covariance = kernel(bags, bags, optimal_assignment) + noise * np.eye(25)
    across = kernel([labels(others, row, depth) for row in range(7)], bags, optimal_assignment)
    np.testing.assert_allclose(process.predict(new), across @ np.linalg.solve(covariance, targets), atol=1e-8)
    variance = 1 + noise - np.diag(across @ np.linalg.solve(covariance, across.T))
    np.testing.assert_allclose(process.predict_std(new), np.sqrt(variance), atol=1e-8)


def test_it_follows_the_protocols() -> None:
    assert isinstance(WeisfeilerLehmanProcess(), Predictor)
    assert isinstance(WeisfeilerLehmanProcess(), UncertainPredictor)


def test_values_that_are_no_accuracies_keep_their_scale() -> None:
    genes, values = drawn(20)
    process = WeisfeilerLehmanProcess().fit(SPACE, genes, -7 * values, rng=np.random.default_rng(0))
    np.testing.assert_allclose(process.targets_, -(values - values.mean()) / values.std())


def test_equal_values_one_architecture_and_none() -> None:
    genes, _ = drawn(5)
    for count in (5, 1, 0):
        process = WeisfeilerLehmanProcess().fit(SPACE, genes[:count], np.full(count, 0.9), rng=np.random.default_rng(0))
        np.testing.assert_array_equal(process.predict(genes), np.zeros(5))
        assert np.isfinite(process.predict_std(genes)).all()
    assert process.predict(genes[:0]).shape == (0,)


def test_what_is_not_finite_is_refused() -> None:
    genes, values = drawn(5)
    values[2] = np.nan
    with pytest.raises(DataError, match="finite"):
        WeisfeilerLehmanProcess().fit(SPACE, genes, values, rng=np.random.default_rng(0))
