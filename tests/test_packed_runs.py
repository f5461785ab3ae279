from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.errors import DataError, StoreError
from predictornas.packed_runs import HISTORY, POOLS, PackedRuns, Source, from_planes, pack, planes, ranges, rounded
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
CELLS = SPACE.sample(6, np.random.default_rng(0))
KEYS = SPACE.keys(CELLS)


def source(
    name: str,
    runs: Mapping[tuple[str, int], Sequence[int]],
    *,
    table: str = "toy",
    epochs: int = 200,
    pools: pl.DataFrame | None = None,
) -> Source:
    """A study whose runs evaluate these cells in turn, two of them in T0."""
    rows = [
        {
            "run_id": f"{method}-{seed}",
            "method": method,
            "seed": seed,
            "iteration": max(0, order - 1),
            "order": order,
            "key": KEYS[cell],
            "genes": CELLS[cell].tolist(),
            "epochs": epochs,
            "value": 0.9 + cell / 1000 + epochs / 1e6 + len(table) / 1e7,
            "cost_seconds": None,
            "cost_epochs": None if method == "a" else float(epochs),
            "predicted": None if order < 2 else -1.25 * cell,
            "proposed_by": "initial" if order < 2 else method,
            "recommended": None if order < 3 else KEYS[cells[0]],
            "evaluation": None if cell == 5 else 0.8 + cell / 1000,
        }
        for (method, seed), cells in sorted(runs.items())
        for order, cell in enumerate(cells)
    ]
    kinds = {"key": pl.UInt64, "recommended": pl.UInt64, "genes": pl.List(pl.Int8), "cost_epochs": pl.Float64}
    history = pl.DataFrame(rows, schema_overrides={**kinds, "predicted": pl.Float64, "evaluation": pl.Float64})
    facts = {"study": name, "methods": sorted({method for method, _ in runs})}
    identity = {"table": table, "space": "nasbench201", "data_sha256": table, "signal": "s", "evaluation": "e"}
    return Source(facts, identity, history, pools)


def pools_of(method: str, seed: int, counts: Sequence[Sequence[int]], targets: Sequence[float]) -> pl.DataFrame:
    """Pools of a run, one an iteration, each with its members within every target."""
    return pl.DataFrame(
        [
            {"method": method, "seed": seed, "iteration": iteration, "pool_size": hits[-1]}
            | {"pool_filled": None if iteration == 1 else iteration, "target_error": target, "pool_hits": count}
            for iteration, hits in enumerate(counts, start=1)
            for target, count in zip(targets, hits, strict=True)
        ],
        schema_overrides={"pool_filled": pl.Int64},
    )


STUDIES = [
    source(
        "z", {("a", 0): [0, 1, 2, 0], ("b", 3): [1, 0, 5]}, pools=pools_of("b", 3, [[0, 2, 9], [1, 1, 7]], [1, 2, 3])
    ),
    source("y", {("b", 0): [3, 1], ("b", 1): [2, 1, 0, 4]}, epochs=12),
    source("x", {("c", 7): [4, 3, 2]}, table="other", pools=pools_of("c", 7, [[5]], [0.5])),
]


def opened(folder: Path, studies: Sequence[Source] = STUDIES) -> PackedRuns:
    (folder / "runs.npz").write_bytes(pack(studies))
    return PackedRuns(folder / "runs.npz")


def places(packed: PackedRuns) -> dict[str, int]:
    return {study["study"]: place for place, study in enumerate(packed.manifest["studies"])}


def test_studies_read_back_as_they_were(tmp_path: Path) -> None:
    packed = opened(tmp_path)
    assert list(places(packed)) == ["x", "y", "z"]  # by table, then by name
    for study in STUDIES:
        place = places(packed)[study.facts["study"]]
        history = packed.history(place)
        assert history.schema == HISTORY
        lost = ("run_id", "cost_seconds")
        assert history.drop("study", "table", "predicted").equals(
            study.history.drop(*lost, "predicted").select(history.drop("study", "table", "predicted").columns)
        )
        assert history["predicted"].cast(pl.Float64).equals(study.history["predicted"])  # short in binary, so exact
        assert set(history["study"]) == {study.facts["study"]}
        assert set(history["table"]) == {study.table["table"]}
        pools = packed.pools(place)
        assert pools.schema == POOLS
        if study.pools is None:
            assert pools.is_empty()
        else:
            assert pools.drop("study", "table").equals(study.pools.select(pools.drop("study", "table").columns))


def test_what_a_study_has_is_told_by_method(tmp_path: Path) -> None:
    packed = opened(tmp_path)
    told = packed.manifest["studies"][places(packed)["z"]]
    assert told["methods"] == ["a", "b"]
    assert told["seeds"] == ["0", "3"]
    assert told["initial"] == [2, 2]
    assert (told["runs"], told["evaluations"], told["pools"], told["targets"]) == (2, 4, 2, 3)


def test_the_same_studies_give_the_same_bytes_in_any_order() -> None:
    assert pack(STUDIES) == pack(STUDIES[::-1])


def test_an_architecture_has_one_value_on_a_table() -> None:
    changed = source("w", {("a", 0): [0, 1]})
    changed = Source(changed.facts, changed.table, changed.history.with_columns(value=pl.col("value") + 0.1))
    with pytest.raises(DataError, match="toy: an architecture has two values"):
        pack([STUDIES[0], changed])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda history: history.reverse(), "z: the rows of a history are sorted"),
        (lambda history: history.with_columns(recommended=pl.lit(5, pl.UInt64)), "recommends what nobody evaluated"),
        (lambda history: history.with_columns(epochs=pl.lit(70_000)), "do not fit into uint16"),
    ],
)
def test_what_cannot_be_packed_is_refused(change: Any, message: str) -> None:
    study = STUDIES[0]
    with pytest.raises(DataError, match=message):
        pack([Source(study.facts, study.table, change(study.history), study.pools)])


@pytest.mark.parametrize(
    ("pools", "message"),
    [
        (pools_of("b", 3, [[0, 2, 9]], [1, 2, 3]).with_columns(pool_size=pl.lit(10)), "above its largest target"),
        (pools_of("b", 3, [[3, 2, 9]], [1, 2, 3]), "above its largest target"),
        (pools_of("b", 3, [[0, 2, 9], [1, 1, 7]], [1, 2, 3]).head(5), "not counted at the same targets"),
    ],
)
def test_pools_that_are_no_counts_at_common_targets_are_refused(pools: pl.DataFrame, message: str) -> None:
    with pytest.raises(DataError, match=message):
        pack([Source(STUDIES[0].facts, STUDIES[0].table, STUDIES[0].history, pools)])


def test_a_file_that_is_damaged_or_of_another_version_is_refused(tmp_path: Path) -> None:
    content = bytearray(pack(STUDIES))
    content[60:80] = bytes(20)
    (tmp_path / "damaged.npz").write_bytes(content)
    for name in ("damaged.npz", "missing.npz"):
        with pytest.raises(StoreError, match=r"cannot be read.*Install the package again"):
            assert PackedRuns(tmp_path / name).manifest
    manifest = np.frombuffer(json.dumps({"format": 99}).encode(), np.uint8)
    other = io.BytesIO()
    np.savez(other, manifest=manifest)
    (tmp_path / "other.npz").write_bytes(other.getvalue())
    with pytest.raises(StoreError, match="has format 99, this version reads 1"):
        assert PackedRuns(tmp_path / "other.npz").manifest


@given(
    st.lists(st.floats(-(2.0**90), 2.0**90, width=32).filter(lambda value: abs(value) > 1e-30), min_size=1, max_size=20)
)
def test_scores_are_right_to_one_part_in_2_to_the_15(values: list[float]) -> None:
    numbers = np.array(values)
    assert (np.abs(rounded(numbers) - numbers) <= 2.0**-15 * np.abs(numbers)).all()


def test_scores_that_are_no_numbers_are_marked_so() -> None:
    assert rounded(np.array([np.nan, np.inf, 0.0, 1.0])).tolist()[2:] == [0.0, 1.0]
    assert np.isnan(rounded(np.array([np.nan, np.inf]))).all()


def test_bytes_of_the_same_place_stand_together() -> None:
    numbers = np.array([0x0102, 0x0304], np.uint16)
    assert planes(numbers).tolist() == [[0x02, 0x04], [0x01, 0x03]]
    assert from_planes(planes(numbers), np.uint16).tolist() == numbers.tolist()


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([4], "4"), ([0, 1, 2, 3, 7], "0-3,7"), ([1, 3, 5, 6], "1,3,5-6")]
)
def test_numbers_as_ranges(numbers: list[int], text: str) -> None:
    assert ranges(numbers) == text
