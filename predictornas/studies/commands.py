"""The command line that made a result folder, read from its manifest."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from predictornas.report.facts import StudyFacts
from predictornas.report.live_page import live_command
from predictornas.report.objectives_page import objectives_command
from predictornas.report.predictors_page import predictors_command
from predictornas.report.repeating import command_of, command_with
from predictornas.studies.folder import owner_of

_COMMANDS: dict[str, Callable[[Mapping[str, Any]], list[str]]] = {
    "study": lambda facts: command_of(StudyFacts(facts["study"], facts["methods"], space="", rows=0)),
    "objectives": lambda facts: objectives_command(
        facts["study"], {name: entry["seeds"] for name, entry in facts["methods"].items()}
    ),
    "predictors": lambda facts: predictors_command(facts["study"]),
    "live-search": lambda facts: live_command(facts["study"]),
    "supernet": lambda facts: command_with("supernet", facts["options"]),
    "supernet-seeds": lambda facts: command_with("supernet", facts["options"]),
}


def command_for(folder: Path) -> str | None:
    """The command line that continues what a folder holds, or writes it anew; None where the manifest does not say it.

    Raises:
        StoreError: the manifest is damaged, or none of a result.
    """
    kind, facts = owner_of(folder)
    try:
        return shlex.join([*_COMMANDS[kind or ""](facts), "--out", str(folder)])
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


def repeated(folder: Path) -> str:
    """A sentence that says which command to repeat."""
    command = command_for(folder)
    return f"Repeat the command that made it: {command}" if command else "Repeat the command that made it."
