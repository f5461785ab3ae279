"""Tests of optional dependencies: skipped where one is missing, failed where all of them must be there."""

from __future__ import annotations

import os
from importlib import import_module
from types import ModuleType

import pytest

ALL_EXTRAS = "PREDICTORNAS_ALL_EXTRAS"
"""Set by the gate, which installs every extra: a missing one is then a failure instead of a skipped test."""


def needed(module: str) -> ModuleType:
    """The module of an extra, or an end to the test that needs it."""
    if os.environ.get(ALL_EXTRAS):
        return import_module(module)
    return pytest.importorskip(module, reason=f"{module} is not installed: an extra of setup.cfg brings it")
