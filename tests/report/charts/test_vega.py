from __future__ import annotations

import json
import math
import re

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.looks import styles_of
from predictornas.report.charts.vega import _outline, chart, method_legend, records, shaped, theme, thinned


def test_no_text_within_the_data_ends_its_element() -> None:
    figure = chart("x", "caption", {"data": {"values": [{"method": "</script><script>alert(1)</script>"}]}})
    inside = re.search(r'<script type="application/json" class="spec">(.*?)</script>', figure)
    assert inside is not None
    spec = json.loads(inside[1])
    assert spec["data"]["values"] == [{"method": "</script><script>alert(1)</script>"}]
    assert spec["width"] == "container"


def test_records_are_short_and_leave_out_what_is_not_known() -> None:
    table = pl.DataFrame({"a": [1 / 3, None, math.nan, math.inf], "b": [True, None, False, True]})
    assert records(table) == {"values": [{"a": 0.333333, "b": True}, {}, {"b": False}, {"b": True}]}


@settings(max_examples=30)
@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=200), st.integers(5, 60))
def test_thinned_counts_keep_their_ends_and_are_no_more_than_asked_for(counts: list[int], most: int) -> None:
    kept = thinned(counts, most)
    assert (kept[0], kept[-1]) == (min(counts), max(counts))
    assert len(kept) <= max(most, 2) + 1
    assert kept == sorted(set(kept) & set(counts))


def test_colours_grow_lighter_on_a_dark_page_and_grey_stays_grey() -> None:
    styles = styles_of(["rank-full"])  # 0B4F9E
    light, dark = re.findall(r"--c0b4f9e:(#\w+)", theme(styles).lower())
    assert light == "#0b4f9e"
    assert sum(int(dark[place : place + 2], 16) for place in (1, 3, 5)) > 2 * (0x0B + 0x4F + 0x9E) - 60


def test_a_legend_names_methods_and_other_marks_and_escapes_them() -> None:
    legend = method_legend(["random", "<mine>"], ("<svg></svg>", "cap & more"))
    assert "random search" in legend
    assert "&lt;mine&gt;" in legend
    assert "<svg></svg>cap &amp; more" in legend


def test_markers_of_figures_have_outlines_of_their_own() -> None:
    methods = [
        "random",
        "uniform-100",
        "uniform-1000",
        "evolutionary-100",
        "evolutionary-1000",
        "one-shot",
        "exhaustive",
    ]
    outlines = shaped(methods)["scale"]["range"]
    assert len(set(outlines)) == len(methods)
    assert _outline("s").count("L") == 3
    assert _outline("*").count("L") == 9
    assert _outline("P").count("L") == 11
    assert "A" in _outline("o")
