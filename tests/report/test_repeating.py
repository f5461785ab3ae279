import inspect
import re
from html import unescape

import pytest

from predictornas.cli.options import parsed_seeds
from predictornas.cli.studies import gain, search
from predictornas.report.markup import joined
from predictornas.report.repeating import command_of, how_to_repeat, seeds_text
from tests.report.studies import STUDY, made_facts, made_history


@pytest.mark.parametrize("seeds", [[0, 1, 2], [3], [0], [0, 1, 5, 6, 7], [7, 10, 12]])
def test_the_option_reads_the_seeds_back(seeds: list[int]) -> None:
    assert list(parsed_seeds(seeds_text(seeds))) == seeds


def test_a_study_of_methods_is_a_gain_and_one_run_a_search() -> None:
    facts = made_facts(made_history({"random": (2, 60), "uniform-100": (2, 60)}))
    assert command_of(facts) == [
        "predictornas", "gain", "--benchmark", "made-up", "--methods", "random,uniform-100", "--seeds", "2",
        "--budget", "12", "--signal", "valid_accuracy_9_run0", "--evaluation", "test_accuracy_9_run0",
        "--preset", "quick",
    ]  # fmt: skip
    one = made_facts(made_history({"random": (1, 60)}))
    assert command_of(one)[:8] == [
        "predictornas", "search", "--benchmark", "made-up", "--method", "random", "--seed", "0"
    ]  # fmt: skip


def test_every_option_that_may_be_written_is_one_of_the_command() -> None:
    study = {**STUDY, "budget_seconds": 5.0, "budget_epochs": 9, "warm_start": True, "engine": "dense"}
    for methods in ({"random": (1, 60)}, {"random": (2, 60)}):
        words = command_of(made_facts(made_history(methods), study=study))
        parameters = inspect.signature({"gain": gain, "search": search}[words[1]]).parameters
        options = {word[2:].replace("-", "_") for word in words if word.startswith("--")}
        assert options <= set(parameters)
        assert words[1] == "gain"


def test_versions_commit_and_checksum_stand_there_and_what_the_command_cannot_name() -> None:
    methods = {"random": {"seeds": [0, 1], "own": False}, "mine": {"seeds": [0], "own": True}}
    facts = made_facts(made_history({"random": (2, 60)}), methods=methods)
    text = unescape(re.sub("<[^>]+>", "", joined(how_to_repeat(facts))))
    assert "python 3.12.1" in text
    assert "commit c0ffee" in text
    assert "ab" * 32 in text
    assert "mine: given as an object" in text
    assert "Not every method has every seed" in text


def test_the_command_addresses_the_folder_of_the_page_and_names_modules_that_it_needs() -> None:
    methods = {"random": {"seeds": [0, 1], "own": False}, "my_search:Mine": {"seeds": [0, 1], "own": True}}
    facts = made_facts(made_history({"random": (2, 60)}), methods=methods)
    text = unescape(re.sub("<[^>]+>", "", joined(how_to_repeat(facts))))
    assert "--preset quick --out ." in text
    assert "Run in the folder of this page it adds nothing" in text
    assert "my_search:Mine: of your own, so the command finds my_search only where Python can import it" in text
    assert "given as an object" not in text
    assert "PYTHONPATH" not in joined(how_to_repeat(made_facts(made_history({"random": (2, 60)}))))
