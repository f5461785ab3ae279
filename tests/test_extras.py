"""A missing optional dependency ends in a sentence with the command that brings it."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from predictornas.errors import MissingDependencyError
from predictornas.extras import extra


def test_a_missing_package_is_an_error_that_names_the_command() -> None:
    with (
        pytest.raises(MissingDependencyError, match=r"A dream needs no_such_module.*'predictornas\[live\]'"),
        extra("live", "A dream"),
    ):
        importlib.import_module("no_such_module")


def test_a_missing_module_of_our_own_stays_what_it_is() -> None:
    with pytest.raises(ModuleNotFoundError), extra("live", "A dream"):
        importlib.import_module("predictornas.no_such_module")


WITHOUT_EXTRAS = """
import importlib, sys
from pathlib import Path

for package in ("matplotlib", "PIL", "cyclopts", "rich", "sklearn", "torch_geometric", "ray"):
    sys.modules[package] = None
import predictornas
from predictornas.errors import MissingDependencyError

for name in predictornas.__all__:
    getattr(predictornas, name)
home = Path(predictornas.__file__).parent
for file in sorted(home.rglob("*.py")):
    module = ".".join(("predictornas", *file.relative_to(home).with_suffix("").parts)).removesuffix(".__init__")
    try:
        importlib.import_module(module)
    except MissingDependencyError as error:
        print(module, error)
"""


@pytest.mark.slow
def test_the_core_is_whole_without_any_extra_and_each_room_names_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"^predictornas\.(\S+) .* needs (\w+), .* pip install 'predictornas\[(\w+)\]'$", done.stdout, re.MULTILINE
    )
    assert len(found) == len(done.stdout.splitlines())
    named = {module: (package, extra) for module, package, extra in found}
    assert named["plots.gain"] == ("matplotlib", "plots")
    assert named["live.images.image_decoding"] == ("PIL", "live")
    assert named["cli"] == ("cyclopts", "cli")
    outside = [name for name in named if name.partition(".")[0] not in {"cli", "live", "papers", "plots", "supernet"}]
    live = ["oracles.live", "studies.live_asynchronous"]
    of_networks = [*live, "studies.supernet_run", "studies.supernet_seeds", "studies.supernet_tables"]
    assert outside == of_networks  # all else is imported with the core alone


STUDY_WITHOUT_EXTRAS = """
import sys, warnings
from pathlib import Path

for package in ("matplotlib", "PIL", "cyclopts", "rich", "sklearn", "torch_geometric"):
    sys.modules[package] = None
warnings.simplefilter("ignore")
from predictornas import Study, run_study

if __name__ == "__main__":
    run_study(Study(methods=("random",), budget=20, seeds=(0, 1)), Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_study_without_extras_leaves_tables_and_no_figures(store: Path, tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(STUDY_WITHOUT_EXTRAS)
    out = tmp_path / "out"
    done = subprocess.run([sys.executable, script, out], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    names = {path.name for path in out.iterdir()}
    assert {"gain.csv", "convergence.csv", "history.parquet", "manifest.json"} <= names
    assert not [name for name in names if name.endswith((".png", ".svg"))]


def test_the_command_without_its_extra_says_how_to_get_it() -> None:
    code = "import sys; sys.modules['cyclopts'] = None; from predictornas.__main__ import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "Error: The command line needs cyclopts, which is not installed. Run: pip install 'predictornas[cli]'\n"
    )
