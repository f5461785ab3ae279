"""Images that are decoded whenever they are wanted, by processes of torch's DataLoader: sets larger than memory.

What is decoded is, byte for byte, what would lie in memory, and batches come in the order that was asked for, whatever
the number of processes. Nothing random happens in them, so a training goes on as exactly as one from memory.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from predictornas.errors import DataError
from predictornas.executors.processes import follow_parent, fork_server
from predictornas.live.images.image_decoding import Progress
from predictornas.live.images.image_files import ImageFiles
from predictornas.live.images.image_sets import Images, ImageSet
from predictornas.spaces.cache import Arrays, cached_arrays

MOST_DECODERS = 16
"""Processes that decode where nobody says how many (ours): more keep no GPU busier, and each holds two batches."""

_BLOCK = 64
"""Images that are looked at together before the first batch (ours)."""


def usual_decoders() -> int:
    """Processes that decode by default: one for each core that this process may use but one; 0 decodes in between."""
    return min(MOST_DECODERS, len(os.sched_getaffinity(0)) - 1)


@dataclass(frozen=True, eq=False)
class DecodedSet(Images):
    """Image files with their labels.

    Attributes:
        files: one for each image.
        labels: `int64 (n,)`, on the device that batches are for.
        size: height and width that images are brought to; None for as they are.
        shape: channels, height and width.
        decoders: processes that decode; 0 for none but this one. A worker of this package starts none.
        sources: None, every image is an original.
    """

    files: ImageFiles
    labels: Int64[Tensor, " n"]
    size: int | None
    shape: tuple[int, int, int]
    decoders: int
    sources: None = None

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of every image."""
        return self.shape

    @property
    def device(self) -> torch.device:
        """What batches are moved to."""
        return self.labels.device

    def rows(self, indices: Int64[Tensor, " m"]) -> DecodedSet:
        """The images at `indices`, in that order; none is decoded."""
        return replace(self, files=self.files.rows(indices.cpu().numpy()), labels=self.labels[indices])

    def to(self, device: torch.device | str) -> DecodedSet:
        """The same images, for another device."""
        return replace(self, labels=self.labels.to(device))

    def batches(self, places: Iterable[Int64[Tensor, " _"]]) -> Iterator[ImageSet]:
        """The images at each of the places in turn, decoded some batches ahead.

        Raises:
            DataError: a file cannot be read any more, or was changed; names it.
        """
        wanted = list(places)
        work = _Work(self.files, partial(_pixels, size=self.size, shape=self.shape))
        for batch, pixels in zip(wanted, _in_order(work, wanted, self.decoders), strict=True):
            yield ImageSet(pixels.to(self.device), self.labels[batch.to(self.device)])

    def in_memory(self) -> ImageSet:
        """All images, decoded by this process.

        Raises:
            DataError: as `batches`, or too many images for the memory.
        """
        return ImageSet(_pixels(self.files, self.size, self.shape).to(self.device), self.labels)

    def hashed_into(self, state: hashlib._Hash) -> None:
        """Adds names and lengths of all files, their labels and the size of their pixels to a checksum."""
        state.update(repr((len(self), self.shape)).encode())
        for content in (b"\0".join(self.files.names.tolist()), self.files.stamps()[:, 0], self.labels.cpu().numpy()):
            state.update(content if isinstance(content, bytes) else content.tobytes())


@dataclass(frozen=True)
class Survey:
    """What must be known of images before the first batch.

    Attributes:
        shape: channels (3 where any image has colour), height and width.
        counts: how often each value 0 .. 255 occurs in red, green and blue.
    """

    shape: tuple[int, int, int]
    counts: Int64[np.ndarray, "3 256"]


def survey(files: ImageFiles, size: int | None, decoders: int, progress: Progress | None = None) -> Survey:
    """Decodes every image once; what is found is kept in the cache folder until a file changes.

    Args:
        files: of the images, >= 1.
        size: height and width that images are brought to; None for as they are.
        decoders: processes that decode.
        progress: told how many images were looked at, of how many.

    Raises:
        DataError: an image is broken, or not all are of one size and none is given.
    """
    names = b"\0".join(files.names.tolist())
    identity = hashlib.sha256(repr((str(files.root.resolve()), size, names)).encode() + files.stamps().tobytes())

    def look() -> Arrays:
        first = files.rows(np.zeros(1, np.int64)).decoded(size)
        blocks = torch.split(torch.arange(len(files)), _BLOCK)
        work = _Work(files, partial(_counted, size=size, sides=first.shape[2:]))
        channels, counts, done = 1, np.zeros((3, 256), np.int64), 0
        for block, (most, found) in zip(blocks, _in_order(work, blocks, decoders), strict=True):
            channels, counts, done = max(channels, most), counts + found.numpy(), done + len(block)
            if progress is not None:
                progress(done, len(files))
        return {"shape": np.array([channels, *first.shape[2:]]), "counts": counts}

    found = cached_arrays(f"images/survey-{identity.hexdigest()[:32]}", 1, look)
    channels, height, width = found["shape"].tolist()
    return Survey((channels, height, width), found["counts"])


def _of_one_size(files: ImageFiles, size: int | None, sides: Sequence[int]) -> UInt8[np.ndarray, "n c h w"]:
    pixels = files.decoded(size)
    if pixels.shape[2:] != tuple(sides):
        this, first = (f"{height} x {width}" for height, width in (pixels.shape[2:], sides))
        raise DataError(
            f"{next(files.paths())} has {this} pixels, the first image {first}. Give a size to bring all to."
        )
    return pixels


def _counted(files: ImageFiles, size: int | None, sides: Sequence[int]) -> tuple[int, Int64[Tensor, "3 256"]]:
    """How many channels some images need, and how often each value occurs in each of three."""
    pixels = _of_one_size(files, size, sides)
    counts = [np.bincount(channel.ravel(), minlength=256) for channel in pixels.swapaxes(0, 1)]
    return len(counts), torch.from_numpy(np.array(counts * (3 // len(counts))))


def _pixels(files: ImageFiles, size: int | None, shape: tuple[int, int, int]) -> UInt8[Tensor, "n c h w"]:
    """The images with as many channels as all of the data have."""
    pixels = _of_one_size(files, size, shape[1:])
    if pixels.shape[1] > shape[0]:
        raise DataError(f"An image below {files.root} has colour by now; all were grey. Start again.")
    return torch.from_numpy(np.ascontiguousarray(pixels.repeat(shape[0] // pixels.shape[1], axis=1)))


class _Work(Dataset[Any]):
    """What is made of some of the files at a time; a file that is broken is told, not raised: torch would hide it."""

    def __init__(self, files: ImageFiles, made: Callable[[ImageFiles], Any]) -> None:
        self._files, self._made = files, made

    def __getitem__(self, places: Int64[np.ndarray, " b"]) -> Any:
        try:
            return self._made(self._files.rows(places))
        except DataError as error:
            return str(error)


def _in_order(work: _Work, places: Sequence[Int64[Tensor, " _"]], decoders: int) -> Iterator[Any]:
    """What is made at each of the places, one after the other, by so many processes.

    Raises:
        DataError: a file is broken, or a process died.
    """
    # a worker of ours is a daemon, and those have no children
    count = 0 if multiprocessing.current_process().daemon else min(decoders, len(places))
    loader = DataLoader(
        work,
        batch_size=None,
        sampler=[batch.numpy() for batch in places],
        num_workers=count,
        multiprocessing_context=fork_server((__name__,)) if count else None,
        worker_init_fn=_follow,
        generator=torch.Generator(),  # the seeds of its workers, which draw nothing, leave torch's generator alone
    )
    try:
        for made in loader:
            if isinstance(made, str):
                raise DataError(made)
            yield made
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise DataError(
            "A process that decodes images died (out of memory, or killed). Start again, perhaps with fewer decoders; "
            'finished epochs are kept. A script of your own has to do its work below `if __name__ == "__main__":`, as '
            "with all processes of Python."
        ) from error


def _follow(_: int) -> None:
    follow_parent()
