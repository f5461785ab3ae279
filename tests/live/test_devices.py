from __future__ import annotations

from operator import attrgetter
from types import SimpleNamespace

import pytest
import torch

from predictornas.errors import ConfigurationError, OutOfMemoryError
from predictornas.live import devices
from predictornas.live.devices import (
    checked_device,
    computing_in,
    enough_memory,
    exact_convolutions,
    forward_precision,
    kind_of_device,
    listed_devices,
    own_device,
    threads,
)


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


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("two_gpus")
def test_each_worker_has_a_device_of_the_list_and_all_have_one_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listed_devices("cuda:1, cuda:0") == ("cuda:1", "cuda:0")
    assert listed_devices("cpu") == ("cpu",)
    for worker, device in enumerate(["cuda:1", "cuda:0", "cuda:1"]):
        monkeypatch.setattr(devices, "worker_number", lambda worker=worker: worker)
        assert own_device("cuda:1, cuda:0") == device
        assert own_device("cuda:0") == "cuda:0"
    assert (kind_of_device("cuda:1, cuda:0"), kind_of_device("cpu,cpu")) == ("cuda", "cpu")


@pytest.mark.usefixtures("two_gpus")
@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("cuda:0,,cuda:1", "the list of devices 'cuda:0,,cuda:1' has an empty entry"),
        ("cuda:0,", "has an empty entry"),
        ("cuda:0,cuda:2", "'cuda:2' was asked for, .* sees 2 CUDA devices"),
        ("cpu,cuda:0", "are of 2 kinds, on which results differ"),
        ("cpu,gpu", "no kind of device 'gpu'"),
    ],
)
def test_lists_that_cannot_be(names: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"(?i){message}") as caught:
        listed_devices(names)
    assert "\n" not in str(caught.value)


def test_one_training_takes_no_list() -> None:
    with pytest.raises(ConfigurationError, match="One training runs on one device, and 'cpu,cpu' names several"):
        checked_device("cpu,cpu")


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 10 bytes."),
    ],
)
def test_exhausted_memory_says_what_to_do(error: Exception) -> None:
    with (
        pytest.raises(OutOfMemoryError, match=r"batches of 96 images. The batch is not made smaller by itself"),
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


def test_no_threads_at_all_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="threads = 0; it has to be at least 1"), threads(0):
        raise AssertionError


def test_gpus_compute_in_less_precision() -> None:
    assert forward_precision(torch.device("cpu")) == torch.float32
    assert forward_precision(torch.device("cuda", 1)) == torch.bfloat16


def test_matrices_are_multiplied_in_the_precision_asked_for() -> None:
    """In 8 bits 1 + 1/1024 is 1."""
    matrix = torch.full((1, 1), 1 + 1 / 1024)
    cpu = torch.device("cpu")
    with computing_in(torch.bfloat16, cpu):
        coarse = matrix @ torch.eye(1)
        with computing_in(torch.float32, cpu):
            inner = matrix @ torch.eye(1)
    with computing_in(torch.float32, cpu):
        exact = matrix.double() @ torch.eye(1, dtype=torch.float64)
    assert (coarse.dtype, float(coarse)) == (torch.bfloat16, 1.0)
    assert (inner.dtype, float(inner)) == (torch.float32, 1 + 1 / 1024)
    assert exact.dtype == torch.float64


NEW = ("conv.fp32_precision", "tf32", "ieee")
OLD = ("allow_tf32", True, False)


@pytest.mark.parametrize(("switch", "rounded", "exact"), [NEW, OLD])
def test_convolutions_are_exact_inside_and_as_before_after(
    switch: str, rounded: str | bool, exact: str | bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the switch of torch 2.9 and later, and with the one before."""
    new = SimpleNamespace(conv=SimpleNamespace(fp32_precision="tf32"))
    cudnn = new if switch == NEW[0] else SimpleNamespace(allow_tf32=True)
    monkeypatch.setattr(torch.backends, "cudnn", cudnn)
    value = attrgetter(switch)
    with exact_convolutions():
        assert value(cudnn) == exact
        with exact_convolutions():
            pass
        assert value(cudnn) == exact
    assert value(cudnn) == rounded
    with pytest.raises(KeyError), exact_convolutions():
        raise KeyError
    assert value(cudnn) == rounded


def test_the_switch_of_the_torch_that_is_here_is_used() -> None:
    switch, rounded, exact = NEW if hasattr(torch.backends.cudnn, "conv") else OLD
    value = attrgetter(switch)
    assert value(torch.backends.cudnn) == rounded  # torch's default
    with exact_convolutions():
        assert value(torch.backends.cudnn) == exact
    assert value(torch.backends.cudnn) == rounded


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_convolutions_on_a_gpu_are_exact() -> None:
    """In TF32 1 + 1/4096 is 1; with 64 channels cuDNN takes the units that know TF32."""
    images, weight = torch.ones(8, 64, 8, 8, device="cuda"), torch.full((64, 64, 3, 3), 1 + 1 / 4096, device="cuda")
    with exact_convolutions():
        summed = torch.nn.functional.conv2d(images, weight)
    torch.testing.assert_close(summed, torch.full_like(summed, 576 * (1 + 1 / 4096)), rtol=1e-6, atol=0)
