from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.importing import import_table
from predictornas.benchmarks.store import remove_benchmark, stored_folder, stored_names, stored_rows
from predictornas.errors import StoreError, UnknownNameError
from tests.small_tables import RECIPE, write_table


def test_what_the_store_has(store: Path, tmp_path: Path) -> None:
    assert stored_names() == []
    import_table("mine", write_table(tmp_path / "table.csv", [0.1, 0.2, 0.3, 0.4]), recipe=RECIPE)
    for other in ("broken", ".temporary", "Capital"):
        (store / other).mkdir()
    (store / "file").write_text("")
    assert stored_names() == ["broken", "mine"]
    assert stored_folder("mine") == store / "mine"
    assert (stored_rows("mine"), stored_rows("broken")) == (4, 0)
    with pytest.raises(UnknownNameError, match="Did you mean 'mine'"):
        stored_folder("mime")


def test_a_table_is_removed_whole(store: Path, tmp_path: Path) -> None:
    import_table("mine", write_table(tmp_path / "table.csv", [0.1, 0.2, 0.3, 0.4]), recipe=RECIPE)
    assert remove_benchmark("mine") == store / "mine"
    assert stored_names() == []
    for gone in (remove_benchmark, open_benchmark, stored_rows):
        with pytest.raises(UnknownNameError):
            gone("mine")


def test_a_folder_that_cannot_be_removed(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    (store / "broken").mkdir(parents=True)
    monkeypatch.setattr("shutil.rmtree", refused)
    with pytest.raises(StoreError, match=r"Could not remove .*broken: Permission denied"):
        remove_benchmark("broken")


def test_a_table_that_lies_elsewhere_goes_with_its_link(store: Path, tmp_path: Path) -> None:
    import_table("mine", write_table(tmp_path / "table.csv", [0.1, 0.2, 0.3, 0.4]), recipe=RECIPE)
    (tmp_path / "disk").mkdir()
    (store / "mine").rename(tmp_path / "disk" / "mine")
    (store / "mine").symlink_to(tmp_path / "disk" / "mine")
    # as one that was killed in the midst of another import leaves it
    (tmp_path / "disk" / "mine").rename(tmp_path / "disk" / ".mine.predictornas-replaced")
    assert stored_names() == ["mine"]
    assert open_benchmark("mine").name == "mine"
    remove_benchmark("mine")
    assert not (store / "mine").is_symlink()
    assert list((tmp_path / "disk").iterdir()) == []


def test_what_another_name_stands_for_is_not_removed_with_a_link(store: Path, tmp_path: Path) -> None:
    import_table("mine", write_table(tmp_path / "table.csv", [0.1, 0.2, 0.3, 0.4]), recipe=RECIPE)
    for link in ("first", "second"):
        (store / link).symlink_to("mine")
        remove_benchmark(link)
        assert stored_names() == ["mine"]
        assert open_benchmark("mine").name == "mine"
