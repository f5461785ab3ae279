from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from torch import nn

from predictornas.live.counting import count_parameters
from predictornas.live.nasbench201_cell import NASBench201Body, NASBench201Cell, ResidualBlock
from predictornas.live.trainable_network import NetworkShape, weightless_network
from predictornas.spaces.nasbench201 import EDGES, OPERATIONS, from_strings
from predictornas.spaces.registry import get_space


def names_of(row):
    return [OPERATIONS[gene] for gene in row]


def every_edge(cell, images):
    """The cell without any saving: each edge is computed, cut ones too, and nodes are sums of all their edges."""
    nodes = [images]
    for node in (1, 2, 3):
        incoming = [edge for edge, (_, target) in enumerate(EDGES) if target == node]
        nodes.append(torch.stack([cell.operations[edge](nodes[EDGES[edge][0]]) for edge in incoming]).sum(0))
    return nodes[3]


@pytest.mark.slow
def test_a_cell_computes_the_sums_of_its_edges(rng):
    images = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    rows = get_space("nasbench201").sample(100, rng)
    rows[0], rows[1] = 0, [0, 3, 2, 4, 1, 3]  # nothing but cuts; a convolution of a node that no edge feeds
    for row in rows:
        cell = NASBench201Cell(names_of(row), 3).eval()
        for module in cell.modules():
            if isinstance(module, nn.BatchNorm2d):  # so that a convolution of zeros is not zero
                nn.init.normal_(module.bias)
        with torch.no_grad():
            torch.testing.assert_close(cell(images), every_edge(cell, images), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("genes", "computed"),
    [
        ([3, 3, 3, 3, 3, 3], [0, 1, 2, 3, 4, 5]),
        ([0, 0, 0, 3, 0, 0], [3]),  # none is not computed
        ([3, 3, 3, 3, 0, 0], [3]),  # nor is what leads nowhere
        ([3, 3, 0, 0, 3, 0], [0, 4]),
        ([0, 0, 1, 0, 4, 1], []),  # pools and identities of zero are zero
        ([0, 0, 3, 0, 0, 1], [2, 5]),  # a convolution of zero is not: batch normalisation shifts it
    ],
)
def test_what_takes_no_part_is_not_computed(genes, computed):
    cell = NASBench201Cell(names_of(genes), 3)
    calls = []
    for edge, operation in enumerate(cell.operations):
        operation.register_forward_hook(lambda module, given, out, edge=edge: calls.append(edge))
    cell(torch.randn(2, 3, 4, 4))
    assert calls == computed
    assert sum(p.numel() for p in cell.parameters()) == genes.count(3) * (81 + 6)


def test_stages_halve_the_image_and_double_the_channels():
    body = NASBench201Body(["nor_conv_1x1"] * 6, 3, 4, 2).eval()
    sizes = []
    for layer in body.layers:
        layer.register_forward_hook(lambda module, given, out: sizes.append(tuple(out.shape[1:])))
    features, middle = body(torch.zeros(1, 3, 9, 9))
    first, second, third = (4, 9, 9), (8, 5, 5), (16, 3, 3)
    assert sizes == [first] * 4 + [second] * 3 + [third] * 3 + [third] * 2
    assert body.features == features.shape[1] == 16
    assert middle is None


def test_the_residual_blocks_shortcut_averages_first():
    block = ResidualBlock(1, 1).eval()
    nn.init.zeros_(block.convolutions[1][1].weight)  # only the shortcut is left
    nn.init.ones_(block.shortcut[1].weight)
    pixels = torch.arange(9.0).view(1, 1, 3, 3)
    assert block(pixels)[0, 0].tolist() == [[2, 3.5], [6.5, 8]]  # an incomplete window has the mean of what there is


def counted_by_hand(genes, classes):
    """Parameters of each row: 15 cells, stem, two residual blocks, last normalisation, classifier."""
    total = 27 * 16 + 32 + 2 * 64 + 65 * classes
    for channels in (16, 32, 64):
        small, large = channels * channels + 2 * channels, 9 * channels * channels + 2 * channels
        total = total + 5 * (small * (genes == 2).sum(1) + large * (genes == 3).sum(1))
        if channels > 16:
            half = channels // 2
            total = total + (9 * half * channels + 2 * channels) + large + half * channels
    return total


@pytest.mark.slow
@pytest.mark.parametrize("classes", [10, 120])
def test_networks_have_the_counted_number_of_parameters(classes, rng):
    space = get_space("nasbench201")
    rows = space.sample(4, rng)
    shape = NetworkShape(channels=16, cells=5, classes=classes)
    assert [count_parameters(weightless_network(space, row, shape)) for row in rows] == [
        *counted_by_hand(rows, classes)
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("images", "classes"), [("cifar10", 10), ("cifar100", 100), ("ImageNet16-120", 120)])
def test_the_published_numbers_of_parameters(images, classes, test_tables: Path):
    """In millions and single precision, which is good to a tenth of a parameter.

    150 rows of the table differ, by exactly one convolution: they hold the number of another cell of their class.
    """
    column = f"{images}_params_millions"
    table = pl.read_parquet(test_tables / "nasbench201.parquet", columns=["arch", column])
    millions = table[column].to_numpy().astype(np.float64)
    published = np.rint(millions * 1e6).astype(np.int64)
    assert np.abs(millions * 1e6 - published).max() < 0.1
    genes = from_strings(table["arch"].to_list())
    counted = counted_by_hand(genes, classes)
    classes_of = get_space("nasbench201").graph_keys(genes)
    other = np.flatnonzero(counted != published)
    assert len(other) == 150
    members = set(zip(classes_of.tolist(), counted.tolist(), strict=True))
    assert all((classes_of[row].item(), published[row].item()) in members for row in other)
