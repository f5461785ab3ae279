"""CITATION.cff keeps the format 1.2.0: its required fields, types and names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import predictornas
from tests.extras import needed

ROOT = Path(__file__).parents[1]

KNOWN = {
    "cff-version",
    "message",
    "title",
    "authors",
    "abstract",
    "commit",
    "contact",
    "date-released",
    "doi",
    "identifiers",
    "keywords",
    "license",
    "license-url",
    "preferred-citation",
    "references",
    "repository",
    "repository-artifact",
    "repository-code",
    "type",
    "url",
    "version",
}
"""Fields that the format has."""


def citation() -> dict[str, Any]:
    return needed("yaml").safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_it_has_what_the_format_requires_and_nothing_that_it_does_not_know() -> None:
    found = citation()
    assert {"cff-version", "message", "title", "authors"} <= set(found) <= KNOWN
    assert (found["cff-version"], found["type"], found["license"]) == ("1.2.0", "software", "Apache-2.0")
    assert found["version"] == predictornas.__version__
    texts = ("message", "title", "version", "license")
    assert all(isinstance(found[name], str) and found[name].strip() for name in texts)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", str(found.get("date-released", "2026-01-01")))


def test_everybody_has_a_name_and_every_reference_what_a_reference_needs() -> None:
    found = citation()
    for work in [found, *found["references"]]:
        assert work["authors"] != []
        for author in work["authors"]:
            assert set(author) in ({"name"}, {"family-names", "given-names"})
            assert all(isinstance(part, str) and part for part in author.values())
    for reference in found["references"]:
        assert {"type", "title", "authors"} <= set(reference)
        assert isinstance(reference["year"], int)
