"""Files of the form of HW-NAS-Bench-v1_0.pickle, as its interface reads it (and only its interface is public text)."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.hardware import QUANTITIES, read_hardware
from predictornas.benchmarks.importing import import_table
from predictornas.errors import ConfigurationError, DataError
from predictornas.spaces.nasbench201 import to_string

GENES = np.array([[1, 2, 3, 4, 0, 1], [0, 0, 0, 0, 0, 1], [3, 3, 3, 3, 3, 3]], np.int8)
NAMES = [f"{device}_{quantity}" for device, quantities in QUANTITIES.items() for quantity in quantities]


def content(kind: Callable[[list[float]], Any] = list) -> dict[str, Any]:
    """Three cells of which quantity q on data set d has the values 100 d + 10 q + cell."""
    sets: dict[str, Any] = {}
    for number, dataset in enumerate(("cifar10", "cifar100", "ImageNet16-120")):
        classes = {"name": "infer.tiny", "C": 16, "N": 5, "num_classes": 10}
        sets[dataset] = {"config": [{**classes, "arch_str": to_string(row)} for row in GENES]}
        for place, name in enumerate(NAMES):
            sets[dataset][name] = kind([100.0 * number + 10 * place + cell for cell in range(3)])
    sets["cifar100"]["edgetpu_latency"] = kind([-1.0, 5.0, 6.0])
    return {"nasbench201": sets, "fbnet": {"edgegpu_latency": {"Skip_H32": 0.5}}}


def written(folder: Path, value: Any, protocol: int = 4) -> Path:
    file = folder / "HW-NAS-Bench-v1_0.pickle"
    file.write_bytes(pickle.dumps(value, protocol))
    return file


@pytest.mark.parametrize("kind", [list, np.array, lambda values: [np.float64(value) for value in values]])
@pytest.mark.parametrize("protocol", [2, 4])
def test_lists_arrays_and_numbers_of_numpy_are_read(tmp_path: Path, kind: Callable[[Any], Any], protocol: int) -> None:
    columns = read_hardware(written(tmp_path, content(kind), protocol), "cifar10")
    assert columns["arch"] == [to_string(row) for row in GENES]
    assert columns["cifar10_edgegpu_energy"].tolist() == [10, 11, 12]
    assert columns["cifar10_fpga_energy"].tolist() == [90, 91, 92]


@pytest.mark.slow
def test_a_table_with_the_accuracies_that_come_along(tmp_path: Path, store: Path) -> None:
    file = written(tmp_path, content())
    table = import_table("nasbench201-hw-cifar100", file)
    assert table.manifest["space"] == "nasbench201"
    np.testing.assert_array_equal(table.genes, GENES)
    np.testing.assert_allclose(table.values("edgegpu_latency_seconds"), [0.1, 0.101, 0.102], rtol=1e-6)
    np.testing.assert_allclose(table.values("edgetpu_latency_seconds"), [np.nan, 0.005, 0.006], rtol=1e-6)
    np.testing.assert_allclose(table.values("eyeriss_arithmetic_intensity"), [170, 171, 172])
    offline = open_benchmark("nasbench201-cifar100")
    assert (table.signal, table.evaluation) == (offline.signal, offline.evaluation)
    np.testing.assert_array_equal(table.values(table.signal), offline.lookup(GENES, offline.signal))
    with pytest.raises(ConfigurationError, match="without a recipe and without a second file"):
        import_table("nasbench201-hw-cifar100", file, join=file)
    with pytest.raises(DataError, match="data import nasbench201-hw-cifar10 FILE"):
        import_table("mine", file)


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    made = content()
    change(made["nasbench201"]["cifar10"])
    return made


class Code:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("was-run"),))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "has no 'nasbench201'"),
        ({"nasbench201": {}}, "has no 'cifar10'"),
        (changed(lambda entries: entries.pop("fpga_energy")), "has no 'fpga_energy'"),
        (changed(lambda entries: entries["config"].append({"C": 16})), "an entry of 'config' has no 'arch_str'"),
        (changed(lambda entries: entries["fpga_energy"].pop()), "'fpga_energy' holds no 3 numbers"),
        (changed(lambda entries: entries.update(fpga_energy=["1", "2", "3"])), "'fpga_energy' holds no 3 numbers"),
        (changed(lambda entries: entries.update(fpga_energy=np.zeros((3, 2)))), "'fpga_energy' holds no 3 numbers"),
        (changed(lambda entries: entries.update(fpga_energy=Code())), "only numbers, texts, lists"),
    ],
)
def test_other_files_are_refused_and_nothing_in_them_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: Any, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        read_hardware(written(tmp_path, value), "cifar10")
    assert not (tmp_path / "was-run").exists()
