"""The documentation site: it builds without a warning, its links lead somewhere, a phone can show it offline."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pytest

import predictornas
from predictornas.cli import app
from predictornas.spaces.registry import get_space
from predictornas.testing import check_predictor
from tests.extras import needed

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = ["index", "tutorial", "gallery", "api/predictors", "results/search"]
"""What is looked at in the browser."""


class Page(HTMLParser):
    """What a page of the site refers to, and what can be referred to in it."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.resources: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value for name, value in attrs if value}
        if "id" in given:
            self.anchors.add(given["id"])
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("link", "script", "img", "source"):
            self.resources += [given[name] for name in ("href", "src") if name in given]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once for all tests of this file: about ten seconds of one core."""
    for module in ("sphinx", "furo", "myst_parser"):
        needed(module)
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", str(DOCS), str(folder)]
    built = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert (built.returncode, built.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {path: Page(path) for path in site.rglob("*.html")}


@pytest.mark.slow
def test_every_link_and_every_image_of_the_site_leads_to_something_in_it(pages: dict[Path, Page]) -> None:
    lost = [
        f"{path.name}: {reference}"
        for path, page in pages.items()
        for reference in {*page.links, *page.resources}
        if not _leads_somewhere(reference, path, pages)
    ]
    assert lost == []
    assert sum(len(page.links) for page in pages.values()) > 2000


def _leads_somewhere(reference: str, path: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(reference)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not parts.fragment or target not in pages:
        return target.is_file()
    return unquote(parts.fragment) in pages[target].anchors


@pytest.mark.slow
def test_pages_load_nothing_from_elsewhere(pages: dict[Path, Page]) -> None:
    assert [what for page in pages.values() for what in page.resources if urlsplit(what).scheme != ""] == []
    assert [what for page in pages.values() for what in page.resources if what.startswith("//")] == []


@pytest.mark.slow
def test_every_public_name_and_every_contract_has_an_entry(pages: dict[Path, Page], site: Path) -> None:
    entries = set().union(*(page.anchors for path, page in pages.items() if path.parent.name == "api"))
    assert [name for name in predictornas._PUBLIC if f"predictornas.{name}" not in entries] == []
    for contract in (
        "predictors.base.Predictor",
        "samplers.base.Sampler",
        "schedulers.base.Scheduler",
        "search.strategies.Strategy",
        "spaces.base.RelaxableSpace",
        "registry.Registered",
        "testing.check_space",
    ):
        assert f"predictornas.{contract}" in entries
    names = (site / "api/names.html").read_text(encoding="utf-8")
    assert "uniform-N" in names
    assert "<!--" not in re.sub(r"<(head|script).*?</\1>", "", names, flags=re.DOTALL)


@pytest.mark.slow
def test_every_guide_and_every_page_of_results_is_in_the_site(pages: dict[Path, Page], site: Path) -> None:
    for folder in ("guides", "results"):
        for document in (DOCS / folder).glob("*.md"):
            assert site / folder / f"{document.stem}.html" in pages
    home = pages[site / "index.html"].links
    assert {"tutorial.html", "gallery.html", "faq.html", "api/index.html", "results/README.html"} <= set(home)


@pytest.fixture
def opened(browser: Any, site: Path) -> Iterator[Any]:
    """A page as wide as a phone; an error, a warning and a request that leaves the site fail the test."""
    page = browser.new_page(viewport={"width": 390, "height": 800})
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: None if _is_of(request.url, site) else faults.append(request.url))
    page.on("requestfailed", lambda request: faults.append(request.url))
    yield page
    page.close()
    assert faults == []


def _is_of(url: str, site: Path) -> bool:
    return url.startswith((site.as_uri(), "data:"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_shown_offline_and_fits_a_phone(opened: Any, site: Path, name: str) -> None:
    opened.goto((site / f"{name}.html").as_uri())
    assert opened.locator("article h1").first.is_visible()
    assert opened.evaluate("document.documentElement.scrollWidth") <= 390
    images = opened.locator("article img")
    assert images.evaluate_all("all => all.every(one => one.complete && one.naturalWidth > 0)")
    assert len(opened.screenshot()) > 10_000
    sizes = "all => all.map(one => parseFloat(getComputedStyle(one).fontSize))"
    assert min(opened.locator("article p").evaluate_all(sizes)) >= 13


def commands(document: Path) -> list[list[str]]:
    """The commands of this package in the blocks of a document, without what the shell makes of them."""
    blocks = re.findall(r"```bash\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines]
    return [line[line.index("predictornas") + 1 :] for line in words if "predictornas" in line]


@pytest.mark.parametrize("folder", ["..", ".", "guides"])
def test_every_command_of_a_page_has_the_options_that_it_names(folder: str) -> None:
    found = [command for path in (DOCS / folder).glob("*.md") for command in commands(path)]
    assert len(found) >= 10
    for command in found:
        if not set(command) & {"--version", "--help"}:
            app.parse_args(command, exit_on_error=False, print_error=False)


def test_the_commands_of_a_page_are_found(tmp_path: Path) -> None:
    text = "```bash\npip install x && predictornas gain \\\n    --seeds 3  # three\nls\n```\n"
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert commands(tmp_path / "page.md") == [["gain", "--seeds", "3"]]


def test_every_figure_of_the_gallery_has_its_command() -> None:
    gallery = (DOCS / "gallery.md").read_text(encoding="utf-8")
    figures = re.findall(r"^!\[.+?\]\((\S+)\)\n\n```bash\n(?:predictornas|python perf/)", gallery, re.MULTILINE)
    assert len(figures) == gallery.count("![") > 10


def blocks_of_the_tutorial(language: str) -> list[str]:
    tutorial = (DOCS / "tutorial.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", tutorial, re.DOTALL)


def test_the_predictor_of_the_tutorial_is_a_predictor(rng: np.random.Generator) -> None:
    names: dict[str, Any] = {}
    exec(blocks_of_the_tutorial("python")[0], names)
    space = get_space("nasbench201")
    genes = space.sample(20, rng)
    check_predictor(names["Ridge"], space, genes=genes, values=(genes == 3).mean(axis=1), rng=rng)


@pytest.mark.slow
def test_the_search_of_the_tutorial_finds_what_the_tutorial_says(capsys: pytest.CaptureFixture[str]) -> None:
    exec(blocks_of_the_tutorial("python")[1], {})
    assert capsys.readouterr().out == blocks_of_the_tutorial("text")[-1]
