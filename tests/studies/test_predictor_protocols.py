from __future__ import annotations

from dataclasses import replace

import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.studies import predictor_study
from predictornas.studies.predictor_protocols import PROTOCOLS, Labels, Protocol, get_protocol
from predictornas.studies.predictor_study import PredictorStudy

STUDY = PredictorStudy("nasbench101-digits", ("gp",), (20,))


def columns(name: str, benchmark: str = "nasbench101-digits") -> tuple[str | None, str | None, str]:
    asked = get_protocol(name).applied(replace(STUDY, benchmark=benchmark), open_benchmark(benchmark))
    return asked.train_on, asked.judge_on, asked.judged_cells


def test_protocols_name_the_columns_of_a_table_after_its_longest_training() -> None:
    assert columns("run0") == ("valid_accuracy_9_run0", "valid_accuracy_9_rest", "others")
    assert columns("mean") == ("test_accuracy_9_mean", None, "others")
    assert columns("pinat") == ("valid_accuracy_9_run0", "test_accuracy_9_mean", "others")
    assert columns("nn-former") == ("valid_accuracy_9_mean", None, "all")


@pytest.mark.usefixtures("store")
def test_a_table_without_the_labels_is_refused_with_what_it_has() -> None:
    with pytest.raises(ConfigurationError, match=r"'mean' needs test accuracy, the mean of all trainings.*run0"):
        columns("mean", "nasbench201-cifar10")


def test_columns_of_ones_own_and_a_protocol_do_not_go_together() -> None:
    with pytest.raises(ConfigurationError, match="Leave out --train-on"):
        get_protocol("mean").applied(replace(STUDY, train_on="test_accuracy_9_mean"), open_benchmark(STUDY.benchmark))


def test_an_unknown_protocol_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'pinat'"):
        get_protocol("pinata")


def test_fits_by_a_protocol_are_those_by_its_columns() -> None:
    """Their names, so that a folder goes on whichever way it is asked."""
    made = {"study": {"data_sha256": "ab"}, "predictors": {"gp": {"20": {"type": "GaussianProcess"}}}}
    asked = get_protocol("mean").applied(replace(STUDY, judged=500), open_benchmark(STUDY.benchmark))
    by_hand = replace(STUDY, train_on="test_accuracy_9_mean", judged=500)
    names = [predictor_study._fit_id(study, made, "gp", 20, 0) for study in (asked, by_hand)]
    assert names[0] == names[1]
    on_all = replace(by_hand, judged_cells="all")
    assert predictor_study._fit_id(on_all, made, "gp", 20, 0) != names[0]


def test_a_protocol_of_ones_own_draws_the_cells_that_judge() -> None:
    few = Protocol("few", "as mean, on few", Labels("test", "mean"), Labels("test", "rest"), judged=300, draws=3)
    asked = few.applied(STUDY, open_benchmark(STUDY.benchmark))
    assert (asked.judged, asked.draws, asked.judge_on) == (300, 3, "test_accuracy_9_rest")
    assert few.applied(replace(STUDY, judged=40), open_benchmark(STUDY.benchmark)).judged == 40


def test_only_one_protocol_looks_at_more_labels_than_it_is_trained_on() -> None:
    assert {name: protocol.further_labels for name, protocol in PROTOCOLS.items() if protocol.further_labels} == {
        "nn-former": 1024
    }
