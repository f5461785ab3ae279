from __future__ import annotations

import pytest
import torch

from predictornas.errors import ConfigurationError
from predictornas.live.devices import checked_device, enough_memory, threads


def test_a_gpu_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigurationError, match=r"sees no CUDA devices here. Train on cpu"):
        checked_device("cuda")


def test_a_gpu_beyond_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert checked_device("cuda:0") == torch.device("cuda", 0)
    with pytest.raises(ConfigurationError, match=r"'cuda:1' was asked for, .* sees 1 CUDA device here"):
        checked_device("cuda:1")


@pytest.mark.parametrize("name", ["gpu", "meta", ""])
def test_a_device_that_is_none(name: str) -> None:
    with pytest.raises(ConfigurationError, match="Use cpu, cuda, or cuda:0"):
        checked_device(name)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 10 bytes."),
    ],
)
def test_exhausted_memory_says_what_to_do(error: Exception) -> None:
    with (
        pytest.raises(ConfigurationError, match=r"batches of 96 images. The batch is not made smaller by itself"),
        enough_memory(torch.device("cpu"), 96),
    ):
        raise error


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), enough_memory(torch.device("cpu"), 96):
        raise RuntimeError("shapes do not match")


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    with threads(before + 1):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before
