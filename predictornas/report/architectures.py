"""What the best run of each method recommends, drawn as a cell or written in the notation of its space."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Int8

from predictornas.errors import ConfigurationError, MissingDependencyError
from predictornas.looks import styles_of
from predictornas.quantity import ERRORS, Quantities
from predictornas.report.markup import Content, Markup, element, joined
from predictornas.report.page import paragraphs
from predictornas.spaces.base import SearchSpace


@dataclass(frozen=True)
class Recommended:
    """What a run names as its result.

    Attributes:
        method: of the run.
        seed: of the run.
        genes: `(g,)` the architecture.
        signal: as the search saw it; None where its training failed.
        evaluation: in the same direction; None where it is not known.
    """

    method: str
    seed: int
    genes: Int8[np.ndarray, " g"]
    signal: float | None
    evaluation: float | None


def best_recommended(history: pl.DataFrame) -> list[Recommended]:
    """What the best run of each method recommends: its own opinion, else the best by the signal.

    The best run is the one that found the best signal at the longest training, ties to the lowest seed; the evaluation
    column has no say, as it has none in a search.

    Args:
        history: rows as in `predictornas.history.SCHEMA`.
    """
    best = []
    for method in styles_of(history["method"]):
        own = history.filter(
            (pl.col("method") == method) & pl.col("value").is_not_null() & pl.col("value").is_not_nan()
        )
        longest = own.filter(pl.col("epochs") == pl.col("epochs").max())
        if longest.is_empty():
            continue
        order = longest.sort("value", "seed", "order", descending=[True, False, False])
        run = own.filter(pl.col("run_id") == order["run_id"][0]).sort("order")
        best.append(_recommended(run, order.row(0, named=True)))
    return best


def drawn_architectures(space: SearchSpace, history: pl.DataFrame, quantities: Quantities = ERRORS) -> Content:
    """Each as a figure whose caption has its errors and its notation."""
    figures = [_figure(space, one, quantities) for one in best_recommended(history)]
    if not figures:
        return None
    return joined(
        paragraphs(
            f"What the best run of each method recommends. The best run is the one with the {quantities.signal.best} "
            f"{quantities.signal.name} by the signal, since a search sees nothing else."
        ),
        element("div", figures, class_="cells"),
    )


def _recommended(run: pl.DataFrame, best: Mapping[str, object]) -> Recommended:
    named = run["recommended"][-1] if "recommended" in run.columns else None
    key = best["key"] if named is None else named
    row = run.filter(pl.col("key") == key).sort("epochs", "order").row(-1, named=True)
    return Recommended(
        row["method"],
        row["seed"],
        np.array(row["genes"], np.int8),
        row["value"],
        row["evaluation"],
    )


def recommends(space: SearchSpace, one: Recommended, quantities: Quantities = ERRORS) -> Content:
    """A sentence that names it with its errors, for what a report of a single search says first."""
    told, notation = _told(one, quantities), space.describe(one.genes)
    return joined("Recommends ", element("code", notation), f": {told}." if told else ".")


def _told(one: Recommended, quantities: Quantities) -> str:
    """What is known of its quality: "signal error 6.10 %, evaluation error 6.45 %"."""
    values = [("signal", one.signal, quantities.signal), ("evaluation", one.evaluation, quantities.evaluation)]
    return ", ".join(
        f"{name} {of.name} {of.text(of.cost(value))}{f' {of.unit}' if of.unit else ''}"
        for name, value, of in values
        if value is not None
    )


def _figure(space: SearchSpace, one: Recommended, quantities: Quantities) -> Markup:
    label, told = styles_of([one.method])[one.method].label, _told(one, quantities)
    notation = space.describe(one.genes)
    drawn = cell_svg(space, one.genes, f"Cell that {label} recommends: {notation}")
    caption = element("figcaption", f"Seed {one.seed}: {told}. ", element("code", notation))
    return element(
        "figure", element("h3", label), drawn and element("div", drawn, class_="drawing"), caption, class_="cell"
    )


def cell_svg(space: SearchSpace, genes: Int8[np.ndarray, " g"], description: str) -> Markup | None:
    """The cell as SVG; None where matplotlib is missing, or how cells of this space look is not known.

    Args:
        space: of the architecture.
        genes: one valid row.
        description: for those who cannot see it.
    """
    try:
        import matplotlib

        from predictornas.plots.cells import draw_cells
    except (ImportError, MissingDependencyError):
        return None
    try:
        figure = draw_cells(space, genes, title=" ", stacked=True)
    except ConfigurationError:
        return None
    drawn = io.StringIO()
    with matplotlib.rc_context({"svg.hashsalt": "predictornas", "svg.fonttype": "none"}):
        figure.savefig(drawn, format="svg", facecolor="white", metadata={"Date": None})
    return _described(drawn.getvalue(), description)


def _described(svg: str, description: str) -> Markup:
    """The element alone, without what tells of its making, with a label."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    label = element("x", role="img", aria_label=description)[2 : -len("></x>")]
    return Markup(svg.replace("<svg", f"<svg{label}", 1).strip())
