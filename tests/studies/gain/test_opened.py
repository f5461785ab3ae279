from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from predictornas.description import describe
from predictornas.samplers.base import Pool
from predictornas.studies.gain.opened import OpenedStudy, open_study
from predictornas.studies.gain.study import Study

STUDY = Study(benchmark="nasbench101-digits", methods=("random",), budget=20, seeds=(0,))


@pytest.fixture(scope="module")
def opened() -> OpenedStudy:
    return open_study(STUDY)


def test_hits_of_a_pool_are_counted_one_by_one_without_what_was_evaluated(opened: OpenedStudy) -> None:
    table = opened.benchmark
    genes, keys = table.genes[:200], table.space.keys(table.genes[:200])
    pool = Pool(genes, keys, excluded=keys[50:80])
    errors = table.costs(table.signal)[:200]
    left = np.delete(errors, np.arange(50, 80))
    expected = [sum(error <= target for error in left) for target in opened.targets["target_error"]]
    assert opened.pool_hits(pool) == expected


def test_errors_are_those_of_the_table_in_order(opened: OpenedStudy) -> None:
    errors = opened.benchmark.costs(opened.benchmark.signal)
    assert opened.errors.tolist() == sorted(errors[np.isfinite(errors)].tolist())


def test_a_copy_in_another_process_is_the_study_and_the_table_alone(opened: OpenedStudy) -> None:
    assert opened.knows("random", describe(opened.strategy("random")))
    copy = pickle.loads(pickle.dumps(opened))
    assert set(vars(copy)) == {"study", "benchmark"}
    assert copy.identity == opened.identity


def test_a_method_is_known_where_it_is_still_described_as_it_was_and_made_once(opened: OpenedStudy) -> None:
    described = describe(opened.strategy("random"))
    assert not opened.knows("a-plugin-that-is-gone", described)
    assert not opened.knows("random", {**described, "batch": 11})
    assert opened.strategy("random") is opened.strategy("random")


def test_a_module_is_looked_at_only_where_the_study_asks_for_it(opened: OpenedStudy) -> None:
    described, reference = describe(opened.strategy("random")), "predictornas.search.strategies:RandomSearch"
    assert not opened.knows(reference, described)
    assert open_study(replace(STUDY, methods=(reference,))).knows(reference, described)
