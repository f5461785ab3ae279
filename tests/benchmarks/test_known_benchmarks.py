from __future__ import annotations

import pytest

from predictornas.benchmarks.column import check_roles
from predictornas.benchmarks.known_benchmarks import CATALOG, EXAMPLES
from predictornas.benchmarks.nasbench201 import DATASETS, read_offline
from predictornas.spaces.registry import get_space

GRAPHS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv", "proteins")


def test_every_benchmark_has_a_space_and_one_origin() -> None:
    for entry in CATALOG.values():
        assert get_space(entry.space).name == entry.space
        assert [entry.dataset is not None, entry.source is not None, entry.bundled].count(True) == 1


def test_every_offline_data_set_is_a_benchmark() -> None:
    offline = {name: entry.dataset for name, entry in CATALOG.items() if entry.dataset is not None}
    of_cells = {f"nasbench201-{dataset}": dataset for dataset in DATASETS}
    assert offline == of_cells | {f"nasbench-graph-{dataset}": dataset for dataset in GRAPHS}


@pytest.mark.slow
@pytest.mark.parametrize("dataset", DATASETS)
def test_offline_defaults_are_columns_without_common_noise(dataset: str) -> None:
    entry = CATALOG[f"nasbench201-{dataset}"]
    check_roles({column.name: column for column in read_offline(dataset)[1]}, entry.signal, entry.evaluation)


def test_the_catalog_names_published_files_alone() -> None:
    named = [entry.source for entry in CATALOG.values() if entry.source is not None]
    published = ("https://", "NAS-Bench-201-v1_1-096897.pth or NATS-tss-v1_0-3ffb9.pickle.pbz2")
    assert all(any(each in source for each in published) and "parquet" not in source for source in named)
    assert not set(EXAMPLES) & set(CATALOG)


def test_nasbench101_says_where_the_official_files_are() -> None:
    source = CATALOG["nasbench101"].source or ""
    assert "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord" in source
    assert "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord" in source
