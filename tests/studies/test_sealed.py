from __future__ import annotations

import json
from pathlib import Path

import pytest

from predictornas.errors import StoreError
from predictornas.reading import CHECKSUM
from predictornas.studies.sealed import kept, read_sealed, write_sealed

FACTS = {"measured": {"tau": float("nan"), "sizes": {10: (1, 2.5), 9: None}}, "seeds": [0, 1], "name": "größer"}
READ = {"measured": {"tau": None, "sizes": {"10": [1, 2.5], "9": None}}, "seeds": [0, 1], "name": "größer"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_sealed(tmp_path / "facts.json", FACTS)
    return tmp_path / "facts.json"


def test_facts_come_back_as_json_has_them(path: Path) -> None:
    assert read_sealed(path) == (READ, True)
    assert list(json.loads(path.read_text(encoding="utf-8"))) == [*FACTS, CHECKSUM]
    assert kept(path, "seeds") == [0, 1]
    assert kept(path, "absent") is None
    assert kept(path.with_name("absent.json"), "seeds") is None


def test_layout_and_order_do_not_matter(path: Path) -> None:
    found = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(dict(reversed(found.items()))), encoding="utf-8")
    assert read_sealed(path) == (READ, True)


@pytest.mark.slow
def test_every_altered_byte_is_found_or_means_the_same(path: Path) -> None:
    content = path.read_bytes()
    for place in range(len(content)):
        for bit in (0, 4):
            altered = bytearray(content)
            altered[place] ^= 1 << bit
            path.write_bytes(altered)
            try:
                facts, has_checksum = read_sealed(path)
            except StoreError:
                continue
            # white space, or the name of the checksum: everything else is there
            assert {name: facts[name] for name in READ} == READ
            assert has_checksum or set(facts) - set(READ)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"3", b"null", b"[" * 100_000, b"\xff\xfe", b'{"sha256": [], "a": 1}']
)
def test_what_is_no_such_file_is_damaged(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"facts\.json"):
        read_sealed(path)


def test_a_file_of_an_older_version_has_no_checksum(path: Path) -> None:
    path.write_text('{"seeds": [3]}', encoding="utf-8")
    assert read_sealed(path) == ({"seeds": [3]}, False)
    assert kept(path, "seeds") is None
