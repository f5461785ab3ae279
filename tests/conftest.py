"""Shared fixtures: where the real tables are, and a store and cache that never touch the user's own."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from tests.extras import needed


def pytest_configure() -> None:
    """One thread each: tests run in as many processes as there are cores. And no example fails by being slow."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    settings.register_profile("busy machine", parent=settings(), deadline=None)
    settings.load_profile("busy machine")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Who is thorough is slow, too."""
    for item in items:
        if item.get_closest_marker("thorough"):
            item.add_marker("slow")


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One cache for the session (enumerated spaces, hashes); the caller's own where PREDICTORNAS_CACHE is set."""
    os.environ.setdefault("PREDICTORNAS_CACHE", str(tmp_path_factory.mktemp("cache")))


def pytest_runtest_teardown() -> None:
    """What a test leaves with several threads of torch would make all later ones of its process slow."""
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(1)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty store of imported tables."""
    folder = tmp_path / "store"
    monkeypatch.setenv("PREDICTORNAS_DATA", str(folder))
    return folder


@pytest.fixture(scope="session")
def test_tables() -> Path:
    """The folder with the real source tables; skips where it is not given."""
    folder = os.environ.get("PREDICTORNAS_TEST_TABLES")
    if not folder:
        pytest.skip("PREDICTORNAS_TEST_TABLES is not set: the real tables are not here")
    return Path(folder)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Headless Chromium; playwright's own download is never used."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install --no-install-recommends chromium")
    needed("playwright")
    from playwright import sync_api

    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()
