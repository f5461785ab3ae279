"""Whether one method is better than another, or not worse, as a paper claims: paired over the seeds that both have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.estimators import per_run
from predictornas.analysis.proposals import Comparable, RunCounts, comparable, counts_of, proposals_of
from predictornas.analysis.regret import TRACES, OracleErrors, anytime_regret, incumbent_curves
from predictornas.analysis.statistics import Difference, paired_difference
from predictornas.analysis.targets import targets_for
from predictornas.analysis.urn import expected_trials
from predictornas.errors import DataError

ERROR_MARGIN = 0.0005
"""How much more error or regret, as a fraction, still counts as not worse (ours): 0.05 points."""

GAIN_MARGIN = 1.0
"""How much less gain, in dB, still counts as not worse (ours)."""

Relation = Literal["better", "not worse"]
Quantity = Literal["final", "regret", "gain"]

CONVERGENCE: tuple[Quantity, ...] = ("final", "regret")

_FROM_ZERO = OracleErrors(0.0, 0.0, 0.0, 0.0)  # the best possible error cancels in a difference of regrets


@dataclass(frozen=True)
class Claim:
    """A method `a` is better, or not worse, than a method `b`.

    Attributes:
        a: name of a method.
        relation: "better", or "not worse" up to a margin.
        b: name of the other method.
        about: the quantities that the claim is about.
    """

    a: str
    relation: Relation
    b: str
    about: tuple[Quantity, ...] = (*CONVERGENCE, "gain")


PAPER_CLAIMS = tuple(
    claim
    for size in (100, 1000)
    for claim in (
        Claim(f"evolutionary-{size}", "not worse", "exhaustive"),
        Claim(f"evolutionary-{size}", "better", f"uniform-{size}"),
        Claim(f"likelihood-{size}", "better", f"uniform-{size}", about=("gain",)),
        Claim(f"uniform-{size}", "not worse", f"likelihood-{size}", about=CONVERGENCE),
    )
)
"""The ordering of the samplers in Mauch et al. 2020, section 5; likelihood sampling has the higher gain at small
targets but does not converge any better than uniform sampling."""


def ordering_table(
    history: pl.DataFrame,
    table_errors: Float[np.ndarray, " n"],
    targets: Mapping[str, float],
    *,
    claims: Sequence[Claim] = PAPER_CLAIMS,
) -> pl.DataFrame:
    """Tests claims about methods: mean differences over paired seeds with 95 % t intervals.

    The gain is that of each run by itself, (K + 1)/(M + 1) in its urn. A run without a hit keeps a finite gain that
    way, an upper bound; at equal K the comparison is then one of hits plus one. `unresolved_a` and `unresolved_b` say
    how many runs are such bounds: many on the side of `a` make the difference too high, on the side of `b` too low.

    Args:
        history: rows as in `predictornas.history.SCHEMA`, of one fidelity, with the `evaluation` column joined.
        table_errors: `(n,)` 1 - accuracy of the signal in the whole table, fractions.
        targets: targets J of the gain by name, errors as fractions; one that no architecture reaches is left out.
        claims: what to test; a claim whose methods share fewer than two seeds here is left out.

    Returns:
        One row for each claim and quantity: `a`, `relation`, `b`, `quantity`, `of` (a trace of
        `predictornas.analysis.regret.TRACES`, or a target's name), `difference` (mean of a - b), `low`, `high`,
        `pairs`, `nonzero` (seeds in which the methods differ), `margin`, `verdict` (of a, see `verdict`; undecided
        unless the difference is `Difference.decisive`), `beyond_margin` (whether the whole interval lies beyond the
        margin on the bad side), `holds` (null while undecided), `evaluations` (how many of each run count),
        `proposals` (K of the gain, the fewest of any run), `unresolved_a`, `unresolved_b` (these three null but for the
        gain). "final" is the error after the last evaluation that all runs reached and "regret" its mean over all of
        them, fractions, lower is better; "gain" is in dB, higher is better. A trace without values has no rows.

    Raises:
        DataError: a method has two runs of one seed, or history and table do not belong together.
    """
    rows: list[dict[str, object]] = []
    compared = comparable(history)
    for claim in claims:
        pair = _paired_runs(history, claim)
        if pair["seed"].n_unique() < 2:
            continue
        values = []
        if set(claim.about) & set(CONVERGENCE):
            values += [value for value in _convergence(pair, claim) if value.quantity in claim.about]
        if "gain" in claim.about:
            values += _gains(compared, claim, table_errors, targets)
        rows += [_row(claim, value, paired_difference(value.a, value.b)) for value in values]
    return pl.DataFrame(rows, schema=_COLUMNS).fill_nan(None)


def verdict(low: float, high: float, margin: float) -> str:
    """What an interval of an advantage (positive is good) says, in this order.

    "better": all of it is above 0. "worse": all of it is below 0, within the margin or not. "not worse": its bad end is
    within the margin. "undecided": none of these.
    """
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "not worse" if low >= -margin else "undecided"


@dataclass(frozen=True)
class _Values:
    """A quantity of every run of both methods, in the order of their seeds."""

    quantity: Quantity
    of: str
    a: Float[np.ndarray, " r"]
    b: Float[np.ndarray, " r"]
    evaluations: int
    proposals: int | None = None
    unresolved_a: int | None = None
    unresolved_b: int | None = None


_COLUMNS = {
    **dict.fromkeys(("a", "relation", "b", "quantity", "of"), pl.String),
    **dict.fromkeys(("difference", "low", "high"), pl.Float64),
    **dict.fromkeys(("pairs", "nonzero"), pl.Int64),
    "margin": pl.Float64,
    "verdict": pl.String,
    **dict.fromkeys(("beyond_margin", "holds"), pl.Boolean),
    **dict.fromkeys(("evaluations", "proposals", "unresolved_a", "unresolved_b"), pl.Int64),
}


def _paired_runs(history: pl.DataFrame, claim: Claim) -> pl.DataFrame:
    rows = history.filter(pl.col("method").is_in([claim.a, claim.b]))
    runs = rows.group_by("method", "seed").agg(pl.col("run_id").n_unique())
    twice = runs.filter(pl.col("run_id") > 1).sort("method", "seed")
    if len(twice):
        method, seed, count = twice.row(0)
        raise DataError(f"{method} has {count} runs of seed {seed}; pairs need one. Keep one run of each seed.")
    both = runs.group_by("seed").len().filter(pl.col("len") == 2)["seed"]
    return rows.filter(pl.col("seed").is_in(both.to_list()))


def _convergence(pair: pl.DataFrame, claim: Claim) -> list[_Values]:
    curves = incumbent_curves(pair)
    regrets = anytime_regret(curves, _FROM_ZERO)
    reached = int(regrets["evaluations"][0])
    last = curves.filter(pl.col("evaluations") == reached)
    values = []
    for trace in TRACES:
        if last[trace].null_count():
            continue
        regret = regrets.filter(pl.col("trace") == trace)
        values.append(_Values("final", trace, *_of_both(last, claim, trace), evaluations=reached))
        values.append(_Values("regret", trace, *_of_both(regret, claim, "regret"), evaluations=reached))
    return values


def _of_both(frame: pl.DataFrame, claim: Claim, column: str) -> tuple[Float[np.ndarray, " r"], Float[np.ndarray, " r"]]:
    """A column of both methods, in the order of their seeds; the frame holds one row a run."""
    ordered = frame.sort("seed")
    a, b = (ordered.filter(pl.col("method") == method)[column].to_numpy() for method in (claim.a, claim.b))
    return a, b


def _gains(
    compared: Comparable, claim: Claim, table_errors: Float[np.ndarray, " n"], targets: Mapping[str, float]
) -> list[_Values]:
    known = targets_for(table_errors, count=0, errors=list(targets.values()))
    errors, hits = known["target_error"].to_numpy(), known["table_hits"].to_numpy()
    pair = _paired_runs(compared.history, claim)
    runs = proposals_of(pair, table_errors, with_initial=compared.with_initial)
    counts = [counts_of(runs[method], errors) for method in (claim.a, claim.b)]
    a, b = (_gain_of_each_run(count, expected_trials(len(table_errors), hits)) for count in counts)
    missed_a, missed_b = ((~count.resolved).sum(axis=0) for count in counts)
    sizes = {"evaluations": compared.evaluations, "proposals": int(min(one.proposals.min() for one in counts))}
    values = []
    for name, error in targets.items():
        at = int(np.searchsorted(errors, error))
        if hits[at]:
            missed = {"unresolved_a": int(missed_a[at]), "unresolved_b": int(missed_b[at])}
            values.append(_Values("gain", name, a[:, at], b[:, at], **sizes, **missed))
    return values


def _gain_of_each_run(counts: RunCounts, table_trials: Float[np.ndarray, " j"]) -> Float[np.ndarray, "r j"]:
    """The estimator `per_run` on one run at a time."""
    return per_run(counts, table_trials, np.eye(len(counts.proposals), dtype=np.int64))


def _row(claim: Claim, values: _Values, difference: Difference) -> dict[str, object]:
    higher_is_better = values.quantity == "gain"
    margin = GAIN_MARGIN if higher_is_better else ERROR_MARGIN
    ends = (difference.low, difference.high) if higher_is_better else (-difference.high, -difference.low)
    return {
        "a": claim.a,
        "relation": claim.relation,
        "b": claim.b,
        "quantity": values.quantity,
        "of": values.of,
        "difference": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "pairs": difference.pairs,
        "nonzero": difference.nonzero,
        "margin": margin,
        "verdict": verdict(*ends, margin) if difference.decisive else "undecided",
        "beyond_margin": difference.decisive and ends[1] < -margin,
        "holds": _holds(claim.relation, *ends, margin) if difference.decisive else None,
        "evaluations": values.evaluations,
        "proposals": values.proposals,
        "unresolved_a": values.unresolved_a,
        "unresolved_b": values.unresolved_b,
    }


def _holds(relation: Relation, low: float, high: float, margin: float) -> bool | None:
    """Whether the interval of the advantage decides the claim, and how."""
    if relation == "better":
        return True if low > 0 else False if high <= 0 else None
    return True if low >= -margin else False if high < -margin else None
