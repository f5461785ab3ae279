from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.errors import DataError
from predictornas.spaces.cache import cached_arrays
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench101_md5 import find, module_hashes
from predictornas.spaces.registry import get_space

CODES = {"conv3x3-bn-relu": 0, "conv1x1-bn-relu": 1, "maxpool3x3": 2, "input": -1, "output": -2}
SMALLEST = "00005c142e6f48ac74fdcf73e3439874"


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def official_hash(matrix: np.ndarray, labels: list[int]) -> str:
    """`hash_module` of the NAS-Bench-101 release, as it is described there, one cell at a time."""
    vertices = range(len(labels))
    colours = [md5(str((int(matrix[v].sum()), int(matrix[:, v].sum()), labels[v]))) for v in vertices]
    for _ in vertices:
        into = ["".join(sorted(colours[w] for w in vertices if matrix[w, v])) for v in vertices]
        out = ["".join(sorted(colours[w] for w in vertices if matrix[v, w])) for v in vertices]
        colours = [md5(f"{into[v]}|{out[v]}|{colours[v]}") for v in vertices]
    return md5(str(sorted(colours)))


def as_text(hashes: np.ndarray) -> list[str]:
    return [row.tobytes().hex() for row in hashes]


@pytest.fixture(scope="module")
def table(test_tables: Path) -> pl.DataFrame:
    """The real table, in ascending order of the hashes."""
    columns = ["module_hash", "num_vertices", "adjacency", "operations"]
    return pl.read_parquet(test_tables / "nasbench101_test108.parquet", columns=columns).sort("module_hash")


@pytest.fixture(scope="module")
def cells(table: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Genes, keys and official hashes of every row of the real table."""
    adjacency = np.zeros((len(table), 7, 7), np.uint8)
    operations = np.full((len(table), 7), -1, np.int8)
    for size in range(2, 8):
        rows = np.flatnonzero(table["num_vertices"].to_numpy() == size)
        bits = np.frombuffer("".join(table[rows]["adjacency"]).encode(), np.uint8) - ord("0")
        adjacency[rows, :size, :size] = bits.reshape(-1, size, size)
        names = table[rows]["operations"].str.split(",").explode()
        operations[rows, :size] = names.replace_strict(CODES | {"input": 3, "output": 4}).to_numpy().reshape(-1, size)
    genes = NASBench101().from_matrices(adjacency, operations)
    hashes = np.frombuffer(bytes.fromhex("".join(table["module_hash"])), np.uint8).reshape(-1, 16)
    return genes, get_space("nasbench101").keys(genes), hashes


def test_hashes_are_those_of_the_straightforward_algorithm(rng: np.random.Generator) -> None:
    space = get_space("nasbench101")
    genes = np.concatenate([space.enumerate()[:300], space.sample(300, rng)])
    graphs = space.graphs(genes)
    expected = []
    for matrix, codes in zip(graphs.adjacency, graphs.operations, strict=True):
        count = int((codes >= 0).sum())
        expected.append(official_hash(matrix[:count, :count], [-1, *codes[1 : count - 1].tolist(), -2]))
    assert as_text(module_hashes(graphs)) == expected
    assert len(set(expected)) == len(np.unique(space.keys(genes)))


def test_the_straightforward_algorithm_gives_the_hashes_of_the_table(table: pl.DataFrame) -> None:
    assert table["module_hash"][0] == SMALLEST
    for expected, _, bits, names in [table.row(0), *table.sample(300, seed=0).iter_rows()]:
        labels = [CODES[name] for name in names.split(",")]
        assert official_hash(np.array(list(bits), np.uint8).reshape(len(labels), -1), labels) == expected


@pytest.mark.slow
def test_hashes_are_those_of_the_table(
    cells: tuple[np.ndarray, np.ndarray, np.ndarray], rng: np.random.Generator
) -> None:
    genes, _, hashes = cells
    rows = np.append(0, rng.choice(len(genes), size=500, replace=False))
    found = as_text(module_hashes(get_space("nasbench101").graphs(genes[rows])))
    assert found[0] == SMALLEST
    assert found == as_text(hashes[rows])


@pytest.mark.slow
def test_the_table_holds_every_cell_once(cells: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    _, keys, hashes = cells
    assert len(np.unique(hashes.view("V16"))) == 423_624
    np.testing.assert_array_equal(np.sort(keys), np.sort(get_space("nasbench101").enumerated_keys()))


@pytest.mark.slow
def test_cells_are_found_by_their_official_hashes(
    cells: tuple[np.ndarray, np.ndarray, np.ndarray],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    rng: np.random.Generator,
) -> None:
    _, keys, hashes = cells
    space = get_space("nasbench101")
    order = np.argsort(keys)
    of_cell = hashes[order[np.searchsorted(keys, space.enumerated_keys(), sorter=order)]]
    # a cache that holds the table's hashes: to compute them takes too long here
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path))
    cached_arrays("nasbench101-cells", 1, lambda: {"genes": space.enumerate(), "keys": space.enumerated_keys()})
    cached_arrays("nasbench101-md5", 1, lambda: {"hashes": of_cell})
    fresh = NASBench101()
    rows = rng.choice(423_624, size=2000)
    found = fresh.from_module_hashes(as_text(hashes[rows]))
    np.testing.assert_array_equal(space.keys(found), keys[rows])
    assert fresh.valid(found).all()
    np.testing.assert_array_equal(fresh.module_hashes(found[:300]), hashes[rows[:300]])
    np.testing.assert_array_equal(fresh.module_hashes(fresh.enumerate()), of_cell)
    assert fresh.from_module_hashes([]).shape == (0, 26)
    for text, message in (
        ("0" * 32, r"Unknown module hash 0{32} \(entry 1; 1 of 2 are"),
        ("abc", "'abc' is no module hash"),
    ):
        with pytest.raises(DataError, match=message):
            fresh.from_module_hashes([SMALLEST, text])


@pytest.mark.slow
def test_a_hash_does_not_depend_on_the_batch(rng: np.random.Generator) -> None:
    space = get_space("nasbench101")
    genes = space.sample(50, rng)
    together = module_hashes(space.graphs(genes))
    alone = [module_hashes(space.graphs(genes[[row]]))[0] for row in range(50)]
    np.testing.assert_array_equal(together, np.stack(alone))
    assert module_hashes(space.graphs(genes[:0])).shape == (0, 16)


@pytest.fixture
def known(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(256, size=(1000, 16)).astype(np.uint8)


def test_hashes_are_found_in_the_order_asked(known: np.ndarray, rng: np.random.Generator) -> None:
    rows = rng.integers(1000, size=300)
    hashes = as_text(known[rows])
    np.testing.assert_array_equal(find(hashes, known), rows)
    np.testing.assert_array_equal(find([text.upper() for text in hashes], known), rows)
    assert find([], known).tolist() == []


def test_an_unknown_hash_is_named(known: np.ndarray) -> None:
    good = as_text(known[:3])
    with pytest.raises(DataError, match=rf"{SMALLEST} \(entry 2; 2 of 4 are unknown\)"):
        find([*good[:2], SMALLEST, "f" * 32], known)


@pytest.mark.parametrize(
    "text", ["", "zz" * 16, SMALLEST[:-1], SMALLEST[:-2], SMALLEST + "00", SMALLEST[:-2] + " 0", "é" * 32, " " * 32]
)
def test_what_is_no_hash_is_named(known: np.ndarray, text: str) -> None:
    good = as_text(known[:1])[0]
    for hashes in ([text], [good, text, good]):
        with pytest.raises(DataError, match="is no module hash: 32 hexadecimal digits") as caught:
            find(hashes, known)
        assert repr(text) in str(caught.value)


def test_lengths_that_cancel_out_are_noticed(known: np.ndarray) -> None:
    good = as_text(known[:2])
    with pytest.raises(DataError, match="is no module hash"):
        find([good[0][:-2], good[1] + "00"], known)
