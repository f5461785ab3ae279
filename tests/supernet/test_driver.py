from __future__ import annotations

import multiprocessing
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from predictornas.errors import CheckpointError, ConfigurationError, JournalError
from predictornas.journal import Journal, read_records
from predictornas.live.checkpoints import load_checkpoint
from predictornas.spaces.registry import get_space
from predictornas.supernet import driver
from predictornas.supernet.driver import CHECKPOINT, EPOCH_LOG, epochs, search
from predictornas.supernet.job import SearchJob
from predictornas.supernet.published import METHODS
from tests.supernet.search_examples import images, job, without_seconds

IMAGES = images()


def stopped_after(count: int, searched: SearchJob, folder: Path) -> None:
    """Runs so many epochs and leaves the rest."""
    running = epochs(searched, IMAGES, folder=folder)
    for _ in range(count):
        next(running)
    running.close()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "space"), [("gdas", "darts-s2"), ("darts-1+pt", "nasbench201")])
def test_goes_on_after_its_last_checkpoint(name: str, space: str, tmp_path: Path) -> None:
    searched = job(name, space, epochs=3)
    stopped_after(2, searched, tmp_path)
    assert [record["epoch"] for record in read_records(tmp_path / EPOCH_LOG)] == [1, 2]
    told: list[int] = []
    outcome = search(searched, IMAGES, folder=tmp_path, advance=told.append)
    whole = search(searched, IMAGES)
    assert outcome.genes == whole.genes
    assert list(map(without_seconds, outcome.records)) == list(map(without_seconds, whole.records))
    assert len(told) == searched.epochs


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize(
    ("name", "space"),
    [
        ("darts-2", "darts"),
        ("darts-1+pt", "nasbench201"),
        ("gdas", "darts-s4"),
        ("pc-darts", "darts"),
        ("drnas-progressive", "darts"),
        ("sdarts-adv", "nasbench201"),
        ("sgas-2", "darts-8"),
        ("pvll", "nasbench201"),
    ],
)
def test_on_a_gpu(name: str, space: str, tmp_path: Path) -> None:
    searched = replace(job(name, space, epochs=4), device="cuda", curvature=name == "darts-2")
    stopped_after(2, searched, tmp_path)
    outcome = search(searched, IMAGES, folder=tmp_path)
    assert len(outcome.records) == searched.epochs
    losses = [record.train_loss for record in outcome.records if record.train_loss is not None]
    assert np.isfinite(losses).all()
    assert get_space(space).valid(np.array([outcome.genes], dtype=np.int8)).all()


def searched_alone(folder: Path) -> None:
    search(job("milenas-gumbel", "nasbench201", epochs=4), images(), folder=folder)


@pytest.mark.slow
def test_killed_and_resumed_bit_for_bit(tmp_path: Path) -> None:
    searched_alone(tmp_path / "whole")
    folder = tmp_path / "killed"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([driver.__name__])
    for attempt in range(2):
        process = context.Process(target=searched_alone, args=(folder,))
        process.start()
        while attempt == 0 and not (folder / CHECKPOINT).exists():
            time.sleep(0.002)
        if attempt == 0:
            process.kill()
        process.join()
        assert process.exitcode == (-signal.SIGKILL if attempt == 0 else 0)
    ours, theirs = (load_checkpoint(path / CHECKPOINT).tensors for path in (folder, tmp_path / "whole"))
    assert ours["network"].keys() == theirs["network"].keys()
    assert all(torch.equal(values, theirs["network"][name]) for name, values in ours["network"].items())
    assert torch.equal(ours["parameters"]["alpha.cell"], theirs["parameters"]["alpha.cell"])


@pytest.mark.slow
def test_an_epoch_whose_checkpoint_is_missing_is_computed_again(tmp_path: Path) -> None:
    searched = job("darts-1", "nasbench201", epochs=2)
    stopped_after(1, searched, tmp_path)
    with Journal(tmp_path / EPOCH_LOG) as log:
        log.append({**log.records[0], "epoch": 2, "seconds": -1.0})  # as if killed before the checkpoint of epoch 2
    outcome = search(searched, IMAGES, folder=tmp_path)
    assert [record["epoch"] for record in read_records(tmp_path / EPOCH_LOG)] == [1, 2, 2]
    assert [record.epoch for record in outcome.records] == [1, 2]
    again = search(searched, IMAGES, folder=tmp_path)
    assert again == outcome
    assert again.records[1].seconds > 0


@pytest.mark.slow
def test_a_diverged_search_keeps_its_last_good_checkpoint(tmp_path: Path) -> None:
    diverging = replace(METHODS["darts-1"].weights, schedule="exponential", decay=1e25, clip=None)
    searched = job(replace(METHODS["darts-1"], weights=diverging), "nasbench201", epochs=3)
    with pytest.raises(ConfigurationError, match=r"epoch 2.* diverged.* after epoch 1, is .*search\.checkpoint"):
        search(searched, IMAGES, folder=tmp_path)
    assert load_checkpoint(tmp_path / CHECKPOINT).tensors["done"] == 1
    assert len(read_records(tmp_path / EPOCH_LOG)) == 1


def test_a_folder_of_another_search(tmp_path: Path) -> None:
    stopped_after(1, job("darts-1", "nasbench201"), tmp_path)
    with pytest.raises(CheckpointError, match=r"its method\.update\.type is 'Bilevel', here it is 'SingleLevel'"):
        search(job("single-level", "nasbench201"), IMAGES, folder=tmp_path)


@pytest.mark.slow
def test_a_lost_journal(tmp_path: Path) -> None:
    stopped_after(1, job("darts-1", "nasbench201"), tmp_path)
    (tmp_path / EPOCH_LOG).unlink()
    with pytest.raises(CheckpointError, match="has 0 epochs until then"):
        search(job("darts-1", "nasbench201"), IMAGES, folder=tmp_path)


def test_two_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("predictornas.journal.LOCK_SECONDS", 0.0)
    first = epochs(job("darts-1", "nasbench201"), IMAGES, folder=tmp_path)
    next(first)
    with pytest.raises(JournalError, match="another process"):
        search(job("darts-1", "nasbench201"), IMAGES, folder=tmp_path)
    first.close()


def test_nothing_is_kept_without_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    search(job("darts-1", "nasbench201", epochs=1), IMAGES)
    assert list(tmp_path.iterdir()) == []


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        running = epochs(job("darts-1", "nasbench201"), IMAGES)
        next(running)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    running.close()
