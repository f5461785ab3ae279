from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import torch
from torch.nn import functional

from predictornas.papers.supernet.unrolled_estimation import (
    _against_claims,
    difference_variance,
    map_variances,
    predicted_skip_share,
    proposition_figure,
)
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.network.cell import MixedCell
from predictornas.supernet.network.plans import plans_of
from tests.papers.supernet.perturbation_examples import tiny_request, tiny_traces


def test_variances_of_normalised_maps():
    maps = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    assert difference_variance(maps, 5 * maps + 2) == pytest.approx(0, abs=1e-6)
    assert difference_variance(maps, -maps) == pytest.approx(4, rel=1e-5)
    other = torch.randn(8, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    correlations = [np.corrcoef(maps[:, c].flatten(), other[:, c].flatten())[0, 1] for c in range(3)]
    assert difference_variance(maps, other) == pytest.approx(2 - 2 * np.mean(correlations), rel=1e-5)


@pytest.mark.parametrize(("of_input", "of_output"), [(1.0, 3.0), (2.0, 0.5)])
def test_the_predicted_share_has_the_least_variance(rng, of_input, of_output):
    errors = rng.normal(size=(2, 100_000))
    errors[1] -= errors[0] * (errors[0] @ errors[1]) / (errors[0] @ errors[0])  # uncorrelated exactly
    errors *= np.sqrt([[of_input], [of_output]]) / np.sqrt((errors**2).mean(axis=1, keepdims=True))
    shares = np.linspace(0, 1, 201)
    variances = [((share * errors[0] + (1 - share) * errors[1]) ** 2).mean() for share in shares]
    assert predicted_skip_share(of_input, of_output) == pytest.approx(shares[int(np.argmin(variances))], abs=0.003)


@pytest.mark.slow
def test_variances_are_those_of_maps_computed_by_hand(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing = trace.trained()
    state = ongoing.state
    (cell,) = state.parameters.topology.cells
    kept = {name: values.clone() for name, values in state.network.state_dict().items()}
    found = map_variances(ongoing, cell)
    assert all(torch.equal(kept[name], values) for name, values in state.network.state_dict().items())
    assert set(found) == {(edge, f"nor_conv_{size}x{size}") for edge in range(6) for size in (1, 3)}

    plans = plans_of(cell, state.mixture().detached())
    network = state.network.train()
    of_input, of_output = [], []
    with torch.no_grad():
        for batch in validation_batches(ongoing.images, 15)():
            features = network.body.stem(batch.images)
            for module in network.body.cells:
                if not isinstance(module, MixedCell):
                    features = module(features)
                    continue
                nodes = [features, *module([features], plans)]
                # edge 5 is 2 -> 3, alone in the last wave
                weight = module.waves[2].lanes["nor_conv_3x3"].convolution.weight[0]
                result = functional.conv2d(nodes[2].relu(), weight, padding=1)
                result = functional.batch_norm(result, None, None, training=True)
                of_input.append(_variance(nodes[2], nodes[3]))
                of_output.append(_variance(result, nodes[3]))
                features = nodes[3]
    assert len(of_input) == 6
    assert found[5, "nor_conv_3x3"] == pytest.approx((np.mean(of_input), np.mean(of_output)), rel=1e-4)


def _variance(a: torch.Tensor, b: torch.Tensor) -> float:
    channels = range(a.shape[1])
    return float(np.mean([2 - 2 * np.corrcoef(a[:, c].flatten(), b[:, c].flatten())[0, 1] for c in channels]))


@pytest.mark.slow
def test_the_claims_are_counted_over_edges_and_convolutions(tmp_path, monkeypatch):
    made = proposition_figure(tiny_request(tmp_path, monkeypatch), title="Title")
    assert len(made.table) == 12
    alpha = made.table.with_columns(
        ordered=(pl.col("output_variance") > pl.col("input_variance")) == (pl.col("learnt") > 0.5)
    )
    assert made.paper is not None
    assert made.paper["ours"][0] == pytest.approx(alpha["ordered"].mean())
    assert made.paper["ours"][2] == pytest.approx((made.table["learnt"] > 0.5).mean())


def test_the_claims_by_hand():
    """Seed 0: the first of four pairs lies on one side of 1/2; seed 1: all but the third."""
    predicted, learnt = [0.9, 0.8, 0.7, 0.3], ([0.6, 0.4, 0.2, 0.7], [0.9, 0.8, 0.3, 0.4])
    table = pl.concat(
        pl.DataFrame({"setting": "darts-1", "seed": seed, "predicted": predicted, "learnt": own})
        for seed, own in enumerate(learnt)
    )
    found = _against_claims(table)
    # ranks of seed 0: 4 3 2 1 and 3 2 1 4, so 1 - 6 (1 + 1 + 1 + 9) / (4 * 15); of seed 1: 4 3 1 2, 1 - 6 * 2 / 60
    assert found["ours"].to_list() == pytest.approx([(1 / 4 + 3 / 4) / 2, 3 / 4, 2 / 4, (-0.2 + 0.8) / 2])
    assert found["runs"].to_list() == [2] * 4
    assert found["paper"].to_list()[0::3] == ["1", "> 0"]
