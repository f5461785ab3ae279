from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.bundled import bundled_folder
from predictornas.benchmarks.packed import PackedBenchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import StoreError

NAME = "nasbench101-digits"


@pytest.fixture
def table() -> Benchmark:
    return Benchmark.open(bundled_folder(NAME))


@pytest.fixture
def elsewhere(table: Benchmark, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackedBenchmark:
    """The table as it arrives on a machine that does not have it."""
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    packed: PackedBenchmark = pickle.loads(pickle.dumps(table.packed()))
    return replace(packed, folder=tmp_path / "not-here")


def never() -> Mapping[str, np.ndarray]:
    raise AssertionError("The content was fetched.")


def test_where_the_table_is_nothing_is_sent(table: Benchmark, elsewhere: PackedBenchmark, store: Path) -> None:
    assert replace(elsewhere, folder=table.folder).unpacked(never).folder == table.folder
    store.mkdir()
    (store / NAME).symlink_to(table.folder)
    assert elsewhere.unpacked(never).folder == store / NAME


def test_it_is_sent_once_to_the_cache_and_is_the_same(
    table: Benchmark, elsewhere: PackedBenchmark, tmp_path: Path
) -> None:
    assert len(pickle.dumps(elsewhere)) < 100_000
    other = next(name for name in table.columns if name not in (table.signal, table.evaluation))
    arrived = replace(elsewhere, signal=other, evaluation=other).unpacked(table.packed().content)
    assert arrived.folder.parent == tmp_path / "cache" / "tables"
    assert (arrived.signal, arrived.evaluation) == (other, other)
    assert arrived.manifest == table.manifest
    for column in table.columns:
        np.testing.assert_array_equal(arrived.values(column), table.values(column))
    assert isinstance(arrived.values(other), np.memmap)
    again = elsewhere.unpacked(never)
    assert (again.folder, again.signal) == (arrived.folder, table.signal)


def test_a_table_that_was_damaged_in_the_cache_is_sent_again(table: Benchmark, elsewhere: PackedBenchmark) -> None:
    folder = elsewhere.unpacked(table.packed().content).folder
    path = folder / "genes.npy"
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    mended = elsewhere.unpacked(table.packed().content)
    np.testing.assert_array_equal(mended.genes, table.genes)


def test_a_table_that_arrives_damaged_is_refused(table: Benchmark, elsewhere: PackedBenchmark) -> None:
    content = table.packed().content()
    content["keys.npy"] = content["keys.npy"].copy()
    content["keys.npy"][-1] ^= 1
    with pytest.raises(StoreError, match=f"table '{NAME}' arrived damaged"):
        elsewhere.unpacked(lambda: content)


def test_another_table_of_the_same_name_is_not_taken(table: Benchmark, elsewhere: PackedBenchmark, store: Path) -> None:
    store.mkdir()
    (store / NAME).symlink_to(table.folder)
    manifest = {**table.manifest, "licence": "another"}
    with pytest.raises(AssertionError, match="was fetched"):
        replace(elsewhere, manifest=manifest).unpacked(never)
