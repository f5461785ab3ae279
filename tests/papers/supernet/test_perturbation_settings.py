from __future__ import annotations

from dataclasses import replace

from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet import searches as supernet_study
from predictornas.papers.supernet.perturbation_settings import darts_searches
from predictornas.papers.supernet.searches import study_facts
from tests.papers.supernet.perturbation_examples import TINY


def test_searches_of_another_space_have_another_name(tmp_path, monkeypatch):
    monkeypatch.setitem(supernet_study.SCALES, "small", replace(TINY, seeds=2))
    request = FigureRequest(tmp_path, data="digits")
    own, other = darts_searches(request), darts_searches(request, space="darts-s2", scale=replace(TINY, cells=4))
    assert [search.label for search in own] == ["darts-1-seed-0", "darts-1-seed-1"]
    assert [search.label for search in other] == ["darts-1-darts-s2-seed-0"]
    assert other[0].prepared()[0].shape.cells == 4
    assert study_facts(other)["spaces"] == ["darts-s2"]
    assert study_facts(other)["settings"]["darts-1 darts-s2"]["update"]["order"] == 1
