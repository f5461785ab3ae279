from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from predictornas.analysis.statistics import share_interval
from predictornas.errors import ConfigurationError
from predictornas.studies.folder import check_owner
from predictornas.studies.robustness_study import FAILURES, RUNS, RobustnessStudy, failure_table, run_robustness_study


def test_failures_by_hand() -> None:
    """A run that ends with the median itself has not failed; over all kinds runs are counted together."""
    rows = [("a", 0.10, 0.2), ("a", 0.12, 0.2), ("b", 0.30, 0.1), ("b", 0.29, 0.3)]
    runs = pl.DataFrame(
        [
            {"kind": kind, "method": "m", "best": best, "chosen": chosen, "recommended": chosen}
            | {"best_median": 0.12 if kind == "a" else 0.2, "chosen_median": 0.2, "recommended_median": 0.2}
            for kind, best, chosen in rows
        ]
    )
    found = {row["kind"]: row for row in failure_table(runs).filter(trace="best").to_dicts()}
    assert [found[kind]["behind"] for kind in ("a", "b", "all")] == [0, 2, 2]
    assert found["all"]["share"] == 0.5
    assert (found["all"]["low"], found["all"]["high"]) == share_interval(2, 4)
    assert failure_table(runs).filter(kind="all", trace="chosen")["behind"].to_list() == [1]


def test_a_study_names_its_tables() -> None:
    names = RobustnessStudy(tables=(0, 9)).names
    assert len(names) == 16
    assert names[:2] == ("adversarial-deceptive", "adversarial-deceptive-9")


@pytest.mark.slow
@pytest.mark.usefixtures("store")
def test_a_study_is_run_once_and_extended(tmp_path: Path) -> None:
    study = RobustnessStudy(("random",), ("plateau", "constant"), tables=(0, 1), seeds=(0, 1), budget=30)
    table = run_robustness_study(study, tmp_path)
    assert table.filter(trace="best")["runs"].to_list() == [4, 4, 8]
    assert table.filter(kind="constant", trace="best")["behind"].to_list() == [0]  # no run is worse than all others
    journals = sorted((tmp_path / "tables").rglob("*.jsonl"))
    before = [path.read_bytes() for path in journals]
    more = RobustnessStudy(("random", "local-search"), ("plateau",), tables=(0,), seeds=(0, 1), budget=30)
    run_robustness_study(more, tmp_path)
    assert [path.read_bytes() for path in journals] == before
    runs = pl.read_csv(tmp_path / RUNS)
    assert runs.group_by("method").len().sort("method").rows() == [("local-search", 2), ("random", 2)]
    assert (tmp_path / FAILURES).is_file()
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["methods"] == {"local-search": [0, 1], "random": [0, 1]}
    assert manifest["study"]["tables"] == {"adversarial-plateau": {"kind": "plateau", "seed": 0}}
    with pytest.raises(ConfigurationError, match="run_robustness_study"):
        check_owner(tmp_path, "predictors")
