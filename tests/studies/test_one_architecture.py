from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from predictornas.architectures import ParsedArchitecture, parse
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.live.counting import count_parameters
from predictornas.live.trainable_network import NetworkShape, weightless_network
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.registry import get_space
from predictornas.studies.one_architecture import accuracy_there, describe_architecture, nearest, sizes_of

POOL = "010/001/000 input,maxpool3x3,output"
DIGITS = "nasbench101-digits"


def test_what_a_table_has_of_it(store: Path) -> None:
    known = describe_architecture(parse(POOL), benchmark=DIGITS)
    table = open_benchmark(DIGITS)
    row = table.rows(np.array([known.key], np.uint64))[0]
    assert known.tables[DIGITS] == {name: float(table.values(name)[row]) for name in table.columns}
    assert known.notations["string"] == POOL
    assert known.space == "nasbench101"
    assert DIGITS not in known.lacking
    # its neighbours by hand: another operation, or the edge past the vertex
    assert {(one.notation, one.differing) for one in known.nearest} == {
        ("010/001/000 input,conv3x3-bn-relu,output", 1),
        ("010/001/000 input,conv1x1-bn-relu,output", 1),
        ("011/001/000 input,maxpool3x3,output", 1),
    }
    accuracies = [one.values[table.signal] for one in known.nearest]
    assert accuracies == sorted(accuracies, reverse=True)


def test_vertices_in_another_order_are_the_same_cell(store: Path) -> None:
    """3 x 3 and pool side by side, once in either order: the nearest are the same, and it is none of them."""
    table, space = open_benchmark(DIGITS), get_space("nasbench101")
    texts = [f"0110/0001/0001/0000 input,{names},output" for names in ("conv3x3,maxpool3x3", "maxpool3x3,conv3x3")]
    assert isinstance(space, NASBench101)
    one, other = (nearest(table, row, 5) for row in space.from_strings(texts))
    assert one == other
    keys = space.keys(space.from_strings([found.notation for found in one]))
    assert parse(texts[0]).key not in keys.tolist()


def test_a_cell_that_a_table_lacks_is_told_so(store: Path) -> None:
    chain = "/".join("0" * (row + 1) + "1" + "0" * (5 - row) for row in range(6)) + "/0000000"
    known = describe_architecture(parse(f"{chain} input,{'maxpool3x3,' * 5}output"), benchmark=DIGITS)
    assert DIGITS in known.lacking
    assert DIGITS not in known.tables
    assert all(one.differing > 0 for one in known.nearest)


def test_a_table_of_another_space_is_refused(store: Path) -> None:
    with pytest.raises(ConfigurationError, match="table of 'nasbench101'"):
        describe_architecture(parse("8:8:8:8:8"), benchmark=DIGITS)
    with pytest.raises(UnknownNameError):
        describe_architecture(parse("8:8:8:8:8"), benchmark="nasbench101-digit")


def test_a_space_without_networks_has_no_size(store: Path) -> None:
    known = describe_architecture(parse("8:8:8:8:8"))
    assert (known.sizes, known.tables, known.nearest) == ([], {}, [])


def test_accuracy_of_what_was_found_without_a_table(store: Path) -> None:
    found = parse(POOL)
    table = open_benchmark(DIGITS)
    part = table.space
    row = part.enumerate()[0]
    there = accuracy_there(found.space, found.genes)
    assert list(there[DIGITS]) == [table.signal, table.evaluation]
    assert there[DIGITS][table.signal] == table.lookup(found.genes[None], table.signal)[0]
    assert accuracy_there(part, row)[DIGITS] == accuracy_there(get_space("nasbench101"), row)[DIGITS]
    assert accuracy_there(get_space("natsbench-size"), np.zeros(5, np.int8)) == {}


@pytest.mark.slow
def test_sizes_of_the_networks_that_papers_make(store: Path) -> None:
    """P-DARTS: 3.4M and 4.9M parameters, 557M multiply-adds are published (Chen et al. 2019)."""
    cifar, mobile = describe_architecture(parse("P-DARTS")).sizes
    assert (round(cifar.parameters / 1e6, 1), round(mobile.parameters / 1e6, 1)) == (3.4, 4.9)
    assert round(mobile.multiply_adds_as_papers / 1e6) == 557
    assert round(mobile.multiply_adds / 1e6, 1) == 542.8


def test_a_part_of_a_space_is_described_as_the_space(store: Path) -> None:
    part = open_benchmark(DIGITS).space
    known = describe_architecture(ParsedArchitecture(part, part.enumerate()[3], ""))
    assert known.space == "nasbench101"
    assert DIGITS in known.tables


GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "architectures.md"
ROWS = re.findall(
    r"^\| ([\w-]+) \| ([\d.]+)[^|]*\| ([\d.]+)[^|]*\| ([\d.]+) \| ([\d.]+)", GUIDE.read_text("utf-8"), re.M
)
COUNTED = ("DARTS-V1", "MiLeNAS")
"""Genotypes whose multiply-adds are counted again here; those of DARTS-V2 and P-DARTS are in other tests."""


def test_the_guide_has_every_released_genotype() -> None:
    assert [row[0] for row in ROWS] == list(NAMED_GENOTYPES)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_sizes_in_the_guide_are_ours(row: tuple[str, ...]) -> None:
    name, *told = row
    space, genes = get_space("darts"), parse(name).genes
    if name in COUNTED:
        cifar, mobile = sizes_of(space, genes)
        found = [cifar.parameters, mobile.parameters, mobile.multiply_adds, mobile.multiply_adds_as_papers]
    else:
        shapes = (NetworkShape(36, 20, 10), NetworkShape(48, 14, 1000, stem="imagenet"))
        found = [count_parameters(weightless_network(space, genes, shape)) for shape in shapes]
    digits = (2, 2, 1, 1)
    assert told[: len(found)] == [f"{count / 1e6:.{places}f}" for count, places in zip(found, digits, strict=False)]
