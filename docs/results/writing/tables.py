"""The tables that several documents show, each one call; they read the tidy tables of one result folder."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from types import SimpleNamespace
from typing import Any

import polars as pl

from writing.reading import csv, row, rows
from writing.wording import db, interval, num, pct

SHOWN = {
    "chosen": "its evaluation error, %",
    "recommended": "recommended error, %",
    "best": "best evaluated error, %",
}
"""Headings of the traces of a search."""


def table(head: Sequence[str], body: Iterable[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [list(head), ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def records(path: str, **where: Any) -> list[SimpleNamespace]:
    """The rows of a table whose columns have the given values, each with its columns as attributes."""
    return [SimpleNamespace(**record) for record in rows(path, **where).to_dicts()]


def ordered(path: str, methods: Sequence[str] | None = None) -> list[str]:
    """The methods of a table: as asked for, or all in a fixed order, random search first."""
    found = csv(path)["method"].unique().to_list()
    if methods is not None:
        return [method for method in methods if method in found]
    return sorted(found, key=_place)


def _place(method: str) -> tuple[int, int, str]:
    kinds = ("random", "uniform", "exhaustive", "likelihood", "evolutionary")
    kind, _, size = method.partition("-")
    return kinds.index(kind) if kind in kinds else len(kinds), int(size) if size.isdigit() else 0, method


def gains(folder: str, hits: Sequence[int], estimator: str = "pooled", methods: Sequence[str] | None = None) -> str:
    """The gain of every method at a few targets, in dB, with its K, the cap and random search's null."""
    path = f"{folder}/gain.csv"
    where: dict[str, Any] = {"estimator": estimator}
    listed = ordered(path, methods)
    at = [{hit: row(path, method=method, table_hits=hit, **where) for hit in hits} for method in listed]
    head = [f"M_S = {hit:,} (J = {pct(at[0][hit].target_error)} %)" for hit in hits]
    body = [
        [method, num(own[hits[0]].proposals), *map(db, own.values())] for method, own in zip(listed, at, strict=True)
    ]
    first = at[listed.index("random")] if "random" in listed else at[0]
    k = num(first[hits[0]].proposals)
    body.append(["*cap*", k, *(num(first[hit].cap_db, 1) for hit in hits)])
    body.append(["*random search with a hit, 95 %*", k, *(null(first[hit]) for hit in hits)])
    return table(["method", "K", *head], body)


def counted(folder: str) -> str:
    """What K counts in the gains of a folder; always as many evaluations for every method."""
    gain = csv(f"{folder}/gain.csv")
    if "with_initial" in gain.columns and gain["with_initial"].any():
        return "K counts all evaluations of a run, its initial set included, because the methods differ in its size"
    return "K counts the proposals of a run, without its initial set"


def null(gain: SimpleNamespace) -> str:
    """What random search scores on average at a target where it has a hit, with its 95 % interval."""
    return num(SimpleNamespace(mean=gain.null_db, low=gain.null_low, high=gain.null_high), 1)


def finals(folder: str, traces: Sequence[str] = ("chosen", "best"), methods: Sequence[str] | None = None) -> str:
    """What every method has in the end: the signal of its incumbent, and the errors of the traces, %."""
    path = f"{folder}/convergence.csv"
    body = []
    for method in ordered(path, methods):
        end = max(rows(path, method=method)["evaluations"])
        shown = (row(path, method=method, trace=trace, evaluations=end) for trace in ("searched", *traces))
        body.append([method, *map(pct, shown)])
    return table(["method", "signal error of the incumbent, %", *(SHOWN[trace] for trace in traces)], body)


def progress(folder: str, trace: str, at: Sequence[int], digits: int = 2, methods: Sequence[str] | None = None) -> str:
    """An error after so many evaluations, with its interval, %; methods without this trace are left out."""
    path = f"{folder}/convergence.csv"
    body = []
    for method in ordered(path, methods):
        own = [record for record in records(path, method=method, trace=trace) if record.evaluations in at]
        if own:
            found = {record.evaluations: pct(record, digits) for record in own}
            body.append([method, num(own[0].runs), *(found.get(count, "-") for count in at)])
    return table(["method", "runs", *(f"{count:,}" for count in at)], body)


def claims(folder: str, target: str = "top 0.1 %") -> str:
    """The ordering that Mauch et al. claim: paired differences of the best evaluated and of the gain."""
    path = f"{folder}/ordering.csv"
    body = []
    for pair in csv(path).select("a", "relation", "b").unique(maintain_order=True).iter_rows(named=True):
        best = records(path, **pair, quantity="final", of="best")
        gain = records(path, **pair, quantity="gain", of=target)
        cells = [
            f"{pct(best[0])} {best[0].verdict}" if best else "-",
            f"{num(gain[0], 1)} {gain[0].verdict}" if gain else "-",
        ]
        body.append([f"{pair['a']} {pair['relation']} than {pair['b']}", *cells, held(best + gain)])
    return table(["claim", "best evaluated, points", "gain, dB", "holds"], body)


def verdict_of(folder: str, a: str, b: str, target: str = "top 0.1 %") -> str:
    """Whether a claim about two methods holds in the best evaluated and in the gain, as `claims` shows it."""
    path = f"{folder}/ordering.csv"
    about = [("final", "best"), ("gain", target)]
    return held([one for quantity, of in about for one in records(path, a=a, b=b, quantity=quantity, of=of)])


def held(found: Sequence[SimpleNamespace]) -> str:
    """Whether all quantities of a claim hold: yes, no (one fails), or undecided."""
    said = [one.holds for one in found]
    return "no" if False in said else "undecided" if None in said else "yes"


def grid(path: str, lines: Sequence[str], columns: Sequence[tuple[str, Callable[[SimpleNamespace], str]]]) -> str:
    """A table with one line for each row of a CSV: the columns in `lines` as they are, then what is made of the row."""
    body = [[*(getattr(one, name) for name in lines), *(make(one) for _, make in columns)] for one in records(path)]
    return table([*lines, *(title for title, _ in columns)], body)


def last(path: str, **where: Any) -> SimpleNamespace:
    """The row with the most evaluations among those with the given values."""
    found = rows(path, **where).filter(pl.col("evaluations") == pl.col("evaluations").max())
    return SimpleNamespace(**found.row(0, named=True))


def leads(folder: str, a: str, b: str, *, above: float = 0.0, estimator: str = "pooled") -> list[float]:
    """The gain of one method less that of another, in dB, at every target above an error that both resolve."""
    path = f"{folder}/gain.csv"
    kept = [csv(path).filter(method=method, estimator=estimator, resolved=True) for method in (a, b)]
    both = kept[0].join(kept[1], on="target_error").filter(pl.col("target_error") > above)
    return (both["gain_db"] - both["gain_db_right"]).to_list()


def inside_null(folder: str, *estimators: str) -> str:
    """At how many of the targets that random search resolves it lies in the interval of its null: "43 of 43"."""
    found = rows(f"{folder}/gain.csv", method="random", resolved=True, estimator=list(estimators))
    inside = found.filter(pl.col("gain_db").is_between(pl.col("null_low") - 1e-9, pl.col("null_high") + 1e-9))
    return f"{len(inside)} of {len(found)}"


def leads_at(folder: str, a: str, b: str, hits: int, estimator: str = "pooled") -> float:
    """The gain of one method less that of another at one target, in dB."""
    mine, other = (
        row(f"{folder}/gain.csv", method=method, table_hits=hits, estimator=estimator).gain_db for method in (a, b)
    )
    return float(mine - other)


def pair(path: str, a: str, b: str, **where: Any) -> SimpleNamespace:
    """The paired difference a - b from a table of pairs, whichever way round the table has it."""
    if len(rows(path, a=a, b=b, **where)):
        return row(path, a=a, b=b, **where)
    found = row(path, a=b, b=a, **where)
    found.difference, found.low, found.high = -found.difference, -found.high, -found.low
    return found


def phases(folder: str) -> str:
    """The signal errors of the proposals of every method, early, in between and late."""
    path = f"{folder}/phases.csv"
    spans = csv(path).select("first", "last").unique(maintain_order=True).rows()
    shown = {"mean": "mean error, %", "bad_share": "above 10 %, %", "hit_share": "best 0.1 % of the table, %"}
    titles = [f"{title}: {first}-{end}" for title in shown.values() for first, end in spans]
    body = []
    for method in ordered(path):
        own = {(one.first, one.last): one for one in records(path, method=method)}
        digits = {"mean": 2, "bad_share": 1, "hit_share": 1}
        body.append([method, *(pct(getattr(own[at], name), digits[name]) for name in shown for at in spans)])
    return table(["method", *titles], body)


def agreements(path: str, first: int, second: int, *, same_run: bool) -> list[float]:
    """Kendall's taus between accuracies after two numbers of epochs: of one training, or of two."""
    found = []
    for one in records(path):
        names = [name.split("_") for name in (one.first, one.second)]
        if one.first != one.second and all(len(parts) == 4 and parts[3].startswith("run") for parts in names):
            (_, _, a, run), (_, _, b, other) = names
            splits = names[0][0] == names[1][0]
            if splits and sorted((int(a), int(b))) == sorted((first, second)) and (run == other) == same_run:
                found.append(float(one.tau))
    return found


def epochs_report(folder: str, at: Sequence[int], trace: str = "best") -> str:
    """What every method has in the end of a study with a budget of epochs, and how many times fewer epochs it needed.

    The savings are those compared with `rank-full`, for its quality after given numbers of epochs.
    """
    body = []
    for own in records(f"{folder}/summary.csv"):
        factors = []
        for epochs in at:
            found = records(f"{folder}/savings.csv", method=own.method, reference="rank-full", trace=trace, at=epochs)
            factors.append(saved(found[0]) if found else "1" if own.method == "rank-full" else "-")
        ends = (
            SimpleNamespace(
                mean=getattr(own, f"{t}_mean"), low=getattr(own, f"{t}_low"), high=getattr(own, f"{t}_high")
            )
            for t in ("chosen", "best")
        )
        bound = "-" if own.nominal_saving is None else f"{own.nominal_saving:.2f}x"
        body.append([own.method, num(own.architectures), num(own.full), *map(pct, ends), bound, *factors])
    head = ["method", "architectures", "in full", "chosen error, %", "best error in full, %", "nominal"]
    return table([*head, *(f"saved, at {epochs:,}" for epochs in at)], body)


def saved(found: SimpleNamespace) -> str:
    """A factor of epochs with its interval; one that was never reached says so."""
    return "not reached" if found.factor is None else f"{found.factor:.1f}x {interval(found, 1)}"


PERCENT = ("accuracy", "error of", "gap", "share of")
"""Words of quantities that are fractions and read in percent; differences of them in points."""


SECONDS = ("seconds", "time of the search (paper: days; ours: seconds)")
"""Quantities of `papers` that are shown without decimals."""


PLAIN = ("bound", "correlation")
"""Words of quantities that are none, although they hold one of those."""


def papers(*paths: str, **where: Any) -> str:
    """What a paper says beside what we measured, in the order of the tables, with the verdict of the interval."""
    body = []
    for one in [record for path in paths for record in records(path, **where)]:
        percent = any(word in one.quantity for word in PERCENT) and not any(word in one.quantity for word in PLAIN)
        scale, digits = (100.0, 1) if percent else (1.0, 0 if one.quantity in SECONDS else 2)
        setting = ", ".join(str(part) for part in (getattr(one, "table", None), one.setting) if part)
        if getattr(one, "convolutions", None) is not None:
            setting += f", {one.convolutions} convolutions"
        points = "difference" in one.quantity or " - " in one.quantity
        unit = (", points" if points else ", %") if percent else ""
        body.append(
            [one.quantity + unit, setting, _stated(one, scale), num(one, digits, scale), one.runs, verdict_in(one)]
        )
    return table(["quantity", "setting", "paper", "ours", "seeds", "holds"], body)


def _stated(one: SimpleNamespace, scale: float) -> str:
    """The paper's number in the unit of ours, or its claim as it stands."""
    said = getattr(one, "paper", None)
    said = getattr(one, "claim", None) if said is None else said
    try:
        return f"{scale * float(said):.4g}"
    except (TypeError, ValueError):
        return "-" if said is None else str(said)


def verdict_in(one: SimpleNamespace) -> str:
    """The verdict that a table gives a row; "-" where it claims nothing."""
    return getattr(one, "verdict", None) or "-"


def filled(folder: str) -> str:
    """The share of pools that was drawn uniformly for want of others, in percent; methods without any are left out."""
    found = csv(f"{folder}/summary.csv").drop_nulls("pool_filled").select("method", "pool_filled").sort("method").rows()
    return ", ".join(f"{pct(share, 1)} % with {method}" for method, share in found if share > 0) or "none"
