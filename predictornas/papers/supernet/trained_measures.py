"""What is measured on trained super-networks after their search: item by item, each kept as soon as it is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import polars as pl

from predictornas.journal import Journal
from predictornas.live.devices import checked_device, enough_memory
from predictornas.papers.figure import FigureRequest
from predictornas.papers.supernet.searches import SearchTrace
from predictornas.search.executors import Advance, run_tasks
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
        """What is to be measured of a super-network with such cells."""

    def rows(self, ongoing: OngoingSearch, item: Item) -> list[dict[str, Any]]:
        """Rows of plain values, none of them NaN; the search is a copy of its own and may be changed."""


def measurements(request: FigureRequest, found: Sequence[SearchTrace], measure: Measure) -> pl.DataFrame:
    """One row for all that was measured, with `setting` and `seed`; measures only what is missing.

    Each search keeps what was measured of it in a journal in its own folder.

    Raises:
        CheckpointError: a search's checkpoint is missing or another one's.
        JournalError, StoreError: a journal cannot be read or written.
    """
    tasks = [_Task(trace, measure) for trace in found]
    advance = request.started(sum(len(task.items()) for task in tasks))
    run_tasks(_execute, tasks, workers=request.workers, advance=advance)
    return pl.DataFrame([row for task in tasks for row in task.read()], infer_schema_length=None)


@dataclass(frozen=True)
class _Task:
    trace: SearchTrace
    measure: Measure

    def items(self) -> list[dict[str, Any]]:
        topology = self.trace.search.prepared()[0].topology
        return [dict(item) for item in self.measure.items(topology)]

    def journal(self) -> Journal:
        return Journal(self.trace.folder / f"{self.measure.name}.jsonl")

    def read(self) -> list[dict[str, Any]]:
        labels = {"setting": self.trace.search.setting, "seed": self.trace.search.seed}
        wanted = self.items()
        with self.journal() as log:
            known = {_key(line["item"]): line["rows"] for line in log.records}
        return [{**labels, **item, **row} for item in wanted for row in known[_key(item)]]


def _execute(task: _Task, advance: Advance) -> None:
    device = checked_device(task.trace.search.device)
    with task.journal() as log:
        known = {_key(line["item"]) for line in log.records}
        for item in task.items():
            if _key(item) not in known:
                with enough_memory(device, task.trace.search.method.weights.batch_size):
                    rows = task.measure.rows(task.trace.trained(), item)
                log.append({"item": item, "rows": rows})
            advance(1)


def _key(item: Item) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted(item.items()))
