from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import pytest

from predictornas import registry
from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.registry import Look, PluginWarning, Registered, Registry, expect, load_reference

GROUP = "predictornas.fruits"


@dataclass
class Fruit:
    """What the registries of these tests hold."""

    weight: int = 1


def fruits() -> Registry:
    records = [
        Registered("apple", Fruit, help="keeps the doctor away", takes=("weight",)),
        Registered("pear", "tests.test_registry:Fruit", number="needed"),
        Registered("plum", Fruit(3), number="optional"),
    ]
    return Registry("fruit", records, group=GROUP, takes=("weight",), number="optional")


Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """`install(kiwi="module:attribute")` stands for packages that announce these entry points."""

    def announce(*points: tuple[str, str]) -> None:
        found = tuple(EntryPoint(name, value, GROUP) for name, value in points)
        monkeypatch.setattr(registry, "points_of", lambda group: found if group == GROUP else ())

    announce()
    return announce


def test_a_record_makes_its_part_with_the_settings_that_it_takes_and_no_others(install: Install) -> None:
    known = fruits()
    assert known["apple"].make(weight=5, colour="red") == Fruit(5)
    assert known["pear"].make(weight=5) == Fruit(1)
    assert known["plum"].make() is known["plum"].target


def test_names_are_listed_in_order_as_they_are_written(install: Install) -> None:
    known = fruits()
    assert (list(known), len(known)) == (["apple", "pear", "plum"], 3)
    assert known.spellings() == ["apple", "pear-N", "plum", "plum-N"]
    assert "apple" in known
    assert "kiwi" not in known


def test_a_number_ends_a_name(install: Install) -> None:
    known = fruits()
    assert known.numbered("apple") == (known["apple"], None)
    assert known.numbered("pear-12") == (known["pear"], 12)
    assert known.numbered("kiwi-12") is None
    assert known.numbered("kiwi") is None
    known.add(Registered("pear-12", Fruit(12)))
    assert known.numbered("pear-12") == (known["pear-12"], None)


def test_an_unknown_name_suggests_the_nearest_and_names_what_other_packages_have(install: Install) -> None:
    install(("kiwi", "nowhere:Kiwi"))
    with pytest.raises(UnknownNameError, match=r"no fruit named 'appel'. Did you mean 'apple'\? Known: .*kiwi"):
        fruits()["appel"]


def test_a_name_keeps_its_meaning(install: Install) -> None:
    known = fruits()
    known.add(Registered("kiwi", Fruit))
    known.add(Registered("kiwi", Fruit, help="the same again"))
    with pytest.raises(ConfigurationError, match="There is a fruit 'kiwi' already"):
        known.add(Registered("kiwi", dict))


def test_other_packages_are_looked_at_only_for_names_that_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(registry, "points_of", lambda group: asked.append(group) or ())
    known = fruits()
    assert known.find("apple") is not None
    assert known.numbered("pear-3") is not None
    assert known.own("kiwi") is None
    assert asked == []
    assert known.find("kiwi") is None
    assert asked == [GROUP]


def test_a_plug_in_is_a_class_or_a_record_that_says_more(install: Install, tmp_path: Path, on_path: Any) -> None:
    on_path("kiwis.py", "from tests.test_registry import Fruit, Look, Registered\n"
            "RECORD = Registered('other', Fruit, label='Kiwi', look=Look('#112233', 'o'))\n")  # fmt: skip
    install(("kiwi", "tests.test_registry:Fruit"), ("gold", "kiwis:RECORD"))
    known = fruits()
    assert known["kiwi"].make(weight=7) == Fruit(7)
    assert (known["kiwi"].number, known["kiwi"].plugin) == ("optional", "plug-in tests.test_registry:Fruit")
    gold = known["gold"]
    assert (gold.name, gold.label, gold.look) == ("gold", "Kiwi", Look("#112233", "o"))
    assert gold.make(weight=7) == Fruit(1)


def test_a_broken_plug_in_hurts_nobody_who_does_not_use_it(install: Install) -> None:
    install(("kiwi", "tests.test_registry:Fruit"), ("broken", "nowhere.at.all:Part"))
    known = fruits()
    assert known["kiwi"].make(weight=2) == Fruit(2)
    with pytest.raises(UnknownNameError, match="broken"):
        known["brokn"]
    with pytest.raises(ConfigurationError, match=r"'broken' \(plug-in nowhere.at.all:Part\) cannot be loaded"):
        known["broken"]
    with pytest.warns(PluginWarning, match="'broken'"):
        assert known.shown("broken") is None


def test_a_plug_in_never_takes_a_name_that_is_taken(install: Install) -> None:
    install(("apple", "nowhere:Apple"), ("kiwi", "tests.test_registry:Fruit"), ("kiwi", "tests.test_registry:other"))
    known = fruits()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert known["apple"].make(weight=1) == Fruit(1)
    with pytest.warns(PluginWarning) as caught:
        assert known["kiwi"].make(weight=4) == Fruit(4)
    assert [str(warning.message) for warning in caught] == [
        "The fruit 'apple' of the plug-in nowhere:Apple is not used: predictornas has that name. Give it another one.",
        "The fruit 'kiwi' of the plug-in tests.test_registry:other is not used: tests.test_registry:Fruit has that "
        "name. Give it another one.",
    ]


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Writes a module into the current directory, and forgets it afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(name: str, code: str) -> None:
        (tmp_path / name).write_text(code)
        monkeypatch.delitem(sys.modules, name.removesuffix(".py"), raising=False)
        sys.path.append(str(tmp_path))

    return write


def test_module_and_attribute_stand_for_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process whose path does not hold the current directory, as that of an installed command."""
    (tmp_path / "orchard.py").write_text("class Tree:\n    class Fruit:\n        weight = 9\n")
    code = (
        "import sys; sys.path = [path for path in sys.path if path]; from predictornas.registry import Registry;"
        "print(Registry('fruit', [], group='predictornas.fruits')['orchard:Tree.Fruit'].make().weight)"
    )
    root = str(Path(registry.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": root}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "9"


def test_what_is_not_there_is_said_in_one_sentence(on_path: Callable[[str, str], None]) -> None:
    on_path("faulty.py", "1 / 0")
    on_path("sound.py", "part = 3")
    with pytest.raises(ConfigurationError, match="absent cannot be imported: it is neither installed nor in /"):
        load_reference("absent:part")
    with pytest.raises(ConfigurationError, match=r"absent.module cannot be imported: it is neither installed nor in /"):
        load_reference("absent.module:part")
    with pytest.raises(ConfigurationError, match="faulty cannot be imported: ZeroDivisionError"):
        load_reference("faulty:part")
    with pytest.raises(UnknownNameError, match=r"no attribute of sound named 'prt'. Did you mean 'part'"):
        load_reference("sound:prt")
    assert load_reference("sound:part") == 3


def test_what_cannot_be_made_names_whose_it_is() -> None:
    known = fruits()
    foreign = Registered("kiwi", Fruit, takes=("height",), plugin="plug-in kiwis:Kiwi")
    with pytest.raises(ConfigurationError, match=r"\(plug-in kiwis:Kiwi\), called with height, fails: TypeError"):
        foreign.make(height=2)
    with pytest.raises(ConfigurationError, match="takes height; there is weight, colour"):
        foreign.make(weight=2, colour="red")
    with pytest.raises(TypeError):
        Registered("ours", Fruit, takes=("height",)).make(height=2)
    with pytest.raises(KeyError):
        known["apple"].make()


@runtime_checkable
class Heavy(Protocol):
    """What `expect` looks for."""

    @property
    def weight(self) -> int: ...


def test_a_part_of_others_must_be_of_its_kind() -> None:
    foreign = Registered("stone", int, plugin="of your own")
    with pytest.raises(ConfigurationError, match=r"'stone' \(of your own\) is no Heavy: int lacks weight"):
        expect(3, Heavy, foreign)
    fruit = Fruit()
    assert expect(fruit, Heavy, foreign) is fruit
    assert expect(3, Heavy, Registered("ours", int)) == 3


def test_every_record_of_the_package_leads_to_something() -> None:
    from predictornas.live.images.registry import IMAGE_SETS
    from predictornas.live.proxies import PROXIES
    from predictornas.predictors.registry import PREDICTORS
    from predictornas.samplers.registry import SAMPLERS
    from predictornas.schedulers.registry import SCHEDULERS
    from predictornas.search.registry import METHODS
    from predictornas.spaces.registry import SPACES

    for kind in (PREDICTORS, SAMPLERS, SCHEDULERS, METHODS, SPACES, PROXIES, IMAGE_SETS):
        for record in kind.records:
            assert callable(record.load())
            assert record.help
            assert len(record.help) <= 100


def test_an_installed_package_is_found_by_its_metadata(tmp_path: Path) -> None:
    """A real one, as pip leaves it, and one that is broken beside it; in a process of its own."""
    (tmp_path / "theirs.py").write_text("from predictornas.samplers.uniform import Uniform as Pool\n")
    metadata = tmp_path / "theirs-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.2\n")
    (metadata / "entry_points.txt").write_text(
        "[predictornas.samplers]\ntheir-pool = theirs:Pool\nbroken = gone:Pool\nuniform = gone:Pool\n"
    )
    code = (
        "from predictornas.search.methods import get_preset, get_strategy\n"
        "quick = get_preset('quick')\n"
        "assert get_strategy('their-pool-50', quick) == get_strategy('uniform-50', quick)\n"
        "get_strategy('broken-50', quick)"
    )
    path = f"{Path(registry.__file__).parents[1]}:{tmp_path}"
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True)
    assert "PluginWarning: The sampler 'uniform' of the plug-in gone:Pool of theirs 1.2 is not used" in done.stderr
    assert "(plug-in gone:Pool of theirs 1.2) cannot be loaded: ModuleNotFoundError: No module" in done.stderr
