"""The full-size commands: each can be read by the command line, and the script that tries them on a GPU runs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from predictornas.cli import app
from tests.extras import needed

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("gpu_smoke", ROOT / "perf" / "gpu_smoke.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where a dataclass looks for its module
    spec.loader.exec_module(module)
    return module


def test_every_full_size_command_is_one_that_the_command_line_takes(script: ModuleType) -> None:
    known = script.commands()
    assert {"darts-1", "retrain-cifar10", "retrain-imagenet"} <= set(known)
    for words in known.values():
        function, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
        assert function.__name__ == words[0]
        assert bound.arguments["device"] == "cuda"


def test_an_unknown_name_is_refused(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        script.main("--device", "cpu", "darts")
    assert "no command is named darts; known are darts-1" in capsys.readouterr().err


def test_a_device_that_is_not_there_is_refused_in_a_line(
    script: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        script.main("--device", "cuda:99")
    assert "cuda:99" in capsys.readouterr().err


@pytest.mark.thorough
def test_the_smallest_size_on_a_cpu(script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    needed("matplotlib")
    found = script.main("--device", "cpu", "--smallest", "pc-darts", "retrain-cifar10")
    assert [one.name for one in found] == ["pc-darts", "retrain-cifar10"]
    assert all(one.step > 0 for one in found)
    assert "2 commands started" in capsys.readouterr().out


def test_hours_follow_from_steps(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """DARTS: 50 epochs of 390 batches of 64 from 25,000 images, so 3 s for two batches make 8.125 h."""
    told: list[list[str]] = []
    monkeypatch.setattr(script, "run", told.append)
    monkeypatch.setattr(script, "made_images", lambda folder, *_: folder)
    monkeypatch.setattr(script, "last_epoch", lambda _: 3.0)
    one = script.timed("darts-1", script.commands()["darts-1"], tmp_path, device="cpu", smallest=False)
    assert (one.step, one.hours) == (1.5, pytest.approx(50 * 390 * 1.5 / 3600))
    (words,) = told
    assert words[:3] == ["supernet", "--method", "darts-1"]
    assert "--seeds" not in words
    assert words[words.index("--training-images") + 1] == "256"  # two batches of 64 for each half
