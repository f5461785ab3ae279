"""`gain` and `search` with objectives and limits."""

from __future__ import annotations

import pytest

from predictornas.cli.objectives import Asked, named
from predictornas.errors import ConfigurationError


def test_names_stand_between_commas() -> None:
    assert named(" error, latency,") == ("error", "latency")
    assert named(None) == ()
    assert not Asked(None, None, None)


def test_what_means_nothing_here_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="--budget-epochs cannot be combined"):
        Asked("error", None, None).study(refused={"--budget-epochs": True, "--engine": False})


def test_a_limit_alone_means_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    study = Asked(None, "parameters<5e5", None).study(refused={}, budget=30, signal=None)
    assert (study.objectives, study.limits, study.budget) == (("error",), ("parameters<5e5",), 30)
