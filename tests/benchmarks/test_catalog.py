from __future__ import annotations

import json
import shutil
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from predictornas import registry
from predictornas.benchmarks import catalog
from predictornas.benchmarks.bundled import bundled_folder
from predictornas.benchmarks.catalog import is_here, list_benchmarks, open_benchmark
from predictornas.benchmarks.importing import import_table
from predictornas.benchmarks.store import stored_names
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, DataError, StoreError, UnknownNameError
from predictornas.reading import sealed
from predictornas.spaces.nasbench201 import NASBench201, from_strings
from tests.small_tables import RECIPE, RUN0, write_table


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return write_table(tmp_path / "table.csv", [0.1, 0.2, 0.3, 0.4])


@pytest.mark.slow
def test_an_offline_benchmark_is_built_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built = open_benchmark("nasbench201-cifar10")
    assert built.folder == store / "nasbench201-cifar10"
    assert (built.signal, built.evaluation) == ("valid_accuracy_200_run0", "valid_accuracy_200_rest")
    assert isinstance(built.space, NASBench201)
    monkeypatch.setattr(catalog, "_OFFLINE", {})
    again = open_benchmark("nasbench201-cifar10")
    again.verify()
    genes = from_strings(
        ["|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|"]
    )
    assert again.lookup(genes, again.signal)[0] == pytest.approx(0.82092, abs=1e-6)


@pytest.mark.slow
def test_two_processes_may_build_it_at_once(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = catalog.write_benchmark

    def beaten(*arguments: Any, **options: Any) -> Benchmark:
        write(*arguments, **options)
        raise StoreError("Directory not empty")

    monkeypatch.setattr(catalog, "write_benchmark", beaten)
    assert len(open_benchmark("nasbench201-cifar100")) == 15_625


@pytest.mark.slow
def test_a_store_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PREDICTORNAS_DATA", str(tmp_path / "file" / "store"))
    with pytest.raises(StoreError, match=r"Could not write .*nasbench201-cifar10: .*Not a directory"):
        open_benchmark("nasbench201-cifar10")


def test_an_unknown_name_gets_the_nearest_of_catalog_and_store(store: Path, table: Path) -> None:
    with pytest.raises(
        UnknownNameError, match=r"no benchmark named 'nasbench201-cifar11'. Did you mean 'nasbench201-cifar1"
    ):
        open_benchmark("nasbench201-cifar11")
    import_table("laboratory", table, recipe=RECIPE)
    with pytest.raises(UnknownNameError, match="Did you mean 'laboratory'"):
        open_benchmark("labratory")


def test_what_to_get_for_a_known_benchmark(store: Path) -> None:
    with pytest.raises(DataError) as caught:
        open_benchmark("nasbench101")
    for part in (
        "'nasbench101' is not imported yet",
        "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord",
        "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
        "predictornas data import nasbench101 FILE.",
        str(store),
    ):
        assert part in str(caught.value)
    with pytest.raises(DataError, match="predictornas data import nasbench101-val30k FILE --join FILE"):
        open_benchmark("nasbench101-val30k")
    assert "nasbench101-val30k" not in {line.name for line in list_benchmarks()}
    with pytest.raises(DataError, match=r"Get NAS-Bench-201-v1_1.*predictornas data import nasbench201 FILE\."):
        open_benchmark("nasbench201-full-cifar10")


@pytest.mark.slow
def test_the_listing(store: Path, table: Path) -> None:
    assert stored_names() == []
    import_table("mine", table, recipe=replace(RECIPE, evaluation=None))
    (store / "broken").mkdir()
    (store / ".temporary").mkdir()
    lines = {line.name: line for line in list_benchmarks()}
    assert stored_names() == ["broken", "mine"]
    assert list(lines)[-2:] == ["broken", "mine"]
    assert (lines["mine"].state, lines["mine"].rows, lines["mine"].evaluation) == ("imported", 4, RUN0.name)
    assert "table.csv" in lines["mine"].description
    assert lines["broken"].state == "damaged"
    assert (lines["nasbench101"].state, lines["nasbench101"].rows) == ("needs a file", None)
    assert "nasbench_only108.tfrecord" in lines["nasbench101"].description
    assert lines["nasbench201-cifar10"].state == "offline"
    assert open_benchmark("nasbench201-cifar10").name == "nasbench201-cifar10"
    assert next(line for line in list_benchmarks() if line.name == "nasbench201-cifar10").state == "imported"


def test_a_table_of_a_space_of_another_process_hides_no_other(store: Path, table: Path) -> None:
    import_table("mine", table, recipe=RECIPE)
    shutil.copytree(store / "mine", store / "theirs")
    path = store / "theirs" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    del manifest["sha256"]
    path.write_text(json.dumps(sealed({**manifest, "space": "theirs"})), encoding="utf-8")
    lines = {line.name: line for line in list_benchmarks()}
    assert lines["mine"].state == "imported"
    assert (lines["theirs"].state, lines["theirs"].rows) == ("unknown space", None)
    assert "There is no search space named 'theirs'" in lines["theirs"].description
    with pytest.raises(UnknownNameError, match="search space"):
        open_benchmark("theirs")


def bundled() -> Path:
    return bundled_folder("nasbench101-digits")


def test_tables_of_other_packages_are_opened_under_the_name_they_are_asked_for_by(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = EntryPoint("theirs", "tests.benchmarks.test_catalog:bundled", "predictornas.benchmarks")
    monkeypatch.setattr(registry, "points_of", lambda group: (point,) if group == point.group else ())
    for name in ("theirs", "tests.benchmarks.test_catalog:bundled"):
        table = open_benchmark(name)
        assert (table.name, len(table)) == (name, 2532)
        assert open_benchmark(table.name).signal == table.signal
    assert is_here("theirs")
    assert not is_here("tests.benchmarks.test_catalog:bundled")
    assert [listing.state for listing in list_benchmarks() if listing.name == "theirs"] == ["plug-in"]
    with pytest.raises(UnknownNameError, match="Did you mean 'theirs'"):
        open_benchmark("thiers")
    with pytest.raises(ConfigurationError, match="is no Benchmark: dict lacks"):
        open_benchmark("builtins:dict")
