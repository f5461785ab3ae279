from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.history import History, Pending
from predictornas.search.results import Given, checked, unknown_rows, with_results
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
GENES = SPACE.enumerate()[:3]
KEYS = SPACE.keys(GENES)
NOTHING = History.empty(6)


def results(**given: Any) -> Any:
    return checked(SPACE, NOTHING, Given(GENES, **given))


def test_a_value_that_is_not_finite_is_a_failure_with_a_reason() -> None:
    told = results(values=[0.5, float("nan"), float("inf")])
    np.testing.assert_array_equal(told.values, [0.5, np.nan, np.nan])
    assert told.failures == {1: "its value is nan", 2: "its value is inf"}


@pytest.mark.parametrize(
    ("failed", "reasons"),
    [
        ("no memory", dict.fromkeys(range(3), "no memory")),
        (MemoryError("8 GB"), dict.fromkeys(range(3), "MemoryError: 8 GB")),
        ([None, True, "killed"], {1: "failed", 2: "killed"}),
    ],
)
def test_reasons_are_for_all_or_for_each(failed: Any, reasons: dict[int, str]) -> None:
    told = results(values=[0.5, 0.6, 0.7], failed=failed)
    assert told.failures == reasons
    assert np.flatnonzero(np.isnan(told.values)).tolist() == list(reasons)


@pytest.mark.parametrize(
    ("given", "met"),
    [
        ({"values": [0.5]}, "one value an architecture: 3 of them"),
        ({"values": [[0.5], [0.6], [0.7]]}, "one value an architecture"),
        ({"failed": ["killed", None, None]}, r"neither a value of \|none~0\|\+\|none~0\|none~1\|\+.*skip_connect~2\|"),
        ({"failed": ["killed"]}, "one for each of 3"),
        ({"values": [0.5] * 3, "epochs": [1]}, "the epochs of each of 3"),
        ({"values": [0.5] * 3, "costs": [[1.0]]}, "a row of finite costs an architecture"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(given: dict[str, Any], met: str) -> None:
    with pytest.raises(ConfigurationError, match=met):
        results(**given)


def test_the_length_of_a_training_is_that_which_was_asked_for() -> None:
    history = NOTHING.with_pending([Pending(int(KEYS[1]), (0,) * 6, 3, epochs=9)])
    told = checked(SPACE, history, Given(GENES, [0.1, 0.2, 0.3]))
    assert told.epochs.tolist() == [0, 9, 0]


def test_a_second_value_of_the_same_training_is_refused_and_another_length_is_not() -> None:
    history = NOTHING.extended(keys=KEYS[:1], genes=GENES[:1], epochs=[9], values=[0.25], iteration=0)
    with pytest.raises(ConfigurationError, match=r"none~2\| has one value after 9 epochs, and 0\.25 is known"):
        checked(SPACE, history, Given(GENES[:1], [0.5], [9]))
    assert checked(SPACE, history, Given(GENES[:1], [0.5], [12])).values.tolist() == [0.5]
    with pytest.raises(ConfigurationError, match="twice"):
        checked(SPACE, NOTHING, Given(GENES[[0, 0]], [0.5, 0.5]))


def test_a_result_takes_the_place_of_a_failure_of_the_same_training_alone() -> None:
    history = NOTHING.extended(
        keys=KEYS,
        genes=GENES,
        epochs=[9, 9, 9],
        values=[np.nan] * 3,
        iteration=0,
        failures=dict.fromkeys(range(3), "x"),
    )
    event = {"keys": KEYS[:2], "genes": GENES[:2], "epochs": [9, 12], "values": [0.5, None], "costs": None}
    after = with_results(history, {**event, "failures": {"1": "again"}}, np.array([4, 5]))
    assert after.keys.tolist() == KEYS[[1, 2, 0, 1]].tolist()
    assert after.epochs.tolist() == [9, 9, 9, 12]
    np.testing.assert_array_equal(after.values, [np.nan, np.nan, 0.5, np.nan])
    assert after.failures == {0: "x", 1: "x", 3: "again"}
    assert after.iterations.tolist() == [0, 0, 4, 5]


def test_reasons_are_read_as_numpy_and_tables_have_them() -> None:
    failed = np.array([False, True, False])
    np.testing.assert_array_equal(results(values=[0.9, 0.2, 0.7], failed=failed).values, [0.9, np.nan, 0.7])
    assert results(values=[0.9, 0.2, 0.7], failed=failed).failures == {1: "failed"}
    assert results(values=[0.9, 0.2, 0.7], failed=[float("nan"), "killed", np.nan]).failures == {1: "killed"}
    assert results(values=[0.9, 0.2, 0.7], failed=np.True_).failures == dict.fromkeys(range(3), "failed")


def test_values_come_as_tensors_and_masked_arrays_too() -> None:
    masked = results(values=np.ma.masked_array([0.1, 0.9, 0.3], mask=[False, True, False]))
    np.testing.assert_array_equal(masked.values, [0.1, np.nan, 0.3])
    assert masked.failures == {1: "its value is nan"}
    told = results(
        values=torch.tensor([0.1, 0.2, 0.3], dtype=torch.float64, requires_grad=True), epochs=[2.0, 3.0, 9.0]
    )
    assert (told.values.tolist(), told.epochs.tolist()) == ([0.1, 0.2, 0.3], [2, 3, 9])


@pytest.mark.parametrize(
    ("given", "met"),
    [
        ({"values": ["much", 0.5, 0.5]}, "one value an architecture, and got what is no number"),
        ({"values": [0.5] * 3, "epochs": [1, 2.7, 3]}, "whole numbers from 0"),
        ({"values": [0.5] * 3, "epochs": [1, -5, 3]}, "whole numbers from 0"),
        ({"values": [0.5] * 3, "epochs": [1, float("nan"), 3]}, "whole numbers from 0"),
        ({"values": [0.5] * 3, "costs": [[0.1, 1.0], [0.1, float("nan")], [0.1, 1.0]]}, r"the costs \[0\.1, nan\]"),
    ],
)
def test_what_is_no_number_is_refused(given: dict[str, Any], met: str) -> None:
    with pytest.raises(ConfigurationError, match=met):
        results(**given)


def test_costs_are_as_many_as_before_and_of_everything_that_succeeded() -> None:
    told = {"keys": KEYS[:1], "genes": GENES[:1], "epochs": [0], "iteration": 0}
    with_costs = NOTHING.extended(**told, values=[0.5], costs=[[0.5, 2.0]])
    rest = GENES[1:]
    for costs, met in (([[1.0]] * 2, "2 in this search, not 1"), ([[1.0, 2.0, 3.0]] * 2, "2 in this search, not 3")):
        with pytest.raises(ConfigurationError, match=met):
            checked(SPACE, with_costs, Given(rest, [0.1, 0.2], costs=costs))
    with pytest.raises(ConfigurationError, match=r"got no costs of .* goes by 2 of each architecture"):
        checked(SPACE, with_costs, Given(rest, [0.1, 0.2]))
    with pytest.raises(ConfigurationError, match="got costs, and none were told of the 1 before"):
        checked(SPACE, NOTHING.extended(**told, values=[0.5]), Given(rest, [0.1, 0.2], costs=[[1.0, 2.0]] * 2))
    assert checked(SPACE, with_costs, Given(rest, failed="killed")).costs is None
    half = checked(SPACE, with_costs, Given(rest, [0.1, np.nan], costs=[[1.0, 2.0], [np.nan, 3.0]]))
    np.testing.assert_array_equal(half.costs, [[1.0, 2.0], [np.nan, 3.0]])


def test_a_failure_that_is_known_is_not_taken_in_again() -> None:
    told = results(values=[0.1, np.nan, 0.3])
    event = {"keys": told.keys, "genes": GENES, "epochs": told.epochs, "values": told.values, "costs": None}
    history = with_results(NOTHING, {**event, "failures": told.failures}, np.zeros(3, np.int64))
    assert unknown_rows(NOTHING, told) == [0, 1, 2]
    assert unknown_rows(history, told) == []
    assert unknown_rows(history, results(values=[0.1, 0.2, np.nan])) == [1]  # it succeeded this time
    assert unknown_rows(history, results(values=[0.1, np.nan, 0.3], epochs=[0, 9, 0])) == [1]


def test_of_a_failure_and_a_value_of_one_training_the_value_counts() -> None:
    told = checked(SPACE, NOTHING, Given(GENES[[0, 0, 1]], [np.nan, 0.5, 0.6]), twice=True)
    assert unknown_rows(NOTHING, told) == [1, 2]


def test_failures_come_as_tensors_too() -> None:
    failed = torch.tensor([False, True, False])
    assert results(values=[0.9, 0.2, 0.7], failed=failed).failures == {1: "failed"}
    assert results(values=[0.9, 0.2, 0.7], failed=[np.float32("nan"), "killed", None]).failures == {1: "killed"}


def test_lengths_beyond_what_a_float_counts_are_refused() -> None:
    for epochs in (2**63 - 1, 1e30):
        with pytest.raises(ConfigurationError, match="whole numbers from 0"):
            results(values=[0.5] * 3, epochs=[1, epochs, 3])


def test_a_reason_for_all_and_masked_ones_as_numpy_has_them() -> None:
    for_all = results(values=[0.1, 0.2, 0.3], failed=np.array("oom"))
    assert for_all.failures == dict.fromkeys(range(3), "oom")
    assert results(values=[0.1, 0.2, 0.3], failed=np.array(False)).failures == {}
    masked = np.ma.masked_array(["a", "b", "c"], mask=[True, False, True])
    assert results(values=[0.1, 0.2, 0.3], failed=masked).failures == {1: "b"}
