from __future__ import annotations

import pytest
import torch

from predictornas.live.plain_networks import PlainNetwork


def network(kind: str, *, channels: int = 2, layers: int = 3, seed: int = 0) -> PlainNetwork:
    generator = torch.Generator().manual_seed(seed)
    made = PlainNetwork(kind, channels=channels, layers=layers, classes=3, in_channels=1, generator=generator)
    return made.eval()


IMAGES = torch.rand(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("kind", "weights"), [("vgg", 1217), ("resnet", 2001)])
def test_sizes_are_those_counted_by_hand(kind, weights):
    # entrances 22 + 80 + 304, convolutions of 2, 4, 8 channels 40 + 152 + 592 (twice in a block), classifier 27
    assert sum(parameter.numel() for parameter in network(kind, layers=1).parameters()) == weights


@pytest.mark.parametrize("kind", ["vgg", "resnet"])
def test_layers_are_computed_in_the_order_asked_for(kind):
    plain = network(kind)
    orders = [[0, 2, 1], [1, 0, 2], [2, 1, 0]]
    features = IMAGES
    with torch.no_grad():
        for entrance, layers, order in zip(plain.entrances, plain.stages, orders, strict=True):
            features = entrance(features)
            for place in order:
                features = layers[place](features)
        expected = plain.classifier(features.mean((2, 3)))
        assert torch.equal(plain(IMAGES, orders), expected)
        assert torch.equal(plain(IMAGES), plain(IMAGES, [[0, 1, 2]] * 3))
        assert not torch.allclose(plain(IMAGES), expected)


def test_a_block_adds_to_its_input_and_a_layer_does_not():
    silent = {kind: network(kind) for kind in ("vgg", "resnet")}
    for plain in silent.values():
        for layers in plain.stages:
            for layer in layers:
                last_norm = [module for module in layer.modules() if isinstance(module, torch.nn.BatchNorm2d)][-1]
                torch.nn.init.zeros_(last_norm.weight)
    block, layer = (silent[kind].stages[0][0] for kind in ("resnet", "vgg"))
    features = torch.rand(2, 2, 4, 4)
    assert torch.equal(block(features), features)
    assert not layer(features).any()


def test_images_are_halved_between_stages_only():
    seen = []
    plain = network("resnet")
    for layers in plain.stages:
        layers[-1].register_forward_hook(lambda module, given, result: seen.append(tuple(result.shape[1:])))
    plain(IMAGES)
    assert seen == [(2, 8, 8), (4, 4, 4), (8, 2, 2)]


def test_weights_are_a_function_of_the_generator():
    states = [network("vgg", seed=seed).state_dict() for seed in (0, 0, 1)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert not torch.equal(states[0]["stages.0.0.0.weight"], states[2]["stages.0.0.0.weight"])
