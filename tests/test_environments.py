"""The table of fresh environments: what is a fault in one, and that none that is shown has one."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import fields, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def environments() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fresh_environments", ROOT / "perf" / "environments.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def row(environments: ModuleType) -> Any:
    """The core alone, as it should be."""
    texts = dict.fromkeys((field.name for field in fields(environments.Row)), "")
    facts = {"distributions": 9, "megabytes": 400, "modules": "200 of 300, without cli, plots"}
    return environments.Row(**texts | facts | {"histories": "30 of 30 the same", "tests": "2483 passed, 26 skipped"})


def test_a_good_environment_has_no_fault(row: Any) -> None:
    assert row.faults() == []
    assert replace(row, extras="ray", distributions=26, tests="-").faults() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"distributions": 26}, "the core brings 26 distributions"),
        ({"modules": "299 of 300, not predictornas.cli"}, "not predictornas.cli"),
        ({"histories": "29 of 30 the same"}, "29 of 30"),
        ({"histories": "0 of 0 the same"}, "0 of 0"),
        ({"tests": "1 failed, 2482 passed"}, "1 failed"),
        ({"tests": "2482 passed, 1 error"}, "1 error"),
        ({"tests": "no tests ran"}, "no tests ran"),
    ],
)
def test_what_is_a_fault(row: Any, wrong: dict[str, Any], said: str) -> None:
    (fault,) = replace(row, **wrong).faults()
    assert said in fault


def test_modules_may_lack_only_extras_that_were_not_installed(
    environments: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ["predictornas,", "predictornas.cli,cli", "predictornas.plots,plots"]
    monkeypatch.setattr(environments, "marked_lines", lambda *_: lines)
    assert environments.imported(Path(), {}, [""]) == "1 of 3, without cli, plots"
    assert environments.imported(Path(), {}, ["cli", "live"]) == "1 of 3, not predictornas.cli"


def test_every_floor_of_setup_is_a_constraint(environments: ModuleType, tmp_path: Path) -> None:
    lines = environments.written_floors(tmp_path).read_text().splitlines()
    assert {"torch==2.2", "numpy==1.26", "scipy==1.11.1", "polars==1.30", "matplotlib==3.8"} <= set(lines)


def test_the_document_shows_the_table_and_no_environment_in_it_has_a_fault(environments: ModuleType) -> None:
    table = pl.read_csv(ROOT / "docs" / "install" / "environments.csv", infer_schema=False).fill_null("")
    assert environments.table(table.to_dicts()) in (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    numbers = pl.col("distributions", "megabytes").cast(int)
    rows = [environments.Row(**facts) for facts in table.with_columns(numbers).to_dicts()]
    assert [fault for row in rows for fault in row.faults()] == []
    assert {"core", "core+plots", "lowest", "newest"} <= {row.environment for row in rows}
