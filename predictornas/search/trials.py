"""Trials that were made elsewhere: by a colleague, by an earlier search, by another program."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from jaxtyping import Float, Int64

from predictornas.architectures import parse
from predictornas.errors import DataError, PredictorNASError, quoted
from predictornas.frames import column_names, read_bytes, read_columns, readable
from predictornas.reading import shown_path
from predictornas.spaces.base import Genes, SearchSpace, require_members

NAMES = ("genes", "architecture", "notation", "arch", "hash")
"""Columns that may hold the architectures; the first that is there counts."""


class Trials(NamedTuple):
    """Architectures and what came of them, as `Search.add` takes it.

    Attributes:
        genes: `(n, g)`.
        values: `(n,)`, higher is better; NaN where a training failed.
        epochs: `(n,)`; 0 where the file does not say.
    """

    genes: Genes
    values: Float[np.ndarray, " n"]
    epochs: Int64[np.ndarray, " n"]


def read_trials(path: Path | str, space: SearchSpace, *, value: str = "value") -> Trials:
    """The trials in a parquet or CSV file.

    Architectures stand in a column `genes`, `architecture`, `notation`, `arch` or `hash`, in any notation that
    `predictornas.architectures.parse` reads; `epochs` may be there. So it reads `history.parquet` of a study, what
    `History.save` writes, and what `predictornas data export` writes.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from predictornas import Search, get_space
        >>> from predictornas.search.trials import read_trials
        >>> file = Path(tempfile.mkdtemp()) / "colleague.csv"
        >>> _ = file.write_text("arch,accuracy\\n14950,0.91\\n7,0.93\\n")
        >>> search = Search(get_space("nasbench201"), "local-search", seed=0)
        >>> search.add(*read_trials(file, search.space, value="accuracy"))
        2

    Args:
        path: of the file.
        space: of the architectures.
        value: the column of the values; percent, losses and errors are yours to convert or negate.

    Raises:
        DataError: the file cannot be read, lacks a column, or holds something that is no number or no architecture of
            the space; names the row.
    """
    where, content = shown_path(Path(path)), read_bytes(Path(path))
    columns = column_names(content, where)
    named = next((name for name in NAMES if name in columns), None)
    if named is None or value not in columns:
        lacking = f"a column for the architectures ({', '.join(NAMES)})" if named is None else f"the column {value!r}"
        other = (
            ""
            if named is None
            else " Name the one with the values: `value=`, on the command line --trials-value or --prior-value."
        )
        raise DataError(f"{where} lacks {lacking}. It has {', '.join(columns)[:400]}.{other}")
    asked = [named, value, *(name for name in ("epochs", "state") if name in columns)]
    frame = read_columns(content, where, list(dict.fromkeys(asked)))
    if "state" in columns:  # of a saved history, whose last rows are in flight
        frame = frame.filter(pl.col("state").ne_missing("pending"))
    with readable(where):
        values = frame[value].cast(pl.Float64).fill_null(np.nan).to_numpy()
        lengths = frame["epochs"] if "epochs" in columns else pl.zeros(len(frame), eager=True)
        if lengths.dtype.is_float() and (lengths.drop_nulls().drop_nans() % 1 != 0).any():
            raise ValueError("lengths of trainings are whole numbers of epochs")
        epochs = lengths.cast(pl.Int64).fill_null(0).to_numpy()
        texts = frame[named].to_list()
    if named == "genes":  # numbers may be the words of a space of one's own, too
        is_row = re.compile(r"\s*\d+(\s*,\s*\d+)+\s*")
        texts = [f"genes: {text}" if isinstance(text, str) and is_row.fullmatch(text) else text for text in texts]
    return Trials(_genes(texts, space, where), np.array(values), np.array(epochs, np.int64))


def _genes(texts: list[object], space: SearchSpace, where: str) -> Genes:
    genes = np.zeros((len(texts), space.num_genes), np.int8)
    for row, text in enumerate(texts):
        try:
            genes[row] = parse(text, space, files=False).genes
        except PredictorNASError as error:
            raise DataError(f"{where}, row {row + 1}: {quoted(text)} is no architecture here. {error}") from error
    return require_members(space, genes)
