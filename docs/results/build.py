"""Writes the results documents from their templates and the tables beside them.

python docs/results/build.py
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))

from writing import tables, wording
from writing.reading import RESULTS, csv, row, rows
from writing.template import filled

from predictornas.analysis.bounds import largest_informative_dimension

TEMPLATES = RESULTS / "templates"

HEADER = "<!-- Generated from templates/{name}.md and the tables it reads by `python docs/results/build.py`. -->\n\n"

VOCABULARY = {
    name: getattr(module, name)
    for module in (wording, tables)
    for name in vars(module)
    if not name.startswith("_") and getattr(getattr(module, name), "__module__", None) == module.__name__
} | {"row": row, "rows": rows, "csv": csv, "UNDECIDED": wording.UNDECIDED, "VERDICTS": wording.VERDICTS}
VOCABULARY["largest_informative_dimension"] = largest_informative_dimension
"""What expressions of a template may call."""

NUMBER = re.compile(r"(?<![\w.])\d*\.?\d+(?![\w]*\w)")


def names() -> list[str]:
    """The documents, by the names of their templates."""
    return sorted(path.stem for path in TEMPLATES.glob("*.md"))


def document(name: str, template: str | None = None) -> str:
    """A document as it should be.

    Args:
        name: of its template.
        template: instead of the file's own text.
    """
    text = (TEMPLATES / f"{name}.md").read_text(encoding="utf-8") if template is None else template
    return HEADER.format(name=name) + filled(text, VOCABULARY)


def main() -> None:
    """Writes every document whose text changes."""
    for name in names():
        path, text = RESULTS / f"{name}.md", document(name)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            sys.stdout.write(f"{path.name}\n")


if __name__ == "__main__":
    main()
