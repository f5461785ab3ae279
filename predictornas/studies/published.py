"""Result folders against the published runs on the same table: nothing is run again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from predictornas import runs
from predictornas.counting import counted
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.packed_runs import ranges
from predictornas.reading import shown_path
from predictornas.studies.compared import TABLE, Result, results_in
from predictornas.studies.comparison import Comparison, compare_results

PUBLISHED = "published"
"""What stands for all published studies, and what the names of those that are compared with begin with."""

_LIMITS = ("budget_epochs", "budget_seconds")


def compare_with_published(folders: Sequence[Path], against: str = PUBLISHED) -> Comparison:
    """Compares the methods of folders with those of the published runs.

    A published study is compared with where it was made on the same data, with the same signal and evaluation and the
    same limit on epochs or seconds. Of its runs those count whose seed a folder has on that table, and of these the
    first evaluations that every run has. A method is shown once where another study has the very same runs
    of it.

    Args:
        folders: what `predictornas gain` or `search` wrote.
        against: "published" for all studies whose runs are as long as those of the folders, or the longest where none
            is; or the name of one, as `predictornas.runs.studies` lists them.

    Returns:
        As of `predictornas.studies.comparison.compare_folders`. `notes` says which studies were left out, and which
        methods begin with another initial set than those of the folders.

    Raises:
        ConfigurationError: nothing fits: another table or other columns, another limit, no common seed.
        UnknownNameError: no published study has this name.
        StoreError: a folder or the file of published runs is damaged.
    """
    listed = runs.studies()
    if against not in (PUBLISHED, *listed["study"]):
        raise UnknownNameError("published study", against, [PUBLISHED, *listed["study"]])
    groups: dict[tuple[object, ...], list[Result]] = {}
    for result in results_in(folders):
        groups.setdefault(tuple(result.study.get(name) for name in (*TABLE, *_LIMITS)), []).append(result)
    results: list[Result] = []
    notes: list[str] = []
    for mine in groups.values():
        fitting = _fitting(mine[0], listed)
        if against != PUBLISHED:
            fitting = [facts for facts in fitting if facts["study"] == against]
            if not fitting:
                raise ConfigurationError(
                    f"{against!r} was not made on the table of {shown_path(mine[0].folder)}, or with other columns or "
                    "another limit. --against published takes whatever fits."
                )
        found = Beside(mine, fitting, alone=against != PUBLISHED)
        results += [*mine, *found.results]
        notes += found.notes
    return compare_results(results, notes, against)


def _fitting(mine: Result, listed: pl.DataFrame) -> list[dict[str, Any]]:
    """The published studies on the table of a result, under the same limits."""
    where, study = shown_path(mine.folder), mine.study
    here = listed.filter(pl.col("data_sha256") == study["data_sha256"])
    if here.is_empty():
        tables = listed["table"].unique().sort().to_list()
        other = (
            f"There are published runs on {study['benchmark']!r}, but of other data: import the table from the file "
            "that `predictornas data list` names."
            if study["benchmark"] in tables
            else f"There are published runs on {', '.join(tables)}."
        )
        raise ConfigurationError(f"No published run is on the data of {where}, {study['benchmark']!r}. {other}")
    same = here.filter(signal=study["signal"], evaluation=study["evaluation"])
    if same.is_empty():
        pairs = [
            f"{row['signal']} and {row['evaluation']}"
            for row in here.select("signal", "evaluation").unique().to_dicts()
        ]
        raise ConfigurationError(
            f"The signal and evaluation of {where} are {study['signal']} and {study['evaluation']}, those of the "
            f"published runs on its table {'; '.join(sorted(pairs))}. Run it with these: --signal, --evaluation."
        )
    epochs, seconds = (study.get(name) for name in _LIMITS)
    alike = [facts for facts in same.to_dicts() if facts["budget_epochs"] == epochs]
    if not alike or seconds is not None:
        limits = same["budget_epochs"].unique().sort().to_list()
        told = ", ".join("none" if limit is None else f"--budget-epochs {limit}" for limit in limits)
        given = f"{seconds} seconds" if seconds is not None else "none" if epochs is None else f"{epochs} epochs"
        raise ConfigurationError(
            f"The limit of {where} besides evaluations is {given}; that of the published runs on its table is {told}. "
            "Run it with the same."
        )
    return alike


@dataclass
class _Member:
    """A published study beside a folder: its facts, and those of its runs that are compared."""

    facts: Mapping[str, Any]
    history: pl.DataFrame
    reached: int


class Beside:
    """What is put beside the folders of one table, and what has to be said of it.

    Args:
        mine: results of one table.
        fitting: the studies that may be compared with.
        alone: whether one study was asked for, however short.
    """

    def __init__(self, mine: Sequence[Result], fitting: Sequence[Mapping[str, Any]], *, alone: bool) -> None:
        self._mine = {result.folder: result.read() for result in mine}
        self._study = mine[0].study
        self.notes: list[str] = []
        seeds = sorted({seed for history in self._mine.values() for seed in history["seed"].unique()})
        members = self._of_seeds(fitting, seeds)
        if not alone and self._study.get("budget_epochs") is None:
            members = self._long_enough(members)
        members = self._once(members)
        self._tell_initial_sets(members)
        self.results = [self._result(member) for member in members]

    def _of_seeds(self, fitting: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> list[_Member]:
        """Runs of the seeds that a folder has."""
        members = []
        for facts in fitting:
            whole = runs.load(study=facts["study"])
            history = whole.filter(pl.col("seed").is_in(list(seeds)))
            if not history.is_empty():
                members.append(_Member(facts, history, _shortest(history)))
        if not members:
            published = sorted({text for facts in fitting for text in facts["seeds"]})
            raise ConfigurationError(
                f"No published run on {self._study['benchmark']!r} has one of the seeds {ranges(seeds)}; they have "
                f"{', '.join(published)}. Run those: --seeds."
            )
        return members

    def _long_enough(self, members: list[_Member]) -> list[_Member]:
        """Those as long as the runs of the folders, or the longest where none is."""
        mine = min(map(_shortest, self._mine.values()))
        wanted = min(mine, max(member.reached for member in members))
        kept = [member for member in members if member.reached >= wanted]
        short = [str(member.facts["study"]) for member in members if member.reached < wanted]
        if wanted < mine:
            self.notes.append(f"Published runs have {wanted} evaluations, so those of the folders are cut to as many.")
        if short:
            self.notes.append(
                f"Left out, because their runs have fewer than {wanted} evaluations: {', '.join(short)}. One of them "
                "is compared, after as many as it has, where --against names it."
            )
        return kept

    def _once(self, members: list[_Member]) -> list[_Member]:
        """Without methods all of whose runs another study has too, evaluation by evaluation."""
        reached = min(map(_shortest, [*self._mine.values(), *(member.history for member in members)]))
        found = [
            (place, method, signatures)
            for place, member in enumerate(members)
            for method, signatures in _signatures(member.history.filter(pl.col("order") < reached))
        ]
        known: dict[str, list[dict[int, bytes]]] = {}
        fresh: dict[int, list[str]] = {}
        for place, method, signatures in sorted(
            found, key=lambda one: -len(one[2])
        ):  # a part of a whole comes after it
            if not any(signatures.items() <= other.items() for other in known.setdefault(method, [])):
                known[method].append(signatures)
                fresh.setdefault(place, []).append(method)
        return [
            _Member(member.facts, member.history.filter(pl.col("method").is_in(fresh[place])), member.reached)
            for place, member in enumerate(members)
            if place in fresh
        ]

    def _tell_initial_sets(self, members: Sequence[_Member]) -> None:
        """Which published methods begin otherwise than the methods of the folders."""
        if not all("iteration" in history.columns for history in self._mine.values()):
            return
        differing: dict[tuple[int, int, str], list[tuple[str, str]]] = {}
        for folder, history in self._mine.items():
            for method, mine in _initial_sets(history):
                for size, others in _others(mine, members).items():
                    key = _largest(mine), size, _by_place(others)
                    differing.setdefault(key, []).append((shown_path(folder), method))
        self.notes += [
            f"T0 differs in spite of the same seeds: {counted(own, 'architecture')} in {_by_place(methods)}; {size} in "
            f"{others}."
            for (own, size, others), methods in differing.items()
        ]

    def _result(self, member: _Member) -> Result:
        history = member.history.with_columns(
            run_id=pl.concat_str("study", "method", "seed", separator="/"), cost_seconds=pl.lit(None, pl.Float64)
        )
        return Result(Path(f"{PUBLISHED}:{member.facts['study']}"), self._study, lambda: history)


def _others(mine: Mapping[int, list[int]], members: Sequence[_Member]) -> dict[int, list[tuple[str, str]]]:
    """Published methods that begin with other initial sets on the seeds that both have, by the size of these."""
    found: dict[int, list[tuple[str, str]]] = {}
    for member in members:
        for method, theirs in _initial_sets(member.history):
            if any(mine[seed] != theirs[seed] for seed in mine.keys() & theirs.keys()):
                found.setdefault(_largest(theirs), []).append((str(member.facts["study"]), method))
    return found


def _largest(sets: Mapping[int, list[int]]) -> int:
    return max(map(len, sets.values()))


def _by_place(methods: Sequence[tuple[str, str]]) -> str:
    """Methods by where they are: "search/nasbench101 (random, bananas)"."""
    places: dict[str, list[str]] = {}
    for place, method in methods:
        places.setdefault(place, []).append(method)
    return ", ".join(f"{place} ({', '.join(names)})" for place, names in places.items())


def _shortest(history: pl.DataFrame) -> int:
    """Evaluations of the shortest run."""
    return int(history.group_by("method", "seed").len()["len"].min())  # type: ignore[arg-type]


def _signatures(history: pl.DataFrame) -> Iterator[tuple[str, dict[int, bytes]]]:
    """Of each method what its runs did, by seed."""
    did = history.select("method", "seed", pl.struct("key", "epochs", "recommended").hash().alias("did"))
    each = did.group_by("method", "seed", maintain_order=True).agg("did")
    for (method,), rows in each.group_by("method", maintain_order=True):
        yield str(method), {seed: run.to_numpy().tobytes() for seed, run in zip(rows["seed"], rows["did"], strict=True)}


def _initial_sets(history: pl.DataFrame) -> Iterator[tuple[str, dict[int, list[int]]]]:
    """Of each method the initial sets by seed, as keys."""
    first = history.filter(pl.col("iteration") == 0).group_by("method", "seed", maintain_order=True).agg("key")
    for (method,), rows in first.group_by("method", maintain_order=True):
        yield str(method), dict(zip(rows["seed"].to_list(), rows["key"].to_list(), strict=True))
