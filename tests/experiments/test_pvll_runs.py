from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.experiments.pvll_runs import EstimatorRun, estimator_rows, part_of
from predictornas.search.pvll import PVLLSearch
from predictornas.spaces.nasbench201 import NASBench201

SEARCH = PVLLSearch(warm_up=5, warm_up_steps=10, hidden=4, estimator_steps=2)
RUN = EstimatorRun("nasbench201-cifar10", SEARCH, budget=9, seed=0, test_size=20, curve=True)


@pytest.mark.usefixtures("store")
def test_a_run_is_measured_after_each_evaluation_and_kept(tmp_path):
    counted = []
    (rows,) = estimator_rows([RUN], tmp_path / "runs", workers=1, advance=counted.append)
    assert [row["evaluations"] for row in rows] == [5, 6, 7, 8, 9]
    assert sum(counted) == 9
    for row in rows:
        assert 0 < row["test_loss"] < 1
        assert row["relative_loss"] > 0
    assert "incumbent" in rows[-1]
    assert "incumbent" not in rows[0]
    (file,) = (tmp_path / "runs").iterdir()
    kept = json.loads(file.read_text())
    kept["rows"][0]["test_loss"] = 0.125  # what is there is not measured again
    file.write_text(json.dumps(kept))
    (again,) = estimator_rows([RUN], tmp_path / "runs", workers=1)
    assert again[0]["test_loss"] == 0.125
    assert again[1:] == rows[1:]


@pytest.mark.usefixtures("store")
def test_without_a_curve_only_the_end_is_judged_and_it_is_the_same(tmp_path):
    whole, end = estimator_rows([RUN, replace(RUN, curve=False)], tmp_path / "runs", workers=1)
    assert end == [whole[-1]]
    assert len(list((tmp_path / "runs").iterdir())) == 2


@pytest.mark.usefixtures("store")
def test_the_incumbent_is_the_best_by_signal_read_on_the_evaluation_column(tmp_path):
    uniform = replace(RUN, search=replace(SEARCH, gradient=False), budget=6)
    (rows,) = estimator_rows([uniform], tmp_path / "runs", workers=1)
    benchmark = open_benchmark("nasbench201-cifar10")
    errors = 1 - benchmark.values(benchmark.evaluation).astype(float)
    assert np.isclose(errors, rows[-1]["incumbent"], atol=1e-7).any()
    assert rows[-1]["derived"] is None


def test_part_of_a_space_allows_only_some_choices():
    space = NASBench201()
    assert part_of(space, ()) is space
    part = part_of(space, ((1, 3),) * 5 + ((0,),))
    assert len(part) == 32
    assert set(np.unique(part.enumerate()[:, :5])) == {1, 3}
    assert (part.enumerate()[:, 5] == 0).all()
