from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

import predictornas
from predictornas import runs
from predictornas.errors import UnknownNameError
from tests.test_results import RESULTS, script

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs/guides/published-runs.md").read_text(encoding="utf-8")

AGAIN = "The committed histories are not those that ship. Run: python docs/results/regenerate.py runs"


def test_the_file_is_small_enough_to_ship() -> None:
    assert runs.packed().path.stat().st_size <= 3_000_000


@pytest.mark.slow
def test_they_were_made_from_the_committed_histories() -> None:
    """A study that is not packed yet is none that is wrong: whoever adds one may pack it."""
    digest = script("published_runs").digest
    for facts in runs.packed().manifest["studies"]:
        for name in ("history", "pools"):
            assert digest(RESULTS / facts["study"] / f"{name}.parquet") == facts[f"{name}_sha256"], AGAIN


def test_what_does_not_ship_is_in_its_folder_and_named_in_the_guide() -> None:
    shipped, left_out = set(runs.studies()["study"]), script("published_runs").LEFT_OUT
    for study in left_out:
        assert (RESULTS / study / "history.parquet").exists()
        assert study not in shipped
        assert Path(study).name in GUIDE or study.startswith("pvll/")
    assert "`pvll/*-paper`" in GUIDE


@pytest.mark.parametrize("study", ["search/nasbench201-cifar10", "nosh/digits", "tables/nasbench-graph-proteins"])
@pytest.mark.slow
def test_a_study_is_what_its_folder_holds(study: str) -> None:
    """Names, numbers and keys to the last bit, scores to one part in 2^15."""
    history, loaded = pl.read_parquet(RESULTS / study / "history.parquet"), runs.load(study=study)
    exact = ["method", "seed", "iteration", "order", "key", "epochs", "value", "cost_epochs", "proposed_by"]
    exact += ["recommended", "evaluation"]
    assert loaded.select(exact).equals(history.select(exact))
    scores = history["predicted"]
    assert loaded["predicted"].is_null().equals(scores.is_null())
    assert ((loaded["predicted"] - scores).abs() <= 2.0**-15 * scores.abs()).drop_nulls().all()
    assert loaded.select("key", "genes").unique("key").height == loaded["key"].n_unique()
    kept = RESULTS / study / "pools.parquet"
    if kept.exists():
        pools = pl.read_parquet(kept)
        columns = ["method", "seed", "iteration", "pool_size", "target_error", "pool_hits"]
        assert runs.pools(study=study).select(columns).equals(pools.select(columns))
    else:
        assert runs.pools(study=study).is_empty()


def test_studies_say_what_is_there() -> None:
    listed = runs.studies()
    assert listed["study"].is_unique().all()
    (pvll,) = listed.filter(study="pvll/nasbench101-default").to_dicts()
    assert dict(zip(pvll["methods"], zip(pvll["seeds"], pvll["initial"], strict=True), strict=True)) == {
        "pvll": ("200-219", 50),
        "random": ("200-219", 10),
    }
    assert (pvll["table"], pvll["space"], pvll["evaluations"], pvll["pools"]) == ("nasbench101", "nasbench101", 200, 0)
    (nosh,) = listed.filter(study="nosh/digits").to_dicts()
    assert nosh["budget_epochs"] == 270


@pytest.mark.slow
def test_parts_are_chosen_by_table_method_and_study() -> None:
    whole = runs.load(table="nasbench201-cifar10")
    part = runs.load(table="nasbench201-cifar10", method=["random", "bananas"])
    assert part.equals(whole.filter(pl.col("method").is_in(["random", "bananas"])))
    assert set(part["method"]) == {"random", "bananas"}
    assert runs.load(table="nasbench201-cifar10", study="search/nasbench101").is_empty()


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"no table named 'nasbench102'. Did you mean 'nasbench101"):
        runs.load(table="nasbench102")
    with pytest.raises(UnknownNameError, match="no method named"):
        runs.load(method=["random", "guess"])


def test_the_package_has_them_without_an_import_of_their_own() -> None:
    assert predictornas.runs is runs


@pytest.mark.slow
def test_the_guide_shows_what_its_examples_print(capsys: pytest.CaptureFixture[str]) -> None:
    examples = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", GUIDE, re.DOTALL)
    assert len(examples) == 4
    for code, shown in examples:
        exec(code, {})
        assert capsys.readouterr().out == shown


def test_the_guide_counts_right() -> None:
    listed, told = runs.studies(), runs.packed().manifest["studies"]
    count = sum(study["runs"] for study in told)
    said = f"{count:,} runs in {len(listed)} studies on {listed['table'].n_unique()} tables"
    assert said in " ".join(GUIDE.split())
    assert f"kept by {(listed['pools'] > 0).sum()} studies" in GUIDE
    assert {study["targets"] for study in told if study["pools"]} == {54, 57}


@pytest.mark.slow
@pytest.mark.parametrize("table", ["nasbench101-digits", "nasbench201-full-cifar10", "nasbench201-cifar10"])
def test_initial_sets_of_one_size_are_shared_but_by_those_that_rank_with_a_scheduler(table: str) -> None:
    first = runs.load(table=table).filter(pl.col("iteration") == 0, ~pl.col("method").str.contains("^(rank|fast)"))
    sets = first.group_by("study", "method", "seed", maintain_order=True).agg("key", size=pl.len())
    for _, alike in sets.filter(pl.col("size") == 10, pl.col("seed") < 20).group_by("seed"):
        assert len(alike) > 3
        assert alike["key"].n_unique() == 1


@pytest.mark.slow
def test_commands_are_those_of_the_manifest() -> None:
    command = script("published_runs").command
    study = {"benchmark": "nasbench201-cifar10", "preset": "quick", "budget": 100, "engine": "dense"}
    study |= {"warm_start": True, "signal": "valid_accuracy_200_run0", "evaluation": "other"}
    methods = {"random": {"seeds": [0, 1, 2]}, "uniform-100": {"seeds": [0, 1, 2]}, "pvll": {"seeds": [200, 201]}}
    begin = "predictornas gain --benchmark nasbench201-cifar10 --preset quick --budget 100 --engine dense --warm-start "
    begin += "--evaluation other"
    assert command({"study": study, "methods": methods}) == (
        f"{begin} --seeds 3 --methods random,uniform-100\n{begin} --seeds 200-201 --methods pvll"
    )
    assert command({"study": study, "methods": {"a method of a script": {"seeds": [0]}}}) is None
