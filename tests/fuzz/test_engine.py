from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from predictornas.errors import DataError
from tests.fuzz import canary, engine
from tests.fuzz.engine import Entry, altered, always, run_case
from tests.fuzz.entries import ENTRIES
from tests.fuzz.mutations import mutated_bytes

WHOLE = b"a whole file, 12345"


def raises(error: BaseException) -> Callable[[bytes], Any]:
    def read(content: bytes) -> Any:
        raise error

    return read


def computes(content: bytes) -> None:
    while True:
        pass


READERS: dict[str, Callable[[bytes], Any]] = {
    "clean error": raises(DataError("refused")),
    "same meaning": lambda content: WHOLE,
    "other file": lambda content: content,
    "other exception": raises(ValueError("raw")),
    "panic": raises(pl.exceptions.PanicException("index out of bounds")),
    "hang": computes,
    "memory": lambda content: len(np.ones(1 << 24)),
    "code executed": lambda content: pickle.loads(canary.PICKLES[0] + b"."),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_every_outcome_is_told(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "HANG_SECONDS", 0.2)
    monkeypatch.setattr(engine, "MOST_BYTES", 1 << 26)
    file = tmp_path / "file"
    file.write_bytes(WHOLE)

    def read() -> Any:
        content = file.read_bytes()
        return content if content == WHOLE else READERS[name](content)

    case = run_case("it", Entry(file, mutated_bytes, read), seed=0, number=0)
    assert case.outcome == {"panic": "other exception"}.get(name, name)
    assert file.read_bytes() == WHOLE


def test_what_a_checksum_must_notice_and_what_is_left_behind(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(WHOLE)
    noticed = Entry(file, mutated_bytes, file.read_bytes, must_notice=always)
    assert run_case("it", noticed, seed=0, number=0).outcome == "other meaning"

    def refuses() -> Any:
        if file.read_bytes() != WHOLE:
            raise DataError("refused")

    left = Entry(file, mutated_bytes, refuses, left_behind=lambda: [".table.tmp"])
    assert run_case("it", left, seed=0, number=0) == engine.Case(
        0, "left behind", ".table.tmp", pytest.approx(0, abs=60), altered("it", left, 0, 0)
    )


def test_a_case_is_a_function_of_entry_seed_and_number(tmp_path: Path) -> None:
    for place in ("a", "b"):
        (tmp_path / place).mkdir()
    first, again = (ENTRIES["recipe"](tmp_path / place) for place in ("a", "b"))
    contents = [altered("recipe", first, 0, number) for number in range(20)]
    assert contents == [altered("recipe", again, 0, number) for number in range(20)]
    assert len(set(contents)) > 15
    assert altered("recipe", first, 1, 0) != contents[0]
    assert altered("other", first, 0, 0) != contents[0]


def test_the_canary_sings() -> None:
    """Every piece that is put into files does run where code is run."""
    for piece in canary.PICKLES:
        fired = canary.fired
        pickle.loads(piece + b".")
        assert canary.fired == fired + 1
    for text in canary.TEXTS:
        fired = canary.fired
        eval(text)
        assert canary.fired == fired + 1
