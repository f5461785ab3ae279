from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau

from predictornas.benchmarks import bundled
from predictornas.benchmarks.bundled import bundled_folder
from predictornas.benchmarks.catalog import list_benchmarks, open_benchmark
from predictornas.benchmarks.importing import import_table
from predictornas.errors import ConfigurationError
from predictornas.oracles.tabular import TabularOracle
from predictornas.schedulers.rungs import nominal_saving

NAME, SECOND = "nasbench101-digits", "nasbench101-digits-2"


@pytest.mark.parametrize(("name", "most"), [(NAME, 3 * 2**20), (SECOND, 2**17)])
def test_it_is_whole_and_small(name: str, most: int) -> None:
    table = open_benchmark(name)
    table.verify()
    files = [path for path in bundled_folder(name).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < most
    assert {str(path.relative_to(bundled_folder(name))) for path in files} == {
        *table.manifest["files"],
        "manifest.json",
    }


def test_it_holds_every_small_cell_at_three_budgets() -> None:
    table = open_benchmark(NAME)
    assert len(table) == 1 + 6 + 84 + 2441  # unique cells of 2 to 5 vertices (known for NAS-Bench-101)
    assert TabularOracle(table).levels == (1, 3, 9)
    assert TabularOracle(table).resumes  # the three lie on one learning curve: a longer training is paid the difference
    for split in ("valid", "test"):
        for epochs in (1, 3, 9):
            runs = np.stack([table.values(f"{split}_accuracy_{epochs}_run{run}") for run in range(3)])
            assert ((runs >= 0) & (runs <= 1)).all()
            np.testing.assert_allclose(runs.mean(axis=0), table.values(f"{split}_accuracy_{epochs}_mean"), atol=1e-6)
            np.testing.assert_allclose(
                runs[1:].mean(axis=0), table.values(f"{split}_accuracy_{epochs}_rest"), atol=1e-6
            )


def test_the_second_holds_a_draw_of_the_same_cells_on_five_levels_with_less_noise() -> None:
    table, first = open_benchmark(SECOND), open_benchmark(NAME)
    assert len(table) == len(set(table.keys.tolist())) == 300
    assert np.isin(table.keys, first.keys).all()
    oracle = TabularOracle(table)
    assert oracle.levels == (1, 2, 4, 8, 16)
    assert oracle.resumes
    assert nominal_saving(oracle.levels, Fraction(1, 2), resumes=oracle.resumes) == pytest.approx(16 / 3)
    between = [
        float(kendalltau(*(one.values(f"{split}_accuracy_{last}_run{run}") for run in (0, 1))).statistic)
        for one, last in ((first, 9), (table, 16))
        for split in ("valid", "test")
    ]
    assert max(between[:2]) < 0.65  # 0.63 and 0.61
    assert min(between[2:]) > 0.70  # 0.74 and 0.72
    np.testing.assert_array_equal(table.values("test_accuracy_16_rest"), table.values("test_accuracy_16_run1"))


def test_it_needs_no_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDICTORNAS_DATA", str(tmp_path / "absent"))
    assert open_benchmark(NAME).folder == bundled_folder(NAME)
    assert {line.name: line.state for line in list_benchmarks()}[NAME] == "bundled"
    assert not (tmp_path / "absent").exists()


def test_its_name_keeps_its_meaning(store: Path, tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a\n1\n")
    with pytest.raises(ConfigurationError, match="comes with this package"):
        import_table(NAME, tmp_path / "other.csv")


CHECKOUT = Path(bundled.__file__).parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not (CHECKOUT / "benchmarks_data").exists(), reason="the package is installed, not a checkout")
def test_it_is_found_where_the_package_is_used_from_a_checkout() -> None:
    code = (
        "import predictornas.benchmarks.bundled as bundled; bundled.find_spec = lambda name: None; "
        f"print((bundled.bundled_folder('{NAME}') / 'manifest.json').is_file())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
