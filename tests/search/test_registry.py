from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint

import pytest

from predictornas import registry
from predictornas.samplers.registry import SAMPLERS
from predictornas.search.methods import PRESETS, get_strategy
from predictornas.search.registry import known_methods, method_names
from predictornas.search.strategies import Strategy


@pytest.mark.parametrize("name", method_names())
def test_every_listed_name_is_a_method(name: str) -> None:
    written = name.removesuffix("-N") + "-30" if name.endswith("-N") else name
    assert isinstance(get_strategy(written, replace(PRESETS["quick"], levels=(1, 3))), Strategy)


def test_each_is_listed_once_samplers_and_schedulers_among_them() -> None:
    names = method_names()
    assert len(names) == len(set(names))
    assert names[:5] == ["random", "exhaustive", "uniform-N", "evolutionary-N", "likelihood-N"]
    assert {"pvll", "pvll-N", "rank-nosh", "rank-nosh-N", "asha", "asha-N", "bayesian-optimisation"} <= set(names)
    assert "full" not in names
    assert all(record in known_methods() for record in SAMPLERS.records)


def test_those_of_other_packages_are_listed_without_loading_them(monkeypatch: pytest.MonkeyPatch) -> None:
    points = {
        f"predictornas.{kind}": (EntryPoint(f"my-{kind}", "nowhere:Part", f"predictornas.{kind}"),)
        for kind in ("methods", "samplers", "schedulers")
    }
    monkeypatch.setattr(registry, "points_of", lambda group: points.get(group, ()))
    assert method_names()[-3:] == ["my-methods", "my-samplers", "my-schedulers"]
