"""A study with a larger budget than its folder has: its runs go on where the smaller one ended them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from predictornas.errors import AtWorkError
from predictornas.journal import Journal, read_records
from predictornas.studies.gain.runs import tasks_of
from predictornas.studies.locks import Locks


def is_longer(study: Mapping[str, Any], before: Mapping[str, Any]) -> bool:
    """Whether a study is what a folder holds, but for a larger number of evaluations.

    Args:
        study: `Study.identity` of what is asked for, or that of a study of several objectives.
        before: the same of what the folder holds.
    """
    asked, given = study.get("budget"), before.get("budget")
    return isinstance(asked, int) and isinstance(given, int) and asked > given and _rest(study) == _rest(before)


def lengthen(manifest: dict[str, Any], folder: Path, study: Mapping[str, Any], locks: Locks) -> list[Path]:
    """Makes a folder's runs the beginnings of those of a longer study, which are as if they had never been shorter.

    What a run does is a function of its seed and of what it has seen, whatever its budget is. Only its last iteration
    may have been cut by the budget; it is left out, and is proposed again.

    Args:
        manifest: of the folder; it becomes the longer study's.
        folder: its journals are copied, so that the smaller study is still there where this is interrupted.
        study: what is asked for, see `is_longer`.
        locks: takes those of the smaller study's runs, to be held until the manifest is written.

    Returns:
        The journals of the smaller study, which nobody needs once the manifest is written.

    Raises:
        AtWorkError: another command is at one of the runs.
        StoreError: the folder cannot be written, or a journal is damaged.
    """
    shorter = tasks_of(manifest, folder)
    manifest["study"] = dict(study)
    if not all(locks.take(task.target) for task in shorter):
        raise AtWorkError(f"Another command is at the runs of {folder}. Raise the budget when it is done.")
    for task, longer in zip(shorter, tasks_of(manifest, folder), strict=True):
        if task.target.exists():
            longer.target.unlink(missing_ok=True)  # half of one, where this was interrupted before
            with Journal(longer.target) as journal:
                for record in _beginning(read_records(task.target), longer.what.identity):
                    journal.append(record)
    return [task.target for task in shorter]


def _rest(study: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in study.items() if name != "budget"}


def _beginning(records: list[dict[str, Any]], identity: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The records of a run under another identity, without its last iteration and what was said in the end."""
    last = max((record["iteration"] for record in records if record["kind"] == "proposal"), default=0)
    for record in records:
        if record["kind"] == "run":
            yield {**record, **identity}
        elif record["kind"] != "end" and record["iteration"] < last:
            yield record
