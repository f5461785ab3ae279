"""A missing extra skips a test for people and fails it in the gate."""

from __future__ import annotations

import pytest

from tests.extras import ALL_EXTRAS, needed


def test_a_missing_extra_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ALL_EXTRAS, raising=False)
    with pytest.raises(pytest.skip.Exception, match="an extra of setup"):
        needed("no_such_module")


def test_a_missing_extra_fails_where_all_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ALL_EXTRAS, "1")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        needed("no_such_module")


def test_what_is_there_is_given() -> None:
    assert needed("json").dumps([1]) == "[1]"
