"""Columns from curves: names that tell trainings apart, units, means, and costs as the official package has them."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.benchmarks.official201.columns import (
    OfficialCurve,
    columns_of,
    cost_columns,
    epochs_shown,
    mean_of_present,
    means_of,
    runs_of,
)

NAN = np.nan


def named(curve: OfficialCurve, dataset: str, run: str | None, *, longest: bool = True) -> dict[str, list[float]]:
    found = columns_of(curve, dataset, run, [1, 3], longest=longest)
    return {column.name: values.tolist() for column, values in found}


def test_accuracies_are_fractions_losses_stay_and_seconds_add_up() -> None:
    values = np.array([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]])
    assert named(OfficialCurve("accuracy", "x-valid", "200", 777, values), "cifar100", "0") == {
        "valid_accuracy_1_run0": [0.1, 0.4],
        "valid_accuracy_3_run0": [0.3, 0.6],
    }
    assert named(OfficialCurve("loss", "train", "200", 888, values), "cifar100", "1") == {
        "train_loss_1_run1": [10.0, 40.0],
        "train_loss_3_run1": [30.0, 60.0],
    }
    assert named(OfficialCurve("seconds", "train", "200", 777, values), "cifar100", None) == {
        "train_seconds_1": [10.0, 40.0],
        "train_seconds_3": [60.0, 150.0],
    }


def test_a_shorter_training_and_the_whole_test_set_have_names_of_their_own() -> None:
    values = np.array([[10.0, 20.0, 30.0]])
    short = OfficialCurve("accuracy", "ori-test", "12", 777, values)
    assert list(named(short, "cifar10-valid", "0", longest=False)) == [
        "test_of3_accuracy_1_run0",
        "test_of3_accuracy_3_run0",
    ]
    assert list(named(short, "ImageNet16-120", "0")) == [
        "test_original_accuracy_1_run0",
        "test_original_accuracy_3_run0",
    ]


def test_epochs_that_nobody_knows_make_no_column_and_some_make_a_nullable_one() -> None:
    values = np.array([[NAN, NAN, 30.0], [NAN, NAN, NAN], [NAN, np.inf, np.inf]])
    (made,) = columns_of(OfficialCurve("loss", "x-valid", "200", 777, values), "cifar10", "0", [1, 2], longest=True)
    assert (made[0].name, made[0].nullable) == ("valid_loss_3_run0", True)
    np.testing.assert_array_equal(made[1], [30.0, NAN, NAN])


def test_which_epochs_become_columns() -> None:
    assert epochs_shown([1, 4, 50], 12) == [1, 4, 12]
    assert epochs_shown(None, 3) == [1, 2, 3]


def test_official_seeds_have_fixed_runs() -> None:
    assert runs_of([777, 999]) == {777: "0", 999: "2"}
    assert runs_of([5, 888]) == {888: "1", 5: "3"}


def test_means_are_over_the_runs_that_there_are() -> None:
    columns = {}
    for run, values in (("0", [[10.0, 20.0]]), ("1", [[30.0, 40.0]]), ("2", [[NAN, NAN]])):
        curve = OfficialCurve("accuracy", "x-valid", "200", 777, np.array(values))
        columns |= dict(columns_of(curve, "cifar10-valid", run, [1], longest=True))
    made = {column.name: values.tolist() for column, values in means_of(columns).items()}
    assert made == {"valid_accuracy_2_mean": [pytest.approx(0.3)], "valid_accuracy_2_rest": [0.4]}


def test_seed_888_decides_where_the_noted_sizes_differ() -> None:
    costs = [np.array([[30.0, 0.5, 0.1], [30.0, 0.5, NAN]]), np.array([[31.0, 0.6, 0.3], [30.0, 0.5, -1.0]])]
    made = {column.name: values for column, values in cost_columns(costs, [777, 888]).items()}
    assert made["flops"].tolist() == [31_000_000, 30_000_000]
    assert made["parameters"].tolist() == [600_000, 500_000]
    np.testing.assert_allclose(made["latency_seconds"], [0.2, NAN])


def test_the_mean_of_nothing_is_nan() -> None:
    np.testing.assert_array_equal(mean_of_present(np.array([[1.0, NAN], [3.0, NAN]])), [2.0, NAN])
