"""The device a training runs on: is it there, does the training fit, how precisely and on how many threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from predictornas.errors import ConfigurationError, OutOfMemoryError
from predictornas.executors.processes import worker_number


def checked_device(name: str) -> torch.device:
    """The device of this name.

    Raises:
        ConfigurationError: there is no such device on this machine.
    """
    if "," in name:
        raise ConfigurationError(
            f"One training runs on one device, and {name!r} names several. Name one of them; lists are for commands "
            "that train several networks at once."
        )
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigurationError(f"There is no kind of device {name!r}. Use cpu, cuda, or cuda:0.") from error
    if device.type == "cpu":
        return device
    if device.type != "cuda":
        raise ConfigurationError(f"Training on {name!r} is not supported. Use cpu, cuda, or cuda:0.")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if (device.index or 0) >= count:
        raise ConfigurationError(
            f"Device {name!r} was asked for, but torch {torch.__version__} sees {count or 'no'} CUDA device"
            f"{'' if count == 1 else 's'} here. Train on cpu, or install the driver and a torch built for CUDA."
        )
    return device


def listed_devices(names: str) -> tuple[str, ...]:
    """The devices of a list with commas between, of which each training that runs at a time has one.

    Example:
        >>> listed_devices("cpu, cpu")
        ('cpu', 'cpu')

    Raises:
        ConfigurationError: an empty entry, a device that is not there, or devices of two kinds, whose results differ.
    """
    listed = tuple(name.strip() for name in names.split(","))
    if not all(listed):
        raise ConfigurationError(f"The list of devices {names!r} has an empty entry. Write it as cuda:0,cuda:1.")
    kinds = {checked_device(name).type for name in listed}
    if len(kinds) > 1:
        raise ConfigurationError(
            f"The devices {names!r} are of {len(kinds)} kinds, on which results differ. Name devices of one kind."
        )
    return listed


def own_device(names: str) -> str:
    """The device of a list that this worker trains on."""
    listed = names.split(",")
    return listed[worker_number() % len(listed)].strip()


def kind_of_device(names: str) -> str:
    """What results depend on: `cpu` or `cuda`, whichever of them a training has.

    Example:
        >>> kind_of_device("cuda:2,cuda:3")
        'cuda'
    """
    return names.split(",")[0].partition(":")[0].strip()


def forward_precision(device: torch.device) -> torch.dtype:
    """What forward passes compute in: bfloat16 where it is safe, on GPUs; single precision on CPUs."""
    return torch.float32 if device.type == "cpu" else torch.bfloat16


def computing_in(precision: torch.dtype, device: torch.device) -> torch.autocast:
    """Forward passes inside the block compute in bfloat16 if that is the precision, else in that of their tensors.

    Weights keep their precision, and so do their gradients. Backward passes belong behind the block.
    """
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == torch.bfloat16)


@contextmanager
def exact_convolutions() -> Iterator[None]:
    """Convolutions in single precision are that inside the block, backward passes included.

    By default cuDNN rounds their factors to 11 bits (TF32).
    """
    cudnn: Any = torch.backends.cudnn  # torch swaps the module for an object
    new = hasattr(cudnn, "conv")  # since torch 2.9, which refuses to mix it with the old switch
    place, name, exact = (cudnn.conv, "fp32_precision", "ieee") if new else (cudnn, "allow_tf32", False)
    before = getattr(place, name)
    setattr(place, name, exact)
    try:
        yield
    finally:
        setattr(place, name, before)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Computes on so many threads inside the block; with another number sums are added in another order.

    Raises:
        ConfigurationError: fewer than one.
    """
    if count < 1:
        raise ConfigurationError(f"threads = {count}; it has to be at least 1.")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def enough_memory(device: torch.device, batch_size: int) -> Iterator[None]:
    """Says what to do where the memory of the device is exhausted.

    Raises:
        OutOfMemoryError: in place of torch's own error. What was trained before is kept in its checkpoint.
    """
    try:
        yield
    except (torch.cuda.OutOfMemoryError, MemoryError, RuntimeError) as error:
        # an exhausted CPU is a plain RuntimeError of torch's allocator
        exhausted = isinstance(error, (torch.cuda.OutOfMemoryError, MemoryError))
        if not exhausted and "can't allocate memory" not in str(error):
            raise
        raise OutOfMemoryError(
            f"Out of memory on {device} with batches of {batch_size} images. The batch is not made smaller by itself, "
            "because that would be another training: choose a recipe with a smaller batch_size, a network with fewer "
            "channels, or fewer workers. Finished epochs are kept."
        ) from error
