"""What the documents show must work."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import numpy as np
import polars as pl
import pytest

from predictornas.benchmarks.known_benchmarks import BENCHMARKS
from predictornas.benchmarks.recipe_files import load_recipe
from predictornas.cli import main
from predictornas.live.images.registry import IMAGE_SETS
from predictornas.live.proxies import PROXIES
from predictornas.observers import ObserverWarning
from predictornas.predictors.registry import PREDICTORS
from predictornas.samplers.registry import SAMPLERS
from predictornas.schedulers.registry import SCHEDULERS
from predictornas.search.loop import Search
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.registry import METHODS, known_methods
from predictornas.search.strategies import RandomSearch
from predictornas.spaces.registry import SPACES, get_space
from predictornas.supernet.registry import SUPERNET_METHODS
from predictornas.threads import one_thread
from tests.extras import needed

ROOT = Path(__file__).parents[1]


def block(document: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.slow
def test_the_python_of_the_readme_searches(capsys: pytest.CaptureFixture[str]) -> None:
    code = block("README.md", "python")
    assert len(code.splitlines()) <= 11
    exec(code, {"train_and_validate": lambda cell: 0.9 + 0.01 * cell.count("conv3x3")})
    assert "input," in capsys.readouterr().out


def test_the_recipe_of_the_guide_is_a_recipe(tmp_path: Path) -> None:
    *_, last = re.findall(r"```json\n(.*?)```", (ROOT / "docs/guides/tables.md").read_text(), re.DOTALL)
    (tmp_path / "recipe.json").write_text(last)
    recipe = load_recipe(tmp_path / "recipe.json")
    assert recipe.signal == "valid_accuracy_200_run0"


@pytest.mark.thorough
@pytest.mark.parametrize("place", range(4))
def test_a_table_from_csv_to_figures_in_ten_lines_and_two_commands(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    guide = (ROOT / "docs/guides/tables.md").read_text(encoding="utf-8")
    recipe = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)[place]
    commands = re.findall(r"```bash\n(.*?)```", guide, re.DOTALL)[place].splitlines()
    assert len(recipe.splitlines()) <= 10
    assert len(commands) == 2
    name = commands[0].split()[3]
    monkeypatch.chdir(tmp_path)
    Path(f"{name}.json").write_text(recipe, encoding="utf-8")
    made_table(name).write_csv(f"{name}.csv")
    for command in commands:
        with pytest.raises(SystemExit) as ended:
            main([*command.split()[1:], *(["--workers", "1"] if " gain " in command else [])])
        assert ended.value.code in (0, None)
    assert {path.name for path in Path(f"gain-{name}").iterdir()} >= {"gain.png", "convergence.png", "report.html"}


def made_table(name: str) -> pl.DataFrame:
    """100 architectures of the space of an example, with the columns that its recipe names."""
    space = get_space("natsbench-size" if name == "sizes" else "nasbench201")
    genes = space.enumerate()[:: len(space) // 100][:100]
    rng = np.random.default_rng(0)
    architectures = {"arch": [space.describe(row) for row in genes]}
    match name:
        case "accuracies":
            return pl.DataFrame({**architectures, "accuracy": rng.uniform(80, 95, 100)})
        case "two":
            return pl.DataFrame({**architectures, "seed0": rng.uniform(size=100), "seed1": rng.uniform(size=100)})
        case "losses":
            columns = {f"g{place}": genes[:, place] for place in range(6)}
            return pl.DataFrame({**columns, "valid": rng.uniform(1, 3, 100), "test": rng.uniform(1, 3, 100)})
    return pl.DataFrame({**architectures, "error": rng.uniform(5, 20, 100)})


QUOTED = {
    "5.97 [5.92, 6.02]": "docs/results/search.md",
    "6.330 [6.231, 6.430] %": "docs/results/search.md",
    "5.78 [5.75, 5.80]": "docs/results/search.md",
    "5.845 [5.802, 5.887] %": "docs/results/search.md",
    "5.669 %": "docs/results/search.md",
    "13 to 16 dB": "docs/results/gain.md",
    "0.783": "docs/results/predictors.md",
    "106 killed commands lost none": "docs/robustness.md",
}
"""Numbers of the README, and the document that has each from its measurement."""


@pytest.mark.parametrize("number", QUOTED)
def test_numbers_of_the_readme_are_those_of_the_results(number: str) -> None:
    readme = " ".join((ROOT / "README.md").read_text().split())
    assert number in readme
    figures = re.match(r"[\d.]+( \[.*?\]| to \d+)?", number)
    assert figures is not None
    assert figures[0].removeprefix("0") in " ".join((ROOT / QUOTED[number]).read_text().split())


LISTS = {
    "methods": lambda: [spelling for record in known_methods() for spelling in record.spellings],
    "predictors": lambda: list(PREDICTORS),
}
"""What stands between `<!-- name -->` and `<!-- end -->` in the README."""


@pytest.mark.parametrize("name", LISTS)
def test_the_readme_lists_what_the_registries_hold(name: str) -> None:
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- end -->", (ROOT / "README.md").read_text(), re.DOTALL)
    assert found is not None
    assert found[1].replace("\n", " ") == ", ".join(f"`{entry}`" for entry in LISTS[name]()) + "."


@pytest.mark.thorough
def test_the_guide_to_an_own_space_runs_from_space_to_gain(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(SPACES, "_records", dict(SPACES._records))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/guides/own-space.md").read_text(), re.DOTALL)
    assert len(blocks) == 8
    names: dict[str, object] = {"__name__": "guide"}
    with one_thread():
        for code in blocks:
            exec(code, names)
    assert (tmp_path / "stages-results" / "gain.png").is_file()
    assert "evolutionary-50" in capsys.readouterr().out


GUIDE_TO_PARTS = (ROOT / "docs/guides/your-own-parts.md").read_text(encoding="utf-8")


@pytest.mark.thorough
def test_the_guide_to_own_parts_runs_from_a_file_beside_the_results(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Blocks that begin with the name of the file are its text; the others run in turn, commands on one worker."""
    needed("sklearn")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    file, names = tmp_path / "my_parts.py", {"__name__": "guide"}
    blocks = re.findall(r"```(python|bash)\n(.*?)```", GUIDE_TO_PARTS, re.DOTALL)
    assert len(blocks) == 14
    for language, code in blocks:
        monkeypatch.delitem(sys.modules, "my_parts", raising=False)  # it has grown
        importlib.invalidate_caches()
        if code.startswith("# my_parts.py"):
            file.write_text((file.read_text() if file.exists() else "") + code)
        elif language == "bash":
            command = shlex.split(code)[1:]
            with pytest.raises(SystemExit, match=r"^0$"):
                main([*command, "--workers", "1"] if command[0] != "search" else command)
        else:
            with one_thread():
                exec(code, names)
    for folder, figure in {
        "ridge": "gain",
        "forest": "predictors",
        "near": "gain",
        "one": "epochs",
        "climb": "gain",
        "plateau": "gain",
        "named": "gain",
    }.items():
        assert [path.name for path in (tmp_path / folder).glob(f"{figure}*.png")] != []
    assert "uniform-100@my_parts:Ridge" in capsys.readouterr().out
    strategy = get_strategy("my_parts:NEIGHBOURS-50@my_parts:forest", get_preset("quick"))
    assert strategy.sampler.name == "neighbours"  # type: ignore[attr-defined]


def test_the_guide_to_own_parts_names_every_kind_and_every_registry() -> None:
    kinds = (PREDICTORS, SAMPLERS, SCHEDULERS, METHODS, SPACES, BENCHMARKS, PROXIES, IMAGE_SETS, SUPERNET_METHODS)
    assert [kind.group for kind in kinds if f"`{kind.group}`" not in GUIDE_TO_PARTS] == []
    for path in re.findall(r"`([a-z/]+/(?:registry|proxies|zerocost)\.py)`", GUIDE_TO_PARTS):
        assert (ROOT / "predictornas" / path).is_file()


@pytest.mark.thorough
def test_the_commands_of_the_guide_to_clusters_that_need_no_cluster_fill_one_folder(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "docs/guides/clusters.md").read_text(), re.DOTALL)
    commands = [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]
    assert len(commands) == 5
    for command in commands:
        with pytest.raises(SystemExit, match=r"^0$"):
            main([*command, "--workers", "1"] if command[0] != "search" else command)
    history = pl.read_parquet("small-study/history.parquet")
    seeds = {method: sorted(rows["seed"].unique()) for (method,), rows in history.group_by("method")}
    assert seeds == {"random": [0, 1, 2, 3, 7, 8, 9], "local-search": [0, 1, 2, 3]}


DOCUMENTS = [path for path in ROOT.glob("docs/**/*.md") if path.parent.name != "templates"]
"""What is read where it lies; the links of a template are those of the document that is made of it."""


@pytest.mark.parametrize(
    "document", ["README.md", "CONTRIBUTING.md", *(str(path.relative_to(ROOT)) for path in DOCUMENTS)]
)
def test_links_lead_somewhere(document: str) -> None:
    prose = re.sub(r"```.*?```", "", (ROOT / document).read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+)\)", prose):
        if not target.startswith("http"):
            assert (ROOT / document).parent.joinpath(target).exists(), target


MAP = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def test_the_map_names_every_room() -> None:
    package = ROOT / "predictornas"
    rooms = {str(path.parent.relative_to(package)) for path in package.rglob("__init__.py")} - {"."}
    assert set(re.findall(r"^\| `(\S+)/` \|", MAP, re.MULTILINE)) == rooms
    alone = {path.name for path in package.glob("*.py")} - {"__init__.py", "__main__.py"}
    assert {name for name in alone if f"`{name}`" not in MAP} == set()


def test_the_map_leads_to_files_that_are_there() -> None:
    named = set(re.findall(r"\b[a-z_0-9]+(?:/[a-z_0-9]+)+\.py\b", MAP)) - {
        "docs/results/regenerate.py",
        "docs/results/build.py",
    }
    assert len(named) > 30
    folders = (ROOT / "predictornas", ROOT / "predictornas" / "supernet", ROOT)
    lost = {name for name in named if not any((folder / name).is_file() for folder in folders)}
    assert lost <= {"predictornas/a/b.py", "tests/a/test_b.py"}


@pytest.mark.parametrize(("document", "most"), [("docs/architecture.md", 120), ("docs/decisions.md", 400)])
def test_what_is_read_first_is_short(document: str, most: int) -> None:
    lines = (ROOT / document).read_text(encoding="utf-8").splitlines()
    assert len(lines) <= most
    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.parametrize(
    "document",
    ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks_data/README.md"]
    + [
        str(path.relative_to(ROOT))
        for folder in ("docs", "docs/guides")
        for path in sorted((ROOT / folder).glob("*.md"))
    ],
)
def test_lines_of_prose_have_a_width_that_reads_well(document: str) -> None:
    prose = re.sub(r"```.*?```", "", (ROOT / document).read_text(encoding="utf-8"), flags=re.DOTALL)
    lines = [line for line in prose.splitlines() if not line.lstrip().startswith("|") and not line.startswith("    ")]
    assert [line for line in lines if len(line) > 100] == []


@pytest.mark.slow
def test_the_guide_to_asking_and_telling_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    guide = (ROOT / "docs/guides/ask-and-tell.md").read_text(encoding="utf-8")
    workers, asynchronous, trials, prior, others = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    exec(workers, {})
    said = capsys.readouterr().out
    assert said in guide
    exec(workers, {})  # what is there already is not done again
    assert capsys.readouterr().out.splitlines()[0] == said.splitlines()[0]
    # the last block writes the file that those before read
    for code in (asynchronous, others, trials, prior):
        exec(code, {"__name__": "__main__"})
        said = capsys.readouterr().out
        assert f"```text\n{said}```" in guide


def test_the_guide_to_observers_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The examples with other people's packages call functions of these packages that stand-ins have."""
    monkeypatch.chdir(tmp_path)
    guide = (ROOT / "docs/guides/observers.md").read_text(encoding="utf-8")
    own, *others = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    exec(own, {})
    assert re.search(r"^ +1 0\.\d\d \|", capsys.readouterr().out)
    kinds = [json.loads(line)["event"] for line in Path("events.jsonl").read_text("utf-8").splitlines()]
    assert (kinds[0], kinds.count("evaluated") >= 30, kinds[-1]) == ("started", True, "ended")
    functions = ["set_tracking_uri", "start_run", "log_params", "log_metrics", "log_param", "end_run"]
    mlflow, wandb = MagicMock(spec=functions), MagicMock(spec=["init"])
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    space = get_space("nasbench201")
    for code, name in zip(others, ("MLflow", "WandB"), strict=True):
        assert len(code.splitlines()) <= 20
        found: dict[str, Any] = {}
        exec(code, found)
        search = Search(space, RandomSearch(initial=2), seed=3, observers=[found[name]()], name="mine")
        with warnings.catch_warnings():
            warnings.simplefilter("error", ObserverWarning)
            search.tell(search.ask().genes, [0.5, float("nan")])
            search.close()
    best = space.describe(search.recommend()[0])
    mlflow.log_metrics.assert_called_once_with({"value": 0.5, "best": 0.5}, step=0)
    mlflow.log_param.assert_called_once_with("recommended", best)
    assert [call.kwargs["step"] for call in wandb.init().log.call_args_list] == [0, 1]
    wandb.init().finish.assert_called_once_with()


@pytest.mark.thorough
def test_the_guide_to_objectives_runs(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(line)[1:] for line in block("docs/guides/objectives.md", "bash").splitlines()]
    assert [command[0] for command in commands] == ["gain", "search", "search"]
    for command in commands:
        with pytest.raises(SystemExit, match=r"^0$"):
            main([*command, "--workers", "1"] if command[0] == "gain" else command)
    assert "Recommended" in capsys.readouterr().out
    exec(block("docs/guides/objectives.md", "python"), {})
    written = {path.name for path in Path("fronts").iterdir()}
    table = (ROOT / "docs/guides/objectives.md").read_text(encoding="utf-8").split("## What is written")[1]
    assert set(re.findall(r"`(\w+\.(?:csv|html))`", table)) <= written
