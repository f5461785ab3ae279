from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictornas.architectures import ParsedArchitecture, formats, parse
from predictornas.architectures.nasbench_notations import cell_text
from predictornas.compat.nasbench_spec import ModelSpec
from predictornas.errors import (
    SCREEN,
    ConfigurationError,
    DataError,
    InvalidArchitectureError,
    PredictorNASError,
    UnknownNameError,
)
from predictornas.spaces.base import Genes, ReadableSpace
from predictornas.spaces.chains.space import ChainSpace
from predictornas.spaces.chains.stages import ChainStage
from predictornas.spaces.darts import DARTS
from predictornas.spaces.registry import SPACES, get_space
from predictornas.spaces.restricted import RestrictedSpace
from tests.architectures.examples import CELL, EXAMPLES, INCEPTION, LOG, NAMES, ROWS, V1, V2, Example


def is_meant(architecture: ParsedArchitecture, text: str) -> bool:
    """Whether it is what the space reads in its own notation, in whatever order of inputs or of vertices."""
    space = architecture.space
    assert isinstance(space, ReadableSpace)
    return architecture.key == int(space.keys(space.from_strings([text]))[0])


def is_read_again(architecture: ParsedArchitecture, name: str, text: str) -> bool:
    """Whether a text gives the same genes; hash and key of NAS-Bench-101 know the cell, not how its vertices stand."""
    again = parse(f"{name}: {text}", architecture.space)
    if architecture.space.name == "nasbench101" and name in ("hash", "key"):
        return again.key == architecture.key
    return again.genes.tolist() == architecture.genes.tolist()


def texts_of(architecture: ParsedArchitecture) -> list[tuple[str, str]]:
    """All notations, but the key of spaces too large to be listed, which cannot be read."""
    is_large = isinstance(architecture.space, DARTS)
    return [(name, text) for name, text in formats(architecture).items() if name != "key" or not is_large]


def test_there_are_sixty_examples_and_each_has_a_name() -> None:
    assert len({example.what for example in EXAMPLES}) == len(EXAMPLES) >= 60


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.what)
def test_every_example_is_read_and_written_in_every_notation(example: Example) -> None:
    found = parse(example.value, example.space, operations=example.operations)
    assert is_meant(found, example.means)
    assert found.space.valid(found.genes[None])[0]
    assert [name for name, text in texts_of(found) if not is_read_again(found, name, text)] == []


def test_hashes_of_the_examples_by_another_implementation() -> None:
    official = ModelSpec(ROWS, NAMES).hash_spec(["conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3"])
    assert formats(parse(INCEPTION))["hash"] == official


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
@given(seed=st.integers(0, 1 << 30))
@settings(max_examples=15)
def test_round_trips_of_all_spaces(name: str, seed: int) -> None:
    space = get_space(name)
    found = ParsedArchitecture(space, space.sample(1, np.random.default_rng(seed))[0], "")
    assert [named for named, text in texts_of(found) if not is_read_again(found, named, text)] == []


def test_rows_that_are_not_in_normal_form_are_brought_to_it() -> None:
    genes = parse("DARTS-V1").genes.copy()
    genes[[0, 1, 2, 3]] = genes[[2, 3, 0, 1]]
    assert parse(genes, "darts").genes.tolist() == parse("DARTS-V1").genes.tolist()


def test_key_and_notation_of_what_was_read() -> None:
    found = parse(CELL)
    assert found.key == int(found.space.keys(found.genes[None])[0])
    assert (found.notation, parse("8:8:8:8:8").notation) == ("string", "string")
    assert parse(hex(found.key), "nasbench201").genes.tolist() == found.genes.tolist()


def test_a_part_of_a_space_reads_its_own_alone() -> None:
    space = get_space("nasbench201")
    part = space.restricted_to(space.enumerated_keys()[:3])
    assert parse(space.describe(space.enumerate()[1]), part).space is part
    with pytest.raises(InvalidArchitectureError, match="not one of this part"):
        parse(CELL, part)
    drawn = get_space("darts").sample(3, np.random.default_rng(0))
    few = RestrictedSpace(get_space("darts"), get_space("darts").keys(drawn), drawn)
    assert parse(few.describe(drawn[2]), few).genes.tolist() == drawn[2].tolist()


# ---- a space of one's own ----


class Layers(ChainSpace):
    """Its words are numbers, and other ones than its genes."""

    name = "layers"
    stages = (ChainStage({"layers": (1, 2, 3)}, depth=(3,)),)


class Width(ChainSpace):
    name = "width"
    stages = (ChainStage({"width": (1, 2, 3)}),)


class Odd(ChainSpace):
    """Its words hold what other notations are made of."""

    name = "odd"
    stages = (
        ChainStage({"op": ("conv + bn", " led", "[x]", "a | b", "p~q", "[1; 2", "{z}", "3 3")}, depth=(0, 1, 2)),
    ) * 2


@pytest.mark.parametrize("space", [Layers(), Width(), Odd()], ids=lambda space: space.name)
def test_every_notation_of_a_space_of_ones_own_is_read_again(space: ChainSpace, tmp_path: Path) -> None:
    for row in space.sample(60, np.random.default_rng(0)):
        found = ParsedArchitecture(space, row, "")
        assert [name for name, text in texts_of(found) if not is_read_again(found, name, text)] == []
        path = written(tmp_path, "recommended.txt", f"string: {space.describe(row)}\n")
        assert parse(path, space).genes.tolist() == row.tolist()


def test_the_words_of_a_space_of_ones_own_need_no_name() -> None:
    space = Odd()
    for row in space.sample(60, np.random.default_rng(1)):
        for value in (space.describe(row), {"notation": space.describe(row)}):
            assert parse(value, space).genes.tolist() == row.tolist()
    assert parse("3,3,3", Layers()).genes.tolist() == [2, 2, 2]
    assert parse("3 , 3,  3 ", Layers()).genes.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("space", "text", "means"),
    [
        (Layers(), "1,1,2", ([0, 0, 1], [1, 1, 2])),
        (Layers(), "1, 1, 2", ([0, 0, 1], [1, 1, 2])),
        (Width(), "2", ([1], [2])),
    ],
)
def test_numbers_that_are_words_and_other_genes_are_told_apart_by_their_name(
    space: ChainSpace, text: str, means: tuple[list[int], list[int]]
) -> None:
    with pytest.raises(ConfigurationError, match=r"the words of '\w+' or genes.* Write 'string: ' or 'genes: '"):
        parse(text, space)
    for name, genes in zip(("string", "genes"), means, strict=True):
        assert parse(f"{name}: {text}", space).genes.tolist() == genes
    assert parse([int(number) for number in text.split(",")], space).genes.tolist() == means[1]


def test_a_result_is_in_the_words_of_its_space(tmp_path: Path) -> None:
    """As a search on that space writes what it recommends; a file of somebody else may hold either."""
    folder = tmp_path / "search"
    folder.mkdir()
    (folder / "recommended.txt").write_text("1,1,2\n", encoding="utf-8")
    for result in (folder, folder / "recommended.txt"):
        assert parse(result, Layers()).genes.tolist() == [0, 0, 1]
    with pytest.raises(ConfigurationError, match="Write 'string: '"):
        parse(written(tmp_path, "theirs.txt", "1,1,2\n"), Layers())


def test_numbers_that_are_genes_alone_are_genes() -> None:
    assert parse("0,1,2", Layers()).notation == "genes"
    assert parse("0", Width()).genes.tolist() == [0]

    class Indexes(ChainSpace):
        name = "indexes"
        stages = (ChainStage({"index": (0, 1, 2)}, depth=(2,)),)

    assert parse("0,2", Indexes()).genes.tolist() == [0, 2]


def test_what_only_looks_like_a_list_is_refused_as_before() -> None:
    for text in ("[1", "[1]:[2]"):
        with pytest.raises(InvalidArchitectureError, match="cannot be read as an architecture"):
            parse(text, Odd())
    with pytest.raises(InvalidArchitectureError, match="' conv' is no op"):
        parse("string: conv + bn, conv:", Odd())


def test_a_text_full_of_space_is_read_in_time_that_grows_with_it_alone() -> None:
    begin = time.process_time()
    with pytest.raises(InvalidArchitectureError):
        parse("a" + " " * 200_000 + "b", "nasbench201")
    assert time.process_time() - begin < 3


# ---- files ----


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text", "means"),
    [
        ("recommended.txt", CELL + "\n", CELL),
        ("genotype.txt", V2 + "\n", V2),
        ("search.log", LOG, V2),
        ("genotypes.py", f"from collections import namedtuple\n\nA = {V2}\n\nB = {V1}\n", V1),
        ("found.json", json.dumps([{"method": "x", "recommended": {"genes": [3, 0, 4, 3, 0, 1]}}]), CELL),
        ("manifest.json", json.dumps({"method": "darts", "genes": [3, 0, 4, 3, 0, 1], "architecture": CELL}), CELL),
        ("hash.txt", "28cfc7874f6d200472e1a9dcd8650aa0\n", INCEPTION),
    ],
)  # fmt: skip
def test_what_files_hold(name: str, text: str, means: str, tmp_path: Path) -> None:
    path = written(tmp_path, name, text)
    for source in (path, str(path)):
        found = parse(source)
        assert is_meant(found, means)


def test_a_folder_of_results_is_as_good_as_its_file(tmp_path: Path) -> None:
    written(tmp_path, "recommended.txt", CELL)
    assert parse(tmp_path).genes.tolist() == parse(str(tmp_path)).genes.tolist() == [3, 0, 4, 3, 0, 1]


def test_a_released_name_is_no_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "DARTS-V2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert parse("DARTS-V2").notation == "name"


def test_logs_hold_bytes_of_all_kinds(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xff\xfe\x00 progress \x1b[2K\r" + LOG.encode() + b"\x80\n")
    found = parse(path)
    assert is_meant(found, V2)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("empty.txt", b" \n", "is empty"),
        ("cut.log", LOG.encode()[: LOG.rindex("reduce=")], "cut off"),
        ("bad.json", b"{", "cannot be read as JSON"),
        ("deep.json", b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "nested deeper"),
        ("none.txt", b"hello \x1b[31m world", r"is no architecture"),
    ],
)
def test_files_that_hold_none(name: str, content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(PredictorNASError, match=reason) as caught:
        parse(tmp_path / name)
    assert "\x1b" not in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file"):
        parse("search/recommended.txt")
    with pytest.raises(DataError, match=r"recommended\.txt, genotype\.txt"):
        parse(tmp_path)


@pytest.mark.slow
def test_a_file_of_one_line_and_twenty_megabytes_is_told_in_a_screen(tmp_path: Path) -> None:
    line = json.dumps({"a\x1b[2J": ["x" * 1000] * 20_000})
    path = written(tmp_path, "big.json", line)
    assert len(line) > 20_000_000
    for source in (path, line, path.read_text(encoding="utf-8") + "x"):
        begin = time.process_time()
        with pytest.raises(PredictorNASError) as caught:
            parse(source)
        assert len(str(caught.value)) <= SCREEN
        assert "\x1b" not in str(caught.value)
        assert time.process_time() - begin < 5


# ---- errors ----


@pytest.mark.parametrize(
    ("value", "space", "error", "message"),
    [
        ("DARTS-V3", None, UnknownNameError, "Did you mean 'DARTS-V2'"),
        ("DARTS-V3", "darts", UnknownNameError, "DARTS-V2"),
        ("3,5,1,2,4,5", "nasbench201", InvalidArchitectureError, "if numbers begin with 1"),
        ("3,0", "nasbench201", InvalidArchitectureError, "rows of 6 whole numbers"),
        ("3,0,4,3,0,5", None, InvalidArchitectureError, r"gene 5 is 5, outside 0\.\.4, .* 'nasbench201'"),
        ("9,9,9,9,9", None, InvalidArchitectureError, "gene 0 is 9, .* 'nasbench-graph'"),
        ("300,0,1,2,4,3", "nasbench201", InvalidArchitectureError, "gene 0 is 300"),
        ("DARTS-V2", "nasbench201", InvalidArchitectureError, "fits name of darts: Genotype"),
        (CELL, "nasbench101", InvalidArchitectureError, "fits string of nasbench201"),
        ("8:8:8:8:9", None, InvalidArchitectureError, "'9' is no width"),
        ("5,5,5,5,5", None, ConfigurationError, "may be an architecture of nasbench-graph, natsbench-size"),
        ("7", None, ConfigurationError, "nasbench201, nasbench-graph, natsbench-size"),
        ("15625", "nasbench201", InvalidArchitectureError, r"architectures 0\.\.15624, not 15625"),
        ("|none~0|", None, InvalidArchitectureError, "another form"),
        ("f" * 32, None, DataError, "Unknown module hash"),
        ("ModelSpec([[0, 1], [1, 0]], ['input', 'output'])", None, InvalidArchitectureError, "edge 1 -> 0"),
        ({"matrix": [[0]], "ops": []}, None, InvalidArchitectureError, "2 to 64 rows"),
        (None, None, InvalidArchitectureError, "None is no architecture"),
        ([0.5, 1.5], None, InvalidArchitectureError, "is no architecture"),
        ("-1", None, InvalidArchitectureError, "not -1"),
        (-1, "nasbench-graph", InvalidArchitectureError, "-1 is no architecture"),
        (
            [8, 16, 24, 32, 64],
            None,
            InvalidArchitectureError,
            "if these are the widths: 8:16:24:32:64",
        ),
        (V2.replace("sep_conv_3x3", "my_conv", 1), None, InvalidArchitectureError, "Operation 'my_conv' is not one of"),
        (V2.replace("('sep_conv_3x3', 0)", "('sep_conv_3x3', 2)", 1), None, InvalidArchitectureError, "pair 0, "),
        ([], None, InvalidArchitectureError, "is no architecture"),
        ("", None, InvalidArchitectureError, "is no architecture"),
        (CELL, "nasbench20", UnknownNameError, "nasbench201"),
        (object(), "natsbench-size", InvalidArchitectureError, "written as string: "),
        ("key: 5", "natsbench-size", InvalidArchitectureError, "has the key 5"),
        ("key: 5", "darts", InvalidArchitectureError, "too large"),
        ('{"edge_normal_0": "skip_connect"}', "darts", InvalidArchitectureError, "two of each of its four nodes"),
    ],
)
def test_errors_say_why_and_what_was_meant(value: object, space: str | None, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        parse(value, space)


def test_genes_of_the_darts_spaces_need_the_space() -> None:
    with pytest.raises(ConfigurationError, match="darts, darts-8"):
        parse(",".join(map(str, parse("DARTS-V2").genes)))


def test_the_operation_before_the_input_is_noticed() -> None:
    pairs = parse("P-DARTS").genes.reshape(-1, 2)[:, ::-1]
    with pytest.raises(InvalidArchitectureError, match="if the operation comes before the input: Genotype"):
        parse(pairs.ravel(), "darts")


def test_an_operation_of_another_darts_space_finds_it() -> None:
    none = V2.replace("skip_connect", "none")
    assert parse(none).space.name == "darts-8"
    with pytest.raises(InvalidArchitectureError, match="fits genotype of darts-8"):
        parse(none, "darts")


@pytest.mark.parametrize(
    ("value", "operations", "message"),
    [
        ("1,0,2,1,0,4", "none,skip_connect", "give all"),
        ("9,0,2,1,0,4", "none,nor_conv_3x3,avg_pool_3x3,nor_conv_1x1,skip_connect", "Gene 0 is 9"),
    ],
)
def test_orders_that_cannot_be(value: str, operations: str, message: str) -> None:
    with pytest.raises(PredictorNASError, match=message):
        parse(value, "nasbench201", operations=operations)


def test_orders_are_of_spaces_whose_genes_are_operations() -> None:
    with pytest.raises(ConfigurationError, match="no numbers of operations"):
        parse([0, 0, 0, 0, 0], "natsbench-size", operations=["a", "b"])


def test_devices_and_texts_of_strangers_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="/dev/zero is no file"):
        parse("/dev/zero")
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "7", CELL)
    assert parse("7").genes.tolist() == [3, 0, 4, 3, 0, 1]
    assert parse("7", "nasbench201", files=False).notation == "index"


@pytest.mark.parametrize("text", ["|", "|a~0|", "|a~0|+", "|a~0| + ", "|" + "a" * 50])
def test_a_cell_is_looked_for_in_time_that_grows_with_the_text_alone(text: str) -> None:
    text = text * (2_000_000 // len(text))
    begin = time.process_time()
    assert cell_text(text) is None
    assert time.process_time() - begin < 3


def test_a_reader_that_does_not_say_what_it_refuses_hides_no_other_space() -> None:
    class Sloppy(Layers):
        name = "sloppy"

        def from_strings(self, texts: Sequence[str]) -> Genes:
            return np.array([[int(part[1:]) for part in text.split("-")] for text in texts], np.int8)

    assert parse("0,1,2", Sloppy()).notation == "genes"
    with pytest.raises(PredictorNASError):
        parse("a-b", Sloppy())


def test_numbers_under_the_name_genes_are_genes() -> None:
    for value in ({"genes": "1,1,2"}, '{"genes": "1,1,2"}'):
        assert parse(value, Layers()).genes.tolist() == [1, 1, 2]


def test_what_else_a_text_with_a_name_fits_is_said() -> None:
    with pytest.raises(InvalidArchitectureError, match="It fits genes of natsbench-size, if these are the widths"):
        parse("string: 8,16,24,32,64", "natsbench-size")
    with pytest.raises(InvalidArchitectureError, match="Expected genes"):
        parse("genes: 5")
