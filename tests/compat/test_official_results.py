from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.compat.official_results import ArchResults
from predictornas.compat.official_store import OfficialQueryError, OfficialStore, opened
from predictornas.compat.official_trials import NUMPY, PLAIN
from tests import official_201 as official

SHORT = {"01": 1, "12": 2, "90": 3, "200": 4}


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OfficialStore:
    """Seeds 777 and 888 note the costs of different cells; one seed knows no latency."""
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    content = official.nasbench201(2, epochs=SHORT)
    trials = content["arch2infos"][0]["less"]["all_results"]
    for seed, flop, params, latency in ((777, 10.0, 1.0, [0.5]), (888, 20.0, 3.0, None)):
        trials["cifar10-valid", seed] |= {"flop": flop, "params": params, "latency": latency}
        trials["cifar10-valid", seed]["train_acc1es"] = {0: seed / 100, 1: 0.0}
    return opened(official.write_pth(content, tmp_path / "file.pth"), "nasbench201")[0]


@pytest.mark.slow
def test_costs_are_the_mean_or_those_of_the_right_seed(found: OfficialStore) -> None:
    numpy, plain = (ArchResults(found, arithmetic, 0, "12") for arithmetic in (NUMPY, PLAIN))
    expected = {"flops": 15.0, "params": 2.0, "latency": 0.5}
    assert expected.items() <= numpy.get_compute_costs("cifar10-valid").items()
    expected = {"flops": 20.0, "params": 3.0, "latency": 0.5}
    assert expected.items() <= plain.get_compute_costs("cifar10-valid").items()
    with pytest.raises(OfficialQueryError, match="latency of architecture 0 on 'cifar10-valid' is not known"):
        plain.get_latency("cifar10-valid")


@pytest.mark.slow
def test_metrics_of_a_seed_of_all_and_of_one_at_random(found: OfficialStore) -> None:
    results = ArchResults(found, PLAIN, 0, "12")
    assert results.get_dataset_seeds("cifar10-valid") == [777, 888]
    assert results.get_metrics("cifar10-valid", "train", 0, 888)["accuracy"] == 8.88
    assert results.get_metrics("cifar10-valid", "train", 0)["accuracy"] == pytest.approx((7.77 + 8.88) / 2)
    drawn = {results.get_metrics("cifar10-valid", "train", 0, True)["accuracy"] for _ in range(60)}
    assert drawn == {7.77, 8.88}
    with pytest.raises(OfficialQueryError, match=r"is_random is 999.* one of the seeds \[777, 888\]"):
        results.get_metrics("cifar10-valid", "train", 0, 999)


def test_what_there_is_not_is_refused(found: OfficialStore) -> None:
    results = ArchResults(found, PLAIN, 0, "12")
    with pytest.raises(OfficialQueryError, match=r"was trained on cifar10-valid, .*, not on 'svhn'"):
        results.query("svhn")
    with pytest.raises(OfficialQueryError, match="No seed 999 on 'cifar10'"):
        results.query("cifar10", 999)
    assert repr(results).endswith(f"arch={found.names[0]}, 5 runs, clear=True)")
