from importlib.metadata import EntryPoint

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from predictornas import registry
from predictornas.looks import MethodStyle, styles_of
from predictornas.registry import Look, PluginWarning, Registered
from predictornas.samplers.uniform import Uniform

METHODS = [
    "random", "exhaustive", "uniform-100", "uniform-1000", "uniform-10000", "evolutionary-100", "evolutionary-1000",
    "likelihood-100", "likelihood-1000", "pvll", "rank-nosh", "regularised-evolution", "local-search", "bananas",
    "nas-bowl", "npenas", "weaknas", "one-shot",
]  # fmt: skip


def test_known_methods_never_share_a_colour() -> None:
    styles = styles_of(METHODS)
    assert len({style.color for style in styles.values()}) == len(METHODS)
    assert styles["random"].color == "#767676"  # grey, as in the paper


def test_a_method_looks_the_same_in_every_figure() -> None:
    alone, together = styles_of(["one-shot"])["one-shot"], styles_of(METHODS)["one-shot"]
    assert alone == together
    assert styles_of(["my method"])["my method"] == styles_of([*METHODS, "my method"])["my method"]


@example(["0", "pvll"])  # the one would have the colour of the other
@given(st.lists(st.text(min_size=1, max_size=6), max_size=12, unique=True))
def test_unknown_methods_differ_and_do_not_depend_on_order(names: list[str]) -> None:
    styles = styles_of(names)
    assert styles == styles_of(reversed(names))
    assert len({style.color for style in styles.values()}) == len(names)


def test_more_methods_than_colours_are_drawn_all_the_same() -> None:
    assert len(styles_of([f"method {i}" for i in range(40)])) == 40


def test_names_that_a_person_reads() -> None:
    styles = styles_of(["uniform-10000", "evolutionary-1000", "uniform-77", "bananas", "mine"])
    assert styles["uniform-10000"].label == "uniform pool, N' = 10,000"
    assert styles["evolutionary-1000"].label == "evolutionary pool, N' = 1,000"
    assert styles["uniform-77"].label == "uniform pool, N' = 77"
    assert (styles["bananas"].label, styles["mine"].label) == ("BANANAS", "mine")


def test_methods_are_ordered_random_first() -> None:
    assert list(styles_of(["mine", "one-shot", "exhaustive", "random"])) == ["random", "exhaustive", "one-shot", "mine"]


THEIRS = Registered(
    "theirs", Uniform, label="their pool", number="needed", number_label="N' = {:,}", looks={50: Look("#227744", "o")}
)


def test_parts_of_other_packages_have_their_own_label_and_look(monkeypatch: pytest.MonkeyPatch) -> None:
    points = (
        EntryPoint("theirs", f"{__name__}:THEIRS", "predictornas.samplers"),
        EntryPoint("broken", "nowhere:Part", "predictornas.samplers"),
    )
    monkeypatch.setattr(registry, "points_of", lambda group: points if group == "predictornas.samplers" else ())
    styles = styles_of(["theirs-50", "theirs-1000", "random", "uniform-100"])
    assert list(styles) == ["random", "uniform-100", "theirs-50", "theirs-1000"]
    assert styles["theirs-50"] == MethodStyle("their pool, N' = 50", "#227744", "o")
    assert styles["theirs-1000"].label == "their pool, N' = 1,000"
    with pytest.warns(PluginWarning, match="'broken'"):
        assert styles_of(["broken-50"])["broken-50"].label == "broken-50"


def test_a_figure_imports_no_module_for_a_name() -> None:
    styles = styles_of(["nowhere:Part-50", "uniform-100@nowhere:Part"])
    assert [style.label for style in styles.values()] == ["nowhere:Part-50", "uniform-100@nowhere:Part"]


def test_no_two_methods_of_a_figure_look_alike() -> None:
    for names in (["exhaustive", "rank-full"], [f"uniform-20@name_{number}" for number in range(40)], METHODS):
        looks = [(style.color, style.marker) for style in styles_of(names).values()]
        assert len(set(looks)) == len(names)
    assert styles_of(["rank-full"])["rank-full"].marker == "s"  # alone it has its own look
