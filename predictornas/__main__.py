"""The command `predictornas`, also as `python -m predictornas`."""

from __future__ import annotations

import sys

from predictornas.errors import MissingDependencyError


def main() -> None:
    """Runs the command line; where its libraries are missing, a sentence says how to get them (exit code 2)."""
    try:
        from predictornas.cli import main as command
    except MissingDependencyError as error:
        sys.stderr.write(f"Error: {error}\n")
        sys.exit(2)
    command()


if __name__ == "__main__":
    main()
