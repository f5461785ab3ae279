"""A study's output folder: which study it holds, and what made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from predictornas.description import describe
from predictornas.errors import ConfigurationError, StoreError
from predictornas.search.strategies import Strategy
from predictornas.studies.folder import MANIFEST, check_owner, take, write_manifest
from predictornas.studies.gain.lengthening import is_longer, lengthen
from predictornas.studies.gain.study import Study
from predictornas.studies.locks import Locks, locked
from predictornas.studies.provenance import now, surroundings, without_time

KIND = "study"


@runtime_checkable
class Claiming(Protocol):
    """A study as its folder knows it."""

    @property
    def identity(self) -> dict[str, Any]:
        """What must be equal for two folders to hold runs of the same study."""
        ...

    @property
    def method_names(self) -> tuple[str, ...]:
        """Its methods."""
        ...

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seed of each run of each method."""
        ...

    def strategy(self, method: str) -> Strategy:
        """The strategy of one of the methods."""
        ...

    def knows(self, method: str, described: Any) -> bool:
        """Whether a method that a folder holds can be run."""
        ...


FIXED: dict[str, dict[str, Any]] = {
    KIND: {
        "benchmark": str,
        "signal": str | None,
        "evaluation": str | None,
        "budget": int | None,
        "preset": str,
        "engine": str,
        "warm_start": bool,
    },
    "objectives": {
        "benchmark": str,
        "signal": str,
        "evaluation": list,
        "budget": int,
        "objectives": list,
        "limits": list,
        "known": list,
    },
}
"""What each kind of study fixes for its folder, and of which type."""


def claim(folder: Path, opened: Claiming, kind: str = KIND) -> dict[str, Any]:
    """Makes `folder` the output of a study of a kind, or joins what it already holds, and returns the manifest.

    Runs with a smaller budget than is asked for now become the beginnings of longer ones, see `lengthening`. Commands
    that claim the same folder at once, on one machine or several, do so one after the other.

    Raises:
        AtWorkError: the budget is larger than the folder's, and another command is at its runs.
        ConfigurationError: the folder holds another study; names what differs. Or the budget is larger, and the folder
            holds runs that this study cannot go on with.
        StoreError: the folder cannot be written, or its manifest cannot be read.
    """
    strategies = {method: describe(opened.strategy(method)) for method in opened.method_names}
    check_owner(folder, kind)
    while True:
        with locked(folder / MANIFEST) as lock, Locks() as runs:
            manifest, outgrown = _joined(read_manifest(folder, kind), folder, opened, runs)
            _extend(manifest, folder, strategies, opened.seeds)
            take(folder, kind)
            if lock.holds(folder / MANIFEST):  # else we were stopped for long, and others have written meanwhile
                write_manifest(folder, kind, manifest)
                for journal in outgrown:
                    journal.unlink(missing_ok=True)
                return manifest


def _extend(
    manifest: dict[str, Any], folder: Path, strategies: Mapping[str, dict[str, Any]], seeds: Sequence[int]
) -> None:
    """Adds methods and seeds, and what made the folder."""
    for method, strategy in strategies.items():
        entry = manifest["methods"].setdefault(method, {"strategy": strategy, "seeds": []})
        if entry["strategy"] != strategy:
            raise ConfigurationError(
                f"{folder} holds runs of {method!r} in another configuration than it has now. Choose "
                "another name for it, or another --out."
            )
        entry["seeds"] = sorted({*entry["seeds"], *seeds})
    made_with = surroundings()
    if not manifest["made_with"] or without_time(manifest["made_with"][-1]) != without_time(made_with):
        manifest["made_with"].append(made_with)  # runs may be older than the figures: earlier entries stay


def _joined(
    manifest: dict[str, Any] | None, folder: Path, opened: Claiming, runs: Locks
) -> tuple[dict[str, Any], list[Path]]:
    """The manifest of a folder that holds this study, or a new one; and journals that go once it is written."""
    identity = opened.identity
    if manifest is None:
        return {"study": identity, "methods": {}, "created": now(), "made_with": []}, []
    before = manifest["study"]
    if before == identity:
        return manifest, []
    if is_longer(identity, before):
        gone = [name for name, entry in manifest["methods"].items() if not opened.knows(name, entry["strategy"])]
        if gone:
            raise ConfigurationError(
                f"{folder} holds runs of {', '.join(gone)}, which cannot go on to a larger budget here. Ask for "
                "them in --methods too, as they were, or choose another --out."
            )
        return manifest, lengthen(manifest, folder, identity, runs)
    changed = [name for name in {**identity, **before} if before.get(name) != identity.get(name)]
    details = ", ".join(f"{name} was {before.get(name)!r} and is {identity.get(name)!r}" for name in changed)
    raise ConfigurationError(f"{folder} holds another study: {details}. Choose another --out.")


def read_manifest(folder: Path, kind: str = KIND) -> dict[str, Any] | None:
    """The manifest of a study's folder; None where there is none.

    Raises:
        StoreError: a manifest that cannot be read.
    """
    manifest = check_owner(folder, kind)
    if not manifest:
        return None
    if not _is_complete(manifest, FIXED[kind]):
        raise StoreError(f"{folder / MANIFEST} is no manifest of a study. Choose another --out, or move the file away.")
    if kind == KIND:
        manifest["study"]["evaluation"] = judge_of(manifest["study"])
    return manifest


def judge_of(study: Mapping[str, Any]) -> str:
    """The column that judges a study; older versions wrote none where the signal is its own judge."""
    return str(study["evaluation"] or study["signal"])


def _is_complete(manifest: Mapping[str, Any], fixed: Mapping[str, Any]) -> bool:
    """Whether everything is there, in the form that `claim` writes."""
    try:
        methods = manifest["methods"].values()
        seeds = [seed for entry in methods for seed in entry["seeds"]]
        return (
            all(isinstance(manifest["study"][name], allowed) for name, allowed in fixed.items())
            and all(isinstance(entry["strategy"], dict) for entry in methods)
            and all(isinstance(seed, int) and seed >= 0 for seed in seeds)
            and isinstance(manifest["made_with"], list)
        )
    except (KeyError, TypeError, AttributeError):
        return False


def study_in(manifest: Mapping[str, Any], methods: Sequence[str] | None = None) -> Study:
    """The study that a manifest describes, with all its seeds.

    Args:
        manifest: of `read_manifest`.
        methods: instead of all of its methods.
    """
    fixed = {name: manifest["study"][name] for name in FIXED[KIND]}
    seeds = sorted({seed for entry in manifest["methods"].values() for seed in entry["seeds"]})
    return Study(
        methods=tuple(methods or manifest["methods"]),
        seeds=tuple(seeds),
        budget_epochs=manifest["study"].get("budget_epochs"),
        budget_seconds=manifest["study"].get("budget_seconds"),
        **fixed,
    )
