"""A missing optional dependency ends in a sentence with the command that brings it."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys

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

for package in ("matplotlib", "PIL", "cyclopts", "rich", "sklearn", "torch_geometric", "ray"):
    sys.modules[package] = None
import predictornas
from predictornas.errors import MissingDependencyError

for name in predictornas.__all__:
    getattr(predictornas, name)
for module in ("predictornas.plots.gain", "predictornas.live.image_decoding", "predictornas.cli"):
    try:
        importlib.import_module(module)
    except MissingDependencyError as error:
        print(error)
"""


def test_the_core_is_whole_without_any_extra_and_each_room_names_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_EXTRAS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    named = re.findall(r"needs (\w+), which is not installed. Run: pip install 'predictornas\[(\w+)\]'", done.stdout)
    assert named == [("matplotlib", "plots"), ("PIL", "live"), ("cyclopts", "cli")]
