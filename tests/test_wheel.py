from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
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
    for name in (
        "cli/__init__.py",
        "py.typed",
        "runs.npz",
        "report/assets/vega.min.js",
        "benchmarks_data/__init__.py",
        TABLE,
    ):
        assert (unpacked / "predictornas" / name).is_file()
    assert not (unpacked / "tests").exists()


@pytest.fixture(scope="module")
def elsewhere(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs the command of the wheel in a folder far from the checkout, with an empty store and no proxy to the net."""
    folder = tmp_path_factory.mktemp("elsewhere")
    environment = {
        **os.environ,
        "PYTHONPATH": str(unpacked),
        "PREDICTORNAS_DATA": str(folder / "store"),
        "https_proxy": "http://127.0.0.1:9",  # whatever asks for the network fails at once
        "http_proxy": "http://127.0.0.1:9",
    }

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "predictornas", *arguments]
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    where = [sys.executable, "-c", "import predictornas; print(predictornas.__file__)"]
    found = subprocess.run(where, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert found.stdout.startswith(str(unpacked))
    return run


@pytest.mark.thorough
def test_outside_the_checkout_it_searches_compares_and_writes_its_pages_offline(elsewhere: Callable[..., str]) -> None:
    (row,) = json.loads(elsewhere("search", "--method", "random", "--budget", "15", "--out", "one", "--json"))
    assert row["method"] == "random"
    gain = ["gain", "--methods", "random,local-search", "--budget", "15", "--seeds", "2", "--workers", "1"]
    assert "local-search" in elsewhere(*gain, "--out", "two")
    assert "error after 15 evaluations" in elsewhere("compare", "one", "two", "--out", "three")
    store = Path(elsewhere("data", "info", "nasbench201-cifar10", "--json").split('"folder": "')[1].split('"')[0])
    pages = [store.parents[1] / name / "report.html" for name in ("one", "two", "three")]
    assert all("<html" in page.read_text(encoding="utf-8")[:200] for page in pages)
