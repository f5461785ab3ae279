"""What is measured on trained super-networks after their search: item by item, each kept as soon as it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from predictornas.executors import Task, Tell
from predictornas.journal import Journal, read_records
from predictornas.live.devices import checked_device, enough_memory, own_device
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet.searches import SearchTrace
from predictornas.studies.tasks import run_all
from predictornas.supernet.network.topology import Topology
from predictornas.supernet.ongoing import OngoingSearch

Item = Mapping[str, Any]
"""What one measurement is of; plain values by name."""


@runtime_checkable
class Measure(Protocol):
    """Something that is measured on a trained super-network; a frozen dataclass, picklable."""

    @property
    def name(self) -> str:
        """Names the file of what was measured; other settings need another name."""

    def items(self, topology: Topology) -> Sequence[Item]:
        """What is to be measured of a super-network with such cells; with an `epoch`, of what was kept after it."""

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """Rows of plain values, none of them NaN; the search is a copy of its own and may be changed."""


def measurements(request: FigureRequest, found: Sequence[SearchTrace], measure: Measure) -> pl.DataFrame:
    """One row for all that was measured, with `setting` and `seed`; measures only what is missing.

    Each search keeps what was measured of it in a journal in its own folder.

    Raises:
        CheckpointError: a search's checkpoint is missing or another one's.
        JournalError, StoreError: a journal cannot be read or written.
    """
    tasks = [Task(Measurement(trace, measure), trace.folder / f"{measure.name}.jsonl") for trace in found]
    run_all(
        _measure,
        tasks,
        is_done=lambda task: {_key(item) for item in task.what.items()} <= _known(task.target).keys(),
        units=lambda task: len(task.what.items()),
        execution=request.execution,
    )
    return pl.DataFrame([row for task in tasks for row in _rows(task)], infer_schema_length=None)


@dataclass(frozen=True)
class Measurement:
    """What is measured of which trained super-network."""

    trace: SearchTrace
    measure: Measure

    def items(self) -> list[dict[str, Any]]:
        """One for each measurement."""
        topology = self.trace.search.prepared()[0].topology
        return [dict(item) for item in self.measure.items(topology)]


def _known(path: Path) -> dict[tuple[tuple[str, Any], ...], list[dict[str, Any]]]:
    """What was measured, by item."""
    records = read_records(path) if path.exists() else []
    return {_key(line["item"]): line["rows"] for line in records}


def _rows(task: Task[Measurement]) -> list[dict[str, Any]]:
    search, known = task.what.trace.search, _known(task.target)
    labels = {"setting": search.setting, "seed": search.seed}
    return [{**labels, **item, **row} for item in task.what.items() for row in known[_key(item)]]


def _measure(what: Measurement, path: Path, tell: Tell) -> None:
    device = checked_device(own_device(what.trace.search.device))
    with Journal(path) as log:
        known = {_key(line["item"]) for line in log.records}
        for item in what.items():
            if _key(item) not in known:
                with enough_memory(device, what.trace.search.method.weights.batch_size):
                    rows = what.measure.rows(what.trace.trained(item.get("epoch")), item)
                log.append({"item": item, "rows": rows})
            tell(1)


def _key(item: Item) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(item.items()))
