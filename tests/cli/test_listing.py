from __future__ import annotations

import re

import pytest

from predictornas.live.images.registry import IMAGE_SETS
from predictornas.live.proxies import PROXIES
from predictornas.predictors.registry import PREDICTORS
from predictornas.search.registry import known_methods
from predictornas.spaces.registry import SPACES


def words(text: str) -> set[str]:
    """The words of a help text, without its frame and its commas."""
    return set(re.findall(r"[a-z0-9][\w:@-]*", re.sub(r"[│╭╮╰╯─]", " ", text)))


@pytest.mark.parametrize("verb", ["gain", "search", "live-search"])
def test_help_lists_every_method_and_predictor(verb: str, run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(verb, "--help") == 0
    shown = words(capsys.readouterr().out)
    methods = {spelling for record in known_methods() for spelling in record.spellings}
    assert methods | set(PREDICTORS) <= shown
    assert "module:attribute" in shown


def test_help_lists_every_predictor(run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("predictors", "--help") == 0
    assert set(PREDICTORS) <= words(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("verb", "lists"),
    [
        ("live-search", [SPACES, IMAGE_SETS]),
        ("train", [SPACES, IMAGE_SETS]),
        ("proxies", [PROXIES, IMAGE_SETS]),
        ("supernet", [IMAGE_SETS]),
    ],
)
def test_help_lists_spaces_image_sets_and_proxies(verb: str, lists, run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(verb, "--help") == 0
    assert {name for names in lists for name in names} <= words(capsys.readouterr().out)
