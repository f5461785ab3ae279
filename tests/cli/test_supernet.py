from __future__ import annotations

import re
from pathlib import Path

import pytest

from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space
from predictornas.studies import supernet_run
from predictornas.supernet.driver import SearchOutcome
from predictornas.supernet.published import METHODS

TINY = [
    "--space",
    "nasbench201",
    "--data",
    "digits",
    "--small",
    "--epochs",
    "1",
    "--channels",
    "4",
    "--batch-size",
    "128",
]


@pytest.mark.slow
def test_a_search_from_the_shell(run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "found"
    command = ["supernet", "--method", "gdas", *TINY, "--out", str(out)]
    assert run(*command) == 0
    shown = capsys.readouterr()
    assert shown.out == (out / "genotype.txt").read_text()
    assert shown.out.startswith("|")
    assert f"Tables and figures: {out}/" in shown.err
    assert shown.err.endswith(f"All of it on one page: {out / 'report.html'}\n")
    # where every edge is kept both rules are one
    assert "GDAS's released code would keep a member of the space (cell: " in shown.err
    assert run(*command, "--json") == 0
    found = printed_json()
    assert (found["architecture"], found["epochs"]) == (shown.out.strip(), 1)
    assert found["released_rule"]["member"]
    assert len((out / "epochs.jsonl").read_text().splitlines()) == 1  # nothing was computed again


def test_no_threads_are_refused(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("supernet", *TINY, "--threads", "0", "--out", str(tmp_path)) == 2
    assert "threads = 0" in capsys.readouterr().err


@pytest.mark.slow
def test_a_darts_search_tells_the_size_of_the_mobile_network(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DARTS-V2's multiply-adds are counted by hand in the tests of `live.counting`."""
    genes = get_space("darts").genes_of(NAMED_GENOTYPES["DARTS-V2"])
    monkeypatch.setattr(supernet_run, "run_supernet", lambda *_, **__: SearchOutcome(tuple(genes.tolist()), ()))
    assert run("supernet", "--small", "--out", str(tmp_path / "found")) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Genotype(")
    assert "ImageNet" not in shown.err  # of digits of 8 x 8 it would say nothing
    assert run("supernet", "--small", "--size", "224", "--out", str(tmp_path / "large")) == 0
    shown = capsys.readouterr()
    assert "4.7M parameters, 530M multiply-adds of the 600M" in shown.err


def test_help_lists_every_method(run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("supernet", "--help") == 0
    listed = re.split(r"[\s,;()]+", capsys.readouterr().out)
    assert set(METHODS) | {"darts-1+pt"} <= set(listed)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "drna"], "Did you mean 'drnas'?"),
        (["--space", "dart"], "Did you mean 'darts'?"),
        (["--space", "nasbench101"], "no super-network for space 'nasbench101'"),
        (["--preset", "papers"], "Did you mean 'paper'?"),
        (["--small", "--batch-size", "500"], "fewer than one batch of 500"),
        (["--small", "--method", "drnas", "--curvature"], "no second derivative"),
    ],
)
def test_bad_input_ends_in_one_line(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run("supernet", *arguments, "--out", str(tmp_path / "none")) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "none").exists()
