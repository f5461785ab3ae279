from __future__ import annotations

import polars as pl
import pytest

from predictornas.errors import ConfigurationError
from predictornas.papers import pvll_figures
from predictornas.papers.claims import UNDECIDED
from predictornas.papers.figure import FigureRequest
from predictornas.papers.pvll_runs import EstimatorRun, estimator_rows, part_of
from predictornas.search.pvll import PVLLSearch
from predictornas.spaces.registry import get_space
from predictornas.studies.tasks import Execution

QUICK = {"warm_up_steps": 10, "hidden": 4, "estimator_steps": 1}


@pytest.fixture
def request_of_two_seeds(store, tmp_path, monkeypatch):
    """A request small enough for a test: few samples, two settings of each kind."""
    monkeypatch.setattr(pvll_figures, "SAMPLES", 6)
    monkeypatch.setattr(pvll_figures, "POPULATIONS", {5: 0.0023, 10: 0.0009})
    monkeypatch.setattr(pvll_figures, "SPACES", dict(list(pvll_figures.SPACES.items())[:2]))
    monkeypatch.setattr(pvll_figures, "MARKS", (6,))
    monkeypatch.setattr(pvll_figures, "COMPARED", (("sampler", "none"),))
    quick = (("", PVLLSearch(**QUICK)), (pvll_figures.AS_PRINTED, PVLLSearch(clip=0.0, **QUICK)))
    monkeypatch.setattr(pvll_figures, "SETTINGS", quick)
    rows = (
        ("sampler", PVLLSearch(warm_up=5, **QUICK), 2.72, 0.02),
        ("none", PVLLSearch(warm_up=0, gradient=False, **QUICK), 3.2, 0.32),
    )
    monkeypatch.setattr(pvll_figures, "ABLATION", rows)
    return FigureRequest(tmp_path, seeds=2)


@pytest.mark.slow
def test_figure_3a_has_a_test_and_a_training_curve_of_each_sampling(request_of_two_seeds):
    made = pvll_figures.learning_curves_figure(request_of_two_seeds, title="Title")
    losses = made.table.filter(pl.col("quantity").is_in(["test_loss", "training_loss"]))
    counts = losses.group_by("curve", "split").len().sort("curve", "split")
    assert counts.rows() == [
        (curve, split, 6)
        for curve in (
            "gradient sampling",
            "gradient sampling, as printed",
            "uniform sampling",
            "uniform sampling, as printed",
        )
        for split in ("test", "training")
    ]
    assert losses["runs"].unique().to_list() == [2]
    others = made.table.filter(pl.col("evaluations") == 6)["quantity"].unique().to_list()
    assert set(others) >= {"clamp_rate", "effective_share", "descent_share"}
    assert made.facts["benchmark"] == "nasbench201-cifar10"
    assert len(made.facts["data_sha256"]) == 64


@pytest.mark.slow
def test_figure_3b_names_the_sizes_of_the_parts(request_of_two_seeds):
    made = pvll_figures.space_sizes_figure(request_of_two_seeds, title="Title")
    names = ["729 (3 operations on 6 edges)", "3,125 (5 operations on 5 edges)"]
    assert made.table["curve"].unique(maintain_order=True).to_list() == [*names, *(f"{n}, as printed" for n in names)]
    assert [label.get_text() for label in made.figure.legends[0].get_texts()] == names


@pytest.mark.slow
def test_table_3_stands_beside_the_papers_losses(request_of_two_seeds):
    made = pvll_figures.populations_figure(request_of_two_seeds, title="Title")
    assert made.paper is not None
    assert made.paper.select("setting", "paper", "runs").rows() == [
        ("5 architectures", 0.0023, 2),
        ("10 architectures", 0.0009, 2),
        ("5 architectures - 10 architectures", None, 2),
        ("5 architectures, as printed", 0.0023, 2),
        ("10 architectures, as printed", 0.0009, 2),
        ("5 architectures, as printed - 10 architectures, as printed", None, 2),
    ]
    assert made.paper["claim"].to_list() == [None, None, "> 0"] * 2
    ours = made.table.filter((pl.col("quantity") == "test_loss") & (pl.col("setting") == "5 architectures"))["value"]
    assert abs(made.paper["ours"][0] - ours.mean()) < 1e-12


@pytest.mark.slow
def test_table_5_compares_what_is_derived_at_equal_budgets(request_of_two_seeds):
    """The argmax of A, or the best by the signal where A rests, which the runs themselves leave open."""
    made = pvll_figures.ablation_figure(request_of_two_seeds, title="Title")
    assert made.table["evaluations"].unique().to_list() == [12]
    derived, incumbent = (made.table.filter(quantity=name) for name in ("derived", "incumbent"))
    runs = [
        EstimatorRun("nasbench201-cifar10", search, 12, seed)
        for _, search, *_ in pvll_figures.ABLATION
        for seed in (0, 1)
    ]
    folder = request_of_two_seeds.folder / "pvll-nasbench201-cifar10"
    ends = [rows[-1] for rows in estimator_rows(runs, folder, Execution())]
    assert derived["value"].to_list() == [
        *(end["derived"] for end in ends[:2]),
        *(end["incumbent"] for end in ends[2:]),
    ]
    assert incumbent["value"].to_list() == [end["incumbent"] for end in ends]
    assert made.paper is not None
    assert made.paper["paper"].to_list()[:3] == [pytest.approx(0.0272), pytest.approx(0.032), None]
    assert made.paper["claim"].to_list()[2:] == ["< 0"] * (len(made.paper) - 2)
    shares = made.table.filter(quantity="warm_up_share", setting="sampler")["value"].to_list()
    assert shares == [pytest.approx(5 / 12)] * 2
    assert made.paper["ours"][0] == pytest.approx(derived.filter(setting="sampler")["value"].mean())
    assert made.paper.row(2, named=True)["setting"] == "sampler - none"
    assert "argmax of A" in _words(made)


def _words(made) -> str:
    """All that is written below and above a figure."""
    return " ".join(" ".join(text.get_text().split()) for text in made.figure.texts)


def test_options_that_make_no_sense_are_refused(request_of_two_seeds, tmp_path):
    with pytest.raises(ConfigurationError, match="draws from no study"):
        pvll_figures.learning_curves_figure(FigureRequest(tmp_path, study=tmp_path), title="Title")


@pytest.fixture
def asked(store, monkeypatch):
    """The runs that figures ask for; each is said to give two rows that tell seed, budget and place."""
    runs: list[EstimatorRun] = []

    def rows_of(wanted, folder, execution):
        runs.extend(wanted)
        return [
            [
                {
                    "evaluations": run.budget - 1 + place,
                    "test_loss": run.seed + 10.0 * place,
                    "training_loss": run.seed + 20.0 * place,
                    "relative_loss": run.seed + 30.0 * place,
                    "tau": 0.5,
                    "clamp_rate": 0.5,
                    "effective_share": 0.5,
                    "descent_share": 0.75,
                    **(dict.fromkeys(pvll_figures.ENDS, run.seed / 8) | {"derived": None} if place else {}),
                }
                for place in (0, 1)
            ]
            for run in wanted
        ]

    monkeypatch.setattr(pvll_figures, "estimator_rows", rows_of)
    return runs


@pytest.mark.slow
def test_figure_3a_learns_from_and_tests_on_a_hundred(asked, tmp_path):
    """Li, Dong et al. 2020, section 5.5; means over seeds 0 and 1 by hand."""
    made = pvll_figures.learning_curves_figure(FigureRequest(tmp_path, seeds=2), title="Title")
    assert {(run.budget, run.test_size, run.curve, run.search.warm_up) for run in asked} == {(100, 100, True, 0)}
    assert [(run.search.gradient, run.seed) for run in asked[:4]] == [(True, 0), (True, 1), (False, 0), (False, 1)]
    assert [run.search.estimator_rate for run in asked] == [0.01] * 4 + [0.1] * 4
    own = made.table.filter((pl.col("curve") == "uniform sampling") & pl.col("quantity").str.ends_with("_loss"))
    assert own.select("split", "quantity", "evaluations", "mean").rows() == [
        ("test", "test_loss", 99, 0.5),
        ("test", "test_loss", 100, 10.5),
        ("training", "training_loss", 99, 0.5),
        ("training", "training_loss", 100, 20.5),
    ]
    assert {name: run["seed"] for name, run in made.facts["settings"].items()} == {
        "gradient sampling": 0,
        "uniform sampling": 0,
        "gradient sampling, as printed": 0,
        "uniform sampling, as printed": 0,
    }
    assert made.facts["seeds"] == 2
    assert made.paper is not None
    at_the_end = made.paper.filter(pl.col("setting") == "uniform - gradient, 100 evaluations")
    assert at_the_end.select("quantity", "claim", "ours", "runs").rows() == [
        ("test loss, difference", "> 0", 0.0, 2),
        ("Kendall's tau, difference", "< 0", 0.0, 2),
    ]
    assert len(made.paper) == 2 * 3 * 2  # settings, marks, quantities


@pytest.mark.slow
def test_figure_3b_divides_the_space_into_parts_of_four_sizes(asked, tmp_path):
    """3^6, 5^5, 4^6 and 5^6 cells; every part loses an operation or an edge."""
    made = pvll_figures.space_sizes_figure(FigureRequest(tmp_path, seeds=1), title="Title")
    space = get_space("nasbench201")
    assert [len(part_of(space, run.choices)) for run in asked] == [3**6, 5**5, 4**6, 5**6] * 2
    assert [run.search.clip for run in asked] == [0.2] * 4 + [0.0] * 4
    assert {(run.budget, run.curve, run.search.warm_up, run.search.gradient) for run in asked} == {(100, True, 0, True)}
    assert made.table.select("split", "quantity").unique(maintain_order=True).rows() == [
        ("test", "relative_loss"),
        ("test", "tau"),
    ]
    assert made.table.filter(quantity="relative_loss")["mean"].to_list() == [0.0, 30.0] * 8
    assert made.paper is not None
    assert made.paper["verdict"].to_list() == [UNDECIDED] * 16


@pytest.mark.slow
def test_table_3_has_the_papers_populations_and_losses(asked, tmp_path):
    """Li, Dong et al. 2020, table 3: the end of a warm-up on so many, all of them remembered."""
    made = pvll_figures.populations_figure(FigureRequest(tmp_path, seeds=3), title="Title")
    assert [(run.budget, run.search.warm_up, run.search.memory) for run in asked[::3]] == [
        (50, 50, 50), (100, 100, 100), (200, 200, 200), (500, 500, 500)
    ] * 2  # fmt: skip
    assert [run.search.clip for run in asked[::3]] == [0.2] * 4 + [0.0] * 4
    assert made.paper is not None
    assert made.paper["paper"].to_list() == [0.0023, 0.0009, 0.0005, 0.0007, None, None, None] * 2
    assert made.paper["claim"].to_list()[4:7] == ["> 0", "> 0", "< 0"]
    assert made.paper["ours"].to_list() == ([11.0] * 4 + [0.0] * 3) * 2  # the last of two rows: 10, 11 and 12
    assert made.paper["verdict"].to_list() == ([None] * 4 + [UNDECIDED] * 3) * 2
    assert made.table["quantity"].unique(maintain_order=True).to_list() == [
        "test_loss",
        "relative_loss",
        "tau",
        "clamp_rate",
        "effective_share",
    ]


@pytest.mark.slow
def test_table_5_has_the_papers_parts_and_errors(asked, tmp_path):
    """Table 5, in %; every search has 200 evaluations, whether 100 of them are a warm-up or not."""
    made = pvll_figures.ablation_figure(FigureRequest(tmp_path, seeds=1), title="Title")
    assert {run.budget for run in asked} == {200}
    assert [(run.search.gradient, run.search.warm_up, run.search.weighted) for run in asked] == [
        (True, 100, True),
        (True, 100, False),
        (True, 0, True),
        (True, 0, False),
        (False, 100, True),
        (False, 0, True),
    ] * 2
    assert [run.search.clip for run in asked] == [0.2] * 6 + [0.0] * 6
    assert made.paper is not None
    assert (100 * made.paper["paper"]).to_list()[:12] == pytest.approx([2.72, 2.81, 3.10, 3.03, 3.08, 3.20] * 2)
    # nothing was derived with the sampler, and without it the best by the signal counts
    assert made.paper["ours"].to_list()[:12] == ([None] * 4 + [0.0] * 2) * 2
    said = made.paper.drop_nulls("claim")
    assert set(said["claim"]) == {"< 0", "> 0"}
    # without a warm-up the paper's own weighted loss is the worse one
    assert set(said.filter(claim="> 0")["setting"]) == {
        "sampler, weighted loss - sampler",
        "sampler, weighted loss, as printed - sampler, as printed",
    }
    assert len(said) == 4 * 2 * len(pvll_figures.COMPARED)  # rules, settings, pairs
    assert list(made.facts["paper_deviation"].values()) == [0.02, 0.08, 0.22, 0.30, 0.24, 0.32] * 2


def test_a_table_of_another_space_has_no_such_parts(store, tmp_path):
    with pytest.raises(ConfigurationError, match="parts of NAS-Bench-201"):
        pvll_figures.space_sizes_figure(FigureRequest(tmp_path, benchmark="nasbench101-digits"), title="Title")
