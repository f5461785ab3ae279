from __future__ import annotations

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet import cell_accuracy
from predictornas.papers.supernet.cell_accuracy import (
    OFFLINE_TABLE,
    WHOLE_TABLE,
    accuracy_column,
    cell_accuracies,
    cell_table,
    cell_tables,
)
from predictornas.spaces.nasbench201 import from_strings


def test_without_a_wish_it_is_the_whole_table_where_that_is_here(tmp_path, monkeypatch):
    opened = []

    def opens(name: str) -> object:
        opened.append(name)
        return open_benchmark(OFFLINE_TABLE)

    monkeypatch.setattr(cell_accuracy, "open_benchmark", opens)
    for here in (True, False):
        monkeypatch.setattr(cell_accuracy, "is_here", lambda name, here=here: here)
        cell_table(FigureRequest(tmp_path))
    cell_table(FigureRequest(tmp_path, benchmark="nasbench201-cifar100"))
    assert opened == [WHOLE_TABLE, OFFLINE_TABLE, "nasbench201-cifar100"]


def test_a_table_of_another_space_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match=f"no accuracy in 'nasbench101-digits'.*{OFFLINE_TABLE}"):
        cell_table(FigureRequest(tmp_path, benchmark="nasbench101-digits"))


def test_there_are_three_tables_unless_one_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(cell_accuracy, "is_here", lambda name: False)
    names = [OFFLINE_TABLE, "nasbench201-cifar100", "nasbench201-imagenet16-120"]
    assert {name: table.name for name, table in cell_tables(FigureRequest(tmp_path)).items()} == dict(
        zip(names, names, strict=True)
    )
    (only,) = cell_tables(FigureRequest(tmp_path, benchmark="nasbench201-cifar100"))
    assert only == "nasbench201-cifar100"


def test_accuracies_are_those_of_the_evaluation_column():
    benchmark = open_benchmark(OFFLINE_TABLE)
    cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    genes = from_strings([cell])
    assert accuracy_column(benchmark) == benchmark.evaluation
    np.testing.assert_array_equal(cell_accuracies(benchmark, genes), benchmark.lookup(genes, benchmark.evaluation))
