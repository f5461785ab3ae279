from predictornas.report.citations import how_to_cite, paper_of
from predictornas.report.markup import joined
from predictornas.search.registry import known_methods


def test_every_method_of_the_package_but_the_plainest_has_a_paper() -> None:
    without = {record.name for record in known_methods() if paper_of(record.name) is None}
    assert without == {"random"}


def test_a_paper_is_cited_once_for_all_its_methods() -> None:
    text = joined(how_to_cite(["random", "uniform-100", "uniform-1000", "<mine>"], "nasbench201"))
    assert text.count("arXiv 2011.12043") == 1
    assert "uniform pool, N&#x27; = 100, uniform pool, N&#x27; = 1,000, the gain in dB: Mauch" in text
    assert "the search space: Dong, Yang" in text
    assert "mine" not in text
    assert "arXiv 2011.12043" not in joined(how_to_cite(["random"], "nasbench201", gain=False))


def test_a_method_with_a_predictor_of_its_own_keeps_its_paper() -> None:
    assert paper_of("uniform-100@gp") == paper_of("uniform")
    assert paper_of("rank-asha@gp") == paper_of("asha")
    assert paper_of("mine-100") is None
