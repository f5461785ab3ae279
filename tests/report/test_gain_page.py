from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from predictornas.report.gain_page import gain_page
from predictornas.report.page import rendered
from tests.report.studies import SPACE, STUDY, TARGETS, made_facts, made_history, made_tables

LARGEST = 2_000_000


def page_of(history: pl.DataFrame, **changes) -> str:
    return rendered(gain_page(made_tables(history), made_facts(history, **changes), TARGETS, SPACE))


def shown(page: str) -> str:
    """What a person reads, charts left out."""
    without = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
    return unescape(re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", without)))


@pytest.fixture(scope="module")
def page() -> str:
    return page_of(made_history({"random": (10, 600), "uniform-100": (10, 30), "regularised-evolution": (10, 80)}))


def test_it_says_what_was_run(page: str) -> None:
    text = shown(page)
    assert "Table made-up: 1,900 architectures of the space nasbench201." in text
    assert "3 methods: random search; uniform pool, N' = 100; regularised evolution." in text
    assert "30 runs with 10 seeds, each of 12 evaluations" in text
    assert "the signal: valid_accuracy_9_run0" in text
    assert "which no search sees: test_accuracy_9_run0" in text
    assert "Preset quick" in text


def test_it_begins_with_the_result_and_its_interval(page: str) -> None:
    found = re.search(r"To reach the best 1 % of the table, uniform pool, N' = 100 needs ([\d.]+) \[", shown(page))
    assert found is not None
    assert float(found[1]) > 1


def test_charts_tables_and_sections_are_there_in_order(page: str) -> None:
    places = [page.index(f'id="{name}"') for name in ("figure-gain", "figure-convergence", "figure-distribution")]
    assert places == sorted(places)
    body = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    titles = re.findall(r"<h2>(.*?)</h2>", body)
    assert titles == [
        "What was run", "Warnings", "Summary", "Gain over random search", "Convergence", "What was proposed",
        "Recommended architectures", "How to cite", "How to repeat",
    ]  # fmt: skip
    levels = [int(level) for level in re.findall(r"<h([1-6])", body)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_runs_that_fail_have_a_table_of_their_own() -> None:
    history = made_history({"random": (2, 600), "gp": (2, 30)})
    columns = {"method": ["random", "gp"], "runs": [20, 20], "best_behind": [0.5, 0.35]}
    ends = {"best_behind_low": [0.3, 0.15], "best_behind_high": [0.7, 0.59], "quartile_db, top 1 %": [None, 2.5]}
    tables = replace(made_tables(history), robustness=pl.DataFrame({**columns, **ends}))
    page = rendered(gain_page(tables, made_facts(history), TARGETS, SPACE))
    section = page[page.index("<h2>Runs that fail</h2>") : page.index("<h2>Gain over random search</h2>")]
    assert '<td data-value="0.35" class="number">35 ' in section
    assert "[15, 59]" in section
    assert "not reached" in section
    alone = replace(tables, robustness=tables.robustness.with_columns(runs=1))
    assert "Runs that fail" not in rendered(gain_page(alone, made_facts(history), TARGETS, SPACE))


def test_a_single_search_begins_with_what_it_recommends() -> None:
    """The best of the first thirty by the signal has an error of 5.00 %; the evaluation column adds 1 point."""
    history = made_history({"uniform-100": (1, 12)})
    page = page_of(history)
    genes = history.sort("value", descending=True)["genes"][0].to_list()
    lead = shown(page[page.index('<div class="lead">') : page.index("<nav")])
    notation = SPACE.describe(np.array(genes, np.int8))
    assert f"Recommends {notation} : signal error 5.00 %, evaluation error 6.00 %." in lead
    assert "<h1>Uniform pool, N&#x27; = 100 on made-up</h1>" in page
    assert "Recommends" not in page_of(made_history({"uniform-100": (2, 12)}))


def test_equal_input_gives_equal_bytes() -> None:
    history = made_history({"random": (2, 60), "uniform-100": (2, 30)})
    assert page_of(history) == page_of(history.clone())


def test_names_from_outside_are_escaped() -> None:
    name = "<img src=x onerror=alert(1)>"
    page = page_of(made_history({name: (2, 60), "random": (2, 60)}), study={**STUDY, "benchmark": "<b>table</b>"})
    assert name not in page
    assert "<b>table</b>" not in page
    assert "&lt;b&gt;table" in page


@pytest.mark.parametrize(
    "history",
    [
        made_history({"random": (2, 60), "uniform-100": (2, 30)}, judged=False),
        made_history({"uniform-100": (1, 30)}),
        made_history({"random": (1, 60)}, evaluations=3),
        made_history({"uniform-100": (2, 1900)}, evaluations=4),
    ],
    ids=["no evaluation column", "one run", "random alone, three evaluations", "nothing resolved"],
)
def test_what_is_missing_breaks_nothing(history: pl.DataFrame) -> None:
    page = page_of(history, made_with=())
    text = shown(page)
    assert "None" not in text
    assert "nan" not in text.split()
    assert "NaN" not in page[page.index("<main") : page.index("</main>")]
    assert "How to repeat" in text


@pytest.mark.slow
def test_a_large_study_fits_two_megabytes() -> None:
    """Twelve methods of twenty runs: means and single runs are thinned to what a chart can show."""
    methods = {f"uniform-{100 * (place + 1)}": (20, 1500) for place in range(11)} | {"random": (20, 1500)}
    page = page_of(made_history(methods, evaluations=200))
    assert len(page.encode()) <= LARGEST
