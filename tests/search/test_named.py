from __future__ import annotations

import pickle
import subprocess
import sys

import pytest

from predictornas.errors import ConfigurationError
from predictornas.predictors.gcn import GCN
from predictornas.samplers.uniform import Uniform
from predictornas.search.named import Named
from predictornas.search.strategies import PredictorSearch, RandomSearch


def test_a_name_and_a_strategy_travel_to_workers_and_are_keys() -> None:
    named = Named("my search", PredictorSearch(GCN(), Uniform(), 50))
    again = pickle.loads(pickle.dumps(named))
    assert again == named
    assert {named: 1}[again] == 1
    assert named != Named("my search", PredictorSearch(GCN(), Uniform(), 60))


@pytest.mark.parametrize("name", ["", " x", "x ", "a,b", "a:b", "a@b", "a\nb", "x" * 101])
def test_names_that_cannot_be_used(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a method"):
        Named(name, RandomSearch())


@pytest.mark.parametrize("name", ["random", "uniform-100", "uniform", "pvll-3", "asha", "nosh-30", "rank-nosh"])
def test_a_name_of_this_package_keeps_its_meaning(name: str) -> None:
    with pytest.raises(ConfigurationError, match="means a method of this package"):
        Named(name, RandomSearch())


@pytest.mark.parametrize("name", ["x", "my search", "random 2", "forest-100 (mine)", "x" * 100, "ÄÖ"])
def test_any_other_name_is_good(name: str) -> None:
    assert Named(name, RandomSearch()).name == name


@pytest.mark.slow
def test_what_is_no_strategy_is_refused() -> None:
    """In a process of its own, for the types of arguments are checked where these tests run."""
    code = "from predictornas import GCN, Named; Named('forest', GCN())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "ConfigurationError: 'forest' is a GCN, which is no strategy" in done.stderr
