from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from predictornas.errors import ConfigurationError, InvalidArchitectureError
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.registry import get_space
from predictornas.spaces.restricted import RestrictedSpace, part_of

ROWS = {"nasbench101": 30_001, "nasbench201": 2000}


@pytest.fixture(params=ROWS, scope="module")
def base(request: pytest.FixtureRequest) -> SearchSpace:
    return get_space(request.param)


@pytest.fixture(scope="module")
def rows(base: SearchSpace) -> np.ndarray:
    """Rows of the base space that stay, in no order."""
    return np.random.default_rng(0).choice(len(base), size=ROWS[base.name], replace=False)


@pytest.fixture(scope="module")
def space(base: SearchSpace, rows: np.ndarray) -> SearchSpace:
    return base.restricted_to(base.enumerated_keys()[rows])


def inside(space: SearchSpace, genes: np.ndarray) -> bool:
    return bool(np.isin(space.keys(genes), space.enumerated_keys()).all())


def test_it_holds_exactly_the_keys_that_were_given(base: SearchSpace, space: SearchSpace, rows: np.ndarray) -> None:
    assert isinstance(space, RestrictedSpace)
    assert len(space) == len(rows) == len(space.enumerate())
    np.testing.assert_array_equal(space.enumerate(), base.enumerate()[np.sort(rows)])
    np.testing.assert_array_equal(space.enumerated_keys(), base.enumerated_keys()[np.sort(rows)])


def test_what_is_enumerated_is_read_only_and_the_same_object(space: SearchSpace) -> None:
    for method in (space.enumerate, space.enumerated_keys):
        assert method() is method()
        assert not method().flags.writeable


@pytest.mark.slow
def test_the_rest_is_as_in_the_base_space(base: SearchSpace, space: SearchSpace) -> None:
    assert (space.name, space.num_genes, space.num_choices) == (base.name, base.num_genes, base.num_choices)
    assert repr(space) == f"{base!r}.restricted_to({len(space)} keys)"
    genes = base.enumerate()[:100]
    np.testing.assert_array_equal(space.keys(genes), base.keys(genes))
    np.testing.assert_array_equal(space.graph_keys(genes), base.graph_keys(genes))
    np.testing.assert_array_equal(space.sequences(genes), base.sequences(genes))
    np.testing.assert_array_equal(space.graphs(genes).adjacency, base.graphs(genes).adjacency)
    assert space.describe(genes[7]) == base.describe(genes[7])


@pytest.mark.slow
def test_only_what_stays_is_valid(base: SearchSpace, space: SearchSpace, rows: np.ndarray) -> None:
    asked = np.arange(0, len(base), 7)
    assert space.valid(base.enumerate()[asked]).tolist() == np.isin(asked, rows).tolist()
    broken = space.enumerate()[:10].copy()
    broken[:, 0] = 7
    assert not space.valid(broken).any()


def test_samples_stay_inside_and_are_distinct(space: SearchSpace, rng: np.random.Generator) -> None:
    genes = space.sample(1000, rng)
    assert inside(space, genes)
    assert len(np.unique(space.keys(genes))) == 1000
    assert len(space.sample(10**6, rng)) == len(space)


@pytest.mark.slow
def test_samples_are_uniform(base: SearchSpace, rng: np.random.Generator) -> None:
    keys = base.enumerated_keys()[:: len(base) // 10][:10]
    small = base.restricted_to(keys)
    drawn = small.keys(np.concatenate([small.sample(2, rng) for _ in range(4500)]))
    assert stats.chisquare([(drawn == key).sum() for key in keys]).pvalue > 0.001
    # each of the 45 pairs is drawn equally often
    pairs = np.sort(drawn.reshape(-1, 2), axis=1)
    counts = np.unique(pairs, axis=0, return_counts=True)[1]
    assert len(counts) == 45
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5, 1.0])
def test_mutants_stay_inside(space: SearchSpace, rate: float) -> None:
    parents = space.sample(60, np.random.default_rng(1)).repeat(20, axis=0)
    children = space.mutate(parents, np.random.default_rng(2), rate=rate)
    assert inside(space, children)
    of_base = space.base.mutate(parents, np.random.default_rng(3), rate=rate)  # type: ignore[attr-defined]
    unchanged, expected = ((some == parents).all(axis=1).mean() for some in (children, of_base))
    assert abs(unchanged - expected) < 0.06
    np.testing.assert_array_equal(children, space.mutate(parents, np.random.default_rng(2), rate=rate))


def test_a_lonely_parent_gets_members_by_the_number_of_genes_that_differ() -> None:
    # at distances 4, 5 and 6; a child in the base space comes there with p < 1e-8, so nearly all are drawn
    whole = get_space("nasbench201")
    members = np.array([[0] * 6, [1] * 4 + [0, 0], [1] * 5 + [0], [1] * 6], np.int8)
    space = whole.restricted_to(whole.keys(members))
    children = space.mutate(np.repeat(members[:1], 5000, axis=0), np.random.default_rng(0), rate=0.05)
    counts = np.bincount((children == 1).sum(axis=1), minlength=7)
    expected = np.array([1, 1 / 19, 1 / 361])  # the odds of a gene are 0.05 / 0.95
    changed = counts[4:].sum()
    assert counts[0] + changed == 5000
    assert abs(changed / 5000 - (1 - 0.96**6)) < 0.025  # a redrawn gene changes with p = 4/5, here as in the base space
    assert stats.chisquare(counts[4:], changed * expected / expected.sum()).pvalue > 0.001


@pytest.mark.parametrize("rate", [0.0, 1.5])
def test_a_rate_that_is_no_probability_is_refused(space: SearchSpace, rng: np.random.Generator, rate: float) -> None:
    with pytest.raises(ConfigurationError, match=f"not {rate};"):
        space.mutate(space.enumerate()[:5], rng, rate=rate)


@pytest.mark.slow
def test_crossovers_stay_inside(space: SearchSpace) -> None:
    a, b = (space.sample(300, np.random.default_rng(seed)) for seed in (1, 2))
    children = space.crossover(a, b, np.random.default_rng(3))
    assert inside(space, children)
    assert (space.keys(children) != space.keys(a)).mean() > 0.1


def test_where_no_other_child_is_inside_the_parent_stays(base: SearchSpace, rng: np.random.Generator) -> None:
    alone = base.restricted_to(base.enumerated_keys()[-1:])
    parents = alone.enumerate().repeat(5, axis=0)
    np.testing.assert_array_equal(alone.mutate(parents, rng, rate=0.1), parents)
    np.testing.assert_array_equal(alone.crossover(parents, parents, rng), parents)


@pytest.mark.slow
def test_unknown_keys_are_refused(base: SearchSpace) -> None:
    keys = np.concatenate([base.enumerated_keys()[:3], np.array([0, 1], np.uint64)])
    assert not np.isin([0, 1], base.enumerated_keys()).any()
    with pytest.raises(InvalidArchitectureError, match=f"2 of 5 keys are of no architecture of {base.name}, as 0"):
        base.restricted_to(keys)


def test_a_key_given_twice_counts_once(base: SearchSpace) -> None:
    space = base.restricted_to(base.enumerated_keys()[[4, 4, 2]])
    assert len(space) == 2
    np.testing.assert_array_equal(space.enumerate(), base.enumerate()[[2, 4]])


def test_a_restriction_is_restricted_further(base: SearchSpace, space: SearchSpace) -> None:
    outside = base.enumerated_keys()[~np.isin(base.enumerated_keys(), space.enumerated_keys())][:5]
    smaller = space.restricted_to(np.concatenate([space.enumerated_keys()[:20], outside]))
    np.testing.assert_array_equal(smaller.enumerated_keys(), space.enumerated_keys()[:20])
    assert repr(smaller) == f"{base!r}.restricted_to(20 keys)"


def test_nothing_may_stay(base: SearchSpace, rng: np.random.Generator) -> None:
    empty = base.restricted_to(base.enumerated_keys()[:0])
    assert len(empty) == 0
    assert empty.sample(3, rng).shape == (0, base.num_genes)
    assert not empty.valid(base.enumerate()[:10]).any()


def test_normal_form_and_relaxation_are_those_of_the_base_space(rng):
    space = get_space("nasbench201")
    part = space.restricted_to(space.enumerated_keys()[:50])
    genes = space.sample(20, rng)
    np.testing.assert_array_equal(part.normalise(genes), genes)
    np.testing.assert_array_equal(part.relaxation().fixed_edges, space.relaxation().fixed_edges)


def test_rows_of_a_space_too_large_to_be_listed_are_a_space_of_their_own(rng: np.random.Generator) -> None:
    whole = get_space("darts")
    genes = whole.sample(500, rng)
    keys = whole.keys(genes)
    space = part_of(whole, genes, keys)
    assert (len(space), space.name) == (500, "darts")
    assert sorted(space.enumerate().tolist()) == space.enumerate().tolist() == sorted(genes.tolist())
    np.testing.assert_array_equal(space.enumerated_keys(), whole.keys(space.enumerate()))
    assert space.valid(genes).all()
    assert not space.valid(whole.sample(20, rng)).any()
    assert inside(space, space.mutate(genes[:50], rng, rate=0.1))
    smaller = space.restricted_to(keys[:7])
    assert sorted(smaller.enumerate().tolist()) == sorted(genes[:7].tolist())
    with pytest.raises(InvalidArchitectureError, match="1 of 500 keys are of no architecture of darts"):
        RestrictedSpace(whole, keys, genes[1:])
    with pytest.raises(InvalidArchitectureError, match="of 'darts' have one key"):
        RestrictedSpace(whole, keys, np.concatenate([genes, genes[:1]]))


def test_all_rows_of_a_space_are_the_space_itself() -> None:
    whole = get_space("nasbench201")
    assert part_of(whole, whole.enumerate(), whole.enumerated_keys()) is whole
    part = part_of(whole, whole.enumerate()[:10], whole.enumerated_keys()[:10])
    np.testing.assert_array_equal(part.enumerate(), whole.enumerate()[:10])
