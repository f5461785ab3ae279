"""The table of the papers' claims: one verdict a row, links that lead somewhere, no figure or table left out."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "results"))

from writing.wording import VERDICTS

RESULTS = Path(__file__).parents[1] / "docs" / "results"
COLUMNS = ("claim", "where", "setting", "ours", "verdict", "link", "change")

NUMBERED = {
    "Mauch": [*(f"fig. {n}" for n in range(1, 11)), "algorithm 1", "algorithm 2"],
    "PVLL-NAS": [*(f"table {n}" for n in range(1, 6)), *(f"fig. {n}" for n in ("1", "2", "3a", "3b")), "Theorem 1"],
    "RANK-NOSH": ["sec. 4.1.1", "sec. 4.1.2", "sec. 4.1.2.1"],
}
"""What each paper numbers; chapter 4 of the thesis has sections only."""


def sections() -> dict[str, list[dict[str, str]]]:
    """The rows of the table of each paper, by its heading."""
    found = {}
    for part in (RESULTS / "claims.md").read_text(encoding="utf-8").split("\n## ")[1:]:
        lines = [line for line in part.splitlines() if line.startswith("| ")][2:]
        cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
        found[part.splitlines()[0]] = [dict(zip(COLUMNS, row, strict=True)) for row in cells]
    return found


def claims() -> list[dict[str, str]]:
    return [row for rows in sections().values() for row in rows]


def test_every_claim_has_one_of_five_verdicts_and_short_cells() -> None:
    assert {row["verdict"] for row in claims()} <= set(VERDICTS)
    assert [cell for row in claims() for cell in row.values() if not cell or len(cell) > 250] == []
    assert len({row["claim"] for row in claims()}) == len(claims()) >= 90


def test_what_holds_was_measured_or_proved_and_what_does_not_says_what_would_change_it() -> None:
    silent = [row["claim"] for row in claims() if row["ours"] == "-" and row["verdict"] not in VERDICTS[3:]]
    final = [row["claim"] for row in claims() if row["change"] == "-" and row["verdict"] in VERDICTS[2:]]
    assert silent == final == []


@pytest.mark.parametrize("paper", NUMBERED)
def test_no_numbered_figure_or_table_of_a_paper_is_left_out(paper: str) -> None:
    rows = next(rows for heading, rows in sections().items() if paper in heading)
    where = " ".join(f"{row['where']}, {row['claim']}," for row in rows)
    assert [name for name in NUMBERED[paper] if not re.search(rf"{re.escape(name)}(?![\w.]*\w)", where)] == []


def test_every_link_of_a_claim_leads_to_a_file_and_to_a_heading_in_it() -> None:
    lost = []
    for row in claims():
        links = re.findall(r"\]\(([^)#]+)(?:#([^)]+))?\)", row["link"])
        assert links, row["claim"]
        for path, anchor in links:
            target = RESULTS / path
            if not target.is_file() or (anchor and anchor not in anchors(target)):
                lost.append(row["link"])
    assert lost == []


def anchors(document: Path) -> set[str]:
    """The anchors of the headings of a document, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_counts_of_the_first_page_are_those_of_the_rows() -> None:
    text = (RESULTS / "claims.md").read_text(encoding="utf-8")
    counted = [re.findall(r"\d+", line) for line in text.split("\n## ")[0].splitlines() if line.startswith("| ")][2:]
    tables = [[row["verdict"] for row in rows] for rows in sections().values()]
    assert [[int(n) for n in line[-5:]] for line in counted] == [[t.count(v) for v in VERDICTS] for t in tables]


def test_there_is_no_more_than_a_page_of_prose() -> None:
    lines = (RESULTS / "claims.md").read_text(encoding="utf-8").splitlines()
    prose = [line for line in lines if not line.startswith(("|", "#", "<!--"))]
    assert 100 < len(" ".join(prose).split()) < 500
