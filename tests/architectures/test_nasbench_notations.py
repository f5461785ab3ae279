from __future__ import annotations

import ast
import json

from predictornas.architectures.nasbench_notations import NASBENCH, cell_text
from predictornas.spaces.registry import get_space

CELL = "|nor_conv_3x3~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|none~1|skip_connect~2|"


def test_the_last_cell_of_a_text() -> None:
    other = CELL.replace("none", "skip_connect")
    assert cell_text(f"epoch 1 {CELL}\nepoch 2: {other.replace('+', ' + ')}; done") == other.replace("+", " + ")
    assert cell_text(CELL.replace("~2", "~1")) is None


def test_what_each_notation_writes_it_reads() -> None:
    space = get_space("nasbench201")
    (row,) = space.from_strings([CELL])  # type: ignore[attr-defined]
    mine = [notation for notation in NASBENCH if notation.fits(space)]
    assert [notation.name for notation in mine] == ["index", "nodes", "operations", "naslib", "naszilla"]
    written = {notation.name: notation.write(space, row) for notation in mine}
    assert written["naslib"] == "(2, 1, 2, 4, 1, 0)"
    assert ast.literal_eval(str(written["nodes"]))[:2] == ((("nor_conv_3x3", 0),), (("none", 0), ("avg_pool_3x3", 1)))
    for notation in mine:
        text = written[notation.name]
        value = text if notation.name == "operations" else ast.literal_eval(str(text))
        found = notation.read(space, json.loads(json.dumps(value)), None)  # lists, as `parse` hands them on
        assert found is not None
        assert found.tolist() == row.tolist()
