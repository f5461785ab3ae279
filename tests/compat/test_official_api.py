from __future__ import annotations

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from predictornas.compat.nas_201_api import NASBench201API
from predictornas.compat.nats_bench import NATStopology, create
from predictornas.compat.official_api import default_path
from predictornas.compat.official_store import OfficialQueryError
from predictornas.errors import ConfigurationError
from tests import official_201 as official

SHORT = {"01": 1, "12": 2, "90": 3, "200": 4}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    content = official.nasbench201(3, epochs=SHORT)
    for index, accuracies in enumerate([(90.0, 70.0), (75.0, 76.0), (85.0, 60.0)]):
        trials = content["arch2infos"][index]["less"]["all_results"]
        for seed, accuracy, flop in zip((777, 888), accuracies, (8.0 + index, 20.0 + index), strict=True):
            trials["cifar10-valid", seed] |= {"flop": flop, "params": 0.5}
            trials["cifar10-valid", seed]["eval_acc1es"]["x-valid@1"] = accuracy
    return official.write_pth(content, tmp_path / "file.pth")


@pytest.mark.slow
def test_the_best_is_that_of_the_mean_of_all_seeds_within_the_limits(file: Path) -> None:
    """Means 80, 75.5 and 72.5; operations of seed 888 are 20, 21 and 22, the means 14, 15 and 16."""
    numpy, plain = NASBench201API(file), NATStopology(file)
    assert numpy.find_best("cifar10", "valid") == plain.find_best("cifar10", "valid") == (0, 80.0)
    assert numpy.find_best("cifar10", "valid", FLOP_max=13.5) == (-1, None)
    assert numpy.find_best("cifar10", "valid", FLOP_max=15.5) == (0, 80.0)
    assert plain.find_best("cifar10", "valid", flop_max=15.5) == (-1, None)
    assert plain.find_best("cifar10", "valid", flop_max=20.5) == (0, 80.0)


@pytest.mark.slow
def test_any_way_to_name_an_architecture_leads_to_its_index(file: Path) -> None:
    api = NASBench201API(file)
    assert [api.query_index_by_arch(text) for text in api] == [0, 1, 2]
    assert (api.query_index_by_arch("none"), api.query_index_by_arch(None)) == (-1, -1)
    with pytest.raises(OfficialQueryError, match="Architecture -1 was not trained"):
        api.get_more_info("none", "cifar10")


@pytest.mark.slow
def test_drop_ins_go_to_other_processes(file: Path) -> None:
    """Of any kind, before and after queries, with the time that was used; the tables themselves do not travel."""
    for api in (NASBench201API(file), create(file, "tss", verbose=False)):
        api.get_more_info(1, "cifar10-valid", hp="12")
        api.simulate_train_eval(0, "cifar10", hp="12")
        pickled = pickle.dumps(api)
        copy = pickle.loads(pickled)
        assert type(copy) is type(api)
        assert (list(copy), copy.used_time, len(copy.arch2infos_dict)) == (list(api), api.used_time, 3)
        assert copy.find_best("cifar10", "valid") == (0, 80.0)
        assert copy.query_by_index(1, "cifar10-valid").keys() == api.query_by_index(1, "cifar10-valid").keys()
        with ProcessPoolExecutor(1, get_context("spawn")) as processes:
            assert processes.submit(api.arch, 2).result() == api.arch(2)


def test_what_cannot_be_opened_says_what_can() -> None:
    with pytest.raises(ConfigurationError, match=r"A dict cannot be opened\. Give the path of the official file"):
        NASBench201API({"meta_archs": []})


def test_the_default_place_is_the_official_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", "/somewhere")
    assert default_path("file") == Path("/somewhere/file")
    monkeypatch.delenv("TORCH_HOME")
    monkeypatch.setenv("HOME", "/home/somebody")
    assert default_path("file") == Path("/home/somebody/.torch/file")
