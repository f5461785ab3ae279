from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import PredictorNASError
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.testing.conformance import (
    ConformanceError,
    attempt,
    require,
    require_array,
    require_described,
    require_rows,
    twice,
)


def test_the_message_says_rule_what_was_met_and_remedy() -> None:
    with pytest.raises(ConformanceError) as caught:
        require(False, "two is two", 3, "count again")
    assert str(caught.value) == "Broken rule: two is two. Met: 3. Remedy: count again."
    assert isinstance(caught.value, AssertionError)
    assert isinstance(caught.value, PredictorNASError)
    require(True, "two is two", 2, "count again")


def test_the_first_wrong_architecture_is_named() -> None:
    space = NASBench201()
    good = np.array([True, False, False])
    with pytest.raises(ConformanceError, match=r"row 1 of 3, genes \[0, 0, 0, 0, 0, 1\], \|none~0\|.*\(2 such rows\)"):
        require_rows(good, space, space.enumerate()[:3], "rule", "remedy")
    with pytest.raises(ConformanceError, match="which describe\\(\\) refuses with InvalidArchitectureError"):
        require_rows(good[1:], space, np.full((2, 6), 9, np.int8), "rule", "remedy")


@pytest.mark.parametrize("array", [[1.0], np.zeros(2, np.float32), np.zeros((1, 1), np.float32), np.zeros(1, np.int8)])
def test_arrays_of_another_kind_or_shape_are_refused(array: object) -> None:
    require_array(np.zeros(1, np.float32), np.floating, (1,), "it")
    with pytest.raises(ConformanceError, match="it is an array of floating"):
        require_array(array, np.floating, (1,), "it")


def test_twice_calls_from_one_state(rng: np.random.Generator) -> None:
    first, again = twice(lambda generator: generator.random(), rng)
    assert first == again != twice(lambda generator: generator.random(), rng)[0]


def test_an_exception_of_a_plug_in_names_the_rule_that_it_breaks() -> None:
    assert attempt("it counts", "count", len, [1, 2]) == 2
    with pytest.raises(ConformanceError) as caught:
        attempt("it counts", "count again", len, 3)
    assert str(caught.value) == (
        "Broken rule: it counts. Met: TypeError: object of type 'int' has no len(). Remedy: count again."
    )
    with pytest.raises(ConformanceError, match=r"^Broken rule: one. Met: 1. Remedy: none.$"):
        attempt("another", "another", require, False, "one", 1, "none")


def test_what_cannot_be_described_cannot_be_resumed() -> None:
    require_described({"size": 3}, "a part")
    with pytest.raises(ConformanceError, match=r"a part can be described. Met: ConfigurationError: .*<lambda>"):
        require_described(lambda: 3, "a part")
