from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks.importing import import_official, import_table
from predictornas.compat import official_store
from predictornas.compat.official_store import OfficialQueryError, OfficialStore, opened
from predictornas.errors import ConfigurationError, DataError
from tests import official_201 as official
from tests.benchmarks.official201.test_full_tables import content as both_sets
from tests.small_tables import RECIPE, write_table

SHORT = {"01": 1, "12": 2, "90": 3, "200": 4}


@pytest.fixture
def content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> official.Uncopied:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    return official.nasbench201(5, trained=3, epochs=SHORT)


@pytest.fixture
def found(content: official.Uncopied, tmp_path: Path) -> OfficialStore:
    return opened(official.write_pth(content, tmp_path / "file.pth"), "nasbench201")[0]


def state(content: official.Uncopied, index: int, dataset: str, seed: int, training: str = "full") -> dict[str, object]:
    trial: dict[str, object] = content["arch2infos"][index][training]["all_results"][dataset, seed]
    return trial


@pytest.mark.slow
def test_names_indexes_and_seeds_are_those_of_the_file(content: official.Uncopied, found: OfficialStore) -> None:
    assert found.names == content["meta_archs"]
    assert found.evaluated == content["evaluated_indexes"]
    assert found.trainings == {"12": 2, "200": 4}
    assert found.datasets == list(official.SETS)
    for index in found.evaluated:
        for dataset in official.SETS:
            results = content["arch2infos"][index]["full"]
            assert found.seeds(dataset, "200", index) == results["dataset_seed"][dataset]
    lacking = next(index for index in range(5) if index not in found.evaluated)
    assert found.seeds("cifar10", "200", lacking) == []
    with pytest.raises(OfficialQueryError, match=f"Architecture {lacking} was not trained on 'cifar10'"):
        found.costs("cifar10", "200", 777, lacking)


@pytest.mark.slow
def test_curves_are_those_of_the_file_and_nan_where_it_knows_none(
    content: official.Uncopied, found: OfficialStore
) -> None:
    index = found.evaluated[0]
    seed = found.seeds("cifar100", "200", index)[0]
    trial = state(content, index, "cifar100", seed)

    def curve(measure: str, name: str) -> list[float]:
        values = found.curve(measure, name, "cifar100", "200", seed, index)
        assert values is not None
        return values.tolist()

    assert curve("accuracy", "train") == list(trial["train_acc1es"].values())  # type: ignore[attr-defined]
    assert curve("seconds", "x-test") == [trial["eval_times"]["x-test@0"]] * 4  # type: ignore[index]
    last = trial["eval_losses"]["x-valid@3"]  # type: ignore[index]
    np.testing.assert_array_equal(curve("loss", "x-valid"), [np.nan, np.nan, np.nan, last])
    assert found.curve("loss", "x-valid", "cifar10", "200", seed, index) is None
    assert found.costs("cifar100", "200", seed, index)[:2] == [trial["flop"], trial["params"]]


@pytest.mark.slow
def test_a_file_is_imported_once_until_it_changes(
    content: official.Uncopied, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    reading = official_store.reading_tables
    monkeypatch.setattr(
        official_store, "reading_tables", lambda path, *a, **k: read.append(path) or reading(path, *a, **k)
    )
    file = official.write_pth(content, tmp_path / "file.pth")
    for _ in range(2):
        assert opened(file, "nasbench201")[1] == "file.pth"
    assert len(read) == 1
    official.write_pth(official.nasbench201(2, epochs=SHORT), file)
    assert len(opened(str(file), "nasbench201")[0].names) == 2
    assert len(read) == 2


@pytest.mark.slow
def test_tables_are_opened_by_the_name_that_they_were_imported_under(
    content: official.Uncopied, store: Path, tmp_path: Path
) -> None:
    import_official("nasbench201", official.write_pth(content, tmp_path / "file.pth"))
    import_official("mine", official.write_pbz2(official.size(2, epochs=SHORT), tmp_path / "size"))
    assert opened("nasbench201", "nasbench201")[0].names == content["meta_archs"]
    assert opened("nasbench201-official-cifar10", "nasbench201")[0].datasets == list(official.SETS)
    assert opened("mine", "natsbench-size")[0].names == ["8:8:8:8:8", official.size_names(2)[1]]
    with pytest.raises(ConfigurationError, match="holds architectures of natsbench-size, not of nasbench201"):
        opened("mine", "nasbench201")


def written(folder: Path, flops: float) -> Path:
    """A file of two data sets."""
    made = both_sets()
    for state in made["arch2infos"].values():
        for trial in state["full"]["all_results"].values():
            trial["flop"] = flops
    path = folder / f"{flops:.0f}.pth"
    path.write_bytes(pickle.dumps(made, protocol=2))
    return path


def test_tables_of_two_files_never_answer_together(store: Path, tmp_path: Path) -> None:
    """As where one of them came from elsewhere; and a table of one's own may have such a name too."""
    import_official("own", written(tmp_path, 1.0))
    import_official("other", written(tmp_path, 2.0))
    shutil.rmtree(store / "own-cifar10")
    assert opened("own", "nasbench201")[0].datasets == ["cifar10-valid"]
    shutil.move(store / "other-cifar10", store / "own-cifar10")
    for name in ("own", "own-cifar10"):
        with pytest.raises(DataError, match=r"are of two files, '1\.pth' and '2\.pth'\. Remove those of one"):
            opened(name, "nasbench201")
    shutil.rmtree(store / "own-cifar10")
    import_table("own-cifar10", write_table(tmp_path / "table.csv", [0.1, 0.2, 0.3, 0.4]), recipe=RECIPE)
    assert opened("own", "nasbench201")[0].datasets == ["cifar10-valid"]


def test_what_a_killed_import_left_in_the_cache_goes_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    left = tmp_path / "cache" / "official-files" / ".x.predictornas-partial"
    left.mkdir(parents=True)
    opened(written(tmp_path, 1.0), "nasbench201")
    assert [path.name.startswith(".") for path in left.parent.iterdir()] == [False]


@pytest.mark.usefixtures("store")
def test_what_is_neither_a_file_nor_a_name_says_how_to_get_one() -> None:
    with pytest.raises(DataError, match=r"There is no file 'missing\.pth'.*data import nasbench201 FILE"):
        opened("missing.pth", "nasbench201")


@pytest.mark.usefixtures("store")
def test_a_table_of_other_origin_says_what_it_lacks() -> None:
    with pytest.raises(DataError, match=r"'nasbench201-cifar10' holds single values.*every epoch.*lacks.*Import one"):
        opened("nasbench201-cifar10", "nasbench201")
    with pytest.raises(DataError, match=r"'nasbench201-official-cifar10' is not imported yet.*import nasbench201 FILE"):
        opened("nasbench201-official-cifar10", "nasbench201")
