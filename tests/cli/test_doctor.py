from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.studies import self_check


@pytest.mark.slow
def test_it_prints_what_a_report_of_a_fault_needs(run, printed_json, store: Path) -> None:
    assert run("doctor", "--json") == 0
    found = {row["about"]: row["found"] for row in printed_json()}
    assert "torch" in found["core"]
    assert found["folder of tables"].startswith(str(store))
    assert "predictornas Apache-2.0, " in found["licences"]
    assert "nasbench101-digits Apache-2.0" in found["licences"]
    assert "nasbench101-digits (2,532)" in found["tables"]
    assert {"objectives", "graph", "notebooks", "docs"} <= set(found)
    assert found["search random"].endswith("s, the same architectures as on every machine")
    assert found["search bayesian-optimisation"].endswith("s, no error")


def test_a_fault_ends_with_exit_code_1(
    run, store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(self_check, "HISTORIES", {"random": 0})
    assert run("doctor") == 1
    captured = capsys.readouterr()
    assert "Not well: search random." in captured.out
    assert "another history than expected" in " ".join(captured.out.split())
    assert "paste all of the above" in captured.err
