"""Official files become tables; what official packages wrote is what the tables hold."""

from __future__ import annotations

import bz2
import errno
import os
import pickle
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.catalog import list_benchmarks, open_benchmark
from predictornas.benchmarks.importing import import_official
from predictornas.benchmarks.layout import GENES
from predictornas.benchmarks.official201.curves import OfficialCurves
from predictornas.benchmarks.store import stored_names
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError, DataError, StoreError
from predictornas.oracles.tabular import TabularOracle
from tests import official_201 as official
from tests.benchmarks.official201.test_curves import NAMES, content
from tests.benchmarks.official201.test_full_tables import content as both_sets

SHORT = {"01": 1, "12": 2, "90": 3, "200": 5}
KEYS = {
    "train": {"accuracy": "train_acc1es", "loss": "train_losses", "seconds": "train_times"},
    "other": {"accuracy": "eval_acc1es", "loss": "eval_losses", "seconds": "eval_times"},
}


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREDICTORNAS_DATA", str(tmp_path / "store"))
    return tmp_path / "store"


def check_curves(table: Benchmark, infos: Mapping[int, Any]) -> int:
    """Compares every curve with the dictionaries of the file; returns how many numbers were compared."""
    curves, compared = OfficialCurves(table), 0
    dataset = table.manifest["source"]["dataset"].replace("imagenet", "ImageNet")
    for training, epochs in curves.trainings.items():
        for seed in curves.seeds(training):
            for measure in ("accuracy", "loss", "seconds"):
                for name in ("train", "x-valid", "x-test", "ori-test"):
                    found = curves.curve(measure, name, training, seed)
                    for row, index in enumerate(curves.official.tolist()):
                        state = infos[index].get(training) or infos[index][{"12": "less", "200": "full"}[training]]
                        trial = state["all_results"].get((dataset, seed), {})
                        key = KEYS.get(name, KEYS["other"])[measure]
                        places = [epoch if name == "train" else f"{name}@{epoch}" for epoch in range(epochs)]
                        expected = [trial.get(key, {}).get(place, np.nan) for place in places]
                        met = np.full(epochs, np.nan) if found is None else found[row]
                        np.testing.assert_array_equal(met, expected)
                        compared += epochs
    return compared


@pytest.mark.slow
@pytest.mark.parametrize("legacy", [True, False])
def test_every_number_of_a_pth_is_in_its_tables(tmp_path: Path, legacy: bool) -> None:
    made = official.nasbench201(12, trained=9, epochs=SHORT)
    tables = import_official("nasbench201", official.write_pth(made, tmp_path / "a.pth", legacy=legacy))
    assert [table.name for table in tables] == [
        *(f"nasbench201-official-{name}" for name in ("cifar10-valid", "cifar10", "cifar100", "imagenet16-120")),
        *(f"nasbench201-full-{name}" for name in ("cifar10", "cifar100", "imagenet16-120")),
    ]
    tables = tables[:4]  # `test_full_tables.py` has the others
    assert sum(check_curves(table, made["arch2infos"]) for table in tables) > 3000
    assert OfficialCurves(tables[0]).official.tolist() == made["evaluated_indexes"]
    assert [table.space.describe(table.genes[0]) for table in tables] == [
        made["meta_archs"][made["evaluated_indexes"][0]]
    ] * 4


@pytest.mark.slow
@pytest.mark.parametrize(("make", "name"), [(official.topology, "nasbench201"), (official.size, "natsbench-size")])
def test_a_compressed_file_and_its_folder_make_the_same_tables(
    tmp_path: Path, make: Callable[..., dict[str, Any]], name: str
) -> None:
    made = make(6, epochs=SHORT)
    whole = import_official("whole", official.write_pbz2(made, tmp_path / "a"))
    parts = import_official(name, official.write_simple(made, tmp_path / "a-simple"))
    for table, other in zip(whole, parts[: len(whole)], strict=True):
        assert check_curves(table, made["arch2infos"]) > 0
        assert list(table.columns) == list(other.columns)
        for column in table.columns:
            np.testing.assert_array_equal(table.values(column), other.values(column))
        assert table.manifest["space"] == name


def test_schedulers_resume_on_the_long_curve_alone(tmp_path: Path) -> None:
    made = content()
    for state in made["arch2infos"].values():
        long = state["full"]["all_results"]
        short = {key: {**trial, "epochs": 1} for key, trial in long.items()}
        state["less"] = {**state["full"], "all_results": short}
    (tmp_path / "a.pth").write_bytes(pickle.dumps(made, protocol=2))
    (table,) = import_official("nasbench201", tmp_path / "a.pth")
    oracle = TabularOracle(table)
    assert (oracle.resumes, oracle.levels, table.signal) == (True, (1, 2), "valid_accuracy_2_run0")
    assert TabularOracle(table, "valid_of1_accuracy_1_run0").levels == (1,)
    assert table.evaluation == "test_accuracy_2_mean"
    assert "25,000 of the 50,000" in table.manifest["source"]["protocol"]
    listed = {line.name: line for line in list_benchmarks()}
    assert listed["nasbench201-official-cifar10-valid"].rows == 2


def test_epochs_are_chosen_and_the_last_is_always_there(tmp_path: Path) -> None:
    path = tmp_path / "a.pth"
    path.write_bytes(pickle.dumps(content(), protocol=2))
    (few,) = import_official("few", path, epochs=[7])
    (every,) = import_official("every", path, epochs=None)
    epochs = [{column.epochs for column in table.columns.values()} - {None} for table in (few, every)]
    assert epochs == [{2}, {1, 2}]
    assert not few.manifest["source"]["learning_curves"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"meta_archs": NAMES[:1]}, "the architecture 1 is .* and 'nothing' in the list"),
        ({"meta_archs": NAMES[::-1]}, "the architecture 1 is .* in the list of all"),
        ({"meta_archs": None}, "no list 'meta_archs'"),
        ({"arch2infos": {0: {}}}, "one architecture has 0 names"),
        ({"arch2infos": {-1: content()["arch2infos"][0]}}, "under the index -1"),
        ({"arch2infos": {}}, "holds no training"),
    ],
)
def test_contents_that_contradict_themselves_are_refused(
    tmp_path: Path, store: Path, changes: dict[str, Any], message: str
) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(content() | changes, protocol=2))
    with pytest.raises(DataError, match=message):
        import_official("own", tmp_path / "a.pth")
    assert list(store.iterdir()) == []


class Evil:
    """Writes a file where it is loaded by pickle."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_a_hostile_file_runs_nothing_and_leaves_nothing(tmp_path: Path, store: Path) -> None:
    good = bz2.compress(pickle.dumps(content()))
    hostile = pickle.dumps({**content(), "extra": Evil(tmp_path / "run")})
    for file in (hostile, bz2.compress(hostile), good[:-1], bz2.compress(b"\x80\x02" + b"(" * 10**6), b"BZh9garbage"):
        (tmp_path / "a.pbz2").write_bytes(file)
        with pytest.raises(DataError):
            import_official("own", tmp_path / "a.pbz2")
    assert list(store.iterdir()) == []
    assert stored_names() == []
    assert not (tmp_path / "run").exists()


def test_names_of_tables_may_be_too_long_where_that_of_the_file_is_not(store: Path, tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(content(), protocol=2))
    with pytest.raises(ConfigurationError, match="cannot be the name of a benchmark"):
        import_official("a" * 195, tmp_path / "a.pth")
    assert stored_names() == []


def test_a_name_keeps_its_meaning(tmp_path: Path) -> None:
    (tmp_path / "a.pth").write_bytes(pickle.dumps(content(), protocol=2))
    (first,) = import_official("own", tmp_path / "a.pth")
    import_official("own", tmp_path / "a.pth")
    (tmp_path / "a.pth").write_bytes(pickle.dumps(content(flop=1.0), protocol=2))
    with pytest.raises(ConfigurationError, match="keeps its meaning"):
        import_official("own", tmp_path / "a.pth")
    with pytest.raises(ConfigurationError, match="Import it as 'nasbench201'"):
        import_official("natsbench-size", tmp_path / "a.pth")
    assert open_benchmark("own-cifar10-valid").manifest == first.manifest


def two_sets(folder: Path, *, flops: float = 30.0) -> Path:
    """A file of two data sets; the FLOPs are those of the second."""
    made = both_sets()
    for state in made["arch2infos"].values():
        for (dataset, _), trial in state["full"]["all_results"].items():
            trial["flop"] = flops if dataset == "cifar10" else trial["flop"]
    path = folder / "a.pth"
    path.write_bytes(pickle.dumps(made, protocol=2))
    return path


def test_a_name_that_is_taken_is_noticed_before_any_table_is_stored(tmp_path: Path, store: Path) -> None:
    import_official("own", two_sets(tmp_path))
    shutil.rmtree(store / "own-cifar10-valid")
    with pytest.raises(ConfigurationError, match=r"'own-cifar10' is already imported from 'a\.pth'"):
        import_official("own", two_sets(tmp_path, flops=1.0))
    assert stored_names() == ["own-cifar10"]


def test_a_disk_that_is_full_at_the_second_table_has_none(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, save, begun = two_sets(tmp_path), np.save, list[Path]()

    def full(target: Path, array: np.ndarray) -> None:
        begun.extend([target] if target.name == GENES else [])
        if len(begun) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(target, array)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(StoreError, match="No space left"):
        import_official("own", path)
    assert list(store.iterdir()) == []


def test_a_table_that_lies_on_another_disk_is_written_there(
    tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store has a link in its place, and nothing can be renamed to where that points."""
    path, disk = two_sets(tmp_path), tmp_path / "disk" / "table"
    (first, _) = import_official("own", path)
    disk.parent.mkdir()
    shutil.move(first.folder, disk)
    first.folder.symlink_to(disk)
    rename = os.rename

    def across(source: Any, target: Any) -> None:
        if ("disk" in str(source)) != ("disk" in str(target)):
            raise OSError(errno.EXDEV, "Invalid cross-device link")
        rename(source, target)

    monkeypatch.setattr(os, "rename", across)
    (again, _) = import_official("own", path)
    assert again.folder.readlink() == disk
    again.verify()
    np.testing.assert_array_equal(OfficialCurves(again).official, [0, 1])


@pytest.mark.parametrize("name", ["nasbench101", "nasbench101-mine", "nasbench101-val30k", "nasbench-graph-mine"])
def test_a_name_that_says_another_space_is_refused_before_the_file_is_read(
    tmp_path: Path, store: Path, name: str
) -> None:
    (tmp_path / "a.pth").write_bytes(b"never read")
    with pytest.raises(ConfigurationError, match=r"says nasbench.*hold nasbench201 or natsbench-size"):
        import_official(name, tmp_path / "a.pth")
    assert not store.exists()
