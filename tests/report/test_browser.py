"""Reports in a real browser: charts are drawn, nothing is loaded, a phone and a printer can show them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from predictornas.report.comparison_page import ComparisonTables, comparison_page
from predictornas.report.gain_page import gain_page
from predictornas.report.page import rendered
from predictornas.report.predictors_page import predictors_page
from tests.report import test_comparison_page, test_epoch_page, test_live_page, test_predictors_page, test_supernet_page
from tests.report.studies import SPACE, TARGETS, made_facts, made_history, made_tables

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    history = made_history({"random": (4, 600), "uniform-100": (4, 30), "<b>mine</b>": (4, 80)}, evaluations=30)
    page = gain_page(made_tables(history), made_facts(history), TARGETS, SPACE)
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(rendered(page), encoding="utf-8")
    return path


@pytest.fixture
def opened(browser: Any, report: Path) -> Iterator[Any]:
    """The report on a phone-sized or larger page; every error and every request but that of the file fails the test."""
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if request.url != report.as_uri() else None)
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    yield page
    page.close()
    assert faults == []


def test_all_charts_are_drawn_without_a_fault_or_a_request(opened: Any) -> None:
    assert opened.locator("figure.chart[data-drawn=yes] svg.marks").count() == 3
    assert opened.locator("figure.cell svg[role=img]").count() == (3 if _draws() else 0)


def test_hovering_a_mark_shows_its_value(opened: Any) -> None:
    mark = opened.locator("#chart-gain .mark-symbol path").last
    mark.scroll_into_view_if_needed()
    mark.hover(force=True)
    tooltip = opened.locator("#vg-tooltip-element.visible")
    tooltip.wait_for()
    text = tooltip.inner_text()
    assert "gain, dB" in text
    assert "target error, %" in text


def test_hovering_near_a_line_of_convergence_shows_its_value(opened: Any) -> None:
    chart = opened.locator("#chart-convergence svg.marks")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    opened.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.7 * box["height"], steps=4)
    assert opened.locator("#chart-convergence .mark-symbol path[opacity='1']").count() >= 1


def test_every_run_is_drawn_on_demand_and_the_menu_changes_the_error(opened: Any) -> None:
    lines = opened.locator("#chart-convergence .mark-line path")
    before = lines.count()
    opened.locator("#figure-convergence input[type=checkbox]").check()
    opened.wait_for_function(f"document.querySelectorAll('#chart-convergence .mark-line path').length >= {before + 12}")
    shape = lines.last.get_attribute("d")
    opened.locator("#figure-convergence select").select_option("best")
    opened.wait_for_function(
        "d => Array.from(document.querySelectorAll('#chart-convergence .mark-line path')).at(-1).getAttribute('d') != "
        "d",
        arg=shape,
    )


def test_a_click_on_a_header_sorts_and_another_turns_the_order(opened: Any) -> None:
    header = opened.locator("#summary thead th", has_text="best 1 %")
    place = header.evaluate("cell => cell.cellIndex")
    for expected in ("ascending", "descending"):
        header.locator("button").click()
        assert header.get_attribute("aria-sort") == expected
        cells = opened.locator(f"#summary tbody tr > :nth-child({place + 1})")
        values = [float(value) for value in cells.evaluate_all("cells => cells.map(cell => cell.dataset.value)")]
        assert values == sorted(values, reverse=expected == "descending")
    assert len(set(values)) > 1


def test_nothing_is_wider_than_a_phone(opened: Any) -> None:
    opened.set_viewport_size({"width": 360, "height": 800})
    opened.wait_for_timeout(200)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 360
    widths = opened.locator("figure.chart svg.marks").evaluate_all("all => all.map(one => one.getBoundingClientRect())")
    assert all(0 < box["width"] <= 360 for box in widths)


def test_tables_fit_a_laptop_and_say_on_a_phone_that_they_go_on(opened: Any) -> None:
    more = opened.locator("#summary .more")
    opened.set_viewport_size({"width": 1280, "height": 900})
    opened.wait_for_timeout(100)
    assert opened.locator("#summary .scroll").evaluate("box => box.scrollWidth - box.clientWidth") <= 1
    assert not more.is_visible()
    opened.set_viewport_size({"width": 390, "height": 800})
    opened.wait_for_timeout(100)
    assert opened.locator("#summary .scroll").evaluate("box => box.scrollWidth - box.clientWidth") > 1
    assert more.is_visible()


def test_cells_are_whole_on_a_phone(opened: Any) -> None:
    opened.set_viewport_size({"width": 390, "height": 800})
    fits = "all => all.map(one => one.getBoundingClientRect().width <= one.parentElement.clientWidth + 1)"
    assert all(opened.locator(".cell svg").evaluate_all(fits))


def test_paper_has_no_controls_and_whole_charts(opened: Any) -> None:
    opened.emulate_media(media="print")
    for hidden in (".controls", ".contents", "summary", ".on-screen", ".more"):
        assert not any(one.is_visible() for one in opened.locator(hidden).all())
    assert opened.locator("figure.chart svg.marks").first.is_visible()
    assert opened.locator("figure.chart").first.evaluate("one => getComputedStyle(one).breakInside") == "avoid"
    assert opened.locator("h2").first.evaluate("one => getComputedStyle(one).breakAfter") == "avoid"
    assert "menu chooses" not in opened.locator("main").inner_text()
    assert "over a mark" not in opened.locator("main").inner_text()
    assert opened.pdf().startswith(b"%PDF")


def test_a_dark_page_is_dark(opened: Any) -> None:
    opened.emulate_media(color_scheme="dark")
    ground = opened.evaluate("getComputedStyle(document.body).backgroundColor")
    assert sum(int(part) for part in ground[4:-1].split(",")) < 150
    lines = opened.locator("#chart-gain .mark-line path")
    colours = lines.evaluate_all("all => all.map(one => getComputedStyle(one).stroke)")
    assert len(colours) >= 3
    assert all(max(int(part) for part in colour[4:-1].split(",")) > 120 for colour in colours)


def _draws() -> bool:
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        return bool(os.environ.get("PREDICTORNAS_ALL_EXTRAS"))
    return True


@pytest.mark.parametrize("kind", ["comparison", "predictors", "supernet", "epochs", "live"])
def test_pages_of_other_commands_are_drawn_without_a_fault(browser: Any, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "report.html"
    made = {
        "comparison": _comparison,
        "predictors": _predictors,
        "supernet": lambda: test_supernet_page.page(0.5),
        "epochs": lambda: test_epoch_page.page(2.0),
        "live": test_live_page.made_page,
    }
    path.write_text(made[kind](), encoding="utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 800})
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: faults.append(request.url) if request.url != path.as_uri() else None)
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready=yes]")
    charts = page.locator("figure.chart")
    assert charts.count() >= 1
    assert page.locator("figure.chart[data-drawn=yes] svg.marks").count() == charts.count()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.close()
    assert faults == []


def _comparison() -> str:
    found = test_comparison_page.errors(one=0.06, two=0.07)
    regret = found.with_columns(best_possible=pl.lit(0.05), regret=pl.col("mean") - 0.05)
    pairs = pl.DataFrame([test_comparison_page.pair("one", "two", -0.02, -0.01)])
    return rendered(comparison_page(ComparisonTables(found, regret, pairs, pl.DataFrame())))


def _predictors() -> str:
    table = test_predictors_page.table((0.7, 0.6, 0.8), (0.5, None, None))
    return rendered(predictors_page(table, test_predictors_page.STUDY, {}))
