"""The nine files of nas-bench-graph, against numbers read off them by hand (the first entries of a disassembly)."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from predictornas.benchmarks import nasbench_graph
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.nasbench_graph import DATASETS, quality, read_graph
from predictornas.errors import DataError, MissingDependencyError
from predictornas.spaces.nasbench_graph import OPERATIONS, NASBenchGraph
from predictornas.spaces.registry import get_space
from predictornas.studies.table_agreement import agreement
from tests.extras import ALL_EXTRAS

NOT_HERE = find_spec("nas_bench_graph") is None and not os.environ.get(ALL_EXTRAS)
pytestmark = pytest.mark.skipif(NOT_HERE, reason="nas-bench-graph is not installed: the extra graph brings it")


@pytest.mark.slow
def test_the_file_of_cora_holds_the_whole_space() -> None:
    genes, columns, source = read_graph("cora")
    space = get_space("nasbench-graph")
    np.testing.assert_array_equal(np.sort(space.keys(genes)), np.sort(space.enumerated_keys()))
    assert space.valid(genes).all()
    by_name = {column.name: values for column, values in columns.items()}
    # the first two entries of the file: 0 (four times gat beside each other) and 10000
    assert genes[:2].tolist() == [[0, 0, 0, 0, 0], [1, 0, 0, 0, 0]]
    assert by_name["valid_accuracy_mean"][:2].tolist() == pytest.approx([1160 / 1500, 1199 / 1500], abs=1e-15)
    assert by_name["test_accuracy_mean"][:2].tolist() == pytest.approx([2391 / 3000, 2443 / 3000], abs=1e-15)
    assert by_name["latency"][:2].tolist() == [0.005922238032023112, 0.004977862040201823]
    # three trainings on 500 validation nodes: all values are multiples of 1/1500, and most are none of 1/500
    thirds = by_name["valid_accuracy_mean"] * 1500
    np.testing.assert_allclose(thirds, np.rint(thirds), atol=1e-9)
    assert (np.rint(thirds) % 3 != 0).mean() > 0.6
    assert (by_name["parameters"].min(), by_name["parameters"].max()) == (436_743, 3_464_199)
    assert source == {"package": "nas-bench-graph==1.4.*", "file": "cora.bench", "sha256": DATASETS["cora"]}


@pytest.mark.slow
def test_proteins_is_a_part_of_the_space_and_is_measured_by_area_under_the_curve(store: Path) -> None:
    table = open_benchmark("nasbench-graph-proteins")
    whole = get_space("nasbench-graph")
    assert isinstance(whole, NASBenchGraph)
    assert (len(table), len(table.space), table.space.name) == (2021, 2021, "nasbench-graph")
    allowed = [OPERATIONS.index(name) for name in ("gcn", "sage", "arma", "fc", "skip")]
    expected = whole.enumerate()[np.isin(whole.enumerate()[:, 1:], allowed).all(axis=1)]
    np.testing.assert_array_equal(table.space.enumerate(), expected)
    assert (table.signal, table.evaluation) == ("valid_roc_auc_mean", "test_roc_auc_mean")
    assert table.manifest["licence"] == "Apache-2.0 (nas-bench-graph)"
    assert (quality("proteins", "test").direction, quality("proteins", "test").unit) == ("higher", "fraction")
    pair = agreement("nasbench-graph-proteins").filter(first=table.signal, second=table.evaluation)
    assert pair["tau"].item() == pytest.approx(0.353, abs=5e-4)


def test_another_file_is_refused_before_it_is_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cora.bench").write_bytes(pickle.dumps({88881: {"valid_perf": 1.0}}))
    monkeypatch.setattr(nasbench_graph, "_installed", lambda dataset: tmp_path / f"{dataset}.bench")
    with pytest.raises(DataError, match=r"cora.bench has the sha256 .* Install nas-bench-graph==1.4"):
        read_graph("cora")


def test_the_extra_is_named_where_the_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nasbench_graph, "installed_file", lambda *parts: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'predictornas\[graph\]'"):
        read_graph("cora")


@pytest.mark.slow
def test_none_of_its_code_is_imported() -> None:
    code = (
        "import sys; from predictornas.benchmarks.nasbench_graph import read_graph; read_graph('proteins')\n"
        "print([name for name in sys.modules if name.startswith('nas_bench_graph')])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
