import numpy as np
import pytest

from predictornas.errors import ConfigurationError, DataError
from predictornas.predictors.gcn import GCN
from predictornas.predictors.networks.stacked import fit_stacked

RNGS = [np.random.default_rng(seed) for seed in range(3)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True, "readout": "output"}, {"normalisation": "symmetric", "layers": 1}], ids=str
)
def test_members_equal_those_fitted_alone(options, graph_space):
    everything = graph_space.enumerate()
    genes = [everything[:25], everything[100:125], everything[:25]]
    values = [np.random.default_rng(10 + member).random(25).round(1) for member in range(3)]
    together = [GCN(width=12, training_epochs=30, **options) for _ in range(3)]
    fit_stacked(together, graph_space, genes, values, rngs=[np.random.default_rng(seed) for seed in (1, 2, 3)])
    for member, part, shown, seed in zip(together, genes, values, (1, 2, 3), strict=True):
        alone = GCN(width=12, training_epochs=30, **options)
        alone.fit(graph_space, part, shown, rng=np.random.default_rng(seed))
        expected = alone.predict(everything)
        np.testing.assert_allclose(member.predict(everything), expected, atol=1e-5)
        assert np.ptp(expected) > 0.01


def test_a_member_without_an_order_stays_untrained(graph_space):
    genes = graph_space.enumerate()[:5]
    values = [np.linspace(0, 1, 5), np.ones(5)]
    members = [GCN(width=8, training_epochs=10) for _ in range(2)]
    fit_stacked(members, graph_space, [genes, genes], values, rngs=[np.random.default_rng(0) for _ in range(2)])
    untrained = GCN(width=8, training_epochs=0).fit(graph_space, genes, values[0], rng=np.random.default_rng(0))
    np.testing.assert_array_equal(members[1].predict(genes), untrained.predict(genes))
    assert np.abs(members[0].predict(genes) - untrained.predict(genes)).max() > 1e-4


def test_members_start_from_what_they_were_given(graph_space):
    genes = graph_space.enumerate()
    values = np.random.default_rng(0).random(20)
    fitted = GCN(width=8, training_epochs=10).fit(graph_space, genes[:20], values, rng=np.random.default_rng(0))
    together, alone = fitted.starting_from(fitted), fitted.starting_from(fitted)
    fit_stacked([together], graph_space, [genes[:20]], [values], rngs=[np.random.default_rng(1)])
    expected = alone.fit(graph_space, genes[:20], values, rng=np.random.default_rng(1)).predict(genes)
    np.testing.assert_allclose(together.predict(genes), expected, atol=1e-5)


def test_members_that_differ_are_refused(graph_space):
    genes = graph_space.enumerate()
    with pytest.raises(ConfigurationError, match=r"\[3, 4\]"):
        fit_stacked([GCN(), GCN()], graph_space, [genes[:3], genes[:4]], [np.ones(3), np.ones(4)], rngs=RNGS[:2])
    with pytest.raises(ConfigurationError, match="equal configurations"):
        fit_stacked([GCN(), GCN(width=8)], graph_space, [genes[:3]] * 2, [np.ones(3)] * 2, rngs=RNGS[:2])


def test_a_batch_size_is_refused(graph_space):
    with pytest.raises(ConfigurationError, match="not on batches of 8"):
        fit_stacked([GCN(batch_size=8)], graph_space, [graph_space.enumerate()[:20]], [np.arange(20.0)], rngs=RNGS[:1])


def test_values_must_be_finite(graph_space):
    with pytest.raises(DataError, match="Value 2 of 3"):
        fit_stacked([GCN()], graph_space, [graph_space.enumerate()[:3]], [np.array([0, 1, np.inf])], rngs=RNGS[:1])


def test_no_members_are_no_work(graph_space):
    fit_stacked([], graph_space, [], [], rngs=[])
