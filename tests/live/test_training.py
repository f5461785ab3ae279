from __future__ import annotations

import json
import multiprocessing
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from predictornas import journal
from predictornas.errors import CheckpointError, ConfigurationError, InvalidArchitectureError, JournalError
from predictornas.journal import Journal, read_records
from predictornas.live import training
from predictornas.live.augmentation import Augmentation
from predictornas.live.checkpoints import load_checkpoint, require_same
from predictornas.live.colour_jitter import Jitter
from predictornas.live.curve import Curve
from predictornas.live.training import CHECKPOINT, EPOCH_LOG, Job, check_training, identity, stored_curve, train
from tests.live.training_examples import GENES, RECIPE, SHAPE, images, job

PARTS = images()
LONG = replace(RECIPE, epochs=10)


def same(a: Curve, b: Curve) -> bool:
    """Equal bit for bit, but for the time it took."""
    columns = zip(a.columns().values(), b.columns().values(), strict=True)
    return all([np.array_equal(*pair, equal_nan=True) for pair in columns][:-1]) and a.failed == b.failed


def logged(folder: Path) -> list[int]:
    return [record["epoch"] for record in read_records(folder / EPOCH_LOG)]


def tensors(folder: Path) -> list[torch.Tensor]:
    """Every number of the newest checkpoint: weights, running statistics, momentum."""
    found = load_checkpoint(folder / CHECKPOINT).tensors
    return [*found["network"].values(), *(state["momentum_buffer"] for state in found["optimiser"]["state"].values())]


@pytest.mark.slow
def test_it_learns() -> None:
    curve = train(job(recipe=replace(LONG, learning_rate=0.2, augmentation=Augmentation())), PARTS)
    assert len(curve) == 10
    assert curve.train_loss[-1] < 0.75 * curve.train_loss[0]
    assert curve.validation_accuracy.max() > 0.5
    assert ((curve.seconds > 0) & (curve.test_accuracy >= 0) & (curve.test_accuracy <= 1)).all()


@pytest.mark.slow
def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = train(job(), PARTS, folder=tmp_path / "whole")
    parts = [train(job(), PARTS, until=until, folder=tmp_path / "parts") for until in (0, 1, 3, 4)]
    assert [len(curve) for curve in parts] == [0, 1, 3, 4]
    assert same(parts[-1], whole)
    assert same(parts[1], whole.until(1))
    assert all(map(torch.equal, tensors(tmp_path / "whole"), tensors(tmp_path / "parts")))
    assert same(train(job(), PARTS), whole)
    assert not same(train(job(seed=6), PARTS), whole)


@pytest.mark.slow
def test_tensorflows_rmsprop_resumes(tmp_path: Path) -> None:
    recipe = replace(RECIPE, optimiser="rmsprop", nesterov=False, every_step=True)
    train(job(recipe=recipe), PARTS, until=2, folder=tmp_path)
    assert same(train(job(recipe=recipe), PARTS, folder=tmp_path), train(job(recipe=recipe), PARTS))


@pytest.mark.slow
def test_resized_crops_and_colours_resume(tmp_path: Path) -> None:
    recipe = replace(RECIPE, augmentation=Augmentation(flip=True, resized_crop=0.08, jitter=Jitter(0.4, 0.4, 0.4, 0.2)))
    parts = [train(job(recipe=recipe), PARTS, until=until, folder=tmp_path) for until in (1, 4)]
    assert same(parts[-1], train(job(recipe=recipe), PARTS))
    assert not same(parts[-1], train(job(recipe=replace(recipe, augmentation=Augmentation(flip=True))), PARTS))


def train_alone(folder: Path) -> None:
    train(job(recipe=LONG), images(), folder=folder)


@pytest.mark.thorough
def test_killed_at_random_moments(tmp_path: Path) -> None:
    whole = train(job(recipe=LONG), PARTS, folder=tmp_path / "whole")
    folder = tmp_path / "killed"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([training.__name__, "torch._dynamo"])
    seconds = float(whole.seconds.mean())
    for attempt in range(3):
        done = len(logged(folder)) if (folder / EPOCH_LOG).exists() else 0
        process = context.Process(target=train_alone, args=(folder,))
        process.start()
        while process.is_alive() and (not (folder / EPOCH_LOG).exists() or len(logged(folder)) == done):
            time.sleep(0.002)
        if attempt < 2:
            time.sleep(random.uniform(0, 2 * seconds))
            process.kill()
        process.join()
        assert process.exitcode == (-signal.SIGKILL if attempt < 2 else 0)
    assert same(stored_curve(folder, job(recipe=LONG), PARTS), whole)
    assert all(map(torch.equal, tensors(folder), tensors(tmp_path / "whole")))
    epochs = logged(folder)
    steps = np.diff(epochs)
    # an epoch is trained again only where its checkpoint was cut off
    assert set(steps) <= {0, 1}
    assert (steps == 0).sum() <= 2
    assert (epochs[0], epochs[-1]) == (1, 10)


def test_what_a_killed_process_left_half_written_is_removed(tmp_path: Path) -> None:
    torn = tmp_path / ".torn.predictornas-partial"
    torn.write_bytes(b"half of it")
    train(job(), PARTS, folder=tmp_path, until=1)
    assert not torn.exists()


@pytest.mark.slow
def test_nothing_is_trained_twice(tmp_path: Path) -> None:
    told: list[int] = []
    train(job(), PARTS, until=3, folder=tmp_path, advance=told.append)
    again = train(job(), PARTS, until=2, folder=tmp_path, advance=told.append)
    assert len(again) == 2
    train(job(), PARTS, folder=tmp_path, advance=told.append)
    assert told == [1, 1, 1, 1]
    assert logged(tmp_path) == [1, 2, 3, 4]


@pytest.mark.slow
def test_accuracies_only_where_asked_for() -> None:
    full = train(job(), PARTS)
    some = train(replace(job(), evaluate_at=(2, 4)), PARTS)
    assert np.isnan(some.validation_accuracy).tolist() == [True, False, True, False]
    assert some.validation_accuracy[[1, 3]].tolist() == full.validation_accuracy[[1, 3]].tolist()
    assert some.test_accuracy[[1, 3]].tolist() == full.test_accuracy[[1, 3]].tolist()
    assert some.train_loss.tolist() == full.train_loss.tolist()


def test_a_loss_that_explodes_fails_the_training(tmp_path: Path) -> None:
    wild = job(recipe=replace(RECIPE, learning_rate=1e30, clip=None))
    curve = train(wild, PARTS, folder=tmp_path)
    assert curve.failed
    assert len(curve) < 4
    assert (curve.validation_accuracy[-1], curve.test_accuracy[-1]) == (0.0, 0.0)
    trained = logged(tmp_path)
    assert train(wild, PARTS, folder=tmp_path).failed
    assert logged(tmp_path) == trained


@pytest.mark.slow
def test_the_checkpoint_of_another_training(tmp_path: Path) -> None:
    train(job(), PARTS, until=1, folder=tmp_path)
    others = {
        "seed is 5, here it is 6": (job(seed=6), PARTS),
        "recipe.epochs is 4, here it is 10": (job(recipe=LONG), PARTS),
        "genes is": (job(row=1), PARTS),
        "images is": (job(), replace(PARTS, validation=PARTS.test)),
    }
    for message, (other, parts) in others.items():
        with pytest.raises(CheckpointError, match=f"belongs to another training: its {message}"):
            train(other, parts, folder=tmp_path)
    assert len(train(job(), PARTS, until=2, folder=tmp_path)) == 2


def test_a_check_writes_nothing_and_tells_how_far_a_training_got(tmp_path: Path) -> None:
    folder = tmp_path / "training"
    assert check_training(job(), PARTS, folder) is None
    for cannot in (replace(job(), threads=0), job(recipe=replace(RECIPE, batch_size=1))):
        with pytest.raises(ConfigurationError):
            check_training(cannot, PARTS, folder)
    assert not folder.exists()
    train(job(), PARTS, until=1, folder=folder)
    curve = check_training(job(), PARTS, folder)
    assert curve is not None
    assert len(curve) == 1
    with pytest.raises(CheckpointError, match="belongs to another training"):
        check_training(job(seed=6), PARTS, folder)


def test_a_checkpoint_from_before_resized_crops_and_colours_goes_on() -> None:
    expected = identity(job(), PARTS)
    found = json.loads(json.dumps(expected))
    for name in ("resized_crop", "jitter"):
        assert found["recipe"]["augmentation"].pop(name) is None
    require_same(Path("old"), found, expected)


def test_the_number_of_a_gpu_is_no_part_of_the_identity() -> None:
    cpu, first, second = (identity(replace(job(), device=device), PARTS) for device in ("cpu", "cuda", "cuda:1"))
    assert first == second != cpu


def test_a_damaged_checkpoint(tmp_path: Path) -> None:
    train(job(), PARTS, until=1, folder=tmp_path)
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match="is damaged"):
        train(job(), PARTS, folder=tmp_path)


def test_two_processes_in_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LOCK_SECONDS", 0.1)
    with Journal(tmp_path / EPOCH_LOG), pytest.raises(JournalError, match="written by another process"):
        train(job(), PARTS, folder=tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"recipe": replace(RECIPE, batch_size=1)}, "batch_size must be at least 2"),
        ({"recipe": replace(RECIPE, auxiliary_weight=0.4)}, r"NetworkShape\(auxiliary=True\)"),
        ({"recipe": replace(RECIPE, drop_path=0.2)}, "only networks of the DARTS spaces drop paths"),
        ({"shape": replace(SHAPE, in_channels=3)}, "'stripes' has 1 channels and 3 classes"),
        ({"shape": replace(SHAPE, classes=10)}, "made for 1 and 10"),
    ],
)
def test_settings_that_cannot_work(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        train(replace(job(), **changes), PARTS)


def test_epochs_beyond_the_recipe() -> None:
    with pytest.raises(ConfigurationError, match="until epoch 5 was asked for, but the recipe has 4"):
        train(job(), PARTS, until=5)


def test_genes_that_break_the_rules() -> None:
    with pytest.raises(InvalidArchitectureError):
        train(replace(job(), genes=(9, 0, 0, 0, 0, 0)), PARTS)


def test_a_gpu_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match="sees no CUDA devices"):
        train(replace(job(), device="cuda"), PARTS)


@pytest.mark.slow
def test_exhausted_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(job(), PARTS)
    train(job(), PARTS, until=1, folder=tmp_path)

    def exhausted(*_: object, **__: object) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with monkeypatch.context() as patch:
        patch.setattr(training, "train_epoch", exhausted)
        with pytest.raises(ConfigurationError, match="batches of 11 images"):
            train(job(), PARTS, folder=tmp_path)
    assert same(train(job(), PARTS, folder=tmp_path), whole)


def test_compiled_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[str] = []

    def compile_nothing(function):
        compiled.append(function.__name__)
        return function

    monkeypatch.setattr(torch, "compile", compile_nothing)
    assert same(train(replace(job(), compiled=True), PARTS, until=1), train(job(), PARTS, until=1))
    assert compiled == ["with_auxiliary"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu(tmp_path: Path) -> None:
    on_gpu = replace(job(recipe=replace(LONG, learning_rate=0.2)), device="cuda")
    train(on_gpu, PARTS, until=5, folder=tmp_path)
    curve = train(on_gpu, PARTS, folder=tmp_path)
    assert curve.train_loss[-1] < 0.75 * curve.train_loss[0]
    assert curve.validation_accuracy.max() > 0.5


def test_jobs_are_plain_values() -> None:
    assert job() == Job("nasbench201", tuple(int(gene) for gene in GENES[0]), SHAPE, RECIPE, 5)
    assert len({job(), job(), job(row=1)}) == 2
