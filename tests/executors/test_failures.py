from __future__ import annotations

from predictornas.errors import UnknownNameError
from predictornas.executors.failures import loaded_failure, pickled_failure


class Stubborn(Exception):  # noqa: N818 - that it is no ordinary error is the point
    """Cannot be put together again from what pickle takes it apart into."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(one + two)


def arrived(error: Exception) -> tuple[BaseException, BaseException | None]:
    try:
        raise error
    except Exception as caught:
        failure = loaded_failure(pickled_failure(caught))
        return failure, failure.__cause__


def test_an_error_arrives_as_what_it_is_with_the_place_where_it_was_raised() -> None:
    error, where = arrived(UnknownNameError("space", "nasbench21", ["nasbench201"]))
    assert isinstance(error, UnknownNameError)
    assert "Did you mean 'nasbench201'?" in str(error)
    assert "in arrived" in str(where)


def test_an_error_that_cannot_be_put_together_again_is_quoted() -> None:
    error, where = arrived(Stubborn(1, 2))
    assert type(error) is RuntimeError
    assert str(error) == "Stubborn: 3"
    assert "in arrived" in str(where)
