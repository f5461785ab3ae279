from __future__ import annotations

from dataclasses import dataclass

import torch

from predictornas.journal import Journal, read_records
from predictornas.papers.supernet.perturbation_settings import darts_searches
from predictornas.papers.supernet.searches import traces
from predictornas.papers.supernet.trained_measures import measurements
from tests.papers.supernet.perturbation_examples import tiny_request

CALLS: list[tuple[int, int]] = []


@dataclass(frozen=True)
class FirstWeight:
    """Reads a weight of the trained network, and spoils it."""

    name = "first-weight"

    def items(self, topology):
        return [{"place": place} for place in range(3)]

    def rows(self, ongoing, item):
        CALLS.append((ongoing.job.seed, item["place"]))
        weight = next(ongoing.state.network.parameters()).detach()
        value = float(weight.flatten()[item["place"]])
        torch.nn.init.zeros_(weight)
        return [{"value": value}, {"value": -value}]


def test_every_item_is_measured_on_a_fresh_copy_and_kept(tmp_path, monkeypatch):
    request = tiny_request(tmp_path, monkeypatch, seeds=2)
    found = traces(request, darts_searches(request))
    CALLS.clear()
    first = measurements(request, found, FirstWeight())
    assert [(seed, place) for seed in (0, 1) for place in range(3)] == CALLS
    weight = next(found[1].trained().state.network.parameters()).detach().flatten()
    own = first.filter(seed=1)
    assert own["value"].to_list() == [sign * float(weight[place]) for place in range(3) for sign in (1, -1)]
    assert own["place"].to_list() == [0, 0, 1, 1, 2, 2]
    assert own["setting"].unique().to_list() == ["darts-1"]

    journal = found[0].folder / "first-weight.jsonl"
    records = read_records(journal)
    assert records[1]["item"] == {"place": 1}
    journal.unlink()
    with Journal(journal) as log:
        log.append(records[0])
        log.append(records[2])
    CALLS.clear()
    advanced: list[int] = []
    totals: list[int] = []

    def started(total):
        totals.append(total)
        return advanced.append

    again = measurements(type(request)(**{**vars(request), "started": started}), found, FirstWeight())
    assert CALLS == [(0, 1)]
    assert again.equals(first)
    assert totals == [6]
    assert sum(advanced) == 6
