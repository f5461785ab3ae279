"""Chains of all kinds: counted by hand, listed by brute force, and held against the protocol of spaces."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from predictornas import Search
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import ConfigurationError
from predictornas.predictors.registry import PREDICTORS
from predictornas.spaces import registry
from predictornas.spaces.chains.space import ChainSpace
from predictornas.spaces.chains.stages import ChainStage
from predictornas.spaces.registry import SPACES, register_space
from predictornas.testing import check_space


class Small(ChainSpace):
    """Every kind of stage: 21 x 4 x 2 x 3 = 504 networks in 3 * 2**7 * 3 = 1,152 rows of choices."""

    name = "small"
    stages = (
        ChainStage({"kernel": (3, 5), "expansion": (2, 4)}, depth=(0, 1, 2)),
        ChainStage({"width": (16, 32)}, depth=(1, 3), alike=True),
        ChainStage({}, depth=(0, 2)),
        ChainStage({"width": (1, 2, 3)}),
    )


class Mobile(ChainSpace):
    """The space of once-for-all networks: 2.2e19 of them, more than 64 bits can count."""

    name = "mobile"
    stages = (ChainStage({"kernel": (3, 5, 7), "expansion": (3, 4, 6)}, depth=(2, 3, 4)),) * 5


class Long(ChainSpace):
    """10^11 networks of eleven layers."""

    name = "long"
    stages = (ChainStage({"operation": tuple("abcdefghij")}),) * 11


@pytest.mark.parametrize("space", [Small(), Mobile(), Long()], ids=lambda space: space.name)
@pytest.mark.slow
def test_every_rule_of_spaces_follows_from_the_stages(space: ChainSpace, rng: np.random.Generator) -> None:
    check_space(space, rng=rng, samples=200)


def test_networks_are_counted_exactly_though_len_cannot_say_so() -> None:
    assert (Small().size, len(Small())) == (504, 504)
    assert (Long().size, len(Long())) == (10**11, 10**11)
    assert Mobile().size == (9**2 + 9**3 + 9**4) ** 5 == 21_758_655_492_572_485_851 > 2**64
    assert len(Mobile()) == 2**63 - 1


@pytest.mark.slow
def test_all_rows_in_normal_form_are_listed_in_lexicographic_order() -> None:
    space = Small()
    rows = np.array(list(itertools.product(*map(range, space.num_choices))), np.int8)
    assert len(rows) == 1152
    np.testing.assert_array_equal(space.enumerate(), rows[space.valid(rows)])
    # rows that mean one network: their words are equal where their keys are
    words = [space.describe(row) for row in rows]
    assert len(set(words)) == 504
    assert len({(word, key) for word, key in zip(words, space.keys(rows).tolist(), strict=True)}) == 504
    np.testing.assert_array_equal(np.unique(space.keys(rows)), np.sort(space.enumerated_keys()))
    np.testing.assert_array_equal(space.from_strings(words), space.normalise(rows))


def test_keys_tell_apart_what_differs_in_one_gene_of_a_space_beyond_64_bits(rng: np.random.Generator) -> None:
    space = Mobile()
    deepest = np.full(45, 2, np.int8)
    rows = np.repeat(deepest[None], 90, axis=0)
    rows[np.arange(90), np.repeat(np.arange(45), 2)] = np.tile([0, 1], 45)
    assert len(np.unique(space.keys(np.concatenate([rows, deepest[None]])))) == 91
    drawn = space.sample(20_000, rng)
    assert len(np.unique(space.keys(drawn))) == len(np.unique(drawn, axis=0)) == 20_000


def test_a_draw_from_a_large_space_takes_a_depth_as_often_as_it_has_settings(rng: np.random.Generator) -> None:
    genes = Mobile().sample(9100, rng)  # 81 + 729 + 6561 settings of a stage: 1 : 9 : 81 of 91
    counts = np.bincount(genes[:, 9], minlength=3)  # the depth of the second stage
    assert stats.chisquare(counts, [100, 900, 8100]).pvalue > 1e-4
    deepest = genes[genes[:, 9] == 2]
    assert stats.chisquare(np.bincount(deepest[:, 17], minlength=3)).pvalue > 1e-4  # the last expansion of that stage


def test_the_graph_is_the_path_of_the_chosen_layers() -> None:
    space = Small()
    graphs = space.graphs(space.from_strings(["3/4,5/2:3*32:2*:2", ":1*16::1"]))
    # labels: entry 0, kernel 1 2, expansion 3 4, width 5 6, entry 7, layer 8, last width 9 10 11, input 12, output 13
    assert graphs.operations[0].tolist() == [12, 0, 1, 4, 2, 3, 6, 6, 6, 7, 8, 8, 10, 13]
    assert graphs.operations[1].tolist() == [12, 0, 5, 7, 9, 13] + [-1] * 8
    assert np.argwhere(graphs.adjacency[1]).tolist() == [[i, i + 1] for i in range(5)]
    assert np.argwhere(graphs.adjacency[0]).tolist() == [[i, i + 1] for i in range(13)]


def test_networks_whose_layers_are_labelled_alike_are_one_graph() -> None:
    class Shared(ChainSpace):
        name = "shared"
        stages = (ChainStage({"width": tuple(range(70))}, depth=(1, 2)),) * 2

    space = Shared()
    keys = space.graph_keys(space.from_strings(["7:7,7", "7,7:7", "7:7", "7:7,8"]))
    assert keys[0] == keys[1]
    assert len(set(keys.tolist())) == 3


@pytest.mark.slow
def test_layers_that_a_child_gains_are_redrawn_or_come_from_the_parent_that_has_them(rng: np.random.Generator) -> None:
    space = Mobile()
    shallow = space.from_strings([":".join(["3/3,3/3"] * 5)] * 1000)
    children = space.mutate(shallow, rng, rate=0.5)
    gained = children[children[:, 0] == 2]
    assert stats.chisquare(np.bincount(gained[:, 7], minlength=3)).pvalue > 1e-4  # the fourth layer, uniform
    deep = space.from_strings([":".join(["7/6,7/6,7/6,7/6"] * 5)] * 1000)
    mixed = space.crossover(shallow, deep, rng)
    assert set(mixed[mixed[:, 0] == 2][:, 8].tolist()) == {2}
    assert set(mixed[:, 1].tolist()) == {0, 2}
    assert 0.45 < (mixed[:, 0] == 2).mean() < 0.55


def test_a_space_that_cannot_be_listed_says_what_to_do() -> None:
    with pytest.raises(ConfigurationError, match=r"'mobile' has 21,758,655,492,572,485,851 architectures, too many"):
        Mobile().enumerate()


SEARCHES = (
    *("random", "regularised-evolution", "local-search", "bayesian-optimisation", "one-shot"),
    *("exhaustive@rnn", "uniform-20@gp", "evolutionary-20@gp", "likelihood-10@rnn", "pvll-10@rnn"),
)


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Benchmark]:
    """A made-up table of 5,125 measured networks out of 10^11, whose first operation decides."""
    rng = np.random.default_rng(0)
    space = Long()
    genes = space.sample(5125, rng)
    worth = 0.5 + 0.04 * genes[:, 0]
    columns = [Column.named(metric="accuracy", split="valid", epochs=10, run=run) for run in ("0", "1")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SPACES, "_records", dict(SPACES._records))
        register_space("long", Long)
        yield write_benchmark(
            tmp_path_factory.mktemp("store") / "sparse",
            name="sparse",
            space=space,
            genes=genes,
            columns={column: worth + 0.001 * rng.random(len(genes)) for column in columns},
            signal=columns[0].name,
            evaluation=columns[1].name,
            source={"file": "made up"},
            licence="CC0-1.0",
        )
    registry._made.cache_clear()


@pytest.mark.slow
def test_a_table_of_few_rows_of_a_large_space_is_a_space(sparse: Benchmark, rng: np.random.Generator) -> None:
    assert len(sparse) == len(sparse.space) == len(sparse.space.enumerate()) == 5125
    check_space(sparse.space, rng=rng, samples=200)


@pytest.mark.slow
@pytest.mark.parametrize("method", SEARCHES)
def test_every_search_runs_on_a_table_of_few_rows_of_a_large_space(sparse: Benchmark, method: str) -> None:
    search = Search(sparse.space, method, seed=0)
    while len(search.history) < 24:
        genes = search.ask().genes
        search.tell(genes, sparse.lookup(genes, sparse.signal))
    assert len(np.unique(search.history.keys)) == len(search.history)
    assert (sparse.rows(search.history.keys) >= 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gp", "rnn", "paths"])
def test_every_kind_of_predictor_learns_on_a_table_of_few_rows_of_a_large_space(sparse: Benchmark, name: str) -> None:
    rng = np.random.default_rng(0)
    genes = sparse.space.sample(150, rng)
    settings = {"training_epochs": 60, "engine": "indexed"}
    predictor = PREDICTORS[name].make(**{key: settings[key] for key in PREDICTORS[name].takes})
    predictor.fit(sparse.space, genes, sparse.lookup(genes, sparse.signal), rng=rng)
    others = sparse.space.sample(300, rng)
    assert stats.kendalltau(predictor.predict(others), others[:, 0]).statistic > 0.3
