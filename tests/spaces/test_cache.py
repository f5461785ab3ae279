from __future__ import annotations

import json
import logging
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from predictornas.predictors.gcn import GCN
from predictornas.predictors.signal_network import SignalNetwork
from predictornas.reading import CHECKSUM, sealed
from predictornas.spaces.base import Graphs
from predictornas.spaces.cache import cached_arrays, space_digest
from predictornas.spaces.product import ProductSpace


class Builder:
    """Counts how often the arrays were computed; gives something else every time."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> dict[str, np.ndarray]:
        self.calls += 1
        return {"rows": np.arange(12, dtype=np.int8).reshape(4, 3), "keys": np.full(4, self.calls, np.uint64)}


@pytest.fixture
def build() -> Builder:
    return Builder()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the arrays `spaces`, version 1, are kept."""
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "spaces-v1"


def test_arrays_are_built_once(folder: Path, build: Builder) -> None:
    first = cached_arrays("spaces", 1, build)
    second = cached_arrays("spaces", 1, build)
    assert build.calls == 1
    for arrays in (first, second):
        assert set(arrays) == {"rows", "keys"}
        assert arrays["rows"].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
        assert arrays["rows"].dtype == np.int8
        assert arrays["keys"].tolist() == [1, 1, 1, 1]
        assert not any(array.flags.writeable for array in arrays.values())
    assert sorted(path.name for path in folder.parent.iterdir()) == ["spaces-v1"]


def test_what_is_on_disk_is_mapped_not_read(folder: Path, build: Builder) -> None:
    cached_arrays("spaces", 1, build)
    assert all(isinstance(array, np.memmap) for array in cached_arrays("spaces", 1, build).values())


def test_names_and_versions_do_not_share_arrays(folder: Path, build: Builder) -> None:
    assert cached_arrays("spaces", 1, build)["keys"][0] == 1
    assert cached_arrays("spaces", 2, build)["keys"][0] == 2
    assert cached_arrays("other", 1, build)["keys"][0] == 3
    assert cached_arrays("spaces", 1, build)["keys"][0] == 1


def test_a_torn_file_is_rebuilt(folder: Path, build: Builder) -> None:
    cached_arrays("spaces", 1, build)
    content = (folder / "keys.npy").read_bytes()
    for size in (0, 10, len(content) - 1):
        (folder / "keys.npy").write_bytes(content[:size])
        before = build.calls
        assert cached_arrays("spaces", 1, build)["keys"].tolist() == [before + 1] * 4
        assert cached_arrays("spaces", 1, build)["keys"].tolist() == [before + 1] * 4
        assert build.calls == before + 1


@pytest.mark.parametrize("name", ["rows.npy", "keys.npy", "manifest.json"])
def test_a_missing_file_is_rebuilt(folder: Path, build: Builder, name: str) -> None:
    cached_arrays("spaces", 1, build)
    (folder / name).unlink()
    assert cached_arrays("spaces", 1, build)["keys"][0] == 2
    assert (folder / name).exists()


MANIFESTS = {
    "empty": b"",
    "text": b"not json",
    "binary": b"\xff\xfe\x00\x80",
    "list": b"[]",
    "null": b"null",
    "deep": b"[" * 100_000,
    "no seal": b'{"version": 1}',
}


@pytest.mark.parametrize("content", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_of_another_kind_is_rebuilt(folder: Path, build: Builder, content: bytes) -> None:
    cached_arrays("spaces", 1, build)
    before = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_bytes(content)
    assert cached_arrays("spaces", 1, build)["keys"][0] == 2
    after = json.loads((folder / "manifest.json").read_text())
    assert (after["version"], after["crc32"]["rows"]) == (1, before["crc32"]["rows"])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["rows.npy", "keys.npy", "manifest.json"])
def test_every_altered_byte_is_found(folder: Path, build: Builder, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Of the header as well as of the values: shape, type and order are in the bytes too."""
    cached_arrays("spaces", 1, build)
    content = (folder / name).read_bytes()
    for place in range(0, len(content), 3):
        altered = bytearray(content)
        altered[place] ^= 1 << place % 8
        (folder / name).write_bytes(altered)
        calls = build.calls
        assert cached_arrays("spaces", 1, build)["keys"].tolist() == [calls + 1] * 4
        assert build.calls == calls + 1
        content = (folder / name).read_bytes()
    assert "is damaged" in caplog.messages[0]


@pytest.mark.parametrize("changed", [{"version": 0}, {"crc32": {"rows": 0, "keys": 0}}, {"crc32": {}}, {"crc32": 3}])
def test_a_forged_manifest_is_rebuilt(folder: Path, build: Builder, changed: dict[str, Any]) -> None:
    cached_arrays("spaces", 1, build)
    facts = json.loads((folder / "manifest.json").read_text()) | changed
    (folder / "manifest.json").write_text(json.dumps(facts))
    assert cached_arrays("spaces", 1, build)["keys"][0] == 2


def test_a_pickle_is_never_opened(folder: Path, build: Builder) -> None:
    """Not even under the right checksums."""
    cached_arrays("spaces", 1, build)
    np.save(folder / "keys.npy", np.array([{"any": "object"}], object), allow_pickle=True)
    facts = json.loads((folder / "manifest.json").read_text())
    del facts[CHECKSUM]
    facts["crc32"]["keys"] = zlib.crc32((folder / "keys.npy").read_bytes())
    (folder / "manifest.json").write_text(json.dumps(sealed(facts)))
    assert cached_arrays("spaces", 1, build)["keys"].dtype == np.uint64
    assert build.calls == 2


def test_a_cache_that_cannot_be_written_still_gives_arrays(
    tmp_path: Path, build: Builder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be")
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path / "taken"))
    for call in (1, 2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            arrays = cached_arrays("spaces", 1, build)
        assert arrays["keys"].tolist() == [call] * 4
        assert not any(array.flags.writeable for array in arrays.values())
        assert len(caplog.messages) == 1
        assert "cannot be used" in caplog.messages[0]


class Chain(ProductSpace):
    """Two vertices between input and output; `turned` exchanges the operations, and nothing else."""

    name = "chain-of-two"
    num_choices = (2, 2)
    turned = False

    def graphs(self, genes: np.ndarray) -> Graphs:
        operations = np.zeros((len(genes), 4), np.int8)
        operations[:, 0], operations[:, 3] = 2, 3
        operations[:, 1:3] = 1 - genes if self.turned else genes
        return Graphs(np.broadcast_to(np.eye(4, k=1, dtype=np.uint8), (len(genes), 4, 4)), operations, 4)


def test_what_is_kept_of_a_space_depends_on_what_it_says() -> None:
    """Whoever writes a space changes its graphs and leaves its name and its choices."""

    class Turned(Chain):
        turned = True

    class WithIdentity(Chain):
        identity = 1

    assert space_digest(Chain()) == space_digest(Chain())
    assert len({space_digest(space) for space in (Chain(), Turned(), WithIdentity())}) == 3


@pytest.mark.parametrize("predictor", [GCN(width=4, training_epochs=2), SignalNetwork(width=4, hidden=3, passes=2)])
def test_a_space_that_was_changed_is_not_scored_by_what_was_kept(predictor: GCN | SignalNetwork, folder: Path) -> None:
    class Turned(Chain):
        turned = True

    for space in (Chain(), Turned()):
        fitted = predictor.fit(space, space.enumerate(), np.arange(4.0), rng=np.random.default_rng(0))
        whole, part = fitted.predict(space.enumerate()), fitted.predict(space.enumerate().copy())
        np.testing.assert_allclose(whole, part, atol=1e-6)
        assert np.ptp(whole) > 1e-3
    assert len(list((folder.parent / "graph-index").iterdir())) == 2
