import polars as pl

from predictornas.report.cautions import cautions, counted, stuck_runs
from tests.report.studies import TARGETS, made_facts, made_history, made_tables


def curves(errors: dict[str, list[float]]) -> pl.DataFrame:
    rows = [
        {"method": name[0], "run_id": name, "evaluations": place + 1, "searched": error}
        for name, values in errors.items()
        for place, error in enumerate(values)
    ]
    return pl.DataFrame(rows)


def test_a_run_is_stuck_that_finds_nothing_better_in_its_last_half() -> None:
    runs = {"a1": [0.4, 0.3, 0.3, 0.3], "a2": [0.4, 0.3, 0.3, 0.2], "b1": [0.4, 0.1, 0.1, 0.1]}
    assert stuck_runs(curves(runs)) == {"a": (1, 2), "b": (1, 1)}
    assert stuck_runs(curves(runs), best=0.1) == {"a": (1, 2), "b": (0, 1)}  # b has found the best there is
    assert stuck_runs(curves({"a1": [0.4]})) == {"a": (0, 1)}


def told(history: pl.DataFrame, summary: pl.DataFrame | None = None, **changes) -> str:
    tables = made_tables(history)
    summary = tables.summary if summary is None else summary
    return "\n".join(cautions(made_facts(history, **changes), summary, tables.curves, tables.gain, TARGETS))


def test_a_large_resolved_study_has_no_warning_but_that_of_stuck_runs() -> None:
    lines = told(made_history({"random": (10, 60), "uniform-100": (10, 40)}, evaluations=30)).splitlines()
    assert [line for line in lines if not line.startswith("Runs that found nothing better")] == []


def test_few_seeds_unresolved_targets_missing_runs_and_shared_noise_are_told_with_their_numbers() -> None:
    history = made_history({"random": (9, 60), "uniform-100": (1, 1900)})
    text = told(history, missing=3, shares_noise=True)
    assert "Fewer than 10 seeds: random search (9 runs), uniform pool, N' = 100 (1 run)" in text
    assert "No proposal of uniform pool, N' = 100 reached the best 1 % of the table" in text
    assert "3 runs of other commands" in text
    assert "come from the same training run" in text


def test_pools_that_are_mostly_uniform_are_told() -> None:
    history = made_history({"evolutionary-100": (10, 60)})
    summary = made_tables(history).summary
    filled = told(history, summary.with_columns(pool_filled=pl.lit(0.75)))
    assert "evolutionary pool, N' = 100 (75%)" in filled
    assert "mostly drawn" not in told(history, summary.with_columns(pool_filled=pl.lit(0.25)))
    assert "mostly drawn" not in told(history, summary.drop("pool_filled"))


def test_counts() -> None:
    assert (counted(1, "run"), counted(1200, "run")) == ("1 run", "1,200 runs")
