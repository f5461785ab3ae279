from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from importlib import import_module
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import predictornas

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("name", predictornas.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(predictornas, name) is not None
    assert name in dir(predictornas)


def test_nothing_else_is_listed() -> None:
    assert dir(predictornas) == sorted(predictornas.__all__)
    assert not {"Any", "TYPE_CHECKING", "annotations", "import_module"} & set(dir(predictornas))


LISTING = [
    path for path in sorted((ROOT / "predictornas").rglob("*.py")) if "__all__ = " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("path", LISTING, ids=[str(path.relative_to(ROOT)) for path in LISTING])
def test_every_list_of_names_is_clean(path: Path) -> None:
    """In each module that has one: public names that are there, each once, none of them a tool of the module."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    module = import_module(name)
    assert len(set(module.__all__)) == len(module.__all__)
    assert all(hasattr(module, public) for public in module.__all__)
    assert not [public for public in module.__all__ if public.startswith("_") and public != "__version__"]
    assert not {"Any", "TYPE_CHECKING", "annotations", "import_module"} & set(module.__all__)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'GNC'"):
        predictornas.GNC  # noqa: B018


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, predictornas; print({'torch', 'numpy', 'polars', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.slow
def test_what_knows_and_what_counts_never_imports_torch() -> None:
    code = (
        "import sys, predictornas.benchmarks.catalog, predictornas.oracles.tabular, predictornas.compat.nasbench, "
        "predictornas.analysis.gain, predictornas.samplers.uniform, predictornas.search.strategies; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_package_folder_is_shipped() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    packages = (path.parent.relative_to(ROOT) for path in (ROOT / "predictornas").rglob("__init__.py"))
    folders = {str(path).replace("/", ".") for path in packages}
    assert listed == folders | {"predictornas.benchmarks_data"}


def test_the_core_brings_few_distributions_beside_those_of_torch() -> None:
    """At most 25, by what is installed here; what PyTorch needs comes with any network."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    torch = brought_by(["torch"])
    core = brought_by(setup["options"]["install_requires"].split("\n")) - torch
    assert {"torch", "sympy"} <= torch
    assert {"numpy", "scipy", "polars", "polars-runtime-32"} <= core
    assert len(core) <= 25


def brought_by(requirements: list[str]) -> set[str]:
    """All that these and their own requirements bring without any extra, by normalised names."""
    found: set[str] = set()
    waiting = [line for line in requirements if line and not line.startswith("#")]
    while waiting:
        line = Requirement(waiting.pop())
        name = canonicalize_name(line.name)
        if name not in found and (line.marker is None or line.marker.evaluate({"extra": ""})):
            found.add(name)
            waiting += requires(name) or []
    return found
