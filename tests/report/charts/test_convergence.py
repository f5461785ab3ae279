import pytest

from predictornas.analysis.regret import TRACES
from predictornas.report.charts.convergence import SHOWN, convergence_chart
from tests.report.specs import spec_in
from tests.report.studies import made_facts, made_history, made_tables


def test_every_error_of_the_analysis_has_words() -> None:
    assert set(SHOWN) == set(TRACES)


def test_means_are_those_of_the_table_and_single_lines_those_of_the_runs() -> None:
    history = made_history({"random": (3, 600), "uniform-100": (2, 30)})
    tables = made_tables(history)
    spec = spec_in(convergence_chart(tables.convergence, tables.curves, made_facts(history).oracles))
    means = {(row["method"], row["trace"], row["spent"]): row["error"] for row in spec["datasets"]["means"]}
    for row in tables.convergence.filter(method="random").to_dicts():
        assert means["random search", row["trace"], row["evaluations"]] == pytest.approx(100 * row["mean"], rel=1e-5)
    last: dict[tuple[int, str], float] = {}
    for row in spec["datasets"]["runs"]:
        if row["method"] == "random search":
            last[row["seed"], row["trace"]] = row["error"]
    ends = tables.curves.filter(method="random", evaluations=12)
    assert {seed: last[seed, "chosen"] for seed in range(3)} == pytest.approx(
        {seed: 100 * error for seed, error in ends.select("seed", "chosen").iter_rows()}, rel=1e-5
    )


def test_without_an_evaluation_column_only_what_the_search_saw_can_be_chosen() -> None:
    tables = made_tables(made_history({"random": (2, 60)}, judged=False))
    figure = convergence_chart(tables.convergence, tables.curves)
    assert spec_in(figure)["params"][0]["bind"]["options"] == ["searched"]
    assert "lowest error" not in figure.partition("figcaption")[0]


def test_many_runs_are_cut_to_the_first_seeds_and_the_caption_says_so() -> None:
    tables = made_tables(made_history({"random": (400, 1500)}, evaluations=60))
    figure = convergence_chart(tables.convergence, tables.curves)
    runs = spec_in(figure)["datasets"]["runs"]
    seeds = {row["seed"] for row in runs}
    assert len(runs) <= 6000
    assert seeds == set(range(len(seeds)))
    assert f"the first {len(seeds)} seeds of each method" in figure


def test_lines_carry_marks_that_tell_methods_apart_and_one_run_has_no_band() -> None:
    for runs, bands in ((3, 1), (1, 0)):
        tables = made_tables(made_history({"random": (runs, 600), "uniform-100": (runs, 30)}))
        spec = spec_in(convergence_chart(tables.convergence, tables.curves))
        marks = [layer for layer in spec["layer"] if layer["mark"]["type"] == "point"]
        assert [layer["encoding"]["shape"]["field"] for layer in marks] == ["method"]
        marked = [row for row in spec["datasets"]["means"] if row.get("marked") and row["trace"] == "chosen"]
        assert 2 * 4 <= len(marked) <= 2 * 9
        assert sum(layer["mark"]["type"] == "area" for layer in spec["layer"]) == bands
