from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import stats

from predictornas.errors import ConfigurationError, StoreError
from predictornas.studies.comparison import Comparison, compare_folders
from predictornas.studies.folder import KINDS, write_manifest
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.study import Study
from predictornas.studies.sealed import write_sealed
from predictornas.studies.tidy_tables import write_table

STUDY = Study(methods=("random",), budget=20, seeds=(0, 1))

Errors = Mapping[str, Mapping[int, Sequence[float]]]
"""For each method and seed the evaluation error of every evaluation, in order; the signal is the same."""


def folder_of(
    path: Path, errors: Errors, *, table: str = "toy", data: str = "0123456789", recommended: Sequence[str] = ()
) -> Path:
    """A finished study made by hand; methods in `recommended` name their second evaluation from then on."""
    rows = [
        {
            "run_id": f"{method}-{seed}",
            "method": method,
            "seed": seed,
            "order": order,
            "key": order,
            "epochs": 108,
            "value": 1 - error,
            "cost_seconds": None,
            "cost_epochs": 108.0,
            "recommended": 1 if method in recommended and order else None,
            "evaluation": 1 - error,
        }
        for method, seeds in errors.items()
        for seed, run in seeds.items()
        for order, error in enumerate(run)
    ]
    kinds = {"key": pl.UInt64, "recommended": pl.UInt64, "cost_seconds": pl.Float64}
    path.mkdir(parents=True)
    study = {"benchmark": table, "data_sha256": data, "signal": "run0", "evaluation": "rest"}
    (path / "manifest.json").write_text(json.dumps({"study": study}))
    write_table(path / "history.parquet", pl.DataFrame(rows, schema_overrides=kinds))
    return path


def finals(values: Mapping[str, Sequence[float]]) -> Errors:
    """Runs of one evaluation, seeds 0, 1, ..."""
    return {method: {seed: [error] for seed, error in enumerate(run)} for method, run in values.items()}


def row_of(frame: pl.DataFrame, **facts: str) -> dict[str, object]:
    return frame.filter(**facts).row(0, named=True)


def test_folders_are_compared_after_as_many_evaluations_as_all_have(tmp_path: Path) -> None:
    short = folder_of(tmp_path / "short", {"a": {0: [0.3, 0.2], 1: [0.5, 0.4]}})
    long = folder_of(tmp_path / "long", {"b": {0: [0.4, 0.3, 0.0], 1: [0.1, 0.2, 0.0]}})
    errors = compare_folders([short, long]).errors
    assert errors["evaluations"].unique().to_list() == [2]
    final = errors.filter(trace="searched").select("folder", "method", "mean", "runs")
    assert list(final.iter_rows()) == [
        (str(short), "a", pytest.approx(0.3), 2),
        (str(long), "b", pytest.approx(0.2), 2),
    ]


@pytest.mark.slow
def test_runs_of_a_real_table(store: Path, tmp_path: Path) -> None:
    """Regret is measured from the best possible; a folder and its copy hold the same runs, and differ by nothing."""
    outcome = run_study(STUDY, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    compared = compare_folders([tmp_path / "a", tmp_path / "b"])
    best = row_of(compared.regret, trace="best")
    benchmark = STUDY.open()
    lowest = 1 - np.nanmax(benchmark.values(str(benchmark.evaluation)))
    assert best["best_possible"] == pytest.approx(lowest)
    errors = 1 - outcome.history.sort("seed", "order")["evaluation"].to_numpy().reshape(2, 20)
    assert best["regret"] == pytest.approx(np.minimum.accumulate(errors, axis=1).mean() - lowest)
    same = row_of(compared.pairs, quantity="final", trace="best")
    assert (same["a"], same["b"], same["pairs"]) == ("random [a]", "random [b]", 2)
    assert (same["difference"], same["low"], same["high"], same["nonzero"]) == (0, None, None, 0)
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    manifest["study"]["data_sha256"] = "of another version"
    del manifest["sha256"]
    (tmp_path / "a" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(StoreError, match="was altered: its checksum does not match"):
        compare_folders([tmp_path / "a"])
    write_sealed(tmp_path / "a" / "manifest.json", manifest)
    assert compare_folders([tmp_path / "a"]).regret["regret"].null_count() == 3


def test_pairs_are_differences_over_the_seeds_of_both(tmp_path: Path) -> None:
    """Best so far of a: 9 7 7 and 8 8 5, of b: 6 6 6 and 9 7 6; c shares a single seed with them."""
    percent = {"a": {0: [9, 7, 8], 1: [8, 9, 5], 2: [1, 1, 1]}, "b": {1: [9, 7, 6], 0: [6, 8, 9]}, "c": {1: [4, 4, 4]}}
    errors = {m: {s: [e / 100 for e in run] for s, run in runs.items()} for m, runs in percent.items()}
    compared = compare_folders([folder_of(tmp_path / "x", errors)])
    pairs = compared.pairs
    assert set(pairs.select("a", "b").iter_rows()) == {("a", "b")}
    assert set(pairs["pairs"]) == {2}
    final = row_of(pairs, quantity="final", trace="best")
    assert final["difference"] == pytest.approx(((0.07 - 0.06) + (0.05 - 0.06)) / 2)
    half = 12.706204736432095 * 0.01  # t of one degree; the mean of 0.01 and -0.01 has the standard error 0.01
    assert (final["low"], final["high"], final["nonzero"]) == (pytest.approx(-half), pytest.approx(half), 2)
    regret = row_of(pairs, quantity="regret", trace="best")
    assert regret["difference"] == pytest.approx((0.23 + 0.21 - 0.18 - 0.22) / 6)
    assert "searched" not in set(pairs["trace"])
    assert compared.ranks.is_empty()  # no two seeds that all three have
    assert compared.regret["regret"].null_count() == len(compared.regret)  # "toy" is no table of the store


def test_pairing_agrees_with_scipys_t_test(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shared = rng.normal(0.1, 0.01, 30)
    a, b = shared + rng.normal(0.002, 0.001, 30), shared
    folders = [folder_of(tmp_path / name, finals({name: run.tolist()})) for name, run in (("a", a), ("b", b))]
    found = row_of(compare_folders(folders).pairs, quantity="final", trace="chosen")
    expected = stats.ttest_rel(a, b).confidence_interval()
    assert found["difference"] == pytest.approx((a - b).mean())
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high))


def test_what_is_named_beside_a_pair_does_not_change_its_interval(tmp_path: Path) -> None:
    runs = {name: np.random.default_rng(seed).uniform(size=8).tolist() for seed, name in enumerate("abc")}
    folders = {name: folder_of(tmp_path / name, finals({name: run})) for name, run in runs.items()}
    alone = compare_folders([folders["b"], folders["c"]]).pairs
    among = compare_folders(list(folders.values())).pairs.filter(a="b", b="c")
    assert alone.equals(among)


def test_a_method_in_two_folders_of_a_table_is_named_after_both(tmp_path: Path) -> None:
    one, other = {"a": [0.1, 0.2], "b": [0.3, 0.3]}, {"a": [0.2, 0.2], "c": [0.1, 0.1]}
    folders = [folder_of(tmp_path / name / "toy", finals(runs)) for name, runs in (("one", one), ("other", other))]
    compared = compare_folders(folders)
    assert set(compared.errors["method"]) == {"a [one]", "b", "a [other]", "c"}
    found = row_of(compared.pairs.filter(a="a [one]", b="a [other]"), quantity="final", trace="best")
    assert found["difference"] == pytest.approx(-0.05)
    inside = folder_of(tmp_path / "one" / "toy" / "inside", finals(one))
    assert set(compare_folders([folders[0], inside]).errors["method"]) == {
        "a [.]", "b [.]", "a [inside]", "b [inside]"
    }  # fmt: skip


def _three_tables(tmp_path: Path) -> Comparison:
    """Mean errors a < b = c, a < b < c and b < a < c; the second table lacks d and has half as many evaluations."""
    values = {
        "t1": finals({"a": [0.1, 0.1], "b": [0.2, 0.4], "c": [0.4, 0.2], "d": [0.0, 0.0]}),
        "t2": finals({"a": [0.1, 0.1], "b": [0.2, 0.2], "c": [0.3, 0.3]}),
        "t3": finals({"a": [0.2, 0.2], "b": [0.1, 0.1], "c": [0.3, 0.3], "d": [0.0, 0.0]}),
    }
    longer = {method: {seed: run * 2 for seed, run in runs.items()} for method, runs in values["t3"].items()}
    values["t3"] = longer
    return compare_folders([folder_of(tmp_path / name, errors, table=name) for name, errors in values.items()])


def test_ranks_over_tables(tmp_path: Path) -> None:
    compared = _three_tables(tmp_path)
    ranks = compared.ranks.filter(quantity="final", trace="best")
    assert dict(ranks.select("method", "rank").iter_rows()) == pytest.approx({"a": 4 / 3, "b": 5.5 / 3, "c": 8.5 / 3})
    assert set(ranks["block"]) == {"table"}
    assert set(ranks["blocks"]) == {3}
    assert ranks["critical_difference"][0] == pytest.approx(2.343 * (12 / 18) ** 0.5, abs=1e-3)
    evaluations = compared.errors.select("table", "evaluations").unique(maintain_order=True)
    assert list(evaluations.iter_rows()) == [("t1", 1), ("t2", 1), ("t3", 2)]
    assert set(compared.pairs["table"]) == {"t1", "t2", "t3"}


def test_ranks_over_the_seeds_that_all_methods_of_one_table_have(tmp_path: Path) -> None:
    errors = {"a": [0.1, 0.2, 0.1, 0.9], "b": [0.2, 0.1, 0.2], "c": [0.3, 0.3, 0.3, 0.0]}
    ranks = compare_folders([folder_of(tmp_path / "x", finals(errors))]).ranks.filter(quantity="final", trace="chosen")
    assert dict(ranks.select("method", "rank").iter_rows()) == pytest.approx({"a": 4 / 3, "b": 5 / 3, "c": 3})
    assert set(ranks["block"]) == {"seed"}
    assert set(ranks["blocks"]) == {3}


@pytest.mark.parametrize("together", [True, False])
def test_recommendations_are_compared_with_the_incumbents_of_who_has_no_opinion(tmp_path: Path, together: bool) -> None:
    run = {0: [0.3, 0.2, 0.1], 1: [0.3, 0.2, 0.1]}
    if together:
        folders = [folder_of(tmp_path / "x", {"a": run, "c": run}, recommended=("a",))]
    else:
        folders = [folder_of(tmp_path / "x", {"a": run}, recommended=("a",)), folder_of(tmp_path / "y", {"c": run})]
    compared = compare_folders(folders)
    final = compared.errors.filter(trace="recommended")
    assert dict(final.select("method", "mean").iter_rows()) == pytest.approx({"a": 0.2, "c": 0.1})
    pairs = compared.pairs.filter(trace="recommended", quantity="final")
    assert list(pairs.select("a", "b", "difference").iter_rows()) == [("a", "c", pytest.approx(0.1))]
    regret = compared.regret.filter(trace="recommended")
    assert dict(regret.select("method", "mean").iter_rows()) == pytest.approx({"a": 0.7 / 3, "c": 0.2})


def test_recommendations_that_all_go_by_the_signal_are_not_compared(tmp_path: Path) -> None:
    compared = compare_folders([folder_of(tmp_path / "x", finals({"a": [0.1, 0.2], "b": [0.2, 0.1]}))])
    assert set(compared.pairs["trace"]) == {"chosen", "best"}


def test_the_same_name_with_other_data_is_another_table(tmp_path: Path) -> None:
    folders = [folder_of(tmp_path / data, finals({"a": [0.1, 0.2]}), data=data) for data in ("11112222x", "33334444x")]
    compared = compare_folders(folders)
    assert set(compared.errors["table"]) == {"toy (run0, rest, data 11112222)", "toy (run0, rest, data 33334444)"}
    assert set(compared.errors["method"]) == {"a"}
    assert compared.pairs.is_empty()


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="nothing does not exist"):
        compare_folders([tmp_path / "nothing"])
    with pytest.raises(ConfigurationError, match="at least one"):
        compare_folders([])
    path = folder_of(tmp_path / "a", finals({"a": [0.1]}))
    with pytest.raises(ConfigurationError, match="is named 2 times"):
        compare_folders([path, path.parent / "." / "a"])


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("manifest.json", b"[" * 900 + b"]" * 900, "nested deeper"),
        ("manifest.json", b'{"study": 7}', "'study' is 7, not of type dict"),
        ("manifest.json", b'{"study": {"benchmark": "toy"}}', "lacks data_sha256, evaluation, signal"),
        ("history.parquet", b"", "is no parquet file"),
        ("history.parquet", b"PAR1 and nothing more", "cannot be read as a parquet"),
    ],
)
def test_a_damaged_folder_says_how_to_mend_it(tmp_path: Path, file: str, content: bytes, reason: str) -> None:
    folder = folder_of(tmp_path / "a", finals({"a": [0.1, 0.2]}))
    (folder / file).write_bytes(content)
    with pytest.raises(StoreError, match=rf"(?s){reason}.*Run the command that made .* again"):
        compare_folders([folder])


def test_a_history_that_was_altered_is_not_compared(tmp_path: Path) -> None:
    folder = folder_of(tmp_path / "a", finals({"a": [0.1, 0.2]}))
    table = pl.read_parquet(folder / "history.parquet")
    table.with_columns(evaluation=pl.col("evaluation") / 2).write_parquet(folder / "history.parquet")
    with pytest.raises(StoreError, match="carries no checksum"):
        compare_folders([folder])
    write_table(folder / "history.parquet", table.drop("evaluation"))
    with pytest.raises(StoreError, match="no column 'evaluation' of type Float64"):
        compare_folders([folder])
    write_table(folder / "history.parquet", table.head(0))
    with pytest.raises(StoreError, match="holds no evaluation"):
        compare_folders([folder])


@pytest.mark.parametrize("kind", ["predictors", "comparison"])
def test_a_folder_of_another_kind_says_what_it_is_and_not_to_run_it_again(tmp_path: Path, kind: str) -> None:
    write_manifest(tmp_path, kind, {"study": {}})
    with pytest.raises(ConfigurationError) as caught:
        compare_folders([tmp_path])
    assert f"holds results of {KINDS[kind]}, which `compare` cannot read" in str(caught.value)
    assert "again" not in str(caught.value)


def test_folders_of_several_objectives_are_not_compared_and_the_error_says_what_to_do(tmp_path: Path) -> None:
    write_manifest(tmp_path, "objectives", {"study": {}})
    with pytest.raises(ConfigurationError, match=r"several objectives or limits, which `compare` does not .* gain"):
        compare_folders([tmp_path])


def test_a_mean_is_over_every_run_of_a_method_or_there_is_none(tmp_path: Path) -> None:
    """A run of b has no evaluation of what it chose: its mean would be over other seeds than that of a."""
    folder = folder_of(tmp_path / "study", {name: {0: [0.3, 0.2], 1: [0.5, 0.4]} for name in "ab"})
    history = pl.read_parquet(folder / "history.parquet")
    lost = (pl.col("method") == "b") & (pl.col("seed") == 1) & (pl.col("order") == 1)
    table = history.with_columns(evaluation=pl.when(lost).then(None).otherwise("evaluation"))
    write_table(folder / "history.parquet", table)
    comparison = compare_folders([folder])
    runs = {(row["method"], row["trace"]): row["runs"] for row in comparison.errors.to_dicts()}
    assert runs == {("a", "searched"): 2, ("a", "chosen"): 2, ("a", "best"): 2, ("b", "searched"): 2, ("b", "best"): 2}
    judged = comparison.regret.filter(trace="chosen")
    assert judged["method"].to_list() == ["a"]
    assert set(comparison.regret.filter(trace="best")["method"]) == {"a", "b"}
