from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.studies import self_check as module
from predictornas.studies.self_check import Finding, self_check


@pytest.mark.slow
def test_everything_is_well_here(store: Path) -> None:
    findings = list(self_check())
    assert [finding for finding in findings if not finding.well] == []
    searches = {finding.about: finding.found for finding in findings if finding.about.startswith("search")}
    assert set(searches) == {"search random", "search local-search", "search bayesian-optimisation"}
    assert all(found.startswith("30 evaluations") for found in searches.values())


def test_an_exception_is_a_finding(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ValueError("no bytes left")

    monkeypatch.setattr(module, "open_benchmark", broken)
    last = list(self_check())[-1]
    assert last == Finding("search bayesian-optimisation", "ValueError: no bytes left", well=False)


@pytest.mark.slow
def test_an_extra_that_is_missing_is_no_fault(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PACKAGES", {"dreams": ("no-such-package",)})
    findings = {finding.about: finding for finding in self_check()}
    assert findings["dreams"] == Finding("dreams", "no-such-package not installed")


def test_folders_that_cannot_be_written_are_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for variable in ("PREDICTORNAS_DATA", "PREDICTORNAS_CACHE"):
        monkeypatch.setenv(variable, str(tmp_path / "file" / variable))
    monkeypatch.setattr(module, "_searched", lambda method: Finding(method, ""))
    wrong = {finding.about: finding.found for finding in self_check() if not finding.well}
    assert wrong["folder of tables"].endswith("cannot be written: set PREDICTORNAS_DATA for another")
    assert wrong["folder of the cache"].endswith("cannot be written: set PREDICTORNAS_CACHE for another")
