from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
import torch

from predictornas.live.plain_networks import PlainNetwork
from predictornas.live.training_recipes import Recipe
from predictornas.papers.supernet import layer_shuffling
from predictornas.papers.supernet.layer_shuffling import (
    ShufflingAccuracy,
    exchangeable,
    plain_accuracy,
    shuffled_supernet,
    shuffling_figure,
    swap_edges,
    train_plain,
)
from predictornas.spaces.registry import get_space
from predictornas.supernet.batches import validation_batches
from predictornas.supernet.network.mixture import Mixture
from predictornas.supernet.network.topology import topology_of
from tests.papers.supernet.perturbation_examples import tiny_request, tiny_traces


def plain(channels: int, layers: int) -> PlainNetwork:
    generator = torch.Generator().manual_seed(0)
    return PlainNetwork("resnet", channels=channels, layers=layers, classes=10, in_channels=1, generator=generator)


def test_edges_of_one_stride_can_be_exchanged():
    (bench,) = topology_of(get_space("nasbench201")).cells
    assert len(exchangeable(bench)) == 15
    normal, reduction = topology_of(get_space("darts-s2")).cells
    assert len(exchangeable(normal)) == 14 * 13 // 2
    # 8 edges leave the two inputs with stride 2, 6 leave other nodes
    assert len(exchangeable(reduction)) == 28 + 15


@pytest.mark.slow
def test_weights_and_factors_of_two_edges_are_exchanged_across_waves(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    state = trace.trained().state
    (cell,) = state.parameters.topology.cells
    stages = [module for module in state.network.body.cells if hasattr(module, "waves")]
    before = [[part.clone() for part in _weights(stage)] for stage in stages]
    mixture = Mixture({"cell": torch.rand(6, 5)})
    # 0 -> 1 is lane 0 of the first wave, 1 -> 2 is lane 0 of the second one
    swapped = swap_edges(state.network, mixture, cell, 0, 2)
    for stage, (first, second) in zip(stages, before, strict=True):
        now_first, now_second = _weights(stage)
        assert torch.equal(now_first[0], second[0])
        assert torch.equal(now_second[0], first[0])
        assert torch.equal(now_first[1:], first[1:])
        assert torch.equal(now_second[1:], second[1:])
    assert torch.equal(swapped.weights["cell"], mixture.weights["cell"][[2, 1, 0, 3, 4, 5]])


def _weights(stage):
    return [stage.waves[place].lanes["nor_conv_3x3"].convolution.weight for place in (0, 1)]


@pytest.mark.slow
def test_equal_edges_can_be_swapped_for_nothing(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing = trace.trained()
    kept = {name: values.clone() for name, values in ongoing.state.network.state_dict().items()}
    before, after = shuffled_supernet(ongoing, ongoing.images)
    assert before == pytest.approx(trace.records[-1].validation_accuracy)
    assert len(after) == 10
    assert len(set(after)) > 1
    assert all(torch.equal(kept[name], values) for name, values in ongoing.state.network.state_dict().items())
    with torch.no_grad():
        for name, weight in ongoing.state.network.named_parameters():
            if ".lanes." in name:
                weight.copy_(weight[:1].expand_as(weight))
        for stage in (module for module in ongoing.state.network.body.cells if hasattr(module, "waves")):
            for operation in ("nor_conv_1x1", "nor_conv_3x3"):
                lanes = [wave.lanes[operation].convolution.weight for wave in stage.waves]
                for weight in lanes[1:]:
                    weight.copy_(lanes[0][:1].expand_as(weight))
        ongoing.state.parameters.alpha["cell"].zero_()
    before, after = shuffled_supernet(ongoing, ongoing.images)
    assert after == [before] * 10


@pytest.mark.slow
def test_silent_blocks_can_be_computed_in_any_order(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing = trace.trained()
    network = plain(2, 4)
    batches = validation_batches(ongoing.images, 15)
    orders = [[3, 1, 2, 0]] * 3
    for layers in network.stages:
        for layer in layers:
            torch.nn.init.zeros_(layer.body[-1].weight)
    kept = {name: values.clone() for name, values in network.state_dict().items()}
    assert plain_accuracy(network, batches, orders) == plain_accuracy(network, batches, None)
    assert all(torch.equal(kept[name], values) for name, values in network.state_dict().items())


@pytest.mark.slow
def test_a_plain_network_learns_its_training_half(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing = trace.trained()
    network = plain(8, 1)
    seen = replace(ongoing.images, validation=ongoing.images.train)
    train_plain(network, seen, Recipe(epochs=15, batch_size=10, learning_rate=0.1), seed=0)
    assert plain_accuracy(network, validation_batches(seen, 30), None) > 0.6


@pytest.mark.slow
def test_at_most_so_many_test_images_judge(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing = trace.trained()
    judged = ShufflingAccuracy(1, 40)._judged(ongoing)
    assert len(judged.validation) == 40
    assert len(ShufflingAccuracy(1, None)._judged(ongoing).validation) == len(ongoing.images.test)


@pytest.mark.slow
def test_table_2_1_has_the_means_of_all_draws(tmp_path, monkeypatch):
    monkeypatch.setitem(layer_shuffling.PLAIN_EPOCHS, "small", 1)
    made = shuffling_figure(tiny_request(tmp_path, monkeypatch), title="Title")
    assert made.table.group_by("network", "state", maintain_order=True).len()["len"].to_list() == [1, 10] * 3
    after = made.table.filter(pl.col("state") == "after", pl.col("network") == "DARTS")["accuracy"].to_list()
    assert made.paper is not None
    assert made.paper["setting"].to_list() == ["VGG", "ResNet", "DARTS"] * 2 + ["VGG - ResNet", "ResNet - DARTS"]
    assert made.paper["ours"].to_list()[5] == pytest.approx(sum(after) / 10)
    assert made.paper["paper"].to_list()[3:6] == pytest.approx([0.0983, 0.832015, 0.8109])
    assert made.paper["claim"].to_list()[6:] == ["> 0", "> 0"]  # VGG loses most, and the super-network least


def test_the_accuracies_of_table_2_1_and_our_settings():
    """Wang et al. 2021, table 2.1, in %: VGG, ResNet and DARTS before and after; ours: ten draws of four layers."""
    stated = [{name: round(100 * value, 4) for name, value in said.items()} for said in layer_shuffling.PAPER.values()]
    assert stated == [
        {"VGG": 92.69, "ResNet": 93.86, "DARTS": 88.44},
        {"VGG": 9.83, "ResNet": 83.2015, "DARTS": 81.09},
    ]
    assert (layer_shuffling.DRAWS, layer_shuffling.LAYERS) == (10, 4)
    assert layer_shuffling.PLAIN_EPOCHS == {"small": 60, "full": 200}


def test_two_layers_are_exchanged_and_the_others_stay():
    assert layer_shuffling._swapped(4, 3, 1) == [0, 3, 2, 1]


@pytest.mark.slow
def test_plain_networks_are_as_wide_as_the_super_network_and_learn_at_the_rate_of_residual_ones(tmp_path, monkeypatch):
    (trace,) = tiny_traces(tmp_path, monkeypatch)
    ongoing, seen, orders = trace.trained(), [], []
    monkeypatch.setattr(layer_shuffling, "train_plain", lambda *given, seed: seen.append((*given, seed)))
    monkeypatch.setattr(layer_shuffling, "plain_accuracy", lambda *given: orders.append(given[2]) or float(len(orders)))
    before, after = layer_shuffling._plain(ongoing, ongoing.images, "resnet", 7)
    assert (before, after) == (1.0, [float(draw) for draw in range(2, 12)])
    ((network, _, recipe, seed),) = seen
    assert (recipe.epochs, recipe.learning_rate, recipe.final_learning_rate, seed) == (7, 0.1, 0.0, 0)
    twin = PlainNetwork("resnet", channels=2, layers=4, classes=10, in_channels=1, generator=torch.Generator())
    assert [weight.shape for weight in network.parameters()] == [weight.shape for weight in twin.parameters()]
    assert orders[0] is None
    for order in orders[1:]:
        assert len(order) == 3
        assert all(sum(layer != place for place, layer in enumerate(stage)) == 2 for stage in order)
