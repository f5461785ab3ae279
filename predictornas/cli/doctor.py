"""The verb that looks at the installation."""

from __future__ import annotations

import sys

from predictornas.cli.console import Json, remark, say, show_rows


def doctor(*, json: Json = False) -> None:
    """Look at the installation, the machine and the tables, and run three short searches (under ten seconds).

    Paste what it prints into a report of a fault. Exits with 1 where something is not as it should be.

    Example: predictornas doctor
    """
    from dataclasses import asdict

    from predictornas.studies.self_check import self_check

    findings = list(self_check())
    rows = [asdict(finding) for finding in findings]
    words = [{"": " " if row["well"] else "!", "about": row["about"], "found": row["found"]} for row in rows]
    show_rows(rows if json else words, "Check", as_json=json)
    faults = [finding.about for finding in findings if not finding.well]
    if not json:
        say(f"Not well: {', '.join(faults)}." if faults else "All is well.")
        remark("To report a fault, paste all of the above, the command that failed, and all that it printed.")
    if faults:
        sys.exit(1)
