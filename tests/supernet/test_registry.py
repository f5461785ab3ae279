from __future__ import annotations

import pytest

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.supernet.method import Method
from predictornas.supernet.parts.updates import SingleLevel
from predictornas.supernet.published import METHODS, get_method
from predictornas.supernet.registry import SUPERNET_METHODS

MINE = Method(update=SingleLevel())


def test_every_published_method_has_a_record_in_the_same_order() -> None:
    assert list(SUPERNET_METHODS) == list(METHODS)
    assert [record.make(name=record.name) for record in SUPERNET_METHODS.records] == list(METHODS.values())


def test_a_method_of_your_own_by_module_and_attribute() -> None:
    assert get_method(f"{__name__}:MINE") == get_method("single-level")
    assert get_method(f"{__name__}:MINE+pt") == get_method("single-level+pt")
    with pytest.raises(ConfigurationError, match="is no Method: int lacks"):
        get_method(f"{__name__}:NUMBER")
    with pytest.raises(UnknownNameError, match="no super-network method named"):
        get_method("darts-9+pt")


NUMBER = 3
