from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.benchmarks.column import SPLITS, Column, check_roles, chosen_roles, column_entry, column_of_entry
from predictornas.errors import ConfigurationError, UnknownNameError


def accuracy(split: str = "valid", epochs: int | None = 108, run: str | None = "0") -> Column:
    return Column.named(metric="accuracy", split=split, epochs=epochs, run=run)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"metric": "accuracy", "split": "test", "epochs": 108, "run": "0"}, "test_accuracy_108_run0"),
        ({"metric": "accuracy", "split": "test", "epochs": 108, "run": "rest"}, "test_accuracy_108_rest"),
        ({"metric": "accuracy", "split": "valid", "epochs": 200, "run": "mean"}, "valid_accuracy_200_mean"),
        ({"metric": "seconds", "split": "train", "epochs": 108, "run": "2"}, "train_seconds_108_run2"),
        ({"metric": "accuracy", "split": "valid", "epochs": 4}, "valid_accuracy_4"),
        ({"metric": "parameters"}, "parameters"),
        ({"metric": "edgegpu_latency_seconds"}, "edgegpu_latency_seconds"),
    ],
)
def test_names(parts: dict[str, object], name: str) -> None:
    assert Column.named(**parts).name == name


@settings(max_examples=40)
@given(
    metric=st.from_regex(r"[a-z]{1,9}(_[a-z]{1,9})?", fullmatch=True),
    split=st.sampled_from(SPLITS),
    epochs=st.integers(1, 10_000),
    run=st.sampled_from(["0", "1", "17", "mean", "rest"]),
)
def test_a_name_gives_its_parts_back(metric: str, split: str, epochs: int, run: str) -> None:
    first, *middle, shown_epochs, shown_run = Column.named(
        metric=metric, split=split, epochs=epochs, run=run
    ).name.split("_")
    assert (first, "_".join(middle), int(shown_epochs), shown_run.removeprefix("run")) == (split, metric, epochs, run)


@pytest.mark.parametrize(
    ("parts", "met"),
    [
        ({"metric": "Accuracy"}, "Accuracy"),
        ({"metric": "../accuracy"}, "../accuracy"),
        ({"metric": "accuracy", "run": "run 1"}, "run 1"),
        ({"metric": ""}, "''"),
        ({"metric": "accuracy", "epochs": 0}, "epochs are 0"),
        ({"metric": "accuracy", "split": "validation"}, "Did you mean 'valid'"),
    ],
)
def test_parts_that_cannot_stand_in_a_name(parts: dict[str, object], met: str) -> None:
    with pytest.raises(ConfigurationError, match=met):
        Column.named(**parts)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("accuracy", True),
        ("halfway_accuracy", True),
        ("seconds", False),
        ("inaccuracy", False),
        ("negative_accuracy", False),
        ("accuracy_rank", False),
    ],
)
def test_what_is_an_accuracy(metric: str, expected: bool) -> None:
    assert Column.named(metric=metric).is_accuracy is expected


@pytest.mark.parametrize(
    ("metric", "direction", "unit"),
    [
        ("accuracy", "higher", "fraction"),
        ("halfway_accuracy", "higher", "fraction"),
        ("top5_error", "lower", "fraction"),
        ("loss", "lower", ""),
        ("negative_loss", "higher", ""),
        ("negative_error", "higher", ""),
        ("perplexity", "lower", ""),
        ("phone_latency_seconds", "lower", "s"),
        ("energy_joules", "lower", "J"),
        ("parameters", "lower", ""),
        ("flops", "lower", ""),
        ("score", "higher", ""),
        ("arithmetic_intensity", None, ""),
    ],
)
def test_direction_and_unit_follow_from_the_metric(metric: str, direction: str | None, unit: str) -> None:
    column = Column.named(metric=metric)
    assert (column.direction, column.unit, column.is_fraction) == (direction, unit, unit == "fraction")
    assert column == Column.named(metric=metric, direction=direction, unit=unit)


def test_direction_and_unit_may_be_said() -> None:
    absolute = Column.named(metric="absolute_error", unit="")
    assert (absolute.direction, absolute.unit, absolute.is_fraction) == ("lower", "", False)
    assert Column.named(metric="score", direction="lower").direction == "lower"
    for parts in ({"direction": "lower"}, {"unit": "s"}):
        with pytest.raises(ConfigurationError, match="an accuracy is a fraction, and the higher the better"):
            Column.named(metric="accuracy", **parts)


def test_an_entry_of_a_manifest_says_only_what_the_metric_does_not() -> None:
    assert column_entry(Column.named(metric="parameters", direction="lower")) == {
        "name": "parameters",
        "metric": "parameters",
        "split": None,
        "epochs": None,
        "run": None,
        "nullable": False,
    }
    psnr = Column.named(metric="psnr", direction="higher", unit="dB")
    assert column_entry(psnr).items() >= {"direction": "higher", "unit": "dB"}.items()
    assert column_of_entry(column_entry(psnr) | {"colour": "red"}) == psnr


@pytest.mark.parametrize(
    ("run", "other", "shares"),
    [
        ("0", "0", True),
        ("0", "1", False),
        ("0", "rest", False),
        ("1", "rest", True),
        ("rest", "rest", True),
        ("0", "mean", True),
        ("rest", "mean", True),
        ("0", None, True),
        (None, None, True),
        ("0", "best", True),
    ],
)
def test_which_runs_share_noise(run: str | None, other: str | None, shares: bool) -> None:
    assert accuracy(run=run).shares_noise_with(accuracy(run=other)) is shares
    assert accuracy(run=other).shares_noise_with(accuracy(run=run)) is shares
    assert not accuracy("valid", run=run).shares_noise_with(accuracy("test", run=other))


def test_the_same_run_at_other_epochs_shares_noise() -> None:
    assert accuracy(epochs=199).shares_noise_with(accuracy(epochs=200))


COLUMNS = {
    column.name: column
    for column in (
        accuracy(run="0"),
        accuracy(run="1"),
        accuracy(run="mean"),
        accuracy(run="rest"),
        accuracy("test", run="mean"),
        Column.named(metric="parameters"),
    )
}


@pytest.mark.parametrize(
    "evaluation", [None, "valid_accuracy_108_run1", "valid_accuracy_108_rest", "test_accuracy_108_mean"]
)
def test_roles_that_go_together(evaluation: str | None) -> None:
    check_roles(COLUMNS, "valid_accuracy_108_run0", evaluation)


def test_a_shared_run_is_refused_and_the_rest_offered_first() -> None:
    with pytest.raises(ConfigurationError, match=r"share a training run.* evaluate on: valid_accuracy_108_rest,"):
        check_roles(COLUMNS, "valid_accuracy_108_run0", "valid_accuracy_108_mean")


def test_no_other_column_is_left() -> None:
    columns = {column.name: column for column in (accuracy(), accuracy(run="mean"))}
    with pytest.raises(ConfigurationError, match="none in this table"):
        check_roles(columns, "valid_accuracy_108_run0", "valid_accuracy_108_mean")


RUN0, REST = "valid_accuracy_108_run0", "valid_accuracy_108_rest"


def test_one_column_may_drive_and_judge_where_somebody_says_so() -> None:
    check_roles(COLUMNS, RUN0, RUN0)
    assert chosen_roles(COLUMNS, (RUN0, REST), RUN0, RUN0) == (RUN0, RUN0)
    assert chosen_roles(COLUMNS, (RUN0, RUN0), None, None) == (RUN0, RUN0)
    assert chosen_roles(COLUMNS, (RUN0, RUN0), "parameters", None) == ("parameters", "parameters")
    assert chosen_roles(COLUMNS, (RUN0, RUN0), None, REST) == (RUN0, REST)
    for half in ((REST, None), (None, RUN0)):
        with pytest.raises(ConfigurationError, match="share a training run"):
            chosen_roles(COLUMNS, (RUN0, REST), *half)


def test_roles_have_a_direction_and_exist() -> None:
    intensity = Column.named(metric="arithmetic_intensity")
    with pytest.raises(ConfigurationError, match=r"'arithmetic_intensity' cannot be the signal: .*\"direction\""):
        check_roles(COLUMNS | {intensity.name: intensity}, intensity.name, None)
    with pytest.raises(UnknownNameError, match="Did you mean 'valid_accuracy_108_rest'"):
        check_roles(COLUMNS, "valid_accuracy_108_run0", "valid_acuracy_108_rest")
