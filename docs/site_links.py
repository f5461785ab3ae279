"""Links as a code host reads them, in the site: to the pages of what lies outside this folder, or to nothing.

`[text](../CHANGELOG.md)` leads to `changelog.md`, which includes that file. A link in an included file is relative to
where that file lies. A link to a folder, which a site does not show, keeps its text alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent

PAGES = {
    "README.md": "tour",
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "benchmarks_data/README.md": "bundled-table",
}
"""What lies outside of this folder, and the page that includes it."""


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls to load this extension."""
    app.connect("doctree-read", lead_links, priority=100)  # before files to download are collected
    return {"parallel_read_safe": True}


def lead_links(app: Sphinx, doctree: nodes.document) -> None:
    """Mends the links that Sphinx alone would take for downloads, or would not find."""
    for node in list(doctree.findall(addnodes.download_reference)) + list(doctree.findall(addnodes.pending_xref)):
        if node.get("reftype") == "myst":
            target, anchor = _target(app, node)
            path = _found(Path(app.srcdir), node["refdoc"], target)
            if path is not None:
                _lead(app, node, path, anchor)


def _target(app: Sphinx, node: Any) -> tuple[str, str | None]:
    """The file that a link names, and the anchor in it; no file where Sphinx knows its page."""
    if node.get("refdomain") == "doc":  # Markdown outside of this folder is taken for a page, by its whole path
        known = node["reftarget"] in app.env.found_docs
        return "" if known else f"{node['reftarget']}.md", node["reftargetid"]
    target, _, anchor = node["reftarget"].partition("#")
    return target, anchor or None


def _found(pages: Path, page: str, target: str) -> Path | None:
    """What a link means: relative to its page, else to the root, whence files are included."""
    for base in ((pages / page).parent, ROOT):
        path = (base / target).resolve()
        if target and path.exists():
            return path
    return None


def _lead(app: Sphinx, node: Any, path: Path, anchor: str | None) -> None:
    if path.is_dir():
        node.replace_self(node.children)
        return
    page = PAGES.get(str(path.relative_to(ROOT))) or app.env.path2doc(str(path))
    if page is not None and page in app.env.found_docs:
        where = {"refdomain": "doc", "reftarget": page, "reftargetid": anchor, "reftype": "myst"}
        link = addnodes.pending_xref(refdoc=node["refdoc"], refexplicit=True, **where)
    else:
        target = f"/{os.path.relpath(path, app.srcdir)}"  # from the folder of the pages
        link = addnodes.download_reference(refdomain=None, reftarget=target, refdoc=node["refdoc"])
    link.extend(node.children)
    node.replace_self(link)
