from __future__ import annotations

import multiprocessing
import pickle
import tempfile
from pathlib import Path
from typing import Any

import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.executors.base import Tell
from predictornas.executors.node import Message, Order, perform, scratch_home
from predictornas.executors.transfer import Parcel, Piece, parcel_of
from predictornas.journal import Journal


@pytest.fixture(autouse=True)
def _scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))


def count_on(what: int, target: Path, tell: Tell) -> tuple[int, int]:
    with Journal(target) as journal:
        for number in range(what):
            journal.append({"n": len(journal)})
            tell(number)
        if what > 3:
            raise ConfigurationError("More than three.")
        return len(journal), torch.get_num_threads()


def performed(what: int, home: Path, interval: float) -> list[Message]:
    messages: list[Message] = []
    for message in perform(count_on, what, Order(home.name, parcel_of(home), interval)):
        message.target.unpack(home)
        messages.append(message)
    return messages


def test_a_short_task_sends_one_message_and_leaves_nothing_here(tmp_path: Path) -> None:
    home = tmp_path / "a.jsonl"
    for times in (1, 2):
        [message] = performed(3, home, 60.0)
        assert (message.kind, message.count) == ("done", 0 + 1 + 2)
        assert pickle.loads(message.content) == (3 * times, 1)
    with Journal(home) as journal:
        assert [record["n"] for record in journal] == list(range(6))
    assert list(scratch_home().iterdir()) == []


def test_what_is_written_comes_home_while_the_task_runs(tmp_path: Path) -> None:
    messages = performed(3, tmp_path / "a.jsonl", 0.0)
    assert [message.kind for message in messages] == ["progress"] * 3 + ["done"]
    assert [message.count for message in messages] == [0, 1, 2, 0]
    assert [piece.content.count(b"\n") for message in messages for piece in message.target.pieces] == [1, 1, 1]  # type: ignore[union-attr]


def test_an_error_comes_home_with_what_was_written_before(tmp_path: Path) -> None:
    [message] = performed(4, tmp_path / "a.jsonl", 60.0)
    error, where = pickle.loads(message.content)
    assert message.kind == "failed"
    assert isinstance(error, ConfigurationError)
    assert "in count_on" in str(where)
    assert (tmp_path / "a.jsonl").read_bytes().count(b"\n") == 4


def write_and_hide(what: Any, target: Path, tell: Tell) -> None:
    target.mkdir()
    (target / "a").write_bytes(b"1")
    (target / "b").symlink_to("nowhere")


def test_a_target_that_cannot_be_read_is_an_error_and_no_endless_wait(tmp_path: Path) -> None:
    [message] = perform(write_and_hide, None, Order("a", Parcel(), 60.0))
    assert message.kind == "failed"
    assert isinstance(pickle.loads(message.content)[0], FileNotFoundError)


def test_what_lay_at_home_is_there(tmp_path: Path) -> None:
    def read(what: None, target: Path, tell: Tell) -> str:
        return f"{target.name} {target.read_text(encoding='utf-8')}"

    [message] = perform(read, None, Order("name.txt", Parcel((Piece(".", b"content"),)), 60.0))
    assert pickle.loads(message.content) == "name.txt content"
    assert message.target == Parcel()


def tell_forever(what: None, target: Path, tell: Tell) -> None:
    while True:
        tell(1)


def begin_and_close(temporary: str) -> None:
    tempfile.tempdir = temporary
    messages = perform(tell_forever, None, Order("a", Parcel(), 0.0))
    next(messages)
    messages.close()


@pytest.mark.slow
def test_whoever_is_not_wanted_any_more_takes_its_process_along() -> None:
    child = multiprocessing.get_context("spawn").Process(target=begin_and_close, args=(tempfile.gettempdir(),))
    child.start()
    child.join(60)
    assert child.exitcode == 1
    assert list(scratch_home().iterdir()) == []
