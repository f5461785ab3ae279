from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from predictornas.errors import ConfigurationError, StoreError, UnknownNameError
from predictornas.studies.folder import KINDS, MANIFEST, check_owner, take, write_manifest


@pytest.mark.slow
@pytest.mark.parametrize(("owner", "kind"), list(itertools.product(KINDS, KINDS)))
def test_a_folder_belongs_to_one_kind_of_result(owner: str, kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    assert check_owner(folder, owner) == {}
    assert not folder.exists()
    assert take(folder, owner) == {}
    write_manifest(folder, owner, {"study": 3})
    before = (folder / MANIFEST).read_bytes()
    for look in (check_owner, take):
        if owner == kind:
            assert look(folder, kind) == {"study": 3}
            continue
        with pytest.raises(ConfigurationError, match="holds results of `") as caught:
            look(folder, kind)
        assert KINDS[owner] in str(caught.value)
    assert (folder / MANIFEST).read_bytes() == before


def test_a_folder_that_was_just_taken_belongs_to_its_kind(tmp_path: Path) -> None:
    take(tmp_path, "figures")
    assert take(tmp_path, "figures") == {}
    with pytest.raises(ConfigurationError, match="`reproduce`"):
        take(tmp_path, "study")


def test_what_killed_commands_left_is_removed_below_too(tmp_path: Path) -> None:
    for left in (tmp_path / ".a.predictornas-partial", tmp_path / "fits" / ".b.predictornas-partial"):
        left.parent.mkdir(exist_ok=True)
        left.write_text("half")
    take(tmp_path, "predictors")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["fits", MANIFEST]


OLDER = {
    "study": {"study": {}, "methods": {}, "created": "", "made_with": []},
    "live-search": {"study": {}, "strategy": {}, "made_with": {}},
    "predictors": {"study": {}, "predictors": {}, "made_with": {}},
    "training": {"request": {}, "genes": [], "result": {}, "made_with": {}},
    "supernet": {"method": "", "search": {}, "made_with": {}},
    "agreement": {"tables_sha256": {}, "made_with": {}},
    "proxies": {"study": {}, "made_with": {}},
}


@pytest.mark.parametrize(("kind", "facts"), OLDER.items(), ids=list(OLDER))
def test_manifests_of_older_versions_name_no_kind(kind: str, facts: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps(facts), encoding="utf-8")
    assert take(tmp_path, kind) == facts
    with pytest.raises(ConfigurationError):
        take(tmp_path, "comparison")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"kind": "study"}', '{"name": "a table"}', '{"kind": "study", "sha256": "0"}']
)
def test_other_manifests_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match=MANIFEST):
        take(tmp_path, "study")
    assert (tmp_path / MANIFEST).read_text(encoding="utf-8") == content


def test_a_kind_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="kind of result"):
        take(tmp_path, "studies")
    write_manifest(tmp_path, "studies", {})
    with pytest.raises(StoreError, match="no manifest of a result"):
        take(tmp_path, "study")


def test_a_name_longer_than_file_names_may_be(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be used: File name too long\. Choose another --out"):
        check_owner(tmp_path / ("x" * 300), "study")
