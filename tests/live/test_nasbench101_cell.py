from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from predictornas.errors import ConfigurationError
from predictornas.live.counting import count_parameters
from predictornas.live.nasbench101_cell import NASBench101Body, NASBench101Cell, vertex_channels
from predictornas.live.trainable_network import NetworkShape, weightless_network
from predictornas.spaces.nasbench101 import OPERATIONS
from predictornas.spaces.registry import get_space

CODES = {name: code for code, name in enumerate((*OPERATIONS, "input", "output"))}


def cell_of(vertices, edges):
    adjacency = np.zeros((vertices, vertices), np.uint8)
    for source, target in edges:
        adjacency[source, target] = 1
    return adjacency


def parts_of(row):
    graph = get_space("nasbench101").graphs(row[None])
    vertices = int((graph.operations[0] >= 0).sum())
    names = [OPERATIONS[code] for code in graph.operations[0, 1 : vertices - 1]]
    return graph.adjacency[0, :vertices, :vertices], names


@pytest.mark.parametrize(
    ("vertices", "edges", "expected"),
    [
        (2, [(0, 1)], [3, 128]),
        (3, [(0, 1), (1, 2)], [3, 128, 128]),
        # three share 128: the first two take what is left over
        (5, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)], [3, 43, 43, 42, 128]),
        # the input's own edge to the output takes no share; vertex 1 is as wide as the wider one that it feeds
        (6, [(0, 1), (1, 2), (1, 3), (1, 4), (2, 5), (3, 5), (4, 5), (0, 5)], [3, 43, 43, 43, 42, 128]),
        (5, [(0, 1), (1, 2), (1, 3), (2, 4), (3, 4), (1, 4)], [3, 43, 43, 42, 128]),
        (5, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4)], [3, 128, 128, 128, 128]),
    ],
)
def test_channels_of_vertices(vertices, edges, expected):
    assert vertex_channels(cell_of(vertices, edges), 3, 128) == expected


def test_too_few_channels_to_share():
    adjacency = cell_of(5, [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)])
    with pytest.raises(ConfigurationError, match=r"3 vertices .* share 2 channels.*at least 3"):
        vertex_channels(adjacency, 3, 2)


def by_recursion(cell, adjacency, names, pixel):
    """What the cell computes for images of one pixel, where convolutions are matrices and a pool is the identity."""
    scale = 1 / np.sqrt(1 + 1e-5)  # fresh batch normalisation in evaluation

    def convolution(block, values):
        weights = block[0].weight.detach().numpy()
        centre = weights.shape[-1] // 2
        return np.maximum(0, scale * values @ weights[:, :, centre, centre].T)

    def value(vertex):
        total = 0
        for source in range(1, vertex):
            if adjacency[source, vertex]:
                total = total + value(source)[:, : cell._channels[vertex]]
        if adjacency[0, vertex]:
            total = total + convolution(cell.projections[str(vertex)], pixel)
        return total if names[vertex - 1] == "maxpool3x3" else convolution(cell.operations[vertex - 1], total)

    last = len(adjacency) - 1
    fed = [value(source) for source in range(1, last) if adjacency[source, last]]
    joined = np.concatenate(fed, axis=1) if fed else 0
    return joined + (convolution(cell.projections[str(last)], pixel) if adjacency[0, last] else 0)


def test_a_cell_computes_what_its_graph_says(rng):
    space = get_space("nasbench101")
    rows = np.concatenate([space.sample(30, rng), space.enumerate()[:7]])  # and the smallest cells
    for row in rows:
        adjacency, names = parts_of(row)
        cell = NASBench101Cell(adjacency, names, 6, 10).eval()
        pixel = torch.from_numpy(rng.standard_normal((3, 6)).astype(np.float32))
        with torch.no_grad():
            computed = cell(pixel[:, :, None, None])[:, :, 0, 0]
        np.testing.assert_allclose(computed, by_recursion(cell, adjacency, names, pixel.numpy()), atol=1e-5)


def test_copies_side_by_side_compute_what_each_does_alone(rng):
    for row in get_space("nasbench101").sample(4, rng):
        adjacency, names = parts_of(row)
        alone = [NASBench101Cell(adjacency, names, 6, 11).eval() for _ in range(3)]
        together = NASBench101Cell(adjacency, names, 6, 11).eval()
        together.copies = 3
        convolutions = [[m for m in cell.modules() if isinstance(m, nn.Conv2d)] for cell in alone]
        norms = [m for m in together.modules() if isinstance(m, nn.BatchNorm2d)]
        for merged, *parts in zip(
            (m for m in together.modules() if isinstance(m, nn.Conv2d)), *convolutions, strict=True
        ):
            merged.weight = nn.Parameter(torch.cat([part.weight for part in parts]))
            merged.groups = 3
        for norm in norms:
            norm.running_mean, norm.running_var = norm.running_mean.repeat(3), norm.running_var.repeat(3)
            norm.weight, norm.bias = nn.Parameter(norm.weight.repeat(3)), nn.Parameter(norm.bias.repeat(3))
        images = torch.from_numpy(rng.standard_normal((2, 18, 5, 5)).astype(np.float32))
        with torch.no_grad():
            expected = [cell(part) for cell, part in zip(alone, images.chunk(3, dim=1), strict=True)]
            torch.testing.assert_close(together(images), torch.cat(expected, dim=1), atol=1e-5, rtol=1e-4)


def test_images_are_halved_between_stacks_and_channels_doubled():
    adjacency = cell_of(3, [(0, 1), (1, 2)])
    body = NASBench101Body(adjacency, ["conv1x1-bn-relu"], 3, 4, 1, 4).eval()
    sizes = []
    for layer in body.layers:
        layer.register_forward_hook(lambda module, given, out: sizes.append(tuple(out.shape[1:])))
    features, middle = body(torch.zeros(1, 3, 9, 9))
    expected = [(4, 9, 9), (4, 9, 9), (4, 5, 5), (8, 5, 5), (8, 3, 3), (16, 3, 3), (16, 2, 2), (32, 2, 2)]
    assert sizes == expected
    assert features.shape[1] == body.features == 32
    assert middle is None


@pytest.fixture(scope="module")
def thousand(test_tables: Path) -> tuple[np.ndarray, list[int]]:
    """Genes and published numbers of parameters of a random 1,000 cells, vertices in the published order."""
    columns = ["num_vertices", "adjacency", "operations", "trainable_parameters"]
    table = pl.read_parquet(test_tables / "nasbench101_test108.parquet", columns=columns).sample(1000, seed=0)
    adjacency, operations = np.zeros((1000, 7, 7), np.uint8), np.full((1000, 7), -1, np.int8)
    for row, (size, bits, names, _) in enumerate(table.iter_rows()):
        adjacency[row, :size, :size] = np.array(list(bits), np.uint8).reshape(size, size)
        operations[row, :size] = [CODES[name] for name in names.split(",")]
    return get_space("nasbench101").from_matrices(adjacency, operations), table["trainable_parameters"].to_list()


@pytest.mark.slow
def test_networks_have_the_published_number_of_parameters(thousand):
    for row, published in zip(thousand[0][:8], thousand[1][:8], strict=True):
        network = weightless_network(get_space("nasbench101"), row, NetworkShape(channels=128, cells=3, classes=10))
        assert count_parameters(network) == published


def counted_by_hand(adjacency, names, channels_in, channels_out):
    """Weights of a cell's convolutions, and a scale and a shift for each channel."""
    channels = vertex_channels(adjacency, channels_in, channels_out)
    projected = sum((channels_in + 2) * width for width, fed in zip(channels, adjacency[0], strict=True) if fed)
    area = {"conv3x3-bn-relu": 9, "conv1x1-bn-relu": 1}
    pairs = zip(names, channels[1:-1], strict=True)
    return projected + sum((area[name] * width + 2) * width for name, width in pairs if name in area)


@pytest.mark.slow
def test_a_random_thousand_has_the_published_number_of_parameters(thousand, monkeypatch):
    """The modules are counted by hand, and one of them is built for each (all of them take half a minute)."""
    for layer in (nn.Conv2d, nn.BatchNorm2d):
        monkeypatch.setattr(layer, "reset_parameters", lambda self: None)
    stem, classifier = 27 * 128 + 256, 512 * 10 + 10
    sizes = [(128, 128), (128, 128), (128, 128), (128, 256), (256, 256), (256, 256), (256, 512), (512, 512), (512, 512)]
    for row, published in zip(*thousand, strict=True):
        parts = parts_of(row)
        assert stem + classifier + sum(counted_by_hand(*parts, *pair) for pair in sizes) == published
        with torch.device("meta"):
            cell = NASBench101Cell(*parts, 128, 256)
        assert sum(parameter.numel() for parameter in cell.parameters()) == counted_by_hand(*parts, 128, 256)
