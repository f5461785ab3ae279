from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.errors import DataError
from predictornas.history import History
from predictornas.search.loop import Search
from predictornas.search.strategies import RandomSearch
from predictornas.search.trials import read_trials
from predictornas.spaces.chains.space import ChainSpace
from predictornas.spaces.chains.stages import ChainStage
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
GENES = SPACE.enumerate()[[5, 7, 11]]


def test_a_table_of_any_notation(tmp_path: Path) -> None:
    texts = [SPACE.describe(row) for row in GENES]
    pl.DataFrame({"arch": texts, "accuracy": [0.5, None, 0.7]}).write_csv(tmp_path / "a.csv")
    found = read_trials(tmp_path / "a.csv", SPACE, value="accuracy")
    assert found.genes.tolist() == GENES.tolist()
    assert found.values.tolist()[::2] == [0.5, 0.7]
    assert np.isnan(found.values[1])
    assert found.epochs.tolist() == [0, 0, 0]
    pl.DataFrame({"genes": GENES.tolist(), "value": [1, 2, 3], "epochs": [12, 12, 200]}).write_parquet(tmp_path / "b")
    found = read_trials(str(tmp_path / "b"), SPACE)
    assert (found.genes.tolist(), found.values.tolist(), found.epochs.tolist()) == (
        GENES.tolist(),
        [1.0, 2.0, 3.0],
        [12, 12, 200],
    )


def test_a_saved_history_without_what_is_in_flight(tmp_path: Path) -> None:
    search = Search(SPACE, RandomSearch(initial=3), seed=0)
    genes = search.ask().genes
    search.tell(genes[:1], [0.5])
    search.history.save(tmp_path / "h.parquet")
    assert len(History.load(tmp_path / "h.parquet").pending) == 2
    found = read_trials(tmp_path / "h.parquet", SPACE)
    assert (found.genes.tolist(), found.values.tolist()) == (genes[:1].tolist(), [0.5])


def test_a_column_of_states_that_are_not_ours_leaves_every_row(tmp_path: Path) -> None:
    pl.DataFrame({"arch": ["1", "2"], "value": [0.5, 0.6], "state": ["Ohio", None]}).write_csv(tmp_path / "t.csv")
    assert read_trials(tmp_path / "t.csv", SPACE).values.tolist() == [0.5, 0.6]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"cell": ["1"], "value": [1.0]}, "lacks a column for the architectures"),
        ({"arch": ["1"], "score": [1.0]}, "lacks the column 'value'. It has arch, score"),
        ({"arch": ["1", "|none~0|"], "value": [1.0, 2.0]}, r"row 2: '\|none~0\|' is no architecture here"),
        ({"arch": ["1"], "value": ["good"]}, "t.csv"),
        ({"arch": ["/dev/zero"], "value": [1.0]}, "row 1: '/dev/zero' is no architecture here"),
    ],
)
def test_what_is_no_table_of_trials(columns: dict[str, list[object]], message: str, tmp_path: Path) -> None:
    pl.DataFrame(columns).write_csv(tmp_path / "t.csv")
    with pytest.raises(DataError, match=message):
        read_trials(tmp_path / "t.csv", SPACE)


def test_genes_are_genes_where_the_words_of_the_space_are_numbers_too(tmp_path: Path) -> None:
    class Layers(ChainSpace):
        name = "layers"
        stages = (ChainStage({"layers": (1, 2, 3)}, depth=(3,)),)

    path = tmp_path / "trials.csv"
    pl.DataFrame({"genes": ["1,1,2", "0,2,1"], "value": [0.5, 0.25]}).write_csv(path)
    assert read_trials(path, Layers()).genes.tolist() == [[1, 1, 2], [0, 2, 1]]
    pl.DataFrame({"arch": ["1,1,2", "3,3,1"], "value": [0.5, 0.25]}).write_csv(path)
    with pytest.raises(DataError, match=r"row 1: '1,1,2' is no architecture here.*Write 'string: ' or 'genes: '"):
        read_trials(path, Layers())
