from tests.report.studies import STUDY, made_facts, made_history


def test_seeds_and_budget_in_words() -> None:
    facts = made_facts(made_history({"random": (2, 60), "uniform-100": (3, 60)}))
    assert facts.seeds == [0, 1, 2]
    assert facts.budget == "12 evaluations"
    limits = {"budget": None, "budget_epochs": 1800, "budget_seconds": 5.5}
    assert made_facts(made_history({"random": (1, 60)}), study={**STUDY, **limits}).budget == (
        "1,800 training epochs and 5.5 seconds of training"
    )
