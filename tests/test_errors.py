from __future__ import annotations

import inspect
import pickle

import pytest

from predictornas import errors
from predictornas.errors import (
    SCREEN,
    ConfigurationError,
    DataError,
    PredictorNASError,
    UnknownNameError,
    on_screen,
    quoted,
)

CLASSES = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]
SPACES = ("nasbench101", "nasbench201")


def test_every_error_is_caught_as_the_package_error() -> None:
    assert len(CLASSES) >= 9
    assert all(issubclass(cls, PredictorNASError) for cls in CLASSES)


@pytest.mark.parametrize("cls", [cls for cls in CLASSES if cls is not UnknownNameError])
def test_errors_cross_process_boundaries(cls: type[PredictorNASError]) -> None:
    copy = pickle.loads(pickle.dumps(cls("what, where, remedy")))
    assert type(copy) is cls
    assert str(copy) == "what, where, remedy"


@pytest.mark.parametrize(
    ("name", "nearest"), [("nasbench11", "nasbench101"), ("NASBench201", "nasbench201"), ("nasbnech201", "nasbench201")]
)
def test_an_unknown_name_suggests_the_nearest(name: str, nearest: str) -> None:
    error = UnknownNameError("search space", name, SPACES)
    assert str(error) == (
        f"There is no search space named {name!r}. Did you mean {nearest!r}? Known: nasbench101, nasbench201."
    )


def test_a_name_that_begins_with_what_was_typed_comes_before_a_similar_one() -> None:
    error = UnknownNameError("benchmark", "nasbench201", ["nasbench101", "nasbench201-cifar100", "nasbench201-cifar10"])
    assert "Did you mean 'nasbench201-cifar10'?" in str(error)


def test_of_many_names_the_nearest_few_are_listed_and_what_shows_all() -> None:
    names = [f"column-{index}" for index in range(25)]
    assert str(UnknownNameError("column", "column-7x", names[:24])).count("column-") == 26
    cut = str(UnknownNameError("column", "column-7x", names))
    assert cut.endswith(" and 20 more (`predictornas data info NAME` shows all).")
    assert "Known: column-7, " in cut
    assert "all are in the error's `known`" in str(UnknownNameError("fruit", "x", names))


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    message = str(UnknownNameError("method", "qqq", ["random", "evolutionary"]))
    assert message == "There is no method named 'qqq'. Known: evolutionary, random."


def test_an_empty_registry_says_so() -> None:
    assert str(UnknownNameError("benchmark", "x", [])).endswith("Known: none.")


def test_known_names_may_be_any_iterable_and_are_kept_sorted() -> None:
    error = UnknownNameError("column", "b", (name for name in ("z", "a")))
    assert (error.kind, error.name, error.known) == ("column", "b", ["a", "z"])


def test_an_unknown_name_survives_pickling() -> None:
    error = UnknownNameError("search space", "nasbench11", SPACES)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is UnknownNameError
    assert isinstance(copy, ConfigurationError)
    assert str(copy) == str(error)
    assert (copy.kind, copy.name, copy.known) == (error.kind, error.name, error.known)


def test_what_is_quoted_is_on_one_line_and_has_an_end() -> None:
    assert quoted("a\x1b[31m\nb\u202e") == r"'a\x1b[31m\nb\u202e'"
    assert quoted("x" * 1000, most=3) == "'xxx'... (1,000 characters)"
    assert quoted(b"\xff" * 1000, most=2) == r"b'\xff\xff'... (1,000 bytes)"
    assert quoted([1] * 1000, most=7) == "[1, 1, ... (3,000 characters)"
    assert quoted({"a": None}) == "{'a': None}"


@pytest.mark.parametrize("text", ["x" * 20_000_000, "\x1b" * SCREEN, "\x9b" * (SCREEN + 1)])
def test_every_message_fits_a_screen(text: str) -> None:
    for error in (DataError(text), UnknownNameError("benchmark", text, ["a"]), ConfigurationError(text, 1)):
        assert len(str(error)) <= SCREEN
        assert str(error).isprintable()


def test_what_is_left_out_is_counted_and_both_ends_stay() -> None:
    message = str(DataError("begin" + "-" * SCREEN + "end"))
    assert message.startswith("begin-")
    assert message.endswith("-end")
    assert f"({SCREEN + 8 - SCREEN * 3 // 5 - SCREEN * 3 // 10:,} characters left out)" in message


def test_lines_and_letters_stay_as_they_are() -> None:
    message = "a b\nc \u00e4 \udc80"
    assert on_screen(message) == str(DataError(message)) == message
    assert on_screen("\x1b[2J\r\t\x7f\u2066") == r"\x1b[2J\r\t\x7f\u2066"
