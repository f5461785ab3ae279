from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from predictornas.analysis.robustness import random_median
from predictornas.benchmarks.adversarial import (
    LARGE,
    POOL,
    SIGNAL,
    SKIP,
    SMALL,
    TRAPS,
    adversarial_genes,
    adversarial_name,
    adversarial_table,
    adversarial_tables,
)
from predictornas.benchmarks.catalog import list_benchmarks, open_benchmark
from predictornas.benchmarks.known_benchmarks import BENCHMARKS
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.spaces.registry import get_space


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Benchmark]:
    return adversarial_tables(0, tmp_path_factory.mktemp("tables"))


def values(table: Benchmark) -> tuple[np.ndarray, np.ndarray]:
    return table.values(table.signal).astype(np.float64), table.values(table.evaluation).astype(np.float64)


def test_every_kind_is_a_table_that_random_search_can_be_measured_on(tables: dict[str, Benchmark]) -> None:
    assert set(tables) == set(TRAPS)
    for kind, table in tables.items():
        signal, truth = values(table)
        assert (len(table), table.space.name, table.name) == (4096, "nasbench201", adversarial_name(kind))
        assert signal.min() != signal.max()
        median = random_median(1 - signal, 1 - truth, 100, chosen=False)
        assert (1 - truth).min() <= median <= np.median(1 - truth)


def test_the_deceptive_table_is_better_the_further_from_its_best_cells(tables: dict[str, Benchmark]) -> None:
    genes, (_, truth) = adversarial_genes(), values(tables["deceptive"])
    distance = (genes != genes[truth.argmax()]).sum(axis=1)
    best_at = [truth[distance == d].max() for d in range(7)]
    assert min(best_at[:3]) > max(best_at[3:])
    assert best_at[3:] == sorted(best_at[3:])
    # the cells that a search meets by chance are good ones in nearly every hundred
    assert 1 - (1 - (distance <= 2).mean()) ** 100 > 0.97


def test_the_first_good_cells_are_convolutions_and_the_best_have_none(tables: dict[str, Benchmark]) -> None:
    genes, (_, truth) = adversarial_genes(), values(tables["all-convolutions"])
    convolutions = np.isin(genes, (SMALL, LARGE)).sum(axis=1)
    best = genes[truth > truth[convolutions > 0].max()]
    assert len(best) == 64
    assert set(np.unique(best)) == {SKIP, POOL}
    means = [truth[convolutions == count].mean() for count in range(7)]
    assert means[2:] == sorted(means[2:])
    assert means[6] == max(means[1:])


def test_noise_is_in_the_signal_alone_and_where_it_is_said_to_be(tables: dict[str, Benchmark]) -> None:
    noisy = {"heavy-noise", "heteroscedastic"}
    for kind, table in tables.items():
        signal, truth = values(table)
        assert (signal == truth).all() == (kind not in noisy)
    signal, truth = values(tables["heavy-noise"])
    off = np.abs(signal - truth)
    assert off.max() > 20 * np.median(off)
    signal, truth = values(tables["heteroscedastic"])
    pools = (adversarial_genes() == POOL).sum(axis=1)
    spread = [(signal - truth)[pools == count].std() for count in range(5)]
    assert spread == sorted(spread)
    assert pools[signal.argmax()] >= 2  # the best by the signal is a lucky one
    assert truth[signal.argmax()] < np.quantile(truth, 0.99)


def test_the_others_are_as_equal_as_they_say(tables: dict[str, Benchmark]) -> None:
    different = {kind: len(np.unique(values(tables[kind])[0])) for kind in ("plateau", "ties", "constant")}
    assert different == {"plateau": 4, "ties": 5, "constant": 2}
    assert (values(tables["plateau"])[0] > 0.81).sum() == 1 + 18 + 135
    _, needle = values(tables["needle"])
    ordered = np.sort(needle)
    assert ordered[-1] - ordered[-2] > 0.05


def test_a_seed_is_a_table_of_its_own_and_always_the_same(tmp_path: Path) -> None:
    one, again, other = (
        adversarial_table("plateau", seed, tmp_path / name) for name, seed in (("a", 5), ("b", 5), ("c", 6))
    )
    assert one.name == "adversarial-plateau-5"
    assert (one.values(one.signal) == again.values(again.signal)).all()
    assert (one.values(one.signal) != other.values(other.signal)).any()
    with pytest.raises(UnknownNameError, match="Did you mean 'plateau'"):
        adversarial_table("plateaux")
    with pytest.raises(ConfigurationError, match="take 0 or more"):
        adversarial_table("plateau", -1)


def test_they_are_opened_by_name_and_kept_in_the_store(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = open_benchmark("adversarial-ties-2")
    assert (table.name, table.folder) == ("adversarial-ties-2", store / "adversarial-ties-2")
    monkeypatch.setattr("predictornas.benchmarks.adversarial.write_benchmark", lambda *_, **__: pytest.fail("again"))
    assert (open_benchmark("adversarial-ties-2").genes == table.genes).all()
    assert [line.name for line in list_benchmarks() if line.name.startswith("adversarial")] == [table.name]
    assert [record.name for record in BENCHMARKS.records] == [f"adversarial-{kind}" for kind in TRAPS]
    with pytest.raises(UnknownNameError, match="Did you mean 'adversarial-needle'"):
        open_benchmark("adversarial-needl")


def test_one_of_an_earlier_version_is_made_again_and_one_of_yours_never_overwritten(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr("predictornas.benchmarks.adversarial._MADE_BY", "version 0")
        assert open_benchmark("adversarial-constant").manifest["source"]["generated"] == "version 0"
    assert open_benchmark("adversarial-constant").manifest["source"]["generated"].endswith("version 1")
    mine = np.linspace(0.1, 0.9, 4096)
    write_benchmark(
        store / "adversarial-needle", name="adversarial-needle", space=get_space("nasbench201"), licence="mine",
        genes=adversarial_genes(), columns={SIGNAL: mine}, signal=SIGNAL.name, evaluation=None,
        source={"file": "my.csv"},
    )  # fmt: skip
    with pytest.raises(ConfigurationError, match="predictornas data remove adversarial-needle"):
        open_benchmark("adversarial-needle")
    assert Benchmark.open(store / "adversarial-needle").values(SIGNAL.name)[-1] == np.float32(0.9)
