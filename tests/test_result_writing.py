"""How documents are made: lookups that must be unique, words that follow from intervals, prose that is wrapped."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "results"))

from writing import reading, tables
from writing.template import TemplateError, filled, literal_prose, pieces
from writing.wording import UNDECIDED, db, num, overlap, pct, says, span, tau, verdict, versus


def found(value: float, low: float | None, high: float | None, **more: object) -> SimpleNamespace:
    return SimpleNamespace(mean=value, low=low, high=high, **more)


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text(
        "method,evaluations,mean,low,high\na,1,0.5,0.4,0.6\na,2,0.25,,\nb,1,0.125,0.1,0.2\n"
    )
    (tmp_path / "p.csv").write_text("a,b,difference,low,high,nonzero\nx,y,-0.02,-0.03,-0.01,12\n")
    monkeypatch.setattr(reading, "RESULTS", tmp_path)
    reading.csv.cache_clear()


@pytest.mark.usefixtures("small")
def test_a_row_that_is_quoted_is_the_only_one() -> None:
    assert pct(reading.row("t.csv", method="a", evaluations=1)) == "50.00 [40.00, 60.00]"
    assert pct(reading.row("t.csv", method="a", evaluations=2)) == "25.00"
    for where, count in (({"method": "a"}, 2), ({"method": "c"}, 0)):
        with pytest.raises(reading.LookupFailedError, match=f"has {count} rows"):
            reading.row("t.csv", **where)
    assert reading.rows("t.csv", method=["a", "b"], evaluations=1)["mean"].to_list() == [0.5, 0.125]


@pytest.mark.usefixtures("small")
def test_a_pair_reads_the_same_from_both_sides() -> None:
    assert versus(tables.pair("p.csv", "x", "y"), 0) == "2 [1, 3] points better"
    assert versus(tables.pair("p.csv", "y", "x"), 0) == "2 [1, 3] points worse"


def test_numbers_as_a_person_reads_them() -> None:
    assert num(1234567.0) == "1,234,567"
    assert num(-0.04, 1) == "0.0"
    assert num(None, 2) == "-"
    assert tau(found(0.7314, -0.02, 0.7429)) == ".731 [-.020, .743]"
    assert db(found(17.26, 9.8, 20.04)) == "17.3 [9.8, 20.0]"
    assert db(found(4.3, None, None, resolved=False)) == "<= 4.3"
    assert span([13.4, 12.9]) == "13"
    assert span([13.6, 12.9], 1) == "12.9 to 13.6"


def test_an_interval_that_contains_both_answers_decides_nothing() -> None:
    assert says(found(2, 1, 3), "> 0") == "yes"
    assert says(found(-2, -3, -1), "> 0") == "no"
    assert says(found(2, -1, 3), "> 0") == UNDECIDED
    assert says(found(2, 1, 3), "< 4") == "yes"
    assert says(found(7.3, -0.3, 14.9), "= 7") == UNDECIDED  # it contains 7, and everything else
    assert says(found(7.3, 6.9, 7.8), "= 7", margin=1) == "yes"
    assert says(found(9, 8.5, 9.5), "= 7", margin=1) == "no"
    assert says(found(9, 7.5, 9.5), "= 7", margin=1) == UNDECIDED
    assert says(found(2, 1, 3, nonzero=9), "> 0") == UNDECIDED  # nine seeds that differ are too few
    assert versus(found(0.0, -0.01, 0.01)) == "not told apart, 0.00 [-1.00, 1.00] points"
    assert (overlap(found(0, 1, 2), found(0, 2, 3)), overlap(found(0, 1, 2), found(0, 2.1, 3))) == (True, False)


def test_a_claim_holds_as_far_as_its_parts_do() -> None:
    assert verdict("yes", "yes") == "holds"
    assert verdict("yes", "no") == verdict("yes", UNDECIDED) == "holds in part"
    assert verdict("no", UNDECIDED) == "does not hold here"
    assert verdict(UNDECIDED) == verdict() == "cannot be said"


def test_expressions_are_filled_in_and_prose_is_wrapped() -> None:
    template = (
        "# Title\n\n{% x = 2 + 3 %}\n- "
        + "word " * 19
        + "x "
        + "{{ x }} % of it\n  and {{ x * 2 }}.\n\n    code "
        + "y " * 60
        + "\n"
    )
    lines = filled(template, {}).splitlines()
    assert lines[0] == "# Title"
    assert lines[3] == "  5 % of it and 10."  # the number stays with its unit
    assert max(map(len, lines[:5])) <= 100
    assert lines[5].endswith("y y ")  # code stays as it is
    assert [piece.text for piece in pieces("a {{ 1 + 1 }} b", {}) if piece.computed] == ["2"]
    with pytest.raises(TemplateError, match="'nothing': NameError"):
        filled("{{ nothing }}", {})
    with pytest.raises(TemplateError, match="reads as a list"):
        filled("word " * 20 + "- and more", {})


def test_what_a_reader_sees_is_literal_unless_it_is_computed() -> None:
    template = 'It is 1.5 and `2.5` and [a](b3.5.png) {{ num(4.5) }} {{ "is 5.5 dB" }}\n\n    6.5\n\n```\n7.5\n```\n'
    text = literal_prose(template)
    assert [number for number in ("1.5", "2.5", "3.5", "4.5", "5.5", "6.5", "7.5") if number in text] == ["1.5", "5.5"]
