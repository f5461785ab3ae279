"""The documentation site: `sphinx-build -W -b html docs site`, then `python -m http.server -d site`.

The pages are plain Markdown that reads well where it lies. Two extensions beside this file turn it into a site:
`site_links` leads links to the pages made of what lies outside this folder, `site_reference` fills the reference.
"""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

import predictornas  # noqa: E402  (from this checkout, whatever is installed)

project = "predictornas"
release = version = predictornas.__version__
html_title = f"predictornas {release}"
html_copy_source = False
html_show_copyright = False
html_theme = "furo"
html_theme_options = {"navigation_with_keys": True}
html_static_path = ["static"]
html_css_files = ["site.css"]
exclude_patterns = ["results/templates", "results/**/captions.md"]  # captions belong to the figures beside them

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "site_links", "site_reference"]
myst_heading_anchors = 4
default_role = "py:obj"  # a name in backticks of a docstring becomes a link where there is a page for it
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
napoleon_numpy_docstring = False
napoleon_custom_sections = [("Attributes", "params_style")]  # a list, as help() has it
pygments_style = "friendly"
pygments_dark_style = "native"
