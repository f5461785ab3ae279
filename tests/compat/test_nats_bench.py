"""`create(...)` against the official one on the same files, to the last bit."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from predictornas.compat.nats_bench import (
    NATSsize,
    NATStopology,
    OfficialQueryError,
    create,
    search_space_info,
    version,
)
from predictornas.errors import ConfigurationError
from tests import official_201 as official
from tests.compat.official_answers import Question, ask, differences
from tests.compat.official_questions import about, in_all
from tests.extras import needed

ROOT = Path(__file__).parents[2]
SHORT = {"01": 1, "12": 2, "90": 3, "200": 4}


@pytest.fixture(scope="module", params=["tss", "sss"])
def apis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Any]]:
    """Both on one small file: four architectures, three of them trained, of few epochs."""
    folder = tmp_path_factory.mktemp(request.param)
    make = official.topology if request.param == "tss" else official.size
    file = official.write_pbz2(make(4, trained=3, epochs=SHORT), folder / "small")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREDICTORNAS_CACHE", str(folder / "cache"))
        theirs = needed("nats_bench").create(str(file), request.param, fast_mode=False, verbose=False)
        yield theirs, create(str(file), request.param, fast_mode=False, verbose=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:Find this arch-index")
def test_every_query_is_answered_as_the_official_package_does(apis: tuple[Any, Any]) -> None:
    names, longest = list(apis[0]), apis[0].full_train_epochs
    assert differences(*apis, about(min(apis[1].evaluated_indexes), names, longest)) == []
    assert differences(*apis, in_all(names, longest)) == []


@pytest.mark.thorough
@pytest.mark.parametrize("space", ["tss", "sss"])
def test_many_and_long_trainings_are_answered_as_the_official_package_does(space: str, tmp_path: Path) -> None:
    """300 architectures of few epochs and three of all, apart from the checks of types, which would take a minute."""
    command = [sys.executable, "-m", "tests.compat.whole_files", space, tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"(\d{3,} answers, 0 differ\n){2}", done.stdout)


@pytest.mark.slow
def test_early_epochs_are_simulated_as_the_official_package_does(apis: tuple[Any, Any]) -> None:
    longest = apis[0].full_train_epochs
    hp, names = str(longest), list(apis[0])

    def questions() -> Iterator[Question]:
        for index in apis[1].evaluated_indexes:
            for dataset in ("cifar10", "cifar100", "ImageNet16-120", "cifar10-valid"):
                for epoch in (None, 0, 1, 9):
                    yield ask("simulate_train_eval", names[index], dataset, epoch, hp)
                    yield ask("simulate_train_eval", index, dataset, epoch, hp=hp, account_time=False)
        yield "time", lambda api: api.used_time

    assert differences(*apis, questions()) == []


@pytest.mark.slow
def test_facts_of_a_space_are_the_official_ones(apis: tuple[Any, Any]) -> None:
    def questions() -> Iterator[Question]:
        for name in ("is_size", "is_topology", "full_epochs_in_paper", "full_train_epochs", "search_space_name"):
            yield name, lambda api, name=name: getattr(api, name)
        yield "modes", lambda api: [api.fast_mode, api.archive_dir, api.filename, repr(api)]
        for dataset in official.SETS:
            yield ask("statistics", dataset, 12)
        for index in range(5) if apis[0].is_topology else ():
            yield ask("get_unique_str", index)

    assert differences(*apis, questions()) == []


@pytest.mark.slow
def test_what_is_shown_is_the_same_text(apis: tuple[Any, Any], capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for api in apis:
        for index in range(5):
            api.show(index)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert printed[1].count(" 002 epochs ") == 3


def test_texts_of_cells_are_taken_apart_and_compared_as_the_official_package_does() -> None:
    theirs = needed("nats_bench").NATStopology

    def questions() -> Iterator[Question]:
        for text in (*official.topology_names(40), "|a~0|"):
            yield ask("str2lists", text)
            yield ask("str2matrix", text)

    assert differences(theirs, NATStopology, questions()) == []


@pytest.mark.slow
def test_folders_and_files_are_opened_whatever_the_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    content = official.topology(2, epochs=SHORT)
    folder = official.write_simple(content, tmp_path / "NATS-tss-v1_0-3ffb9-simple")
    theirs = needed("nats_bench").create(str(folder), "topology", fast_mode=True, verbose=False)
    ours = create(str(folder), "topology", fast_mode=True, verbose=False)
    assert differences(theirs, ours, iter([ask("get_more_info", 1, "cifar100", None, "200", False)])) == []
    assert (ours.fast_mode, ours.archive_dir) == (True, str(folder))
    assert repr(ours) == "NATStopology(2/2 architectures, fast_mode=True, file=NATS-tss-v1_0-3ffb9-simple)"
    assert create(folder, "tss", fast_mode=False).arch(1) == ours.arch(1)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert create(None, "tss", fast_mode=True).meta_archs == ours.meta_archs
    with pytest.raises(ConfigurationError, match="holds architectures of nasbench201, not of natsbench-size"):
        NATSsize(folder)


def test_names_of_spaces_are_the_official_ones() -> None:
    theirs = needed("nats_bench")
    assert version() == theirs.version()
    for tags in (("nats-bench", "tss"), ("nats-bench", "size"), ("nas-bench-201", None)):
        assert search_space_info(*tags) == theirs.search_space_info(*tags)
    for tags in (("nats-bench", None), ("nas-bench-201", "tss"), ("other", None)):
        with pytest.raises(OfficialQueryError, match="No search space"):
            search_space_info(*tags)
    with pytest.raises(OfficialQueryError, match="No search space 'darts'"):
        create("file", "darts")
