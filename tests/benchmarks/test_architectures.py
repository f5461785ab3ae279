from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.benchmarks.architectures import read_genes
from predictornas.benchmarks.recipes import Architecture
from predictornas.errors import ConfigurationError, DataError
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201, to_string
from predictornas.spaces.registry import get_space

STRING = Architecture(string="arch")
HASH = Architecture(hash="module_hash")
MATRIX = Architecture(adjacency="adjacency", operations="operations")
BOTH = Architecture(hash="module_hash", adjacency="adjacency", operations="operations")

ADJACENCY = ["010001000", "011001000", "0100"]
OPERATIONS = ["input,conv1x1-bn-relu,output", "input,maxpool3x3,output", "input,output"]


def cells() -> pl.DataFrame:
    return pl.DataFrame({"adjacency": ADJACENCY, "operations": OPERATIONS})


def test_matrices_by_hand() -> None:
    genes = read_genes(cells(), MATRIX, "nasbench101")
    expected = np.zeros((3, 26), np.int8)
    expected[:, 21:] = 3  # absent
    output = 6 * 5 // 2  # bits of the edges into vertex 6 begin here
    expected[0, [0, output + 1]] = 1  # 0-1 and 1-6
    expected[0, 21] = 1
    expected[1, [0, output + 0, output + 1]] = 1  # 0-1, 0-6 and 1-6
    expected[1, 21] = 2
    expected[2, output + 0] = 1
    np.testing.assert_array_equal(genes, expected)


def test_the_first_cell_of_the_table_has_its_official_hash() -> None:
    frame = pl.DataFrame(
        {
            "module_hash": ["00005c142e6f48ac74fdcf73e3439874"],
            "adjacency": ["0100110001000000010010000010000001000000010000000"],
            "operations": ["input,conv3x3-bn-relu,maxpool3x3,conv3x3-bn-relu,conv3x3-bn-relu,conv1x1-bn-relu,output"],
        }
    )
    assert NASBench101().valid(read_genes(frame, BOTH, "nasbench101")).all()
    wrong = frame.with_columns(pl.col("module_hash").str.replace("0000", "1000"))
    with pytest.raises(
        DataError, match=r"row 0: the module hash '10005c14.*' is not that of the row's matrix, 00005c14"
    ):
        read_genes(wrong, BOTH, "nasbench101")


@settings(max_examples=30)
@given(genes=st.lists(st.tuples(*[st.integers(0, 4)] * 6), min_size=1, max_size=20))
def test_strings_give_their_genes_back(genes: list[tuple[int, ...]]) -> None:
    rows = np.array(genes, np.int8)
    frame = pl.DataFrame({"arch": [to_string(row) for row in rows]})
    np.testing.assert_array_equal(read_genes(frame, STRING, "nasbench201"), rows)


def test_hashes_are_looked_up_in_the_order_of_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    genes = read_genes(cells(), MATRIX, "nasbench101")
    table = {digest.tobytes().hex(): row for digest, row in zip(NASBench101().module_hashes(genes), genes, strict=True)}
    monkeypatch.setattr(
        NASBench101, "from_module_hashes", lambda self, asked: np.stack([table[text] for text in asked])
    )
    frame = pl.DataFrame({"module_hash": list(table)[::-1]})
    np.testing.assert_array_equal(read_genes(frame, HASH, "nasbench101"), genes[::-1])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("01000100", OPERATIONS[0]), "'adjacency', row 1: '01000100' is no matrix of 3 vertices; 9 characters"),
        (("0100", OPERATIONS[0]), "'adjacency', row 1: '0100' is no matrix of 3 vertices"),
        (("010002000", OPERATIONS[0]), "'adjacency', row 1: '010002000' is no matrix"),
        (("010001000", "input,conv5x5,output"), "'operations', row 1: .*unknown operation 'conv5x5'. Known: conv3x3"),
        (("010001000", ",".join(["input"] + ["maxpool3x3"] * 6 + ["output"])), "more than 7 vertices"),
        (("010001000", "input,output,output"), "Cell 1 has operation codes"),
        (("010101000", OPERATIONS[0]), "Cell 1 has an edge .*backwards"),
        ((None, OPERATIONS[0]), "'adjacency', row 1: the architecture is missing"),
    ],
)
def test_cells_that_cannot_be_read(row: tuple[str, str], message: str) -> None:
    frame = pl.DataFrame({"adjacency": [ADJACENCY[0], row[0]], "operations": [OPERATIONS[0], row[1]]})
    with pytest.raises(DataError, match=message):
        read_genes(frame, MATRIX, "nasbench101")


def test_strings_that_cannot_be_read() -> None:
    frame = pl.DataFrame({"arch": ["|none~0|+|none~0|none~1|+|none~0|none~1|nor_conv_7x7~2|"]})
    with pytest.raises(DataError, match="unknown operation 'nor_conv_7x7'"):
        read_genes(frame, STRING, "nasbench201")


def test_spaces_are_written_in_their_own_way() -> None:
    frame = pl.DataFrame({"arch": ["x"], "adjacency": ["x"], "operations": ["x"]})
    with pytest.raises(ConfigurationError, match="Architectures of 'nasbench201' cannot be read from"):
        read_genes(frame, MATRIX, "nasbench201")
    with pytest.raises(DataError, match="architectures cannot be read"):
        read_genes(frame, STRING, "nasbench101")


@pytest.mark.slow
def test_real_cells_in_every_size(test_tables: Path) -> None:
    frame = pl.read_parquet(test_tables / "nasbench101_test108.parquet").sort("num_vertices").gather_every(4_000)
    frame = pl.concat(
        [pl.read_parquet(test_tables / "nasbench101_test108.parquet").filter(pl.col("num_vertices") < 5), frame]
    )
    space = NASBench101()
    genes = read_genes(frame, MATRIX, "nasbench101")
    assert space.valid(genes).all()
    hashes = [digest.tobytes().hex() for digest in space.module_hashes(genes)]
    assert hashes == frame["module_hash"].to_list()


@pytest.mark.slow
def test_all_strings_of_the_space() -> None:
    genes = NASBench201().enumerate()
    frame = pl.DataFrame({"arch": [to_string(row) for row in genes]})
    np.testing.assert_array_equal(read_genes(frame, STRING, "nasbench201"), genes)


def test_genes_in_columns_or_in_one_text() -> None:
    expected = NASBench201().enumerate()[[7, 0, 15_000]]
    wide = pl.DataFrame({f"g{place}": [str(gene) for gene in expected[:, place]] for place in range(6)})
    architecture = Architecture(genes=tuple(wide.columns))
    np.testing.assert_array_equal(read_genes(wide, architecture, "nasbench201"), expected)
    text = pl.DataFrame({"genes": [", ".join(map(str, row)) for row in expected]})
    np.testing.assert_array_equal(read_genes(text, Architecture(genes=("genes",)), "nasbench201"), expected)


@pytest.mark.parametrize(
    ("text", "message"),
    [("0,1,2", "row 0: '0,1,2' has not the 6 genes"), ("0,1,2,3,4,x", "'x' is no gene"), ("0,1,2,3,4,-1", "no gene")],
)
def test_texts_that_are_no_genes(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_genes(pl.DataFrame({"genes": [text]}), Architecture(genes=("genes",)), "nasbench201")
    with pytest.raises(ConfigurationError, match="names 2 columns of genes; nasbench201 has 6"):
        read_genes(pl.DataFrame({"a": ["1"], "b": ["1"]}), Architecture(genes=("a", "b")), "nasbench201")


def test_the_notation_of_a_space_is_read_by_it_or_found_among_all_that_it_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes = get_space("natsbench-size")
    genes = sizes.sample(5, np.random.default_rng(0))
    frame = pl.DataFrame({"arch": [sizes.describe(row) for row in genes]})
    np.testing.assert_array_equal(read_genes(frame, STRING, "natsbench-size"), genes)
    cells = NASBench201()
    part = cells.restricted_to(cells.enumerated_keys()[:50])
    monkeypatch.setattr("predictornas.benchmarks.architectures.get_space", lambda name: part)
    written = pl.DataFrame({"arch": [part.describe(row) for row in part.enumerate()[[3, 1]]]})
    np.testing.assert_array_equal(read_genes(written, STRING, "part"), part.enumerate()[[3, 1]])
    with pytest.raises(DataError, match="row 0: 'nothing' is no architecture of"):
        read_genes(pl.DataFrame({"arch": ["nothing"]}), STRING, "part")


def test_cells_of_nasbench101_are_read_in_their_notation() -> None:
    """As `data export` writes it: whoever imports it again has the same table."""
    space = get_space("nasbench101")
    genes = space.enumerate()[::90_000]
    frame = pl.DataFrame({"cell": [space.describe(row) for row in genes]})
    np.testing.assert_array_equal(read_genes(frame, Architecture(string="cell"), "nasbench101"), genes)
