from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

TABLE = "benchmarks_data/nasbench101-digits/manifest.json"


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the wheel of a copy of the sources installs."""
    build = tmp_path_factory.mktemp("wheel")
    source = build / "source"
    names = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if names.returncode:
        pytest.skip("not a git checkout: the sources cannot be told from what lies beside them")
    for name in filter(None, names.stdout.split("\0")):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_file():
            target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(build)]
    subprocess.run([*command, str(source)], check=True, capture_output=True)
    (wheel,) = build.glob("predictornas-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(build / "site")
    return build / "site"


@pytest.mark.slow
def test_it_holds_the_packages_the_tables_and_the_type_marker(unpacked: Path) -> None:
    for name in ("cli/__init__.py", "py.typed", "report/assets/vega.min.js", "benchmarks_data/__init__.py", TABLE):
        assert (unpacked / "predictornas" / name).is_file()
    assert not (unpacked / "tests").exists()


@pytest.mark.slow
def test_it_works_outside_the_checkout(unpacked: Path, tmp_path: Path) -> None:
    code = (
        "import predictornas, predictornas.benchmarks_data; from predictornas.cli import main; "
        "print(predictornas.__file__); "
        "main(['search', '--method', 'random', '--budget', '15', '--out', 'one', '--json'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(unpacked), "PREDICTORNAS_DATA": str(tmp_path / "store")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith(str(unpacked))
    assert (tmp_path / "one" / "history.parquet").is_file()
    assert (tmp_path / "one" / "report.html").is_file()
