from __future__ import annotations

import json
import re
from pathlib import Path

import polars as pl
import pytest

from predictornas.cli.supernet_options import DEFAULTS, default_of
from predictornas.spaces.genotypes import NAMED_GENOTYPES
from predictornas.spaces.registry import get_space
from predictornas.studies import supernet_run, supernet_seeds
from predictornas.studies.supernet_seeds import SeededSearches
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
    assert "threads is 0" in capsys.readouterr().err


def test_negative_seeds_are_refused(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("supernet", *TINY, "--seed=-1", "--out", str(tmp_path / "out")) == 2
    assert capsys.readouterr().err.endswith("seed = -1; it has to be 0 or more.\n")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_darts_search_tells_the_size_of_the_mobile_network(
    run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """DARTS-V2's multiply-adds are counted by hand in the tests of `live.counting`."""
    genes = get_space("darts-8").genes_of(NAMED_GENOTYPES["DARTS-V2"])
    monkeypatch.setattr(supernet_run, "run_supernet", lambda *_, **__: SearchOutcome(tuple(genes.tolist()), ()))
    assert run("supernet", "--small", "--out", str(tmp_path / "found")) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("Genotype(")
    assert "ImageNet" not in shown.err  # of digits of 8 x 8 it would say nothing
    assert run("supernet", "--small", "--size", "224", "--out", str(tmp_path / "large")) == 0
    shown = capsys.readouterr()
    assert "4.7M parameters, 530M multiply-adds of the 600M" in shown.err


def test_several_seeds_in_one_command(
    run, printed_json, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is told of searches that `tests/studies/test_supernet_seeds.py` runs."""
    asked: list[tuple[int, ...]] = []
    rows = [
        {"seed": seed, "architecture": "|a|", "validation_accuracy": 0.5, "table_accuracy": 0.9, "seconds": 60.0}
        for seed in (3, 5)
    ]
    mean = {"quantity": "table_accuracy", "mean": 0.9, "std": 0.1, "low": 0.8, "high": 0.95, "runs": 2}
    found = SeededSearches(pl.DataFrame(rows), pl.DataFrame([mean]), ("Seed 3: The architecture is noise.",))
    monkeypatch.setattr(supernet_seeds, "run_seeds", lambda run, seeds, *_, **__: [asked.append(seeds), found][1])
    command = ["supernet", *TINY, "--seeds", "3,5", "--out", str(tmp_path)]
    assert run(*command) == 0
    shown = capsys.readouterr()
    assert "accuracy in nasbench201-cifar10, %: 90.0 [80.0, 95.0], 2 seeds" in shown.out
    assert shown.err == "Seed 3: The architecture is noise.\n"
    assert run(*command, "--json") == 0
    printed = printed_json()
    assert printed["seeds"][1] == {**{k: v for k, v in rows[1].items() if k != "seconds"}, "duration": 60.0}
    assert (printed["summary"], printed["warnings"]) == ([mean], ["Seed 3: The architecture is noise."])
    assert asked == [(3, 5), (3, 5)]


@pytest.mark.slow
def test_a_warm_up_is_shared_by_methods(run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    start, images = tmp_path / "start", ["--training-images", "256", "--format", "png"]
    assert run("supernet", *TINY, *images, "--warm-up", "1", "--seeds", "1", "--out", str(start)) == 0
    fork = ["supernet", *TINY, *images, "--from", str(start), "--out", str(tmp_path / "fork")]
    assert run(*fork, "--method", "milenas", "--lambda", "0.5", "--architecture-rate", "0.1") == 0
    manifest = json.loads((tmp_path / "fork" / "manifest.json").read_text())
    assert manifest["search"]["method"]["update"] == {"type": "Mixed", "weight": 0.5}
    assert manifest["start"]["folder"] == str(start / "seed-0")
    assert manifest["start"]["search"]["method"]["warm_up"] == 1
    assert manifest["warnings"] == []
    assert "It starts from the weights of" in (tmp_path / "fork" / "report.html").read_text()
    capsys.readouterr()
    assert run(*fork, "--method", "drnas") == 2
    assert "relaxation Softmax() there, Dirichlet() here" in capsys.readouterr().err


def test_defaults_in_the_help_are_those_of_the_methods() -> None:
    """In a DARTS space with preset paper; `lambda` and `anchor` wherever they stand in the update."""
    attributes = {
        "space": lambda method: method.space,
        "cells": lambda method: method.cells,
        "channels": lambda method: method.channels,
        "epochs": lambda method: method.epochs,
        "batch_size": lambda method: method.weights.batch_size,
        "learning_rate": lambda method: method.weights.learning_rate,
        "architecture_rate": lambda method: method.architecture.learning_rate,
        "warm_up": lambda method: method.warm_up,
        "lambda": lambda method: getattr(getattr(method.update, "then", method.update), "weight", None),
        "anchor": lambda method: getattr(getattr(method.update, "anchor", None), "distance", None),
    }
    assert set(attributes) == set(DEFAULTS)
    for option, attribute in attributes.items():
        found = {name: attribute(method) for name, method in METHODS.items()}
        assert found == {name: default_of(option, name) for name in METHODS}, option


def test_help_tells_the_defaults(run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("supernet", "--help") == 0
    shown = " ".join(re.sub("[│╭╰─]", " ", capsys.readouterr().out).split())
    assert "Default: the method's own, 0.0003; 0.0006 in pc-darts, drnas-progressive; 0.1 in pvll." in shown
    assert "Default: the method's own, darts-8; darts in drnas, drnas-progressive." in shown


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
        (["--small", "--lambda", "2"], "has no lambda"),
        (["--small", "--anchor", "kl"], "Dirichlet concentrations"),
        (["--small", "--seed", "2", "--seeds", "2"], "Keep one of them"),
        (["--small", "--seeds", "0"], "No seeds were named"),
        (["--small", "--from", "nowhere"], "does not exist"),
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
