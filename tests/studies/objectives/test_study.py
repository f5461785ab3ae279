"""What a study of several objectives means on its table."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.search.named import Named
from predictornas.search.strategies import RandomSearch
from predictornas.studies.objectives.study import ObjectivesStudy

STUDY = ObjectivesStudy(objectives=("error",), limits=("parameters<5e5", "latency<0.02"), budget=30, seeds=(0,))


def test_a_limit_on_what_is_known_makes_the_space_smaller_and_any_other_is_told() -> None:
    opened = STUDY.open()
    sizes, seconds = (opened.benchmark.values(name) for name in ("parameters", "latency_seconds"))
    assert len(opened.space) == np.count_nonzero(sizes < 5e5)
    assert [one.name for one in opened.told] == ["error", "latency"]
    kept = (sizes < 5e5) & (seconds.astype(float) < 0.02)
    assert np.array_equal(~np.isnan(opened.searched()[:, 0]), kept)
    assert np.array_equal(~np.isnan(opened.judged()[:, 0]), kept)


def test_the_identity_holds_what_may_not_change_and_not_methods_and_seeds() -> None:
    identity = STUDY.open().identity
    assert identity["objectives"] == ["error"]
    assert identity["limits"] == ["parameters<5e5", "latency<0.02"]
    assert identity == replace(STUDY, methods=("random",), seeds=(5,)).open().identity
    assert identity != replace(STUDY, limits=()).open().identity


def test_it_travels_to_another_process() -> None:
    opened = STUDY.open()
    there = pickle.loads(pickle.dumps(opened))
    assert there.identity == opened.identity


def test_a_strategy_of_ones_own_takes_part() -> None:
    opened = replace(STUDY, methods=(Named("mine", RandomSearch(5, 5)),)).open()
    assert opened.method_names == ("mine",)
    assert opened.strategy("mine").initial == 5
    assert not opened.knows("other:thing", {})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"limits": ("parameters<1",)}, "Loosen"),
        ({"budget": 0}, "budget of at least 1"),
        ({"seeds": (-1,)}, "seeds of at least 0"),
    ],
)
def test_what_cannot_be_run_is_refused(changed: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        replace(STUDY, **changed).open()  # type: ignore[arg-type]


def test_a_budget_of_the_initial_set_alone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="leaves nothing to propose"):
        replace(STUDY, budget=20).open().strategy("nsga-ii")


def test_objectives_that_are_judged_by_what_was_searched_share_its_noise() -> None:
    assert STUDY.open().shared_noise == ()  # judged by other runs; a latency is no training
    test = replace(STUDY, objectives=("error", "valid_accuracy_200_run1"), limits=()).open()
    assert test.shared_noise == (("valid_accuracy_200_run1", "valid_accuracy_200_run1"),)
