from __future__ import annotations

import polars as pl
import pytest

from predictornas.quantity import ERROR, ERRORS, Quantities, Quantity, number

LOSS = Quantity("validation loss", unit="", offset=0.0, percent=False)
SCORE = Quantity("test score", unit="dB", offset=0.0, percent=False, higher=True)
F1 = Quantity("f1", higher=True)


@pytest.mark.parametrize(
    ("quantity", "worth", "cost", "plain", "text"),
    [
        (ERROR, 0.9375, 0.0625, 0.0625, "6.25"),
        (LOSS, -2.5, 2.5, 2.5, "2.5"),
        (LOSS, 1234.5678, -1234.5678, -1234.5678, "-1234.6"),
        (SCORE, 31.25, -31.25, 31.25, "31.25"),
        (F1, 0.75, 0.25, 0.75, "75.00"),
    ],
)
def test_a_worth_is_a_cost_and_read_in_its_own_direction(
    quantity: Quantity, worth: float, cost: float, plain: float, text: str
) -> None:
    assert quantity.cost(worth) == cost
    assert quantity.plain(cost) == plain
    assert quantity.text(cost) == text
    frame = pl.DataFrame({"cost": [cost]}).select(quantity.shown(pl.col("cost")))
    assert frame.item() == quantity.shown(cost) == quantity.factor * plain


def test_intervals_turn_round_with_scores() -> None:
    assert SCORE.interval(-3.0, -4.0, -2.0) == (3.0, 2.0, 4.0)
    assert SCORE.interval_text(-3.0, -4.0, -2.0) == "3 [2, 4]"
    assert ERROR.interval_text(0.0611, 0.0609, 0.0613) == "6.11 [6.09, 6.13]"
    assert (LOSS.interval_text(2.5, None, None), LOSS.interval_text(None, None, None)) == ("2.5", "-")
    assert SCORE.difference_text(0.5) == "0.5"


def test_words() -> None:
    assert (ERROR.heading, SCORE.heading, LOSS.with_unit("regret")) == ("error, %", "test score, dB", "regret")
    assert (SCORE.best, LOSS.best, SCORE.from_best) == ("highest", "lowest", "below the highest")
    assert (ERROR.bounds, LOSS.bounds) == ((0.0, 1.0), None)
    both = Quantities(LOSS, SCORE)
    assert (both.of("searched"), both.of("best")) == (LOSS, SCORE)
    assert (both.heading, ERRORS.heading) == ("test score, dB; signal: validation loss", "error, %")
    text = "The lowest error; errors."
    assert (ERRORS.told(text), both.told(text)) == (text, "The highest test score or validation loss; values.")


def test_numbers() -> None:
    assert number(-0.001) == "0.00"
    assert number(-0.0, percent=False) == "0"
    assert number(1234567.0, percent=False) == "1.2346e+06"
    assert (ERROR.digits_for_d3(3), LOSS.digits_for_d3(3), Quantities(ERROR, LOSS).digits_for_d3(3)) == (
        ".3f",
        ".5~g",
        ".5~g",
    )


def test_a_name_that_holds_the_word_is_put_in_once() -> None:
    plain = Quantity("Top-1 Error", unit="", offset=0.0, percent=False)
    text = "Errors as an error on the signal column."
    assert Quantities(plain, plain).told(text) == "Values as a Top-1 Error on the signal column."
    other = Quantity("average loss", unit="", offset=0.0, percent=False)
    assert Quantities(other, other).told(text) == "Values as an average loss on the signal column."
