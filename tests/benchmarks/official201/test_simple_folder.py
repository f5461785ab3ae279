"""Folders with a file an architecture, read in one process and in several."""

from __future__ import annotations

import bz2
import pickle
from pathlib import Path

import pytest

from predictornas.benchmarks.official201 import simple_folder
from predictornas.benchmarks.official201.simple_folder import is_simple_folder, read_folder
from predictornas.benchmarks.official201.states import Trained
from predictornas.errors import DataError
from tests.benchmarks.official201.test_states import TRIAL


def folder_of(path: Path, count: int) -> Path:
    path.mkdir()
    names = [f"name {index}" for index in range(count)]
    meta = {"meta_archs": names, "arch2infos": None, "evaluated_indexes": set()}
    (path / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(meta)))
    for index, name in enumerate(names):
        state = {"200": {"arch_str": name, "all_results": {("cifar10-valid", 777): {**TRIAL, "flop": float(index)}}}}
        (path / f"{index:06d}.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps(state)))
    return path


def taken(folder: Path, *, workers: int) -> tuple[list[tuple[int, str, float]], str]:
    found: list[tuple[int, str, float]] = []

    def take(index: int, trained: Trained) -> None:
        found.append((index, trained.name, float(trained.trials[0].costs[0])))

    meta, digest = read_folder(folder, take, workers=workers)
    assert meta["meta_archs"][1] == "name 1"
    return found, digest


def test_files_are_read_in_their_order(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a-simple", 20)
    assert is_simple_folder(folder)
    found, digest = taken(folder, workers=1)
    assert found == [(index, f"name {index}", float(index)) for index in range(20)]
    assert len(digest) == 64


@pytest.mark.slow
def test_several_processes_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simple_folder, "_FEW", 4)
    folder = folder_of(tmp_path / "a-simple", 40)
    assert taken(folder, workers=2) == taken(folder, workers=1)
    (folder / "000021.pickle.pbz2").write_bytes(b"torn")
    with pytest.raises(DataError, match=r"000021\.pickle\.pbz2: byte 0: it is no file of torch"):
        taken(folder, workers=2)


def test_a_torn_or_alien_file_is_named(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a-simple", 2)
    file = folder / "000001.pickle.pbz2"
    content = file.read_bytes()
    file.write_bytes(content[:-9])
    with pytest.raises(DataError, match=r"000001\.pickle\.pbz2: byte 0: it ends too early"):
        taken(folder, workers=1)
    file.write_bytes(bz2.compress(pickle.dumps({"13": 0})))
    with pytest.raises(DataError, match=r"000001\.pickle\.pbz2: unknown hyper-parameters '13'"):
        taken(folder, workers=1)


def test_a_folder_without_architectures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "meta.pickle.pbz2").write_bytes(bz2.compress(pickle.dumps({})))
    with pytest.raises(DataError, match="holds no file of an architecture"):
        taken(tmp_path, workers=1)
    assert not is_simple_folder(tmp_path / "gone")
