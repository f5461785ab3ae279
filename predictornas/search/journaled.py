"""A search whose every evaluation is on disk before it counts, and that goes on where a killed one stopped."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from predictornas.errors import JournalError
from predictornas.history import History
from predictornas.journal import Journal
from predictornas.oracles.base import Evaluations, Oracle
from predictornas.samplers.base import Pool
from predictornas.search.budget import Budget, Ledger
from predictornas.search.loop import Search
from predictornas.search.recorded import Recorded
from predictornas.search.strategies import Proposal
from predictornas.seeding import rng_for

PoolHits = Callable[[Pool], Sequence[int]]
"""Counts a pool's members at or below each target error; looks at the table, so it stays outside the search."""


def run_journaled(
    search: Search,
    oracle: Oracle,
    budget: Budget,
    journal: Journal,
    *,
    identity: dict[str, Any],
    pool_hits: PoolHits | None = None,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Runs `search` to the end of its budget, continuing from `journal`.

    The journal holds one line for the run, one for each proposal, one for each evaluation, where the strategy has an
    opinion of its own one for what it recommends in the end, and one for the end. An iteration that was interrupted is
    proposed again (the proposal is a function of the history) and only what is missing of it is evaluated: nothing is
    lost and nothing is evaluated twice.

    Args:
        search: a fresh search.
        oracle: answers with the signal.
        budget: evaluations, epochs or seconds in all, T0 included.
        journal: this run's journal, new or of an interrupted run.
        identity: what makes this run itself (`run_id`, `method`, `seed`); must equal what the journal says.
        pool_hits: counts for the gain split; `None` leaves them out.
        advance: called with the number of evaluations (or epochs or seconds, where those are the budget) that were
            added, those found in the journal included.

    Raises:
        JournalError: the journal belongs to another run.
    """
    recorded = _recorded(journal, identity)
    ledger = Ledger(budget, resumes=getattr(oracle, "resumes", False), advance=advance)
    _replay(search, recorded, ledger)
    while ledger.evaluations_left != 0:
        begin = len(search.history)
        # the ledger knows whole iterations only, so that an interrupted one is proposed again as it was
        proposal = ledger.affordable(search.propose(ledger.evaluations_left))
        if not len(proposal):
            break
        if search.iteration not in recorded.chosen:
            _append(journal, recorded, _proposal_record(search.iteration, proposal, pool_hits))
        search.report(proposal)
        ledger.enter_all(recorded.costs(begin, len(recorded)))
        whole = _evaluate_missing(search, oracle, journal, proposal, recorded, ledger)
        if whole or len(recorded) > begin:
            values, epochs = recorded.column("value", begin), recorded.column("epochs", begin)
            search.tell(recorded.genes(begin), values, epochs=epochs, costs=recorded.costs_of(begin))
        if not whole:
            break
    _finish(search, journal, recorded)
    search.report_end()


def _finish(search: Search, journal: Journal, recorded: Recorded) -> None:
    """Writes what the search recommends in the end, where it has an opinion, and that the run has ended."""
    opinion = None if recorded.opinion_given else search.opinion()
    if opinion is not None:
        recommended = int(search.history.keys[opinion])
        journal.append({"kind": "recommendation", "iteration": search.iteration, "recommended": recommended})
    if not recorded.ended:
        journal.append({"kind": "end", "evaluations": len(recorded)})


def _recorded(journal: Journal, identity: dict[str, Any]) -> Recorded:
    """What the journal has; its first record is written where it has none."""
    if not len(journal):
        journal.append({"kind": "run", **identity})
    recorded = Recorded(journal, journal.path)
    found = {name: recorded.identity.get(name) for name in identity}
    if found != identity:
        raise JournalError(
            f"{journal.path} belongs to another run ({found} instead of {identity}). Choose another folder."
        )
    return recorded


def _append(journal: Journal, recorded: Recorded, record: dict[str, Any]) -> None:
    journal.append(record)
    recorded.add(record)


def _replay(search: Search, recorded: Recorded, ledger: Ledger) -> None:
    """Tells a fresh search all iterations that are complete, at once."""
    iterations = recorded.column("iteration")
    left, end, iteration = ledger.evaluations_left, 0, 0
    while (left is None or end < left) and iteration in recorded.chosen:
        until = int(np.searchsorted(iterations, iteration, side="right"))
        if until - end < recorded.chosen[iteration]:
            break
        end, iteration = until, iteration + 1
    genes = recorded.genes(0, end).reshape(end, search.space.num_genes)
    keys = search.space.keys(genes) if end else np.empty(0, np.uint64)
    if not np.array_equal(keys, recorded.column("key", 0, end)):
        raise JournalError(f"{recorded.source}: its keys are not those of its genes. Move the file away to start over.")
    ledger.enter_all(recorded.costs(0, end))
    epochs, values = recorded.column("epochs", 0, end), recorded.column("value", 0, end)
    search.history = History(keys, genes, epochs, values, iterations[:end], recorded.costs_of(0, end))
    search.iteration = iteration


def _proposal_record(iteration: int, proposal: Proposal, pool_hits: PoolHits | None) -> dict[str, Any]:
    record: dict[str, Any] = {"kind": "proposal", "iteration": iteration, "chosen": len(proposal)}
    if proposal.recommended is not None:
        record["recommended"] = proposal.recommended
    if proposal.pool is not None:
        record |= {"pool_size": len(proposal.pool), "discarded": proposal.pool.discarded}
        if proposal.pool.filled is not None:
            record["filled"] = proposal.pool.filled
        if pool_hits is not None:
            record["pool_hits"] = [int(hits) for hits in pool_hits(proposal.pool)]
    return record


def _evaluate_missing(
    search: Search,
    oracle: Oracle,
    journal: Journal,
    proposal: Proposal,
    recorded: Recorded,
    ledger: Ledger,
) -> bool:
    """Evaluates, books and journals those of the proposal that the journal lacks; False where the budget ended it."""
    done = recorded.column("key", len(search.history)).tolist()
    missing = [row for row in range(len(proposal)) if int(proposal.keys[row]) not in done][: len(proposal) - len(done)]
    rng = rng_for(search.seed, search.iteration, "oracle")
    evaluations = oracle.evaluate(proposal.genes[missing], proposal.epochs, rng)
    for place, row in enumerate(missing):
        record = _evaluation_record(search.iteration, len(recorded), proposal, row, evaluations, place)
        record |= ledger.charge(record["key"], {name: record[name] for name in ("cost_seconds", "cost_epochs")})
        if ledger.exceeded_by(record):
            return False
        _append(journal, recorded, record)
        ledger.enter(record)
    return True


def _evaluation_record(
    iteration: int, order: int, proposal: Proposal, row: int, evaluations: Evaluations, place: int
) -> dict[str, Any]:
    def number(value: float) -> float | None:
        return float(value) if math.isfinite(value) else None

    costs = {} if evaluations.costs is None else {"costs": evaluations.costs[place].tolist()}
    return {
        "kind": "evaluation",
        "iteration": iteration,
        "order": order,
        "key": int(proposal.keys[row]),
        "genes": proposal.genes[row].tolist(),
        "epochs": int(evaluations.epochs[place]),
        "value": number(evaluations.value[place]),  # null for a failure
        "cost_seconds": number(evaluations.cost_seconds[place]),
        "cost_epochs": number(evaluations.cost_epochs[place]),
        "predicted": None if proposal.predicted is None else number(proposal.predicted[row]),
        "proposed_by": proposal.proposed_by,
        **costs,
    }
