"""The guide to a new method must work, and its method must be as short as it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from predictornas.supernet.driver import search
from predictornas.supernet.method import Method
from tests.supernet.search_examples import images, job, tiny

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "a-new-supernet-method.md"


@pytest.mark.slow
def test_the_guide_runs(capsys: pytest.CaptureFixture[str]) -> None:
    making, searching, own = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert sum(bool(line) for line in making.splitlines()) < 15
    names: dict[str, Any] = {"__name__": "guide"}
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for block in (making, searching, own):
            exec(block, names)
    finally:
        torch.set_num_threads(before)
    assert isinstance(names["method"], Method)
    # two epochs of search, and fine-tuning: one epoch for each of six edges
    assert len(names["outcome"].records) == 2 + 6
    assert names["outcome"].records[-1].decided == {"cell": 6}
    assert capsys.readouterr().out.startswith("|")
    alternating = job(tiny(Method(update=names["alternating"].update), 2), "nasbench201")
    assert len(search(alternating, images()).records) == 2
