"""What a report has to know of a study of searches beside its tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from predictornas.analysis.regret import OracleErrors
from predictornas.quantity import ERRORS, Quantities


@dataclass(frozen=True)
class StudyFacts:
    """What was run and on what; nothing of when or where, so that equal studies give equal reports.

    Attributes:
        study: what the study fixes, as its manifest has it: benchmark, signal, evaluation, budget, preset, ...
        methods: for each method its `seeds`, and `own` where it was given as an object.
        space: name of the search space.
        rows: architectures of the table.
        oracles: the best errors that the table allows; None where they are not known.
        shares_noise: whether signal and evaluation come from the same training run on the same split.
        quantities: how costs of signal and evaluation are named and written.
        missing: runs that other commands have not ended yet.
        made_with: versions, commit, ... of those who wrote into the folder, the last one last.
    """

    study: Mapping[str, Any]
    methods: Mapping[str, Mapping[str, Any]]
    space: str
    rows: int
    oracles: OracleErrors | None = None
    shares_noise: bool = False
    quantities: Quantities = ERRORS
    missing: int = 0
    made_with: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def seeds(self) -> list[int]:
        """All seeds, ascending."""
        return sorted({seed for entry in self.methods.values() for seed in entry["seeds"]})

    @property
    def budget(self) -> str:
        """What each run may spend, in words."""
        parts = {"budget": "evaluations", "budget_epochs": "training epochs", "budget_seconds": "seconds of training"}
        spent = [f"{self.study[name]:,} {unit}" for name, unit in parts.items() if self.study.get(name) is not None]
        return " and ".join(spent)
