"""Every command that writes a result folder refuses one of another kind, before it computes anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from predictornas.studies.folder import MANIFEST, write_manifest

TINY = "--budget 30 --seeds 1 --methods random"

COMMANDS = {
    "gain": f"gain {TINY}",
    "search": "search --method random",
    "predictors": "predictors --names gp --sizes 20 --draws 1",
    "proxies": "proxies --sample 3 --images digits",
    "data agreement": "data agreement nasbench201-cifar10",
    "train": "train 1,2,3,4,2,3 --space nasbench201 --images digits --recipe small --cells 1 --channels 4",
    "live-search": "live-search --space nasbench201 --images digits --budget-epochs 3 --method random",
    "supernet": "supernet --small --space nasbench201",
    "build-table": "build-table --at-most 0",
    "reproduce": "reproduce mauch-fig2 --benchmark nasbench201-cifar10",
}


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_folder_of_another_kind_is_left_alone(
    run, command: str, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "out"
    write_manifest(folder, "comparison", {"of": "another command"})
    before = (folder / MANIFEST).read_bytes()
    assert run(*COMMANDS[command].split(), "--out", str(folder)) == 2
    assert "holds results of `compare`" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == [MANIFEST]
    assert (folder / MANIFEST).read_bytes() == before
