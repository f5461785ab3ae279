from __future__ import annotations

import errno
import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks import importing
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.column import Column
from predictornas.benchmarks.importing import import_table
from predictornas.benchmarks.sources import Content
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, DataError, StoreError, UnknownNameError
from predictornas.files import sha256_of
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201, from_strings
from tests.small_tables import ARCH, RECIPE, RUN0, RUN1, write_table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.csv", [0.1, 0.2, 0.3, 0.4])


def everything_in(store: Path) -> list[str]:
    return sorted(str(path.relative_to(store)) for path in store.rglob("*")) if store.exists() else []


@pytest.mark.parametrize("name", ["../outside", "/etc", "", ".", "a/b", "A"])
def test_names_that_are_no_folder_of_the_store(store: Path, table: Path, name: str) -> None:
    with pytest.raises(UnknownNameError):
        open_benchmark(name)
    with pytest.raises(ConfigurationError, match="cannot be the name of a benchmark"):
        import_table(name, table, recipe=RECIPE)
    assert everything_in(store) == []


def test_a_table_of_ones_own(store: Path, table: Path, tmp_path: Path) -> None:
    imported = import_table("mine", table, recipe=RECIPE)
    assert imported.folder == store / "mine"
    assert imported.manifest["source"]["file"] == "table.csv"
    opened = open_benchmark("mine")
    assert (opened.signal, opened.evaluation, opened.manifest["licence"]) == (RUN0.name, RUN1.name, "MIT")
    np.testing.assert_allclose(opened.lookup(from_strings(ARCH[::-1]), RUN0.name), [0.4, 0.3, 0.2, 0.1], atol=1e-7)
    columns = [
        {"source": "a", "metric": "accuracy", "split": "valid", "epochs": 9, "run": "0"},
        {"source": "b", "metric": "accuracy", "split": "valid", "epochs": 9, "run": "1"},
    ]
    recipe = {"space": "nasbench201", "architecture": {"string": "arch"}, "columns": columns, "signal": RUN1.name}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    by_file = import_table("by-file", table, recipe=tmp_path / "recipe.json", evaluation=RUN0.name)
    assert (by_file.signal, by_file.evaluation) == (RUN1.name, RUN0.name)


def test_the_same_import_again_repairs(store: Path, table: Path) -> None:
    folder = import_table("mine", table, recipe=RECIPE).folder
    (folder / "columns" / f"{RUN0.name}.npy").unlink()
    with pytest.raises(StoreError, match="is missing"):
        open_benchmark("mine")
    import_table("mine", table, recipe=RECIPE)
    open_benchmark("mine").verify()
    import_table("mine", table, recipe=RECIPE)


def test_a_name_keeps_its_meaning(store: Path, table: Path, tmp_path: Path) -> None:
    import_table("mine", table, recipe=RECIPE)
    other = write_table(tmp_path / "other.csv", [0.5, 0.6, 0.7, 0.8])
    for file, options in (
        (other, {"recipe": RECIPE}),
        (table, {"recipe": replace(RECIPE, signal=RUN1.name, evaluation=RUN0.name)}),
        (table, {"recipe": RECIPE, "signal": RUN1.name, "evaluation": RUN0.name}),
    ):
        with pytest.raises(
            ConfigurationError, match=r"'mine' is already imported from 'table.csv'.* Choose another name"
        ):
            import_table("mine", file, **options)
    np.testing.assert_allclose(open_benchmark("mine").values(RUN0.name), [0.1, 0.2, 0.3, 0.4], atol=1e-7)


def test_known_names_keep_their_recipe(store: Path, table: Path) -> None:
    with pytest.raises(ConfigurationError, match="built from an installed package and keeps its meaning"):
        import_table("nasbench201-cifar10", table, recipe=RECIPE)
    with pytest.raises(ConfigurationError, match="has a recipe of its own"):
        import_table("nasbench201-full-cifar10", table, recipe=RECIPE)
    with pytest.raises(ConfigurationError, match="'mine' has no recipe: say with --recipe"):
        import_table("mine", table)
    assert everything_in(store) == []


@pytest.mark.parametrize(
    ("values", "options", "error", "message"),
    [
        ([0.1, 0.2, float("nan"), 0.4], {}, DataError, r"'valid_accuracy_9_run0', row 2 \(\|none~0\|.*nan"),
        ([0.1, 0.2, 93.2, 0.4], {}, DataError, "row 2: 93.2 is no fraction"),
        ([0.1, 0.2, 0.3, 0.4], {"evaluation": RUN0.name}, ConfigurationError, "share a training run"),
        ([0.1, 0.2, 0.3, 0.4], {"signal": "valid_accuracy_9_run2"}, UnknownNameError, "Did you mean"),
        ([0.1, 0.2, 0.3, 0.4], {"join": "table.csv"}, ConfigurationError, "joins no second file"),
    ],
)
def test_a_refused_import_leaves_nothing(
    store: Path, tmp_path: Path, values: list[float], options: dict[str, Any], error: type[Exception], message: str
) -> None:
    file = write_table(tmp_path / "table.csv", values)
    options = {key: tmp_path / value if key == "join" else value for key, value in options.items()}
    with pytest.raises(error, match=message):
        import_table("mine", file, recipe=RECIPE, **options)
    assert everything_in(store) == []


def test_a_pickle_is_never_loaded(store: Path, tmp_path: Path, table: Path) -> None:
    file = tmp_path / "table.parquet"
    file.write_bytes(pickle.dumps({"arch": ARCH}))
    for given, options in ((file, {}), (table, {"join": file})):
        with pytest.raises(DataError, match="is a pickle"):
            import_table("mine", given, recipe=RECIPE, **options)
    assert everything_in(store) == []


def test_a_full_disk_while_importing(store: Path, table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = import_table("mine", table, recipe=RECIPE)

    def full(path: Path, array: np.ndarray) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    before = everything_in(store)
    monkeypatch.setattr(np, "save", full)
    for name in ("mine", "another"):
        with pytest.raises(StoreError, match="No space left on device"):
            import_table(name, table, recipe=RECIPE)
    assert everything_in(store) == before
    kept.verify()


def test_a_tfrecord_goes_to_its_own_reader(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    space = NASBench101()
    genes = space.from_matrices(np.array([[[0, 1], [0, 0]]], np.uint8), np.array([[3, 4]], np.int8))
    columns = {RUN0: np.array([0.5]), RUN1: np.array([0.6])}
    content = Content("nasbench101", genes, columns, RUN0.name, RUN1.name, {"file": "x"}, "Apache-2.0")
    told: list[Any] = []
    monkeypatch.setattr(importing, "read_tfrecord_source", lambda file, progress: told.append(progress) or content)
    file = tmp_path / "nasbench_only108.tfrecord"
    file.write_bytes(b"")

    def progress(done: int, of: int) -> None: ...

    assert import_table("nasbench101", file, progress=progress).manifest["space"] == "nasbench101"
    assert len(import_table("my-nasbench101", file)) == 1
    assert told == [progress, None]
    for name, options in (("nasbench101", {"join": file}), ("mine", {"recipe": RECIPE}), ("nasbench101-val30k", {})):
        with pytest.raises(ConfigurationError, match="is a NAS-Bench-101 TFRecord"):
            import_table(name, file, **options)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("name", ["x[1]", "x?", "x*", "a=1", "~", "x{1,2}", "file:x"])
def test_no_path_is_a_pattern(store: Path, tmp_path: Path, name: str, suffix: str) -> None:
    """What the pattern would match lies beside the file, with other values."""
    folder = tmp_path / "files"
    folder.mkdir()
    for number, stem in enumerate(["x1", "xy", "x1,2", "1", "x2", name]):
        values = [number / 10 + row / 100 for row in range(4)]
        frame = pl.DataFrame({"arch": ARCH, "a": values, "b": values[::-1]})
        path = folder / f"{stem}{suffix}"
        path.write_bytes(b"")  # polars takes the name as it is once it writes to an open file
        with path.open("wb") as stream:
            (frame.write_csv if suffix == ".csv" else frame.write_parquet)(stream)
    read = import_table("mine", folder / f"{name}{suffix}", recipe=RECIPE)
    np.testing.assert_allclose(read.values(RUN0.name), [0.5, 0.51, 0.52, 0.53], rtol=1e-6)
    assert read.manifest["source"]["file"] == f"{name}{suffix}"
    assert read.manifest["source"]["sha256"] == sha256_of(folder / f"{name}{suffix}")


def test_a_name_longer_than_a_file_name_may_be(store: Path, table: Path) -> None:
    assert import_table("a" * 200, table, recipe=RECIPE).name == "a" * 200
    with pytest.raises(ConfigurationError, match="at most 200 lower-case letters"):
        import_table("a" * 201, table, recipe=RECIPE)
    with pytest.raises(DataError, match="cannot be read: File name too long"):
        import_table("mine", table.with_name("x" * 300), recipe=RECIPE)
    long = Column.named(metric="accuracy", split="valid", epochs=9, run="x" * 183)
    assert len(long.name) == 200
    with pytest.raises(ConfigurationError, match="at most 200"):
        Column.named(metric="accuracy", split="valid", epochs=9, run="x" * 184)


@pytest.fixture(scope="module")
def nasbench101(test_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREDICTORNAS_DATA", str(tmp_path_factory.mktemp("store")))
        return import_table("nasbench101", test_tables / "nasbench101_test108.parquet")


@pytest.mark.slow
def test_the_real_nasbench101(nasbench101: Benchmark) -> None:
    from scipy.stats import kendalltau

    assert len(nasbench101) == 423_624
    assert isinstance(nasbench101.space, NASBench101)
    assert nasbench101.space.module_hashes(nasbench101.genes[:1]).tobytes().hex() == "00005c142e6f48ac74fdcf73e3439874"
    mean = nasbench101.values("test_accuracy_108_mean")
    best = int(mean.argmax())
    assert mean[best] == pytest.approx(0.943176, abs=5e-7)
    assert nasbench101.values("parameters")[best] == 32_426_634
    assert (nasbench101.signal, nasbench101.evaluation) == ("test_accuracy_108_run0", "test_accuracy_108_rest")
    tau = kendalltau(nasbench101.values(nasbench101.signal), nasbench101.values("test_accuracy_108_rest")).statistic
    assert tau == pytest.approx(0.830, abs=5e-4)


@pytest.mark.slow
def test_the_real_val30k(
    store: Path, test_tables: Path, nasbench101: Benchmark, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = pl.read_parquet(test_tables / "nasbench101_test108.parquet")
    few = pl.read_parquet(test_tables / "nasbench101_val_30k.parquet")
    row = dict(zip(whole["module_hash"], range(len(whole)), strict=True))  # stands in for hashing all cells, a minute

    def find(space: NASBench101, hashes: list[str]) -> np.ndarray:
        return np.asarray(nasbench101.genes[[row[text] for text in hashes]])

    monkeypatch.setattr(NASBench101, "from_module_hashes", find)
    table = import_table(
        "nasbench101-val30k",
        test_tables / "nasbench101_val_30k.parquet",
        join=test_tables / "nasbench101_test108.parquet",
    )
    assert len(table) == 30_001
    assert (table.signal, table.evaluation) == ("valid_accuracy_108", "test_accuracy_108_mean")
    joined = few.join(whole, on="module_hash", how="left", maintain_order="left")
    np.testing.assert_array_equal(table.values("valid_accuracy_36"), joined["validation_accuracy_36"].to_numpy())
    np.testing.assert_array_equal(table.values("test_accuracy_108_mean"), joined["test_accuracy_mean"].to_numpy())


def test_a_json_file_of_nasbench_vis(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of columns, as `data-20k.json` has them, with others that are not read."""
    genes = NASBench101().sample(3, np.random.default_rng(0))
    monkeypatch.setattr(NASBench101, "from_module_hashes", lambda space, hashes: genes[[int(text) for text in hashes]])
    columns: dict[str, list[Any]] = {
        f"{epochs}_final_validation_accuracy": [epochs / 200, epochs / 250] for epochs in (4, 12, 36, 108)
    }
    others = {"trainable_parameters": [8555530, 5878154], "key": ["2", "0"], "embedding": [[0.5, 1.5], [2.5, 3.5]]}
    file = tmp_path / "data-20k.json"
    file.write_text(json.dumps({**columns, "final_training_time": [1768.5, 1203.25], **others}))
    table = import_table("nasbench101-vis", file)
    np.testing.assert_array_equal(table.genes, genes[[2, 0]])
    assert (table.signal, table.evaluation) == ("valid_accuracy_108", "valid_accuracy_108")
    np.testing.assert_allclose(table.values("valid_accuracy_36"), [0.18, 0.144], rtol=1e-6)
    assert table.values("train_seconds_108").tolist() == [1768.5, 1203.25]
    assert table.values("parameters").tolist() == [8555530, 5878154]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "test", "validation"),
    [("cifar10", 94.3733, 91.607), ("cifar100", 73.5133, 73.493), ("imagenet16-120", 47.3111, 46.733)],
)
def test_the_real_nasbench201(store: Path, test_tables: Path, dataset: str, test: float, validation: float) -> None:
    full = import_table(f"nasbench201-full-{dataset}", test_tables / "nasbench201.parquet")
    assert 100 * full.values("test_accuracy_200_mean").max() == pytest.approx(test, abs=5e-5)
    assert 100 * full.values("valid_accuracy_200_mean").max() == pytest.approx(validation, abs=5e-4)
    assert np.isnan(full.values("valid_accuracy_200_run2")).sum() == 7_456
    offline = open_benchmark(f"nasbench201-{dataset}")
    for name in ("valid_accuracy_200_run0", "valid_accuracy_200_run2", "valid_accuracy_200_rest", "train_seconds_200"):
        np.testing.assert_allclose(full.values(name), offline.values(name), rtol=3e-7)


def test_the_real_hardware_table(store: Path, test_tables: Path) -> None:
    table = import_table(
        "nasbench201-hw-cifar100", test_tables / "nasbench201_hw.parquet", join=test_tables / "nasbench201.parquet"
    )
    assert np.isnan(table.values("edgetpu_latency_seconds")).sum() == 4_699
    assert table.values("raspi4_latency_seconds").max() == pytest.approx(0.09670638)
    assert isinstance(table.space, NASBench201)
    assert table.values(table.evaluation or "").max() == pytest.approx(0.735133, abs=5e-7)
