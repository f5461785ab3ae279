from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from predictornas import registry
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.spaces import registry as spaces_registry
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench201 import NASBench201
from predictornas.spaces.registry import SPACES, get_space, space_of_file


@pytest.mark.parametrize("name", SPACES)
def test_a_space_is_found_by_its_own_name(name: str) -> None:
    space = get_space(name)
    assert isinstance(space, SearchSpace)
    assert space.name == name


def test_spaces_are_of_their_classes() -> None:
    assert isinstance(get_space("nasbench101"), NASBench101)
    assert isinstance(get_space("nasbench201"), NASBench201)


@pytest.mark.parametrize("name", SPACES)
def test_the_same_object_at_every_call(name: str) -> None:
    assert get_space(name) is get_space(name)


@pytest.mark.parametrize("name", ["nasbench101", "nasbench201"])
def test_what_is_enumerated_is_the_same_object_at_every_call(name: str) -> None:
    assert get_space(name).enumerate() is get_space(name).enumerate()
    assert get_space(name).enumerated_keys() is get_space(name).enumerated_keys()


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no search space named 'nasbench11'. Did you mean 'nasbench101'"):
        get_space("nasbench11")


def test_a_plugin_registers_a_factory(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("third-party", "predictornas.spaces.nasbench201:NASBench201", "predictornas.spaces")
    monkeypatch.setattr(registry, "points_of", lambda group: (point,) if group == point.group else ())
    assert isinstance(get_space("third-party"), NASBench201)
    assert get_space("third-party") is get_space("third-party")
    with pytest.raises(
        UnknownNameError,
        match=r"Known: darts, .*, nasbench-graph, nasbench101, nasbench201, natsbench-size, third-party",
    ):
        get_space("third-part")
    spaces_registry._made.cache_clear()


def test_a_plugin_cannot_change_what_a_name_of_ours_means(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("nasbench101", "predictornas.spaces.nasbench201:NASBench201", "predictornas.spaces")
    monkeypatch.setattr(registry, "points_of", lambda group: (point,))
    spaces_registry._made.cache_clear()
    assert isinstance(get_space("nasbench101"), NASBench101)


def test_a_space_of_your_own_by_module_and_attribute_unless_a_file_names_it() -> None:
    reference = "predictornas.spaces.nasbench201:NASBench201"
    with pytest.raises(UnknownNameError, match=r"no search space named 'predictornas.spaces.nasbench201:NASBench201'"):
        space_of_file(reference)
    assert isinstance(get_space(reference), NASBench201)
    assert space_of_file("nasbench101") is get_space("nasbench101")
    with pytest.raises(ConfigurationError, match=r"'collections:Counter' .* is no SearchSpace"):
        get_space("collections:Counter")
