"""`NASBench201API` against the official one on the same file, to the last bit."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.compat.nas_201_api import NASBench201API, OfficialQueryError
from tests import official_201 as official
from tests.compat.official_answers import Question, ask, differences
from tests.compat.official_questions import about, in_all
from tests.extras import needed

ROOT = Path(__file__).parents[2]
SHORT = {"12": 3, "200": 5}


@pytest.fixture(scope="module")
def apis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, NASBench201API]]:
    """Both on one small file: six architectures, five of them trained, of few epochs."""
    yield from both(tmp_path_factory, official.nasbench201(6, trained=5, epochs=SHORT))


def both(tmp_path_factory: pytest.TempPathFactory, content: official.Uncopied) -> Iterator[tuple[Any, NASBench201API]]:
    folder = tmp_path_factory.mktemp("nasbench201")
    file = official.write_pth(content, folder / "small.pth")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREDICTORNAS_CACHE", str(folder / "cache"))
        yield needed("nas_201_api").NASBench201API(content, verbose=False), NASBench201API(file, verbose=False)


@pytest.mark.slow
def test_every_query_is_answered_as_the_official_package_does(apis: tuple[Any, NASBench201API]) -> None:
    names = list(apis[1])
    for index in apis[1].evaluated_indexes[:2]:
        assert differences(*apis, about(index, names, 200)) == []
    assert differences(*apis, in_all(names, 200)) == []


@pytest.mark.slow
def test_what_was_never_trained_is_refused_by_both(apis: tuple[Any, NASBench201API]) -> None:
    (index, *_) = set(range(6)) - set(apis[1].evaluated_indexes)

    def questions() -> Iterator[Question]:
        for text, asked in about(index, list(apis[1]), 200):
            if not text.startswith(("query_info_str", "query_by_arch")):
                yield text, asked

    assert differences(*apis, questions()) == []
    for api in apis[1:]:
        with pytest.warns(UserWarning, match="was not trained"):
            assert api.query_info_str_by_arch(index) is None


@pytest.mark.slow
def test_what_is_shown_is_the_same_text(apis: tuple[Any, NASBench201API], capsys: pytest.CaptureFixture[str]) -> None:
    printed = []
    for api in apis:
        for index in (*range(6), 6):
            api.show(index)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "012 epochs" not in printed[1]
    assert printed[1].count(" 003 epochs ") == 5


@pytest.mark.slow
def test_all_are_shown_where_the_official_package_fails(
    apis: tuple[Any, NASBench201API], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(KeyError):
        apis[0].show(-1)
    capsys.readouterr()
    apis[1].show(-1)
    printed = capsys.readouterr().out
    assert printed.startswith("NASBench201API(5/6 architectures, file=small.pth)\n")
    assert printed.count(" 005 epochs ") == 5


@pytest.mark.thorough
def test_many_and_long_trainings_are_answered_as_the_official_package_does(tmp_path: Path) -> None:
    """300 architectures of few epochs and three of 200, apart from the checks of types, which would take a minute."""
    command = [sys.executable, "-m", "tests.compat.whole_files", "nas_201_api", tmp_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"(\d{3,} answers, 0 differ\n){2}", done.stdout)


@pytest.mark.slow
def test_the_number_of_trainings(apis: tuple[Any, NASBench201API]) -> None:
    """The official package counts only where every architecture was trained."""
    with pytest.raises(KeyError):
        apis[0].statistics("cifar10", 200)
    counts = apis[1].statistics("cifar10", 200)
    expected = [len(apis[0].query_by_index(i, "cifar10", "200")) for i in apis[0].evaluated_indexes]
    assert counts == {seeds: expected.count(seeds) for seeds in set(expected)}
    assert apis[1].statistics("cifar10-valid", "12") == {2: 5}
    for wrong in (("svhn", "12"), ("cifar10", "90")):
        with pytest.raises(OfficialQueryError):
            apis[1].statistics(*wrong)


def test_texts_are_taken_apart_as_the_official_package_does() -> None:
    texts = [*official.topology_names(20), "|a~0|+|b~0|c~1|", "|none~0~1|", "none", "|none~0|+|none~0|none~0|"]

    def questions() -> Iterator[Question]:
        for text in texts:
            yield ask("str2lists", text)
            yield ask("str2matrix", text)
            yield ask("str2matrix", text, ["a", "b", "c"])

    assert differences(needed("nas_201_api").NASBench201API, NASBench201API, questions()) == []


@pytest.mark.slow
def test_results_that_are_changed_stay_their_owners(apis: tuple[Any, NASBench201API]) -> None:
    index = apis[1].evaluated_indexes[0]

    def changed(api: Any) -> Any:
        info = api.query_by_index(index, hp="12")
        info.reset_latency("cifar10", None, 0.5)
        info.reset_latency("cifar10-valid", 777, 0.25)
        info.reset_pseudo_train_times("cifar10", None, 2.0)
        info.reset_pseudo_eval_times("cifar10", None, "ori-test", 3.0)
        with pytest.raises(ValueError, match="x-test"):
            info.reset_pseudo_eval_times("cifar10", 777, "x-test", 3.0)
        return [info, info.get_latency("cifar10"), info.get_latency("cifar10-valid"), info.get_compute_costs("cifar10")]

    assert (
        differences(*apis, iter([("changed", changed), ("after", lambda api: api.get_cost_info(index, "cifar10"))]))
        == []
    )


@pytest.mark.slow
def test_weights_and_other_archives_are_refused_with_a_reason(apis: tuple[Any, NASBench201API]) -> None:
    api = apis[1]
    index = api.evaluated_indexes[0]
    for refused in (
        lambda: api.get_net_param(index, "cifar10", None),
        lambda: api.query_by_index(index).get_net_param("cifar10", 777),
        lambda: api.query_by_index(index, "cifar10")[777].get_net_param(),
    ):
        with pytest.raises(OfficialQueryError, match="hold no trained weights"):
            refused()
    with pytest.raises(OfficialQueryError, match="does not change"):
        api.reload("archive", 0)
    api.clear_params(index)


@pytest.mark.slow
def test_numbers_of_numpy_are_indexes_too(apis: tuple[Any, NASBench201API]) -> None:
    assert apis[1].query_index_by_arch(np.int64(3)) == 3


@pytest.mark.slow
def test_simulated_seconds_add_up(apis: tuple[Any, NASBench201API]) -> None:
    api = apis[1]
    api.reset_time()
    random.seed(0)
    costs = [api.simulate_train_eval(api.evaluated_indexes[0], name)[2] for name in ("cifar10", "cifar100")]
    assert api.used_time == sum(costs)
    assert api.simulate_train_eval(api.evaluated_indexes[0], "cifar10", account_time=False)[3] == sum(costs)


@pytest.mark.slow
def test_any_kind_of_error_catches_a_refusal(apis: tuple[Any, NASBench201API]) -> None:
    for kind in (ValueError, KeyError, AssertionError):
        with pytest.raises(kind, match="Indexes are 0 to 5, not 99"):
            apis[1].arch(99)


@pytest.mark.slow
def test_the_default_file_is_looked_for_where_the_official_package_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    official.write_pth(official.nasbench201(2, epochs=SHORT), tmp_path / "NAS-Bench-201-v1_1-096897.pth")
    assert repr(NASBench201API()) == "NASBench201API(2/2 architectures, file=NAS-Bench-201-v1_1-096897.pth)"
