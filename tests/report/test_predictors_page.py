from __future__ import annotations

import re

import polars as pl

from predictornas.report.markup import joined
from predictornas.report.page import rendered
from predictornas.report.predictors_page import best_by_tau, predictors_page

STUDY = {
    "benchmark": "<table>", "predictors": ["gp", "gcn"], "sizes": [20, 60], "draws": 4, "train_on": None,
    "judge_on": None, "judged": None, "data_sha256": "ab" * 32,
}  # fmt: skip


def table(
    gp: tuple[float, float | None, float | None], gcn: tuple[float, float | None, float | None], runs: int = 10
) -> pl.DataFrame:
    rows = []
    for size in (20, 60):
        for quantity in ("tau", "hits", "regret", "fit_seconds"):
            for predictor, (mean, low, high) in {"gp": gp, "gcn": gcn}.items():
                shown = {"predictor": predictor, "size": size, "quantity": quantity, "runs": runs}
                rows.append({**shown, "mean": mean, "std": 0.1, "low": low, "high": high})
    return pl.DataFrame(rows, infer_schema_length=None)


def said(*ends: tuple[float, float | None, float | None], runs: int = 10) -> str:
    return re.sub("<[^>]+>", "", joined(best_by_tau(table(*ends, runs=runs))))


def test_the_best_predictor_is_told_apart_only_where_the_intervals_lie_apart() -> None:
    lead = "Trained on 60 architectures, Gaussian process has the highest Kendall&#x27;s tau, 0.700 [0.600, 0.800]."
    assert said((0.7, 0.6, 0.8), (0.5, 0.4, 0.55)) == f"{lead} Its interval lies above those of all others."
    assert said((0.7, 0.6, 0.8), (0.5, 0.4, 0.65)).startswith(f"{lead} Whether it ranks better than GCN")
    assert "cannot be said" in said((0.7, None, None), (0.5, None, None))


def test_fewer_than_ten_draws_give_no_verdict() -> None:
    ends = ((0.7, 0.6, 0.8), (0.5, 0.4, 0.55))
    assert said(*ends, runs=3) == (
        "Trained on 60 architectures, Gaussian process has the highest mean Kendall&#x27;s tau measured, "
        "0.700 [0.600, 0.800], over 3 draws. Fewer than 10 draws give no verdict."
    )
    assert "<strong>" not in joined(best_by_tau(table(*ends, runs=9)))
    assert "<strong>" in joined(best_by_tau(table(*ends, runs=10)))


def test_the_page_holds_charts_table_warnings_and_the_command() -> None:
    page = rendered(predictors_page(table((0.7, 0.6, 0.8), (0.5, 0.4, 0.6)), STUDY, {"versions": {"python": "3.12"}}))
    assert page.count('<figure class="chart"') == 3
    assert "predictornas predictors --names gp,gcn --benchmark" in page
    assert "4 draws: intervals over fewer than 10" in page
    assert "whose noise counts as quality" in page
    assert "<table>s" not in page
    assert "Predictors on &lt;table&gt;" in page
    assert '<td data-value="0.7" class="number">70.0' in page  # a share in percent, sorted as it is


def test_random_scores_have_a_row_of_their_own_and_a_predictor_without_uncertainty_no_coverage() -> None:
    ends = table((0.7, 0.6, 0.8), (0.5, 0.4, 0.6)).with_columns(random=pl.lit(0.25))
    sure = ends.filter(predictor="gp", quantity="hits").with_columns(quantity=pl.lit("coverage"))
    page = rendered(predictors_page(pl.concat([ends, sure]), STUDY, {"versions": {"python": "3.12"}}))
    assert page.count("random scores") == 2
    assert '<td data-value="0.25" class="number">25.0' in page
    assert "Random scores have 25.0 on average." in page
    assert "N@10" not in page
    rows = [row for row in re.findall("<tr>.*?</tr>", page, re.DOTALL) if "GCN" in row]
    assert rows
    assert all(">-<" in row for row in rows)
