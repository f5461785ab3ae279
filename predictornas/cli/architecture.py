"""The verb that shows one architecture: architecture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from predictornas.cli.console import Json, say, show_json, show_rows
from predictornas.cli.listing import spaces_help
from predictornas.cli.options import Style
from predictornas.errors import UnknownNameError

if TYPE_CHECKING:
    from predictornas.architectures import ParsedArchitecture
    from predictornas.studies.one_architecture import KnownArchitecture


def architecture(
    *text: str,
    space: Annotated[
        str | None, Parameter(help=f"Its space, where its notation does not say it: {spaces_help()}")
    ] = None,
    benchmark: str | None = None,
    operations: str | None = None,
    picture: Path | None = None,
    style: Style = "screen",
    json: Json = False,
) -> None:
    """Show one architecture in every notation of the field, how large it is, and what tables have of it.

    Example: predictornas architecture '|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|'
    Example: predictornas architecture 'naslib: (2, 1, 2, 4, 1, 0)' --benchmark nasbench201-cifar10

    Every line `name: text` that it prints can be given to it again, and to `predictornas train`.

    Parameters
    ----------
    text
        Genes, a string, matrix and operations, module hash, index, Genotype(...), the name of a released genotype,
        or a file, log or folder of results that holds one.
    benchmark
        A table of which every column and the nearest architectures are shown.
    operations
        What numbers of operations stand for: their names in order, commas between, or naslib or naszilla.
    picture
        File for a picture of its cells; its ending is png, svg or pdf.
    """
    from predictornas.architectures import parse
    from predictornas.studies.one_architecture import describe_architecture

    found = parse(" ".join(text), space, operations=operations)
    known = describe_architecture(found, benchmark=benchmark)
    if picture is not None:
        _draw(found, picture, style)
    if json:
        show_json(_facts(known))
        return
    say(f"An architecture of {known.space}, read as {found.notation}.\n")
    for name, notation in known.notations.items():
        say(f"{name}: {notation}")
    for size in known.sizes:
        say(
            f"\n{size.network}: {size.parameters / 1e6:.2f}M parameters, {size.multiply_adds / 1e6:.1f}M multiply-adds "
            f"({size.multiply_adds_as_papers / 1e6:.1f}M with normalisation, activations and pools)"
        )
    _show_tables(known, benchmark)
    if picture is not None:
        say(f"Picture: {picture}")


def _show_tables(known: KnownArchitecture, benchmark: str | None) -> None:
    rows = [
        {"table": table, "column": column, "value": _shown(value)}
        for table, values in known.tables.items()
        for column, value in values.items()
    ]
    if rows:
        show_rows(rows, "What tables have of it", as_json=False)
    if known.lacking:
        say(f"Not in {', '.join(known.lacking)}.")
    if known.nearest:
        near = [
            {
                "genes that differ": str(one.differing),
                **{column: _shown(value) for column, value in one.values.items()},
                "architecture": one.notation,
            }
            for one in known.nearest
        ]
        show_rows(near, f"The nearest of {benchmark}", as_json=False)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _facts(known: KnownArchitecture) -> dict[str, Any]:
    """As JSON; notations, tables and columns are entries with a name, for their names are no words of ours."""
    from dataclasses import asdict

    facts = asdict(known)
    facts["key"] = str(known.key)  # JavaScript and jq have no integers of 64 bits
    facts["notations"] = [{"notation": name, "text": text} for name, text in known.notations.items()]
    facts["tables"] = tables_as_json(known.tables)
    for one in facts["nearest"]:
        one["values"] = _entries(one["values"])
    return facts


def tables_as_json(tables: dict[str, dict[str, float | None]]) -> list[dict[str, Any]]:
    """What tables have of an architecture, by table and column, as JSON has it."""
    return [{"table": table, "values": _entries(values)} for table, values in tables.items()]


def tables_in_words(tables: dict[str, dict[str, float | None]]) -> list[str]:
    """The same, a line a table."""
    return [
        f"In {table}: {', '.join(f'{column} {_shown(value)}' for column, value in values.items())}."
        for table, values in tables.items()
    ]


def _entries(values: dict[str, float | None]) -> list[dict[str, Any]]:
    return [{"column": column, "value": value} for column, value in values.items()]


def _draw(found: ParsedArchitecture, picture: Path, style: str) -> None:
    """Writes the picture that papers have of a cell; raises before anything is written where it cannot be drawn."""
    from predictornas.plots.cells import draw_cells
    from predictornas.plots.style import drawing
    from predictornas.studies.pictures import FORMATS, Pictures, write_figures

    ending = picture.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise UnknownNameError("format of figures", ending, FORMATS)
    with drawing(style):
        figure = draw_cells(found.space, found.genes, stacked=True)
    figure.caption = ""  # type: ignore[attr-defined]  # a single picture stands without a file of captions
    write_figures(picture.parent, {picture.stem: figure}, Pictures((ending,), style))
