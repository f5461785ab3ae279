import pytest
import torch
from torch import nn

from predictornas.live.counting import count_parameters
from predictornas.live.darts_cell import AuxiliaryHead, DARTSBody, DARTSCell
from predictornas.live.trainable_network import NetworkShape, weightless_network
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space

SKIPS = [("skip_connect", 0), ("skip_connect", 1)] * 4
MIXED = [
    ("sep_conv_3x3", 0),
    ("none", 1),
    ("skip_connect", 1),
    ("dil_conv_5x5", 2),
    ("none", 0),
    ("none", 3),
    ("avg_pool_3x3", 2),
    ("max_pool_3x3", 4),
]


def images(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "parameters"),
    [
        (NetworkShape(36, 20, 10), 3_349_342),  # 3.3M in the paper
        (NetworkShape(36, 20, 10, auxiliary=True), 3_349_342),
        (NetworkShape(48, 14, 1000, stem="imagenet"), 4_718_752),  # 4.7M in the paper
    ],
)
def test_darts_v2_has_the_published_number_of_parameters(shape, parameters):
    space = get_space("darts")
    network = weightless_network(space, space.genes_of(NAMED_GENOTYPES["DARTS-V2"]), shape)
    assert count_parameters(network) == parameters


def test_parameters_of_the_auxiliary_heads():
    first, classifier = 576 * 128 + 256, 769 * 10
    cifar, imagenet = (AuxiliaryHead(576, 10, stem=stem) for stem in ("cifar", "imagenet"))
    assert sum(p.numel() for p in cifar.parameters()) == first + 4 * 128 * 768 + 2 * 768 + classifier
    assert sum(p.numel() for p in imagenet.parameters()) == first + 4 * 128 * 768 + classifier


@pytest.mark.parametrize("reduces", [False, True])
def test_a_cell_computes_the_sums_of_its_edges(reduces):
    cell = DARTSCell(MIXED, 5, 6, 4, reduces, False).eval()
    older, newer = images(2, 5, 7, 7), images(2, 6, 7, 7)
    with torch.no_grad():
        states = [cell.prepare_older(older), cell.prepare_newer(newer)]
        for node in range(4):  # every operation, `none` too, as in the released code
            first, second = ((edge, MIXED[edge][1]) for edge in (2 * node, 2 * node + 1))
            states.append(cell.operations[first[0]](states[first[1]]) + cell.operations[second[0]](states[second[1]]))
        assert (states[4] == 0).all()  # node 2 has nothing but cuts
        torch.testing.assert_close(cell(older, newer), torch.cat(states[2:], dim=1))


def test_none_is_not_computed_where_something_else_is():
    cell = DARTSCell(MIXED, 5, 6, 4, False, False)
    calls = []
    for edge, operation in enumerate(cell.operations):
        operation.register_forward_hook(lambda module, given, out, edge=edge: calls.append(edge))
    cell(images(2, 5, 8, 8), images(2, 6, 8, 8))
    assert calls == [0, 2, 3, 4, 6, 7]  # edge 4 stands for the zeros of a node that two cuts feed


def sizes_of(body, size):
    sizes = []
    for cell in body.cells:
        cell.register_forward_hook(lambda module, given, out: sizes.append(tuple(out.shape[1:3])))
    features, middle = body.eval()(torch.zeros(1, 3, size, size))
    return sizes, features.shape[1], middle.shape[1:3]


def test_reductions_stand_at_a_third_and_two_thirds():
    body = DARTSBody(SKIPS, SKIPS, 3, 4, 6, stem="cifar")
    sizes, features, middle = sizes_of(body, 10)
    assert sizes == [(16, 10), (16, 10), (32, 5), (32, 5), (64, 3), (64, 3)]
    assert (features, tuple(middle)) == (64, (64, 3))
    assert (body.features, body.middle_features) == (64, 64)
    assert body.stem.layers[0].out_channels == 12


def test_the_imagenet_stem_divides_the_size_by_eight():
    body = DARTSBody(SKIPS, SKIPS, 3, 4, 3, stem="imagenet")
    sizes, _, _ = sizes_of(body, 64)
    assert sizes == [(16, 8), (32, 4), (64, 2)]
    assert [tuple(part.shape[1:]) for part in body.stem(torch.zeros(1, 3, 64, 64))] == [(4, 16, 16), (4, 8, 8)]


def test_a_reduction_cell_uses_the_reductions_edges():
    body = DARTSBody(SKIPS, [("max_pool_3x3", 0), ("max_pool_3x3", 1)] * 4, 3, 4, 4, stem="cifar")
    pools = [any(isinstance(module, nn.MaxPool2d) for module in cell.modules()) for cell in body.cells]
    assert pools == [False, True, True, False]


@pytest.mark.parametrize(("stem", "size", "windows"), [("cifar", 8, (0, 3)), ("imagenet", 7, (0, 2))])
def test_the_auxiliary_head_averages_four_windows_of_five(stem, size, windows):
    head = AuxiliaryHead(1, 2, stem=stem).eval()
    seen = []
    head.convolutions[0].register_forward_hook(lambda module, given, out: seen.append(given[0][0, 0]))
    features = images(1, 1, size, size)
    head(features)
    expected = [[features[0, 0, y : y + 5, x : x + 5].relu().mean() for x in windows] for y in windows]
    torch.testing.assert_close(seen[0], torch.tensor(expected))


@pytest.mark.parametrize("size", [1, 2, 3, 9, 16])
def test_the_auxiliary_head_takes_any_size(size):
    assert AuxiliaryHead(3, 2, stem="cifar").eval()(images(2, 3, size, size)).shape == (2, 2)


def test_identities_are_never_dropped():
    cell = DARTSCell(SKIPS, 4, 4, 4, False, False)
    older, newer = images(8, 4, 4, 4), images(8, 4, 4, 4) + 1
    kept = cell(older, newer)
    cell.drop_path.probability = 0.9
    assert torch.equal(cell(older, newer), kept)


def test_paths_are_dropped_one_by_one():
    pools = [("avg_pool_3x3", 0), ("avg_pool_3x3", 1)] * 4
    cell = DARTSCell(pools, 4, 4, 4, False, False)
    older, newer = images(2000, 4, 1, 1), images(2000, 4, 1, 1).flip(0)
    left, right = cell.prepare_older(older), cell.prepare_newer(newer)
    cell.drop_path.probability, cell.drop_path.generator = 0.5, torch.Generator().manual_seed(1)
    nodes = cell(older, newer).chunk(4, dim=1)
    for node in nodes[:2]:  # an average pool of one pixel is the identity
        cases = [torch.isclose(node, 2 * (a * left + b * right), atol=1e-5).all(1).flatten() for a, b in CASES]
        shares = torch.stack(cases).float().mean(1)
        assert (torch.stack(cases).sum(0) == 1).all()
        assert (abs(shares - 0.25) < 4 * (0.25 * 0.75 / 2000) ** 0.5).all()
    assert not torch.equal(nodes[0], nodes[1])


CASES = ((0, 0), (0, 1), (1, 0), (1, 1))
