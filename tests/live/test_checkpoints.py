from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.errors import CheckpointError, StoreError
from predictornas.live.checkpoints import Checkpoint, load_checkpoint, read_progress, require_same, save_checkpoint
from predictornas.live.curve import one_epoch

pytestmark = pytest.mark.skipif(
    sys.version_info[:3] == (3, 12, 1),
    reason="with PyTorch 2.15 the garbage collector of this interpreter crashes somewhere in these tests",
)

IDENTITY = {"space": "nasbench201", "recipe": {"epochs": 4, "clip": None}}


def example(epoch: int = 1) -> Checkpoint:
    curve = one_epoch(
        train_loss=0.1 + epoch, train_accuracy=1 / 3, validation_accuracy=float("nan"), test_accuracy=0.2, seconds=1.5
    )
    tensors = {"network": {"weight": torch.arange(6.0) * epoch}, "optimiser": {"state": {0: {"step": torch.ones(2)}}}}
    return Checkpoint(IDENTITY, curve, tensors)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "training.checkpoint"
    save_checkpoint(path, example())
    return path


def sealed(rest: bytes) -> bytes:
    """Any content with the right checksum."""
    return hashlib.sha256(rest).hexdigest().encode() + b"\n" + rest


def test_what_is_written_is_read(path: Path) -> None:
    found = load_checkpoint(path)
    assert found.identity == IDENTITY
    assert torch.equal(found.tensors["network"]["weight"], torch.arange(6.0))
    assert found.tensors["optimiser"]["state"][0]["step"].tolist() == [1.0, 1.0]
    assert repr(found.curve) == repr(example().curve)
    assert repr(read_progress(path)) == repr((IDENTITY, found.curve))


def test_a_new_one_takes_the_place_of_the_old(path: Path) -> None:
    save_checkpoint(path, example(2))
    assert load_checkpoint(path).tensors["network"]["weight"].tolist() == [0, 2, 4, 6, 8, 10]
    assert list(path.parent.iterdir()) == [path]


def test_the_old_one_stays_until_the_new_one_is_complete(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match="No space left"):
        save_checkpoint(path, example(2))
    assert load_checkpoint(path).curve.train_loss.tolist() == [1.1]
    assert list(path.parent.iterdir()) == [path]


@settings(max_examples=25)
@given(data=st.data())
def test_damage_is_always_noticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("damaged") / "training.checkpoint"
    save_checkpoint(path, example())
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    path.write_bytes(content)
    for read in (load_checkpoint, read_progress):
        with pytest.raises(CheckpointError, match="Remove it to train this architecture anew"):
            read(path)


def test_a_pickle_is_not_executed(path: Path, tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "executed"),)

    buffer = io.BytesIO()
    torch.save({"network": Evil()}, buffer)
    header = path.read_bytes().split(b"\n")[1]
    for payload in (buffer.getvalue(), pickle.dumps(Evil())):
        path.write_bytes(sealed(header + b"\n" + payload))
        with pytest.raises(CheckpointError, match="is no checkpoint of a training"):
            load_checkpoint(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("rest", [b"", b"[1]\n", b"{}\n", b'{"format": 1}\n', b"not json\n"])
def test_other_content_with_a_right_checksum(path: Path, rest: bytes) -> None:
    path.write_bytes(sealed(rest))
    for read in (load_checkpoint, read_progress):
        with pytest.raises(CheckpointError, match=re.escape(str(path))):
            read(path)


def test_a_later_format(path: Path) -> None:
    path.write_bytes(sealed(b'{"format": 2}\n'))
    with pytest.raises(CheckpointError, match="has format 2; this version reads format 1"):
        load_checkpoint(path)


def test_none_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_progress(tmp_path / "absent")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({**IDENTITY, "space": "darts"}, r"its space is 'darts', here it is 'nasbench201'. Train in another folder"),
        ({**IDENTITY, "recipe": {"epochs": 9, "clip": None}}, r"its recipe.epochs is 9, here it is 4"),
        ({**IDENTITY, "recipe": {"epochs": 4, "clip": 5.0}}, r"its recipe.clip is 5.0, here it is None"),
        ({**IDENTITY, "more": 1}, r"its more is 1, here it is None"),
    ],
)
def test_another_training(other: dict[str, object], message: str) -> None:
    require_same(Path("here"), IDENTITY, IDENTITY)
    with pytest.raises(CheckpointError, match=message):
        require_same(Path("here"), other, IDENTITY)
