from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from predictornas.compat.official_store import OfficialQueryError, OfficialStore, opened
from predictornas.compat.official_trials import NUMPY, PLAIN, ResultsCount
from tests import official_201 as official

SHORT = {"01": 1, "12": 3, "90": 3, "200": 4}


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OfficialStore:
    """An architecture, trained on CIFAR-10 with numbers that can be told at a glance; no latency is known."""
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    content = official.nasbench201(2, epochs=SHORT)
    trial = content["arch2infos"][0]["less"]["all_results"]["cifar10-valid", 777]
    trial["train_acc1es"], trial["train_losses"] = {0: 10.0, 1: 20.0, 2: 30.0}, {0: 3.0, 1: 2.0, 2: float("nan")}
    trial["train_times"], trial["latency"] = {0: 1.0, 1: 2.0, 2: 4.5}, None
    for measure in ("eval_acc1es", "eval_losses", "eval_times"):
        trial[measure] = {"x-valid@2": 8.0}
    trial["eval_names"], trial["flop"], trial["params"] = ["x-valid"], 5.0, 0.5
    return opened(official.write_pth(content, tmp_path / "file.pth"), "nasbench201")[0]


def trial_of(found: OfficialStore, arithmetic: Any = PLAIN) -> ResultsCount:
    return ResultsCount(found, arithmetic, "cifar10-valid", "12", 777, 0)


@pytest.mark.slow
def test_an_epoch_has_its_own_seconds_and_those_of_all_before(found: OfficialStore) -> None:
    trial = trial_of(found)
    assert trial.get_train(1) == {"iepoch": 1, "loss": 2.0, "accuracy": 20.0, "cur_time": 2.0, "all_time": 3.0}
    last = trial.get_train()
    assert (last["accuracy"], last["all_time"], last["loss"] != last["loss"]) == (30.0, 7.5, True)
    assert trial.train_times == {0: 1.0, 1: 2.0, 2: 4.5}
    assert trial.eval_losses == {"x-valid@2": 8.0}


@pytest.mark.slow
def test_what_was_not_evaluated_is_refused_and_says_what_was(found: OfficialStore) -> None:
    trial = trial_of(found)
    assert trial.get_eval("valid")["accuracy"] == 8.0
    with pytest.raises(OfficialQueryError, match="no 'x-valid' after epoch 0 of training '12' on 'cifar10-valid'"):
        trial.get_eval("x-valid", 0)
    with pytest.raises(OfficialQueryError, match="there is: x-valid"):
        trial.get_eval("ori-test")
    with pytest.raises(OfficialQueryError, match="Epochs of this training are 0 to 2; iepoch is 3"):
        trial.get_train(3)


@pytest.mark.slow
def test_unknown_costs_are_none_and_times_are_summed_as_each_package_does(found: OfficialStore) -> None:
    trial = trial_of(found)
    assert (trial.flop, trial.params, trial.latency, trial.get_latency()) == (5.0, 0.5, None, -1.0)
    for arithmetic in (PLAIN, NUMPY):
        times = trial_of(found, arithmetic).get_times()
        assert (times["T-train@epoch"], times["T-train@total"], times["T-x-valid@total"]) == (2.5, 7.5, None)
    text = "ResultsCount(cifar10-valid, arch=" + found.names[0] + ", FLOP=5.00M, Param=0.500MB, seed=777, 1 eval-sets: "
    assert repr(trial) == text + "[x-valid])"


def test_networks_are_described_as_the_official_packages_do(found: OfficialStore) -> None:
    config = trial_of(found).get_config(None)
    assert config == {"name": "infer.tiny", "C": 16, "N": 5, "arch_str": found.names[0], "num_classes": 10}
    assert trial_of(found).get_config(len)["genotype"] == len(found.names[0])
