from predictornas.report.citations import how_to_cite, how_to_cite_supernet, paper_of, supernet_papers
from predictornas.report.markup import joined
from predictornas.search.registry import known_methods
from predictornas.supernet.published import method_names


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


def test_every_super_network_method_has_a_paper_and_perturbation_selection_its_own() -> None:
    assert [name for name in method_names() if not supernet_papers(name)] == []
    plain, perturbed = supernet_papers("sgas-1"), supernet_papers("sgas-1+pt")
    assert set(perturbed) - set(plain) == {
        "Wang, Cheng, Chen, Tang, Hsieh: Rethinking Architecture Selection in Differentiable NAS. ICLR 2021"
    }
    text = joined(how_to_cite_supernet("darts-2", "darts-s2"))
    assert "darts-2, the search space: Liu, Simonyan, Yang: DARTS" in text
    assert "the search space: Dong, Yang: NAS-Bench-201" in joined(how_to_cite_supernet("drnas", "nasbench201"))
