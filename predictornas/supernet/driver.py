"""Runs a search with a super-network: epoch by epoch, and on from its checkpoint after it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from predictornas.errors import CheckpointError, ConfigurationError
from predictornas.files import remove_leftovers
from predictornas.journal import Journal
from predictornas.live.checkpoints import Checkpoint, load_checkpoint, require_same, save_checkpoint
from predictornas.live.devices import checked_device, enough_memory, threads
from predictornas.live.images.partition import Partition
from predictornas.observers import SILENT, Announcer
from predictornas.spaces.registry import get_space
from predictornas.supernet.job import SearchJob
from predictornas.supernet.ongoing import OngoingSearch
from predictornas.supernet.records import EpochRecord, curve_of, selected
from predictornas.supernet.warm_start import WarmStart
from predictornas.supernet.weight_steps import NotFiniteError

CHECKPOINT = "search.checkpoint"
"""The newest checkpoint, in the folder of a search."""

EPOCH_LOG = "epochs.jsonl"
"""One line for every epoch that was really computed, in the order of time, in the folder of a search."""


@dataclass(frozen=True)
class SearchOutcome:
    """What a search arrives at.

    Attributes:
        genes: the architecture.
        records: one an epoch, in order.
    """

    genes: tuple[int, ...]
    records: tuple[EpochRecord, ...]


def search(
    job: SearchJob,
    images: Partition,
    *,
    folder: Path | None = None,
    advance: Callable[[int], None] = lambda _: None,
    announce: Announcer = SILENT,
) -> SearchOutcome:
    """Runs a search to its end, or goes on with it.

    Args:
        job: what to search, and how.
        images: what to train and to validate with; the test images are not looked at.
        folder: where journal and checkpoint are kept, this search's own; None to keep nothing.
        advance: told how many epochs have come to their end.
        announce: told of the search, and of each of its epochs.

    Raises:
        ConfigurationError, CheckpointError, JournalError, StoreError: as in `epochs`.
    """
    records = []
    for record in epochs(job, images, folder=folder, announce=announce):
        records.append(record)
        advance(1)
    genes = selected(job.method, records)
    recommended = get_space(job.space).describe(np.array(genes, np.int8))
    announce("ended", done=len(records), unit="epochs", recommended=recommended)
    return SearchOutcome(genes, tuple(records))


def epochs(
    job: SearchJob, images: Partition, *, folder: Path | None = None, announce: Announcer = SILENT
) -> Iterator[EpochRecord]:
    """The records of a search, each as soon as its epoch is over and kept.

    After every epoch a line joins the journal and a checkpoint replaces the one before. A search that was killed goes
    on after its last checkpoint and, on CPUs, arrives at the same records (but for the seconds), bit for bit; the
    records from before come first.

    Args:
        job: what to search, and how.
        images: what to train and to validate with.
        folder: where journal and checkpoint are kept, this search's own; None to keep nothing.
        announce: told that the search begins, and of each epoch as soon as it is kept.

    Raises:
        ConfigurationError: settings that cannot work, too few images, or a search that has diverged: the last good
            checkpoint is kept.
        CheckpointError: the folder's checkpoint is damaged, or belongs to another search; or that of the start is.
        JournalError: another process searches in this folder.
        StoreError: the folder cannot be written.
    """
    job.check(images)
    begins = {"kind": "super-network", "unit": "epochs", "space": job.space, "seed": job.seed, "images": images.name}
    if folder is None:
        ongoing = OngoingSearch.begin(job, images)
        announce("started", **begins, done=0)
        while not ongoing.finished:
            record = _one_epoch(ongoing)
            announce("evaluated", **record.as_json())
            yield record
        return
    with Journal(folder / EPOCH_LOG) as log:
        remove_leftovers(folder)
        ongoing, records = _with_records(job, images, folder / CHECKPOINT, log)
        announce("started", **begins, done=len(records))
        yield from records
        while not ongoing.finished:
            record = _one_epoch(ongoing, folder / CHECKPOINT)
            records.append(record)
            log.append(record.as_json())
            save_checkpoint(folder / CHECKPOINT, Checkpoint(job.identity(images), curve_of(records), ongoing.tensors()))
            announce("evaluated", **record.as_json())
            yield record


def start_from(folder: Path) -> WarmStart:
    """The trained super-network of a search, for another one to start from: `SearchJob(..., start=...)`.

    Args:
        folder: of a finished search whose architecture parameters rested all along.

    Raises:
        CheckpointError: the folder has no checkpoint of a super-network, or a damaged one.
        ConfigurationError: a search that is not over, or whose architecture parameters have moved.
    """
    return WarmStart.read(folder / CHECKPOINT)


def taken_up(job: SearchJob, images: Partition, folder: Path) -> OngoingSearch:
    """A search as its newest checkpoint left it, to look at its trained super-network; the folder is only read.

    Args:
        job: the search that ran in the folder.
        images: those that it ran on.
        folder: where its checkpoint is.

    Raises:
        CheckpointError: the folder's checkpoint is damaged, missing, or belongs to another search.
    """
    path = folder / CHECKPOINT
    try:
        found = load_checkpoint(path, job.device)
    except FileNotFoundError as error:
        raise CheckpointError(f"{path} does not exist. Run the search in this folder first.") from error
    require_same(path, found.identity, job.identity(images))
    return OngoingSearch.taken_up(job, images, found.tensors)


def _one_epoch(ongoing: OngoingSearch, checkpoint: Path | None = None) -> EpochRecord:
    job = ongoing.job
    done = ongoing.done
    with threads(job.threads), enough_memory(checked_device(job.device), job.method.weights.batch_size):
        try:
            return ongoing.run_epoch()
        except NotFiniteError as error:
            kept = f" The last good checkpoint, after epoch {done}, is {checkpoint}." if checkpoint and done else ""
            raise ConfigurationError(f"{error}{kept}") from error


def _with_records(
    job: SearchJob, images: Partition, path: Path, log: Journal
) -> tuple[OngoingSearch, list[EpochRecord]]:
    """The search where its checkpoint left it, and the records until then."""
    if not path.exists():
        return OngoingSearch.begin(job, images), []
    ongoing = taken_up(job, images, path.parent)
    # an epoch whose checkpoint was not completed is computed, and logged, once more
    latest = {record["epoch"]: record for record in log.records if record["epoch"] <= ongoing.done}
    if len(latest) != ongoing.done:
        raise CheckpointError(
            f"{path} is of epoch {ongoing.done}, but {log.path} has {len(latest)} epochs until then. Bring the journal "
            "back, or remove both files to search anew."
        )
    return ongoing, [EpochRecord.from_json(latest[epoch]) for epoch in sorted(latest)]
