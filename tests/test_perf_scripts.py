"""The scripts below `perf/` run as their first lines say, with the package installed and from any folder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.extras import needed

ROOT = Path(__file__).parents[1]
PERF = ROOT / "perf"

FILES = ["--files", "4", "--side", "16"]
"""The smallest of the images that are decoded on the fly."""

IMPORT_ALL = """
import runpy, sys
for path in sys.argv[1:]:
    before = list(sys.path)
    sys.path.insert(0, path.rsplit("/", 1)[0])
    runpy.run_path(path, run_name="looked at")
    sys.path[:] = before
    for name in [name for name in sys.modules if name == "tests" or name.startswith("tests.")]:
        del sys.modules[name]
"""


def as_installed(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with the package on its path, but not the folder of the tests beside it."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "predictornas").symlink_to(ROOT / "predictornas")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.thorough
def test_every_script_finds_what_it_imports(tmp_path: Path) -> None:
    needed("torch_geometric")
    scripts = sorted(map(str, PERF.glob("*.py")))
    assert len(scripts) > 20
    done = as_installed(tmp_path, "-c", IMPORT_ALL, *scripts)
    assert done.returncode == 0, done.stderr


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("script", "smallest", "lines"),
    [
        ("supernet.py", ["--batch", "2", "--channels", "8", "--size", "8", "--rounds", "1"], 12),
        ("live.py", ["--images", "4", "--channels", "8", "--cells", "2", "--rounds", "1", "--no-profile", *FILES], 3),
    ],
)
def test_scripts_of_networks_run_at_their_smallest_size(
    script: str, smallest: list[str], lines: int, tmp_path: Path
) -> None:
    """A line for each figure, with a ratio behind."""
    done = as_installed(tmp_path, str(PERF / script), *smallest)
    assert done.returncode == 0, done.stderr
    assert len([line for line in done.stdout.splitlines() if line.endswith("x")]) == lines
