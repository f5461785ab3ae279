import pytest

from predictornas.captions import (
    ESTIMATORS,
    QUALITIES,
    convergence_caption,
    distribution_caption,
    gain_caption,
    hollow,
    predictors_caption,
    ranks_caption,
    search_caption,
    split_caption,
)


@pytest.mark.parametrize("word", ["dB", "J:", "M_S", "K:", "N'", "One urn", "Bands", "Cap", "Grey", "Dotted", "Hollow"])
def test_every_word_on_the_figure_of_the_gain_is_explained(word: str) -> None:
    assert word in gain_caption("pooled", unresolved=1, defined=80)


def test_hollow_points_are_counted_never_told_as_no_percent() -> None:
    assert "1 of 240 points" in hollow(1, 240)
    assert "%" not in hollow(1, 240)
    assert hollow(0, 240) == "Every point was reached by a proposal."


def test_the_initial_set_counts_or_does_not() -> None:
    words = [gain_caption("pooled", unresolved=0, defined=1, with_initial=counts) for counts in (True, False)]
    assert ["and with the random initial set" in text for text in words] == [True, False]


def test_every_estimator_is_explained_by_its_own_words() -> None:
    assert len({gain_caption(name, unresolved=0, defined=1) for name in ESTIMATORS}) == 4
    assert split_caption("per_run", unresolved=0, defined=1).startswith("Sampler:")


def test_errors_say_on_which_column_they_are() -> None:
    text = convergence_caption(["searched", "chosen", "best"], spent="evaluations", band="interval", oracles=True)
    for words in (
        "What the search saw: the error on the signal column",
        "How good its choice is: the error of that same architecture on the evaluation column",
        "The best it evaluated: the lowest error on the evaluation column",
        "Signal oracle: the architecture of the table with the best signal",
        "Marks on the lines",
    ):
        assert words in text
    assert "What it recommends" not in text
    assert "oracle" not in convergence_caption(["searched"], spent="epochs", band="std", oracles=False)
    assert "standard deviation" in convergence_caption(["searched"], spent="epochs", band="std", oracles=False)


def test_ranks_say_what_two_tables_cannot_show() -> None:
    few, many = (ranks_caption(count, "table", shows_nothing=count == 2) for count in (2, 20))
    assert "With 2 tables CD is wider than all ranks are apart" in few
    assert "Bars join methods that are not told apart" in many
    assert "Bars" not in few


def test_only_what_is_drawn_is_explained() -> None:
    assert "eigenvalue" not in search_caption(curvature=False, phases=True)
    assert "Dotted" not in search_caption(curvature=True, phases=False)
    assert "Kendall's tau" in predictors_caption(QUALITIES)
    assert "N@10" not in predictors_caption({"tau": QUALITIES["tau"]})
    assert "random scores" in predictors_caption(QUALITIES, by_chance=True)
    assert "ΣK" in distribution_caption()
