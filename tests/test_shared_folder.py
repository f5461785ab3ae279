from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from tests.shared_folder import Round, inspected, run_rounds, table


@pytest.mark.thorough
def test_eight_commands_at_one_folder_do_no_harm(tmp_path: Path) -> None:
    rounds = run_rounds(2, 21, tmp_path / "log.jsonl")
    assert [each.harm for each in rounds] == [[], []]
    assert (rounds[0].killed, rounds[0].stopped) == (0, 0)
    assert rounds[1].killed > 0
    assert run_rounds(2, 21, tmp_path / "log.jsonl") == rounds  # from the log


def test_what_is_lost_doubled_different_or_left_is_found(tmp_path: Path) -> None:
    def history(*rows: tuple[str, int, float]) -> pl.DataFrame:
        return pl.DataFrame(rows, schema=["method", "seed", "value"], orient="row")

    expected = history(("random", 0, 0.5), ("random", 1, 0.6), ("random", 2, 0.7))
    history(("random", 0, 0.5), ("random", 0, 0.5), ("random", 1, 0.9)).write_parquet(tmp_path / "history.parquet")
    (tmp_path / "manifest.json").write_text('{"methods": {"random": {"seeds": [0, 1, 1, 3]}}}')
    (tmp_path / ".a.lock").touch()
    assert inspected(tmp_path, [("random", 2)], expected) == (
        2,
        [
            "not in the manifest: ('random', 2)",
            "not in the history: ('random', 2)",
            "not in the history: ('random', 3)",
            "twice in the manifest: ('random', 1)",
            "another history: ('random', 0)",
            "another history: ('random', 1)",
            "left over: .a.lock",
        ],
    )
    rounds = [Round(0, runs=5), Round(1, killed=3, stopped=1, runs=4, harm=["a"]), Round(2, runs=6)]
    shown = table(rounds)
    assert "| left alone | 2 | 16 | 0 | 0 | 11 | 0 |" in shown
    assert "| with kills and stops | 1 | 8 | 3 | 1 | 4 | 1 |" in shown
