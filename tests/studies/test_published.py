from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from predictornas import runs
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.studies.compared import results_in
from predictornas.studies.published import Beside, compare_with_published
from predictornas.studies.tidy_tables import write_table

STUDY = "search/nasbench201-cifar10"


def mine(
    folder: Path,
    *,
    study: str = STUDY,
    method: str = "random",
    seeds: int = 3,
    evaluations: int = 150,
    worse: float = 0.0,
    shift: int = 0,
    change: Any = None,
) -> Path:
    """A folder with published runs under a name of its own, all its accuracies lower by as much."""
    rows = runs.load(study=study, method=method)
    rows = rows.filter(pl.col("seed") < rows["seed"].min() + seeds, pl.col("order") < evaluations)
    rows = rows.with_columns(
        pl.col("value", "evaluation") - worse,
        pl.col("seed") + shift,
        method=pl.lit("mine"),
        run_id=pl.concat_str(pl.lit("mine"), "seed"),
        cost_seconds=pl.lit(None, pl.Float64),
    )
    (facts,) = runs.studies().filter(study=study).to_dicts()
    told = {name: facts[name] for name in ("data_sha256", "signal", "evaluation")}
    told |= {"benchmark": facts["table"], **(change or {})}
    if facts["budget_epochs"] is not None:
        told["budget_epochs"] = facts["budget_epochs"]
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(json.dumps({"study": told}))
    write_table(folder / "history.parquet", rows)
    return folder


@pytest.mark.slow
def test_a_method_is_paired_with_the_published_ones_by_seed(tmp_path: Path) -> None:
    """Runs of random search that are 0.01 worse lose 0.01 to it, exactly."""
    comparison = compare_with_published([mine(tmp_path / "mine", worse=0.01)], STUDY)
    errors = comparison.errors.filter(trace="chosen")
    assert set(errors["method"]) == {"mine", *runs.studies().filter(study=STUDY)["methods"].item()}
    assert set(errors["runs"]) == {3}
    assert set(errors["evaluations"]) == {150}
    assert set(errors["folder"]) == {str(tmp_path / "mine"), f"published:{STUDY}"}
    (pair,) = comparison.pairs.filter(a="mine", b="random", quantity="final", trace="chosen").to_dicts()
    assert pair["difference"] == pytest.approx(0.01, abs=1e-12)
    assert pair["pairs"] == 3
    assert comparison.against == STUDY
    (note,) = comparison.notes
    assert note == (
        f"T0 differs in spite of the same seeds: 10 architectures in {tmp_path / 'mine'} (mine); 50 in {STUDY} "
        "(regularised-evolution)."
    )


@pytest.mark.slow
def test_all_studies_as_long_are_taken_and_runs_that_two_have_are_shown_once(tmp_path: Path) -> None:
    comparison = compare_with_published([mine(tmp_path / "mine")])
    assert set(comparison.errors["evaluations"]) == {150}
    folders = set(comparison.errors["folder"]) - {str(tmp_path / "mine")}
    published = "published:efficient-sampling/nasbench201-cifar10"
    assert folders == {published, f"{published}-paper-150", f"published:{STUDY}"}
    methods = comparison.errors.filter(trace="best")["method"].to_list()
    # as printed it has another initial set, so that it is another method
    assert [method for method in methods if method.startswith("random")] == [
        "random [published:efficient-sampling/nasbench201-cifar10]",
        "random [published:efficient-sampling/nasbench201-cifar10-paper-150]",
    ]
    left_out = "have fewer than 150 evaluations: nasbench201-dense, nasbench201-quick, nasbench201-warm."
    assert left_out in comparison.notes[0]


@pytest.mark.slow
def test_a_study_that_has_a_part_of_the_runs_of_another_does_not_repeat_them(tmp_path: Path) -> None:
    """Seeds 0 to 4 of random search with 10 initial cells are in several studies; those with 4 are others."""
    folder = mine(tmp_path / "mine", study="search/nasbench101", seeds=8, evaluations=20)
    names = ["efficient-sampling/nasbench101-1400", "efficient-sampling/nasbench101-paper-150", "search/nasbench101"]
    fitting = runs.studies().filter(pl.col("study").is_in(names)).to_dicts()
    shown = Beside(results_in([folder]), fitting, alone=True).results
    assert [str(result.folder) for result in shown] == [f"published:{name}" for name in names]
    assert ["random" in set(result.read()["method"]) for result in shown] == [False, True, True]


@pytest.mark.slow
def test_longer_runs_than_any_published_are_cut(tmp_path: Path) -> None:
    folder = mine(tmp_path / "mine", study="nosh/nasbench201-100", method="local-search", seeds=2)
    history = pl.read_parquet(folder / "history.parquet")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert history.group_by("seed").len()["len"].min() >= 100
    del manifest["study"]["budget_epochs"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    longer = pl.concat([history, history.with_columns(pl.col("order") + 150)]).sort("seed", "order")
    write_table(folder / "history.parquet", longer)
    comparison = compare_with_published([folder])
    assert set(comparison.errors["evaluations"]) == {100}
    assert comparison.notes[0] == "Published runs have 100 evaluations, so those of the folders are cut to as many."


@pytest.mark.slow
def test_runs_that_count_epochs_meet_runs_of_the_same_limit(tmp_path: Path) -> None:
    folder = mine(tmp_path / "mine", study="nosh/digits", method="asha-30", seeds=2, evaluations=1000)
    comparison = compare_with_published([folder])
    assert set(comparison.errors["folder"]) == {str(folder), "published:nosh/digits"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_sha256": "0"}, "published runs on 'nasbench201-cifar10', but of other data"),
        ({"data_sha256": "0", "benchmark": "toy"}, "No published run is on the data of .*'toy'. There are published"),
        ({"signal": "valid_accuracy_12"}, "published runs on its table valid_accuracy_200_run0 and valid_accuracy_200"),
        ({"budget_epochs": 4000}, "is 4000 epochs; that of the published runs on its table is none"),
        ({"budget_seconds": 50.0}, "is 50.0 seconds; that of the published"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_can(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        compare_with_published([mine(tmp_path / "mine", seeds=1, evaluations=5, change=change)])


def test_other_seeds_and_other_studies_are_refused(tmp_path: Path) -> None:
    folder = mine(tmp_path / "mine", seeds=2, evaluations=5, shift=1000)
    with pytest.raises(ConfigurationError, match=r"has one of the seeds 1000-1001; they have 0-19"):
        compare_with_published([folder])
    with pytest.raises(ConfigurationError, match="'search/nasbench101' was not made on the table of"):
        compare_with_published([folder], "search/nasbench101")
    with pytest.raises(UnknownNameError, match=r"no published study named 'search/nasbench102'. Did you mean"):
        compare_with_published([folder], "search/nasbench102")


@pytest.mark.slow
def test_a_table_imported_under_a_name_of_ones_own_is_the_same_table(tmp_path: Path) -> None:
    folder = mine(tmp_path / "mine", seeds=2, change={"benchmark": "my-cells"})
    comparison = compare_with_published([folder], STUDY)
    assert set(comparison.errors["table"]) == {"my-cells"}
