from __future__ import annotations

import platform
from datetime import datetime, timedelta, timezone

import pytest

from predictornas.studies import provenance


def test_versions_threads_machine_and_the_time() -> None:
    made_with = provenance.surroundings()
    assert made_with["versions"]["python"] == platform.python_version()
    assert {"torch", "numpy", "scipy", "polars", "predictornas"} <= made_with["versions"].keys()
    assert made_with["threads_per_worker"] == 1
    age = datetime.now(timezone.utc) - datetime.fromisoformat(made_with["from"])
    assert timedelta(0) <= age < timedelta(minutes=1)


def test_only_the_time_is_left_out_of_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    before = provenance.surroundings()
    monkeypatch.setattr(provenance, "now", lambda: "2030-01-01T00:00:00+00:00")
    after = provenance.surroundings()
    assert before != after
    assert provenance.without_time(before) == provenance.without_time(after)
