"""The blind test of `predictornas expect`: six predictors, five samplers, four tables, 20 searches of each.

    python docs/results/expected_blind.py expect TABLE --out FOLDER     # into FOLDER/expected/TABLE; commit it
    python docs/results/expected_blind.py measure TABLE --out FOLDER    # then into FOLDER/measured/TABLE, resumable

Of `measured/TABLE` the repository has `named.csv`, `hits.csv` and the manifest; histories are larger than all else.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import polars as pl
from expected_gain import hits_of
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.neural_network import MLPRegressor

from predictornas.cli.console import progress_bar
from predictornas.predictors.scikit import sklearn_predictor
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.named import Named
from predictornas.search.strategies import PredictorSearch
from predictornas.studies.expected.study import ExpectedStudy, run_expected
from predictornas.studies.gain.execution import run_study
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.gain.study_targets import named_errors
from predictornas.studies.pictures import Pictures
from predictornas.studies.tidy_tables import write_table

TABLES = ("nasbench201-full-imagenet16-120", "nasbench201-full-cifar100", "nasbench-graph-cora", "nasbench101")

BUILT_IN = ("fast-gp", "gcn", "boosted-trees")

OWN = {
    "forest": sklearn_predictor(RandomForestRegressor(n_estimators=100), "one-hot"),
    "ridge": sklearn_predictor(RidgeCV(), "one-hot"),
    "perceptron": sklearn_predictor(MLPRegressor(solver="lbfgs", max_iter=500), "one-hot"),
}
"""Predictors that a user might bring."""

SAMPLERS = ("uniform-100", "uniform-1000", "evolutionary-100", "evolutionary-1000", "exhaustive")

SLOW = ("boosted-trees", "forest")
"""What would score all of NAS-Bench-101 in a minute or more a search; it is not asked for there."""

BUDGET = 80

SEEDS = tuple(range(4000, 4020))
"""None of any other study."""


def methods(table: str) -> tuple[str | Named, ...]:
    """What is told and then measured.

    Args:
        table: one of `TABLES`.
    """
    found: list[str | Named] = []
    for predictor in (*BUILT_IN, *OWN):
        for sampler in SAMPLERS:
            if table == "nasbench101" and sampler == "exhaustive" and predictor in SLOW:
                continue
            found.append(f"{sampler}@{predictor}" if predictor in BUILT_IN else _own(sampler, predictor))
    return tuple(found)


def _own(sampler: str, predictor: str) -> Named:
    search = get_strategy(f"{sampler}@fast-gp", get_preset("quick"))
    assert isinstance(search, PredictorSearch)
    return Named(f"{sampler} with {predictor}", replace(search, predictor=OWN[predictor]))


def _asked(table: str) -> Study:
    return Study(benchmark=table, methods=methods(table), preset="quick", budget=BUDGET, seeds=SEEDS)


def main() -> None:
    """Tells or measures one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("expect", "measure"))
    parser.add_argument("table", choices=TABLES)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    pictures = Pictures(("png",))
    if asked.what == "expect":
        with progress_bar(f"{asked.table}, fits") as started:
            run_expected(
                ExpectedStudy(_asked(asked.table)),
                asked.out / "expected" / asked.table,
                started=started,
                pictures=pictures,
            )
        return
    study, folder = _asked(asked.table), asked.out / "measured" / asked.table
    with progress_bar(f"{asked.table}, searches") as started:
        outcome = run_study(study, folder, started=started, pictures=pictures)
    opened = open_study(study)
    benchmark = opened.benchmark
    costs = benchmark.costs(benchmark.signal)[benchmark.rows(outcome.history["key"].to_numpy())]
    targets = pl.DataFrame({"target_error": list(named_errors(opened.errors).values())})
    at_named = pl.col("target_error").is_in(targets["target_error"].to_list())
    write_table(folder / "named.csv", outcome.report.gain.filter(at_named, estimator="pooled"))
    write_table(folder / "hits.csv", hits_of(outcome.history.with_columns(error=costs), targets))


if __name__ == "__main__":
    main()
