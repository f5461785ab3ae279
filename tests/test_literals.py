from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictornas.literals import MOST_CHARACTERS, MOST_NESTED, Call, closing, nested, read_literal, read_numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("range(2,  6)", [2, 3, 4, 5]),
        ("range( 2, 6 )", [2, 3, 4, 5]),
        ("list(range(2,6))", [2, 3, 4, 5]),
        ("range(2, 6, 1)", [2, 3, 4, 5]),
        ("range(5, 1, -1)", [5, 4, 3, 2]),
        ("np.arange(2, 6)", [2, 3, 4, 5]),
        ("{2, 3, 4, 5}", [2, 3, 4, 5]),
        ("frozenset({2, 3})", [2, 3]),
        ("[*range(2, 6)]", [2, 3, 4, 5]),
        ("(0, *[1, 2], 3)", [0, 1, 2, 3]),
        ("[('a', 0, -inf), ('b', 1, -np.inf)]", [["a", 0, -math.inf], ["b", 1, -math.inf]]),
        ("[np.int64(0), numpy.float32(0.5), np.str_('a'), -1, None]", [0, 0.5, "a", -1, None]),
        ("('a', 0, tensor(0.25, device='cuda:0', grad_fn=<SelectBackward0>))", ["a", 0, 0.25]),
        ("np.array([[0, 1], [0, 0]], dtype=np.int8)", [[0, 1], [0, 0]]),
        ("{'a': [1], 'b': (2,)}", {"a": [1], "b": [2]}),
        ("x.y.Genotype([1], b=2)", Call("Genotype", [[1]], {"b": 2})),
        ("[1,\n   2]", [1, 2]),
        ("['sep_co\n   nv']", ["sep_conv"]),
        ("['a'] \\\n + ", None),
        ("open", None),
        ("[x for x in y]", None),
        ("f'{x}'", None),
        ("(lambda: 0)()", None),
        ("f(**{'a': 1})", None),
        ("{**{}}", None),
        ("{1: 2}", None),
        ("{'a': 1, 'a': 2}", None),
        ("range(0, 5, 0)", None),
        ("range(10000)", None),
        ("range('a')", None),
        ("[*1]", None),
        ("*range(2, 6)", None),
        ("[*range(4000), *range(4000)]", None),
        ("-'a'", None),
        ("1e999", None),
        ("1 + 1", None),
        ("", None),
        ("b'x'", None),
    ],
)
def test_what_is_read_and_what_is_not(text: str, value: object) -> None:
    if value is None:
        with pytest.raises(ValueError):
            read_literal(text)
    else:
        assert read_literal(text) == value


HOSTILE = [
    "[" * 5000,
    "[" * (MOST_NESTED + 1) + "]" * (MOST_NESTED + 1),
    "-" * 60_000 + "1",
    "not " * 15_000 + "1",
    "x" + ".y" * 30_000,
    "x" + "[0]" * 20_000,
    "'" + "a" * MOST_CHARACTERS,
    " " * 60_000 + "\n" + " " * 5000 + "x",
    "1" * 20_000,
    "\0",
    "\ud800",
    "'\\ud800",
    "range(0, 1" + "0" * 4000 + ")",
    "9" + "**9" * 10_000,
    "lambda:" * 9000 + "0",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_refused_at_once(text: str) -> None:
    begin = time.process_time()
    with pytest.raises(ValueError):
        read_literal(text)
    assert time.process_time() - begin < 2


def test_numbers_that_are_none() -> None:
    read = read_literal("('a', 0, nan), ('b', 1, np.nan), ('c', 2, tensor(nan))")
    assert [[name, place] for name, place, _ in read] == [["a", 0], ["b", 1], ["c", 2]]
    assert all(math.isnan(weight) for *_, weight in read)


@given(st.text(alphabet="()[]{}'\",:0123abcrange= \n\\-.*", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read_literal(text)
    except ValueError as error:
        reason = str(error)
    else:
        reason = "none"
    assert reason


values = st.recursive(
    st.integers(-999, 999) | st.text(max_size=5) | st.floats(allow_nan=False, allow_infinity=False) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_what_python_prints_is_read_as_it_was(value: object) -> None:
    assert read_literal(repr(value)) == value


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3,0,1", [3, 0, 1]),
        ("3 0  1", [3, 0, 1]),
        (" 3, 0,\n1, ", [3, 0, 1]),
        ("7", [7]),
        ("-1,2", [-1, 2]),
        ("3;0", None),
        ("3,a", None),
        ("", None),
        ("\u0663,\u0661", None),
    ],
)
def test_numbers(text: str, numbers: list[int] | None) -> None:
    assert read_numbers(text) == numbers


def test_numbers_that_nothing_has() -> None:
    with pytest.raises(ValueError, match="too large"):
        read_numbers("1,99999999999")


def test_brackets() -> None:
    assert nested("([{}])()") == 3
    text = "f(')', [0]) rest)"
    assert text[: closing(text, 0)] == "f(')', [0])"
    assert [closing(wrong, 0) for wrong in ("(", "(]", "x", ")")] == [-1] * 4
