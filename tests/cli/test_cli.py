from __future__ import annotations

import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest

from predictornas.cli import GONE, app


@pytest.mark.slow
def test_help_is_fast_and_shows_an_example_for_every_verb(run, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in (
        ["gain"],
        ["search"],
        ["compare"],
        ["reproduce"],
        *(["data", name] for name in ("list", "info", "import", "fetch", "verify")),
    ):
        assert run(*verb, "--help") == 0
        assert "Example: predictornas " + " ".join(verb) in capsys.readouterr().out
    heavy = "import sys; from predictornas.cli import app; app(['--help'], result_action='return_value');"
    check = subprocess.run(
        [sys.executable, "-c", heavy + "print({'torch', 'polars', 'numpy', 'matplotlib'} & set(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert check.stdout.strip().endswith("set()")


def test_every_verb_can_answer_in_json() -> None:
    verbs = [
        *(app[name] for name in app if not name.startswith("-") and name != "data"),
        *(app["data"][name] for name in app["data"] if not name.startswith("-")),
    ]
    assert len(verbs) == 23
    assert [verb.name for verb in verbs if "json" not in signature(verb.default_command).parameters] == []


def test_the_package_itself_is_the_command_line_too() -> None:
    from predictornas import __version__

    ran = subprocess.run(
        [sys.executable, "-m", "predictornas", "--version"], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == __version__


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["gain", "--benchmark", "nasbench201-cifar1"], "Did you mean 'nasbench201-cifar10'"),
        (["gain", "--benchmark", "nasbench201"], "Did you mean 'nasbench201-cifar10'"),
        (["gain", "--objectives", "error,foo"], "Known: error, latency, latency_seconds, parameters"),
        (["gain", "--methods", "randm"], "Did you mean 'random'"),
        (["gain", "--signal", "valid_accuracy_200_run00"], "Did you mean 'valid_accuracy_200_run0'"),
        (["gain", "--preset", "papper"], "Did you mean 'paper'"),
        (["gain", "--budget", "many"], "many"),
        (["gain", "--benchmark", "nasbench101"], "predictornas data import nasbench101"),
        (["compare", "nowhere"], "nowhere does not exist"),
        (["reproduce", "mauch-fig33"], "Did you mean 'mauch-fig3'"),
        (["reproduce"], "Name at least one figure"),
        (["reproduce", "mauch-fig3", "--workers", "-1"], "--workers must be 0"),
        (["reproduce", "mauch-fig3", "--size", "smal", "--benchmark", "nasbench201-cifar10"], "Did you mean 'small'"),
        (["data", "info", "nasbench301"], "Known:"),
        (["gian"], "gian"),
        (["compare", "x" * 300], "File name too long"),
        (["gain", "--benchmark", "nasbench101-digits", "--out", "x" * 300], "File name too long"),
        (["predictors", "--benchmark", "nasbench101-digits", "--out", "x" * 300], "File name too long"),
        (["data", "info", "x" * 300], "Known:"),
        (["data", "import", "x" * 300, "table.csv"], "at most 200"),
        (["data", "import", "mine", "x" * 300], "File name too long"),
        (["data", "import", "mine", "a.csv", "--recipe", "x" * 300], "cannot be read"),
        (["train", "x" * 300, "--space", "darts"], "is no architecture of 'darts'"),
    ],
)
def test_wrong_input_exits_with_2_and_one_clear_line(
    run,
    arguments: list[str],
    reason: str,
    store: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert reason in said
    assert [path.name for path in tmp_path.iterdir() if path != store] == []


@pytest.mark.slow
def test_bash_completes_verbs_and_options_after_the_completion_was_installed(
    run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert run("--install-completion", "--shell", "bash") == 0
    (script,) = (path for path in tmp_path.rglob("*") if path.is_file() and path.name == "predictornas")
    ask = "COMP_WORDS=({words}); COMP_CWORD={place}; _predictornas; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    found = []
    for words in ("predictornas ga", "predictornas data inf", "predictornas gain --budget-e"):
        line = ask.format(words=words, place=len(words.split()) - 1)
        bash = ["bash", "--norc", "-c", f"source {script}; {line}"]
        found.append(subprocess.run(bash, capture_output=True, text=True, encoding="utf-8", check=True).stdout.split())
    assert found == [["gain"], ["info"], ["--budget-epochs"]]


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error() -> None:
    """As in `predictornas architecture DARTS-V2 | head -0`: nothing on standard error, the exit code of SIGPIPE."""
    command = [sys.executable, "-m", "predictornas", "architecture", "DARTS-V2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == GONE
