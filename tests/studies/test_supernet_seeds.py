from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictornas.errors import CheckpointError, ConfigurationError
from predictornas.spaces.registry import get_space
from predictornas.studies.commands import command_for
from predictornas.studies.pictures import Pictures
from predictornas.studies.supernet_run import SuperNetworkRun
from predictornas.studies.supernet_seeds import run_seeds

RUN = SuperNetworkRun(space="nasbench201", small=True, epochs=1, channels=4, batch_size=64, training_images=128)


def test_no_seeds(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="No seeds were named"):
        run_seeds(RUN, (), tmp_path)


def test_what_cannot_work_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="fewer than one batch"):
        run_seeds(replace(RUN, batch_size=100), (0, 1), tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
def test_seeds_are_added_and_never_run_twice(tmp_path: Path) -> None:
    pictures = Pictures(("png",))
    first = run_seeds(RUN, (1,), tmp_path, pictures=pictures)
    written = (tmp_path / "seed-1" / "manifest.json").stat().st_mtime_ns
    found = run_seeds(replace(RUN, device="cpu,cpu"), (1, 2), tmp_path, pictures=pictures)
    assert (tmp_path / "seed-1" / "manifest.json").stat().st_mtime_ns == written
    assert found.seeds["seed"].to_list() == [1, 2]
    assert found.seeds.row(0) == first.seeds.row(0)
    assert found.seeds["epochs"].to_list() == [1, 1]
    genes = json.loads((tmp_path / "seed-2" / "manifest.json").read_text())["genes"]
    assert get_space("nasbench201").describe(np.array(genes, np.int8)) == found.seeds["architecture"][1]
    assert set(found.summary["quantity"]) == {"validation_accuracy", "entropy", "skip_share", "table_accuracy"}
    assert found.summary["runs"].to_list() == [2] * 4
    command = command_for(tmp_path)
    assert command is not None
    assert command.startswith("predictornas supernet --method darts-1 --space nasbench201 --data digits --preset paper")
    assert command.endswith(f"--small --seeds 1-2 --out {tmp_path}")
    with pytest.raises(CheckpointError, match="belongs to another"):
        run_seeds(replace(RUN, architecture_rate=0.01), (1,), tmp_path)
