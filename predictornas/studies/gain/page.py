"""The report of a study that a person opens in a browser, beside its tables and figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from predictornas.analysis.regret import incumbent_curves
from predictornas.report.epoch_page import EpochTables, epoch_page
from predictornas.report.facts import StudyFacts
from predictornas.report.gain_page import GainTables, gain_page
from predictornas.search.named import Named
from predictornas.studies.gain.epoch_report import EpochReport
from predictornas.studies.gain.manifest import read_manifest
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.gain.report import Report
from predictornas.studies.gain.study_targets import named_errors
from predictornas.studies.pages import write_page


def write_gain_page(folder: Path, opened: OpenedStudy, report: Report, history: pl.DataFrame, missing: int = 0) -> None:
    """Writes `report.html`, which needs nothing but itself.

    Args:
        folder: of the study.
        opened: the study.
        report: on its history.
        history: rows as in `predictornas.history.SCHEMA`.
        missing: runs that other commands have not ended.

    Raises:
        StoreError: the folder cannot be written.
    """
    tables = GainTables(
        summary=report.summary,
        gain=report.gain,
        convergence=report.convergence,
        distribution=report.distribution,
        curves=incumbent_curves(history, report.quantities),
        history=history,
        split=report.split,
        robustness=report.robustness,
    )
    facts = facts_of(opened, read_manifest(folder) or {}, history, report.oracles, missing)
    write_page(folder, gain_page(tables, facts, named_errors(opened.errors), opened.benchmark.space))


def write_epoch_page(
    folder: Path, opened: OpenedStudy, report: EpochReport, history: pl.DataFrame, missing: int = 0
) -> None:
    """The same for a study with a budget of epochs."""
    curves = incumbent_curves(history, report.quantities)
    tables = EpochTables(report.summary, report.epochs, report.savings, curves=curves, history=history)
    facts = facts_of(opened, read_manifest(folder) or {}, history, report.oracles, missing)
    write_page(folder, epoch_page(tables, facts, opened.benchmark.space))


def facts_of(
    opened: OpenedStudy, manifest: Mapping[str, Any], history: pl.DataFrame, oracles: Any, missing: int
) -> StudyFacts:
    """What a report has to know of a study: the methods and seeds that have ended, and what made them.

    Args:
        opened: the study.
        manifest: of its folder.
        history: rows as in `predictornas.history.SCHEMA`.
        oracles: the best errors of the table.
        missing: runs that other commands have not ended.
    """
    benchmark, entries = opened.benchmark, manifest.get("methods", {})
    order = {name: place for place, name in enumerate(entries)}
    objects = {method.name for method in opened.study.methods if isinstance(method, Named)}
    methods = {
        method: {
            "seeds": history.filter(pl.col("method") == method)["seed"].unique().sort().to_list(),
            "own": method in objects or not opened.knows(method, entries.get(method, {}).get("strategy")),
        }
        for method in sorted(set(history["method"]), key=lambda name: (order.get(name, len(order)), name))
    }
    return StudyFacts(
        study=opened.identity,
        methods=methods,
        space=benchmark.space.name,
        rows=len(benchmark),
        oracles=oracles,
        shares_noise=benchmark.shares_noise,
        quantities=benchmark.quantities,
        missing=missing,
        made_with=tuple(manifest.get("made_with", ())),
    )
