"""The command `predictornas`, also as `python -m predictornas`: interrupts first, then everything that takes time."""

from __future__ import annotations

import sys

from predictornas.interrupts import stop_on_interrupt


def main() -> None:
    """Entry point. Exit codes: 0 done, 2 wrong input (the reason on standard error), 130 interrupted, 141 unread."""
    stop_on_interrupt()
    from predictornas.errors import MissingDependencyError

    try:
        from predictornas.cli import main as command
    except MissingDependencyError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(2)
    command()


if __name__ == "__main__":
    main()
