from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz.engine import BAD, run_case
from tests.fuzz.entries import ENTRIES

CASES = 200


@pytest.mark.slow
@pytest.mark.parametrize("name", ENTRIES)
def test_no_altered_file_does_harm(name: str, tmp_path: Path) -> None:
    entry = ENTRIES[name](tmp_path)
    cases = [run_case(name, entry, seed=0, number=number) for number in range(CASES)]
    bad = [f"{case.number}: {case.outcome}, {case.detail}" for case in cases if case.outcome in BAD]
    assert not bad
    assert Counter(case.outcome for case in cases)["clean error"] > 20  # the alterations do reach the reader
