"""States of the official classes become arrays; anything else is refused."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.official201.states import read_state
from predictornas.errors import DataError

TRIAL = {
    "train_acc1es": {0: 30.0, 1: 60.0},
    "train_losses": {0: 2.0, 1: 1.0},
    "train_times": None,
    "eval_names": ["x-valid", "ori-test"],
    "eval_acc1es": {"x-valid@0": 20.0, "x-valid@1": 50.0, "ori-test@1": 40.0},
    "eval_losses": {"x-valid@0": 2.5, "x-valid@1": 1.5, "ori-test@1": 1.75},
    "eval_times": {},
    "params": 0.5,
    "flop": 30.0,
    "latency": [0.25, 0.75],
    "epochs": 2,
    "seed": "777",
    "net_state_dict": None,
}
STATE = {"full": {"arch_index": 3, "arch_str": "name", "all_results": {("cifar10-valid", 777): TRIAL}}}


def altered(**changes: Any) -> dict[str, Any]:
    state = deepcopy(STATE)
    state["full"]["all_results"]["cifar10-valid", 777].update(changes)  # type: ignore[index]
    return state


def test_a_training_becomes_arrays() -> None:
    trained = read_state(STATE)
    (trial,) = trained.trials
    assert (trained.name, trial.training, trial.dataset, trial.seed) == ("name", "200", "cifar10-valid", 777)
    assert (trial.epochs, trial.sets, trial.costs.tolist()) == (2, ("x-valid", "ori-test"), [30.0, 0.5, 0.5])
    assert {key: values.tolist() for key, values in trial.curves.items() if not np.isnan(values).any()} == {
        ("accuracy", "train"): [30.0, 60.0],
        ("accuracy", "x-valid"): [20.0, 50.0],
        ("loss", "train"): [2.0, 1.0],
        ("loss", "x-valid"): [2.5, 1.5],
    }
    np.testing.assert_array_equal(trial.curves["accuracy", "ori-test"], [np.nan, 40.0])
    assert ("seconds", "train") not in trial.curves


def test_unknown_costs_are_nan() -> None:
    (trial,) = read_state(altered(latency=None, params=None)).trials
    np.testing.assert_array_equal(trial.costs, [30.0, np.nan, np.nan])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "a training of 0 epochs"),
        ({"epochs": 10**9}, "a training of 1000000000 epochs"),
        ({"epochs": "2"}, "'epochs' is str, not int"),
        ({"eval_names": ["y"]}, "an evaluation on 'y'; known: x-valid"),
        ({"train_acc1es": {0: "1.0"}}, "a value of 'accuracy' is no number"),
        ({"train_acc1es": {0: 101.0}}, "an accuracy outside 0 to 100 percent: 101.0"),
        ({"train_losses": [1.0]}, "train_losses is list, not dict"),
        ({"flop": [1]}, "no numbers"),
    ],
)
def test_a_training_of_another_form_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_state(altered(**changes))


@pytest.mark.parametrize(
    ("state", "message"),
    [
        (None, "the architecture is NoneType, not dict"),
        ({"13": {}}, "unknown hyper-parameters '13'; known: less, full"),
        ({}, "one architecture has 0 names"),
        ({"full": {"arch_str": "a", "all_results": {("mnist", 777): {}}}}, "a training on 'mnist'"),
        ({"full": {"arch_str": "a", "all_results": {"cifar10": {}}}}, "the key of a training is str, not tuple"),
        ({"full": {"arch_str": 3, "all_results": {}}}, "'arch_str' is int, not str"),
    ],
)
def test_an_architecture_of_another_form_is_refused(state: object, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_state(state)
