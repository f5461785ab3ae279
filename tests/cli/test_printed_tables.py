"""What is printed can be read on terminals of 80, 100 and 120 columns."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from predictornas.cli.printed_tables import printed_tables

METHODS = (
    "random",
    "uniform-100",
    "evolutionary-100",
    "local-search",
    "regularised-evolution",
    "bayesian-optimisation",
)

SUMMARY = [
    {
        "method": method,
        "chosen error, %": f"{8 + place}.88 [7.55, 10.42]",
        "recommended error, %": f"{8 + place}.87 [7.54, 10.41]",
        "regret, %": f"0.{place}7",
        "dB at top 0.1 %": f"{14 + place}.2 [-8.1, 23.4]",
        "dB at top 1 %": f"{10 + place}.7 [-8.3, 20.0]",
        "dB at top 5 %": f"<= {place}.4",
        "K with T0": "1,290",
        "best evaluated error, %": f"{7 + place}.75 [7.87, 9.73]",
        "filled, %": "-",
    }
    for place, method in enumerate(METHODS)
]
"""As `gain` shows six methods and three targets."""

BREAKS = ("dB at", "best")


def printed(rows: list[dict[str, object]], width: int, breaks: tuple[str, ...] = ()) -> list[list[str]]:
    """The lines of each table."""
    shown = []
    for table in printed_tables(rows, width=width, breaks=breaks):
        stream = io.StringIO()
        Console(file=stream, width=width).print(table)
        shown.append([line.rstrip() for line in stream.getvalue().splitlines()])
    return shown


def test_brackets_are_shown_as_they_are() -> None:
    ((header, _, row),) = printed([{"method [of]": "random [one/two]", "runs": "20"}], 80)
    assert header.startswith("method [of]")
    assert row.split("  ")[0] == "random [one/two]"


def cells(line: str) -> list[str]:
    return re.split(r"\s{2,}", line)


TOGETHER = {
    80: [
        ["chosen error, %", "recommended error, %", "regret, %"],
        ["dB at top 0.1 %", "dB at top 1 %", "dB at top 5 %", "K with T0"],
        ["best evaluated error, %", "filled, %"],
    ],
    100: [
        ["chosen error, %", "recommended error, %", "regret, %"],
        ["dB at top 0.1 %", "dB at top 1 %", "dB at top 5 %", "K with T0"],
        ["best evaluated error, %", "filled, %"],
    ],
    120: [
        ["chosen error, %", "recommended error, %", "regret, %"],
        ["dB at top 0.1 %", "dB at top 1 %", "dB at top 5 %", "K with T0", "best evaluated error, %", "filled, %"],
    ],
}
"""Which columns stand in one table."""


@pytest.mark.parametrize("width", TOGETHER)
def test_six_methods_and_three_targets_fit_and_no_interval_is_wrapped(width: int) -> None:
    tables = printed(SUMMARY, width, BREAKS)
    assert max(len(line) for lines in tables for line in lines) <= width
    for lines, columns in zip(tables, TOGETHER[width], strict=True):
        (rule,) = (place for place, line in enumerate(lines) if set(line) == {"─"})
        assert 1 <= rule <= 2  # lines of the header
        assert [cells(line) for line in lines[rule + 1 :]] == [
            [row["method"], *(row[name] for name in columns)] for row in SUMMARY
        ]
        header = " ".join(lines[:rule])
        assert all(word in header for name in columns for word in name.split())


def test_a_wide_terminal_has_all_in_one_table() -> None:
    (lines,) = printed(SUMMARY, 200, BREAKS)
    assert len(cells(lines[-1])) == len(SUMMARY[0])


def test_a_header_is_divided_where_that_makes_it_narrowest_and_a_percent_sign_is_never_alone() -> None:
    (lines,) = printed([{"a": "1", "dB at top 0.1 %": "2", "recommended error, %": "3", "indivisible": "4"}], 80)
    assert [cells(line) for line in lines[:2]] == [
        ["", "dB at", "recommended"],
        ["a", "top 0.1 %", "error, %", "indivisible"],
    ]


def test_the_columns_that_tell_rows_apart_are_in_every_table() -> None:
    rows = [{"a": a, "b": b, "c": "c" * 30, "d": "d" * 30} for a, b in (("x", "y"), ("x", "z"))]
    assert [cells(lines[-1])[:2] for lines in printed(rows, 50)] == [["x", "z"]] * 2
    alike = [{"a": "x", "b": "b" * 30, "c": "c" * 30}] * 2
    assert [cells(lines[-1])[0] for lines in printed(alike, 50)] == ["x"] * 2


def test_sentences_are_wrapped_and_lose_nothing() -> None:
    words = [f"word{number}" for number in range(30)]
    (lines,) = printed([{"name": "first", "says": " ".join(words), "count": None}], 60)
    assert re.findall(r"word\d+", " ".join(lines)) == words
    assert len(lines) > 5


def test_what_is_wider_than_the_terminal_is_wrapped_rather_than_cut() -> None:
    (lines,) = printed([{"name": "first", "path": "x" * 35}], 20)
    assert "".join(lines).count("x") == 35


def test_numbers_stand_on_the_right() -> None:
    (lines,) = printed([{"name": "a", "rows": 5}, {"name": "b", "rows": 12345}], 40)
    assert [line[6:] for line in lines[2:]] == ["    5", "12345"]


def test_no_rows_are_no_table() -> None:
    assert printed([], 80) == []
