from __future__ import annotations

import io

import numpy as np
import polars as pl

from predictornas.plots.predictors import draw_predictors


def table() -> pl.DataFrame:
    rows = [
        {"predictor": name, "size": size, "quantity": quantity, "mean": mean, "low": mean - 0.01, "high": mean + 0.01}
        for name, better in (("gp", 0.05), ("gcn", 0.0))
        for size, at in ((100, 0.6), (424, 0.7))
        for quantity, mean in (("tau", at + better), ("hits", at / 2 + better), ("regret", 0.02), ("fit_seconds", 3.0))
    ]
    return pl.DataFrame(rows)


def test_each_quantity_has_a_panel_in_its_unit_and_each_predictor_a_line() -> None:
    figure = draw_predictors(table(), title="Title", caption="Caption.")
    tau, hits, regret = figure.axes
    lines = {line.get_label(): line for line in tau.get_lines()}
    np.testing.assert_allclose(lines["Gaussian process"].get_ydata(), [0.65, 0.75])
    np.testing.assert_allclose(lines["GCN (Mauch et al.)"].get_xdata(), [100, 424])
    assert {line.get_label(): line.get_ydata()[0] for line in hits.get_lines()}["Gaussian process"] == 35
    assert regret.get_lines()[0].get_ydata()[0] == 2
    assert [label.get_text() for label in tau.get_xticklabels()] == ["100", "424"]
    assert len(figure.legends[0].get_texts()) == 2


def test_a_predictor_that_is_not_in_every_panel_is_in_the_legend_and_others_keep_their_colours() -> None:
    rows = table().with_columns(pl.col("predictor").replace({"gp": "mine", "gcn": "yours"}))
    sure = rows.filter(quantity="tau", predictor="yours").with_columns(quantity=pl.lit("coverage"))
    figure = draw_predictors(pl.concat([rows, sure]), title="Title", caption="Caption.")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["mine", "yours"]
    colours = [{line.get_label(): line.get_color() for line in axes.get_lines()} for axes in figure.axes]
    assert list(colours[-1]) == ["yours"]
    assert colours[-1]["yours"] == colours[0]["yours"] != colours[0]["mine"]


def test_random_scores_are_a_dotted_line_and_every_quantity_has_a_panel() -> None:
    chance = {"tau": 0.0, "hits": 0.01, "regret": 0.1, "best_of_ten": 38_511.0}
    rows = pl.concat([table(), table().filter(quantity="tau").with_columns(quantity=pl.lit("best_of_ten"))])
    rows = rows.with_columns(random=pl.col("quantity").replace_strict(chance, default=None, return_dtype=pl.Float64))
    figure = draw_predictors(rows, title="Title", caption="Caption.")
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "Kendall's tau", "P@1 %", "N@10", "regret of the top pick, points"
    ]  # fmt: skip
    dotted = [next(line for line in axes.get_lines() if line.get_linestyle() == ":") for axes in figure.axes]
    assert [line.get_ydata()[0] for line in dotted] == [0, 1, 38_511, 10]
    assert figure.legends[0].get_texts()[-1].get_text() == "random scores"
    assert "what random scores have on average" in figure.caption


def test_of_a_single_size_chance_and_intervals_have_an_extent() -> None:
    rows = table().filter(size=100, quantity="tau").with_columns(random=pl.lit(0.0))
    (axes,) = draw_predictors(rows, title="Title", caption="Caption.").axes
    chance = next(line for line in axes.get_lines() if line.get_linestyle() == ":")
    assert np.ptp(chance.get_xdata()) > 0
    assert list(chance.get_ydata()) == [0, 0]
    ends = [collection.get_segments()[0][:, 1].tolist() for collection in axes.collections]
    np.testing.assert_allclose(ends, [[0.64, 0.66], [0.59, 0.61]])


def test_any_name_is_in_the_legend() -> None:
    rows = table().with_columns(pl.col("predictor").replace({"gp": r"$\frac$b", "gcn": "_mine"}))
    figure = draw_predictors(rows, title="Title", caption="Caption.")
    figure.savefig(io.BytesIO(), format="png", dpi=50)
    assert {text.get_text() for text in figure.legends[0].get_texts()} == {r"\$\frac\$b", " _mine"}
