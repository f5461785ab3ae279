from __future__ import annotations

import errno
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.benchmarks.layout import facts_of_files
from predictornas.benchmarks.table import Benchmark, Column, write_benchmark
from predictornas.errors import (
    ConfigurationError,
    DataError,
    InvalidArchitectureError,
    StoreError,
    UnknownArchitectureError,
    UnknownNameError,
)
from predictornas.reading import sealed
from predictornas.spaces.nasbench201 import NASBench201

RUN0 = Column.named(metric="accuracy", split="valid", epochs=200, run="0")
REST = Column.named(metric="accuracy", split="valid", epochs=200, run="rest")
MEAN = Column.named(metric="accuracy", split="valid", epochs=200, run="mean")
PARTIAL = Column.named(metric="accuracy", split="test", epochs=200, run="2", nullable=True)
PARAMETERS = Column.named(metric="parameters")

GENES = np.array([[4, 2, 1, 2, 1, 1], [3, 3, 4, 1, 3, 1], [0, 0, 0, 0, 0, 0]], np.int8)


def contents(**changed: Any) -> dict[str, Any]:
    columns = {
        RUN0: np.array([0.82, 0.90, 0.10]),
        REST: np.array([0.81, 0.91, 0.10]),
        MEAN: np.array([0.815, 0.905, 0.10]),
        PARTIAL: np.array([0.5, np.nan, 0.1]),
        PARAMETERS: np.array([129_306, 802_426, 32_426_634 + 1]),
    }
    return {
        "name": "small",
        "space": NASBench201(),
        "genes": GENES,
        "columns": columns,
        "signal": RUN0.name,
        "evaluation": REST.name,
        "source": {"file": "small.csv", "sha256": "00"},
        "licence": "MIT",
        **changed,
    }


@pytest.fixture
def small(tmp_path: Path) -> Benchmark:
    return write_benchmark(tmp_path / "small", **contents())


def test_what_was_written_is_read_in_row_order(small: Benchmark) -> None:
    assert (small.name, len(small), small.signal, small.evaluation) == ("small", 3, RUN0.name, REST.name)
    np.testing.assert_array_equal(small.genes, GENES)
    np.testing.assert_array_equal(small.keys, NASBench201().keys(GENES))
    np.testing.assert_array_equal(small.values(REST.name), np.array([0.81, 0.91, 0.10], np.float32))
    np.testing.assert_array_equal(small.values("parameters"), [129_306, 802_426, 32_426_635])
    assert list(small.columns.values()) == [RUN0, REST, MEAN, PARTIAL, PARAMETERS]
    assert small.manifest["licence"] == "MIT"
    assert small.manifest["source"] == {"file": "small.csv", "sha256": "00"}
    assert repr(small) == f"Benchmark('small', 3 rows, signal={RUN0.name!r}, evaluation={REST.name!r})"


def test_arrays_are_read_only(small: Benchmark) -> None:
    for array in (small.genes, small.keys, small.values(RUN0.name)):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_lookup_follows_the_architectures_not_the_rows(small: Benchmark) -> None:
    found = small.lookup(GENES[[2, 0, 0]], REST.name)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, [0.10, 0.81, 0.81], rtol=1e-7)
    np.testing.assert_array_equal(small.lookup(GENES[[1]], PARTIAL.name), [np.nan])
    assert small.lookup(GENES[:0], REST.name).shape == (0,)


def test_an_architecture_without_a_row_is_named(small: Benchmark) -> None:
    absent = np.array([[1, 1, 1, 1, 1, 1]], np.int8)
    np.testing.assert_array_equal(small.rows(NASBench201().keys(np.concatenate([GENES[1:], absent]))), [1, 2, -1])
    with pytest.raises(
        UnknownArchitectureError, match=r"'small' has no row for architecture 1 of 2, \|skip_connect~0\|"
    ):
        small.lookup(np.concatenate([GENES[:1], absent]), RUN0.name)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    rows=st.lists(st.integers(0, 15_624), min_size=1, max_size=40, unique=True), asked=st.lists(st.integers(0, 15_624))
)
def test_rows_agree_with_a_dictionary(
    tmp_path_factory: pytest.TempPathFactory, rows: list[int], asked: list[int]
) -> None:
    everything = NASBench201().enumerate()
    columns = {RUN0: np.array(rows) / 15_625}
    folder = tmp_path_factory.mktemp("table") / "any"
    table = write_benchmark(folder, **contents(genes=everything[rows], columns=columns, evaluation=None))
    position = {tuple(everything[row].tolist()): index for index, row in enumerate(rows)}
    keys = NASBench201().keys(everything[rows + asked])
    expected = [position.get(tuple(everything[row].tolist()), -1) for row in rows + asked]
    np.testing.assert_array_equal(table.rows(keys), expected)


def test_costs_are_one_minus_accuracy_and_what_is_better_the_lower_itself(small: Benchmark) -> None:
    np.testing.assert_allclose(small.costs(RUN0.name), [0.18, 0.10, 0.90], atol=1e-7)
    np.testing.assert_array_equal(small.costs("parameters"), small.values("parameters"))


def test_an_unknown_column_gets_the_nearest(small: Benchmark) -> None:
    for ask in (small.column, small.values, small.costs):
        with pytest.raises(UnknownNameError, match="Did you mean 'valid_accuracy_200_rest'"):
            ask("valid_accuracy_200_res")


def test_a_partial_table_is_its_own_space(small: Benchmark) -> None:
    assert len(small.space) == 3
    assert sorted(small.space.enumerate().tolist()) == sorted(GENES.tolist())
    with_gaps = small.with_columns(PARTIAL.name)
    assert sorted(with_gaps.space.enumerate().tolist()) == sorted(GENES[[0, 2]].tolist())


def test_a_signal_that_nobody_measured_leaves_no_space_to_search(tmp_path: Path) -> None:
    columns = contents()["columns"] | {PARTIAL: np.full(3, np.nan)}
    table = write_benchmark(tmp_path / "small", **contents(columns=columns)).with_columns(PARTIAL.name)
    with pytest.raises(DataError, match="'test_accuracy_200_run2' has no value in any row of 'small'"):
        _ = table.space


def test_a_whole_table_has_the_whole_space(tmp_path: Path) -> None:
    genes = np.ascontiguousarray(NASBench201().enumerate()[::-1])
    whole = write_benchmark(tmp_path / "w", **contents(genes=genes, columns={RUN0: np.zeros(15_625)}, evaluation=None))
    assert isinstance(whole.space, NASBench201)


def test_signal_and_evaluation_can_be_chosen(small: Benchmark) -> None:
    view = small.with_columns(signal=REST.name, evaluation=RUN0.name)
    assert (view.signal, view.evaluation) == (REST.name, RUN0.name)
    assert (small.signal, small.evaluation) == (RUN0.name, REST.name)
    assert small.with_columns(evaluation=PARTIAL.name).signal == RUN0.name


@pytest.mark.parametrize("roles", [(RUN0.name, MEAN.name), (None, RUN0.name), (REST.name, None)])
def test_signal_and_evaluation_never_share_a_run(small: Benchmark, roles: tuple[str | None, str | None]) -> None:
    with pytest.raises(ConfigurationError, match=r"share a training run.*evaluate on: valid_accuracy_200_r"):
        small.with_columns(*roles)


def test_one_column_is_both_where_it_is_named_twice_or_alone(small: Benchmark, tmp_path: Path) -> None:
    twice = small.with_columns(RUN0.name, RUN0.name)
    assert (twice.signal, twice.evaluation, twice.shares_noise, small.shares_noise) == (
        RUN0.name,
        RUN0.name,
        True,
        False,
    )
    alone = write_benchmark(tmp_path / "alone", **contents(evaluation=None))
    assert alone.evaluation == alone.manifest["evaluation"] == RUN0.name
    assert alone.with_columns(REST.name).evaluation == REST.name


def test_a_copy_in_another_process_maps_the_files(small: Benchmark) -> None:
    small.values(RUN0.name)
    view = small.with_columns(REST.name, PARTIAL.name)
    copy = pickle.loads(pickle.dumps(view))
    assert (copy.signal, copy.evaluation) == (REST.name, PARTIAL.name)
    assert isinstance(copy.values(RUN0.name), np.memmap)
    np.testing.assert_array_equal(copy.values(RUN0.name), small.values(RUN0.name))


def test_an_altered_value_is_never_given_out(small: Benchmark) -> None:
    small.verify()
    path = small.folder / "columns" / f"{REST.name}.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    again = Benchmark.open(small.folder)
    altered = rf"{REST.name}.npy was altered: its sha256 is [0-9a-f]{{64}}, not .* again"
    with pytest.raises(StoreError, match=altered):
        again.verify()
    with pytest.raises(StoreError, match=altered):
        again.values(REST.name)


def rewritten(folder: Path, **arrays: np.ndarray) -> None:
    """Other arrays in the folder, and a manifest that fits them."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["files"] = facts_of_files(folder)
    del manifest["sha256"]
    path.write_text(json.dumps(sealed(manifest)))


def test_keys_of_another_version_are_not_trusted(small: Benchmark) -> None:
    rewritten(small.folder, keys=np.arange(3, dtype=np.uint64))
    with pytest.raises(StoreError, match=r"was written with other keys .* Import 'small' again"):
        Benchmark.open(small.folder)


def test_a_torn_array_is_reported(small: Benchmark) -> None:
    path = small.folder / "columns" / f"{REST.name}.npy"
    path.write_bytes(b"\0" * path.stat().st_size)
    rewritten(small.folder)
    with pytest.raises(StoreError, match="cannot be read as an array"):
        Benchmark.open(small.folder).values(REST.name)
    np.save(path, np.zeros(2, np.float32))
    rewritten(small.folder)
    with pytest.raises(StoreError, match=r"float32 in the shape \(2,\), 3 rows"):
        Benchmark.open(small.folder).values(REST.name)


def test_genes_of_another_space_are_reported(small: Benchmark) -> None:
    rewritten(small.folder, genes=np.full((3, 6), 9, np.int8))
    with pytest.raises(StoreError, match=r"architectures of another space .*gene 0 is 9, outside 0\.\.4"):
        Benchmark.open(small.folder)


@pytest.mark.parametrize("gene", [-1, 5, 9, 127])
def test_a_look_up_checks_its_genes(small: Benchmark, gene: int) -> None:
    genes = GENES.copy()
    genes[1, 3] = gene
    with pytest.raises(InvalidArchitectureError, match=rf"Row 1 of 3: gene 3 is {gene}, outside 0\.\.4"):
        small.lookup(genes, RUN0.name)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"columns": {RUN0: np.array([0.1, np.nan, 0.2])}, "evaluation": None}, DataError, "row 1 .*nan"),
        ({"columns": {RUN0: np.array([82.0, 90.0, 10.0])}, "evaluation": None}, DataError, "row 0 .*82.0 .*fractions"),
        ({"genes": GENES[[0, 1, 0]]}, DataError, "Rows 0 and 2 are the same architecture"),
        (
            {"columns": {PARTIAL: np.array([0.1, np.nan, 0.2])}, "signal": PARTIAL.name, "evaluation": None},
            DataError,
            "Row 1",
        ),
        ({"evaluation": MEAN.name}, ConfigurationError, "share a training run"),
        ({"signal": "valid_accuracy_200_run1"}, UnknownNameError, "Did you mean"),
    ],
)
def test_a_refused_table_leaves_the_older_one(
    small: Benchmark, changed: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        write_benchmark(small.folder, **contents(**changed))
    Benchmark.open(small.folder).verify()
    assert [path.name for path in small.folder.parent.iterdir()] == ["small"]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    twin = Column.named(metric="accuracy", split="valid", epochs=200, run="0", nullable=True)
    with pytest.raises(DataError, match="Two columns have the same name"):
        write_benchmark(tmp_path / "t", **contents(columns={RUN0: np.zeros(3), twin: np.zeros(3)}, evaluation=None))


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save = np.save

    def full(path: Path, array: np.ndarray) -> None:
        if path.parent.name == "columns":
            raise OSError(errno.ENOSPC, "No space left on device")
        save(path, array)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StoreError, match=r"No space left on device. Nothing was changed"):
        write_benchmark(tmp_path / "store" / "small", **contents())
    assert list((tmp_path / "store").iterdir()) == []


@pytest.mark.slow
def test_tables_open_without_torch_and_polars(small: Benchmark) -> None:
    code = (
        "import sys; from pathlib import Path; from predictornas.benchmarks import Benchmark\n"
        f"table = Benchmark.open(Path({str(small.folder)!r})); table.values(table.signal); table.rows(table.keys)\n"
        "print(sorted({'torch', 'polars', 'scipy', 'google_crc32c'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_what_could_not_be_opened_again_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that no command takes, or a space that files cannot name, which are those of `module:attribute`."""

    class Unknown(NASBench201):
        name = "of-mine"

    space = NASBench201()
    told = {"genes": space.enumerate()[:2], "signal": "loss", "evaluation": None, "source": {}, "licence": "none"}
    columns = {Column("loss", "loss"): np.array([0.5, 0.6])}
    monkeypatch.setenv("PREDICTORNAS_DATA", str(tmp_path))
    with pytest.raises(ConfigurationError, match="'Bad_Name' cannot be the name"):
        write_benchmark(tmp_path / "Bad_Name", name="Bad_Name", space=space, columns=columns, **told)
    with pytest.raises(ConfigurationError, match=r"table of 'of-mine' could not be opened again.*register_space"):
        write_benchmark(tmp_path / "b", name="b", space=Unknown(), columns=columns, **told)
    assert not list(tmp_path.iterdir())


def test_genes_may_be_numbers_of_any_width(tmp_path: Path) -> None:
    space = NASBench201()
    rows = space.enumerate()[[5, 3]]
    for number, genes in enumerate((rows.astype(np.int64), rows.tolist())):
        table = write_benchmark(
            tmp_path / str(number),
            name=f"table-{number}",
            space=space,
            genes=genes,
            columns={Column("loss", "loss"): np.array([0.5, 0.6])},
            signal="loss",
            evaluation=None,
            source={},
            licence="none",
        )
        np.testing.assert_array_equal(table.genes, rows)
        assert table.genes.dtype == np.int8
    with pytest.raises(InvalidArchitectureError, match="outside"):
        write_benchmark(
            tmp_path / "c",
            name="c",
            space=space,
            genes=[[300] * 6],
            columns={},
            signal="loss",
            evaluation=None,
            source={},
            licence="none",
        )
