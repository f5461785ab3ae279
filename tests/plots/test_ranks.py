import io

import polars as pl
import pytest
from matplotlib.figure import Figure

from predictornas.analysis.ranking import rank_table
from predictornas.plots.ranks import draw_ranks
from predictornas.plots.style import drawing


def _rendered(figure: Figure) -> int:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=50)
    return len(stream.getvalue())


def _table(orders: dict[str, int], quantity: str = "final", trace: str = "best", block: str = "seed") -> pl.DataFrame:
    """Ranks of methods named by single letters: each order, best first, in as many blocks as given."""
    rows, number = [], 0
    for order, count in orders.items():
        for _ in range(count):
            rows += [{"block": number, "method": method, "value": float(place)} for place, method in enumerate(order)]
            number += 1
    facts = {"quantity": quantity, "trace": trace, "block": block}
    return rank_table(pl.DataFrame(rows)).select(*(pl.lit(value).alias(name) for name, value in facts.items()), "*")


def test_names_on_both_sides_and_lines_to_the_ranks() -> None:
    figure = draw_ranks(_table({"abcd": 10}))
    (axes,) = figure.axes
    assert "10 seeds" in figure.get_suptitle()
    assert axes.get_title(loc="left").startswith("final error of the best it evaluated, p = ")
    texts = {text.get_text(): (text.get_ha(), text.xy) for text in axes.texts}
    assert texts["a  1.00"][0] == texts["b  2.00"][0] == "right"
    assert texts["3.00  c"][0] == texts["4.00  d"][0] == "left"
    lines = [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert [list(line.get_xdata()) for line in lines] == [[1, 1, 1], [2, 2, 1], [3, 3, 4], [4, 4, 4]]
    ends = {name: xy[1] for name, (_, xy) in texts.items()}
    assert ends["a  1.00"] < ends["b  2.00"]
    assert ends["4.00  d"] < ends["3.00  c"]  # the outermost lines end first, so none cross
    assert _rendered(figure) > 3_000


def test_a_bar_over_each_group_of_two_or_more() -> None:
    """Ranks 1, 2, 3 at CD 1.91 share two bars; at thirty blocks (CD 0.61) there is none."""
    few, many = (draw_ranks(_table({"abc": count})).axes[0] for count in (3, 30))
    bars = [[list(line.get_xdata()) for line in axes.lines if line.get_linewidth() == 3.5] for axes in (few, many)]
    assert bars == [[pytest.approx([0.98, 2.02]), pytest.approx([1.98, 3.02])], []]


def test_the_critical_difference_is_drawn_to_scale() -> None:
    axes = draw_ranks(_table({"abc": 30})).axes[0]
    line = next(line for line in axes.lines if line.get_marker() == "|")
    assert line.get_xdata()[1] - line.get_xdata()[0] == pytest.approx(0.605, abs=1e-3)
    assert "CD = 0.61" in [text.get_text() for text in axes.texts]


def test_two_tables_have_neither_bars_nor_a_line_as_wide_as_the_axis() -> None:
    """For three methods on two tables CD is 2.34, and ranks are 2 apart at most."""
    figure = draw_ranks(_table({"abc": 2}, block="table"))
    (axes,) = figure.axes
    assert [line for line in axes.lines if line.get_linewidth() == 3.5 or line.get_marker() == "|"] == []
    assert "CD = 2.34, wider than the axis: nothing can be told apart" in [text.get_text() for text in axes.texts]
    assert "With 2 tables CD is wider than all ranks are apart" in figure.caption


def test_in_one_column_of_a_paper_all_names_stand_on_the_left() -> None:
    with drawing("paper"):
        (axes,) = draw_ranks(_table({"abcd": 10})).axes
    assert {text.get_ha() for text in axes.texts if not text.get_text().startswith("CD")} == {"right"}
    assert {line.get_xdata()[2] for line in axes.lines if len(line.get_xdata()) == 3} == {1.0}


@pytest.mark.slow
def test_one_panel_a_quantity_and_trace() -> None:
    table = pl.concat(
        [
            _table({"abc": 2}, block="table"),
            _table({"cba": 3}, "regret", "chosen", "table"),
            _table({"ab": 3}, "x", "y"),
        ]
    )
    figure = draw_ranks(table, title="Mine", note="My setting.")
    headings = [axes.get_title(loc="left").partition(",")[0] for axes in figure.axes]
    assert headings == ["final error of the best it evaluated", "anytime regret of its choice", "x y"]
    assert figure.get_suptitle().startswith("Mine (2 to 3 tables")
    assert figure.get_supxlabel().startswith("My setting. Ranks: 1 is")
    assert _rendered(figure) > 3_000


def test_names_are_written_as_they_are() -> None:
    """A pair of dollar signs would be mathematics, and this one is none."""
    odd = {"a": r"a [w/a$\frac$b]", "b": "_b"}
    table = _table({"ab": 10}).with_columns(pl.col("method").replace(odd))
    figure = draw_ranks(table, note=r"From w/a$\frac$b.")
    assert _rendered(figure) > 3_000
    assert figure.caption.startswith(r"From w/a$\frac$b.")
