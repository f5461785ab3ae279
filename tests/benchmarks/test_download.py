from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from predictornas.benchmarks import download
from predictornas.benchmarks.download import fetch
from predictornas.errors import DataError, StoreError, UnknownNameError

CONTENT = bytes(range(256)) * 50


class Server(ThreadingHTTPServer):
    """Serves CONTENT; counts what it sent of it."""

    ranges_supported = True
    stops_after: int | None = None
    tells_size = True
    content = CONTENT
    etag: str | None = '"first"'
    last_modified: str | None = None

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[tuple[str | None, str | None]] = []
        self.sent = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked, condition = self.headers["Range"], self.headers["If-Range"]
        self.server.asked.append((asked, condition))
        same = condition in (self.server.etag, self.server.last_modified)
        start = 0
        if asked and self.server.ranges_supported and (condition is None or same):
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
        self.send_response(206 if start else 200)
        size = len(self.server.content)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        self._describe(size - start)
        part = self.server.content[start : self.server.stops_after]
        self.server.sent += len(part)
        self.wfile.write(part)

    def do_HEAD(self) -> None:
        self.server.asked.append(("HEAD", None))
        self.send_response(200)
        self._describe(len(self.server.content))

    def _describe(self, length: int) -> None:
        if self.server.tells_size:
            self.send_header("Content-Length", str(length))
        if self.server.etag is not None:
            self.send_header("ETag", self.server.etag)
        if self.server.last_modified is not None:
            self.send_header("Last-Modified", self.server.last_modified)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setitem(download.FILES, "test", f"http://127.0.0.1:{server.server_port}/data/test.tfrecord")
        yield server
        server.shutdown()
        thread.join()


def test_the_official_addresses() -> None:
    assert download.FILES == {
        "nasbench_only108": "https://storage.googleapis.com/nasbench/nasbench_only108.tfrecord",
        "nasbench_full": "https://storage.googleapis.com/nasbench/nasbench_full.tfrecord",
    }


def test_a_file_is_downloaded_once(server: Server, tmp_path: Path) -> None:
    file = fetch("test", folder=tmp_path / "new", progress=False)
    assert file == tmp_path / "new" / "test.tfrecord"
    assert file.read_bytes() == CONTENT
    assert fetch("test", folder=tmp_path / "new", progress=False) == file
    assert server.asked == [(None, None)]
    assert sorted(path.name for path in file.parent.iterdir()) == ["test.tfrecord", "test.tfrecord.json"]


@pytest.mark.parametrize(
    ("etag", "last_modified", "condition"),
    [
        ('"first"', "Sat, 28 Nov 2026 10:00:00 GMT", '"first"'),
        ('W/"first"', "Sat, 28 Nov 2026 10:00:00 GMT", "Sat, 28 Nov 2026 10:00:00 GMT"),
    ],
)
def test_an_interrupted_download_goes_on_where_it_stopped(
    server: Server, tmp_path: Path, etag: str, last_modified: str, condition: str
) -> None:
    server.etag, server.last_modified = etag, last_modified
    server.stops_after = 5000
    with pytest.raises(DataError, match=r"stopped after 5000 of 12800 bytes.*5000 bytes are kept.*data import"):
        fetch("test", folder=tmp_path, progress=False)
    assert not (tmp_path / "test.tfrecord").exists()
    server.stops_after = 9000
    with pytest.raises(DataError, match="stopped after 9000 of 12800 bytes"):
        fetch("test", folder=tmp_path, progress=False)
    server.stops_after = None
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT
    assert server.asked == [(None, None), ("bytes=5000-", condition), ("bytes=9000-", condition)]
    assert server.sent == len(CONTENT)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["test.tfrecord", "test.tfrecord.json"]


def interrupted(server: Server, folder: Path) -> None:
    server.stops_after = 5000
    with pytest.raises(DataError, match="stopped after 5000"):
        fetch("test", folder=folder, progress=False)
    server.stops_after = None
    server.sent = 0


def test_a_file_that_changed_meanwhile_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    interrupted(server, tmp_path)
    server.content, server.etag = CONTENT[::-1], '"second"'
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT[::-1]
    assert server.asked[-1] == ("bytes=5000-", '"first"')
    assert server.sent == len(CONTENT)


def test_without_anything_to_tell_versions_apart_it_starts_over(server: Server, tmp_path: Path) -> None:
    server.etag = 'W/"weak"'
    interrupted(server, tmp_path)
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT
    assert server.asked[-1] == (None, None)


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    interrupted(server, tmp_path)
    server.ranges_supported = False
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT
    assert server.sent == len(CONTENT)


@pytest.mark.parametrize("facts", [None, "{", '{"url": "x"}'])
def test_a_part_of_which_nothing_is_known_is_thrown_away(server: Server, tmp_path: Path, facts: str | None) -> None:
    (tmp_path / "test.tfrecord.part").write_bytes(b"something else, of some length")
    if facts is not None:
        (tmp_path / "test.tfrecord.part.json").write_text(facts, encoding="utf-8")
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT
    assert server.asked == [(None, None)]


def test_a_download_that_was_killed_at_its_very_end_is_taken(server: Server, tmp_path: Path) -> None:
    interrupted(server, tmp_path)
    (tmp_path / "test.tfrecord.part").write_bytes(CONTENT)
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT
    assert server.sent == 0


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    interrupted(server, tmp_path)
    (tmp_path / "test.tfrecord.part").write_bytes(CONTENT + b"more")
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT


def test_another_part_than_was_asked_for_is_not_appended(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(server, tmp_path)
    monkeypatch.setattr(server, "content", CONTENT + b"!")  # another length under the same tag
    with pytest.raises(DataError, match="sent another part than it was asked for"):
        fetch("test", folder=tmp_path, progress=False)
    assert (tmp_path / "test.tfrecord.part").read_bytes() == CONTENT[:5000]


def test_a_file_that_is_there_is_checked_against_what_arrived(server: Server, tmp_path: Path) -> None:
    file = fetch("test", folder=tmp_path, progress=False)
    file.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(DataError, match=r"was altered since it was downloaded.*Remove .* call again"):
        fetch("test", folder=tmp_path, progress=False)
    file.write_bytes(CONTENT)
    assert fetch("test", folder=tmp_path, progress=False) == file
    (tmp_path / "test.tfrecord.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.tfrecord\.json was altered"):
        fetch("test", folder=tmp_path, progress=False)


def test_a_file_that_came_some_other_way_has_the_servers_length(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "test.tfrecord"
    file.write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=r"has 12799 bytes, the file at http.* 12800\. Remove"):
        fetch("test", folder=tmp_path, progress=False)
    file.write_bytes(CONTENT)
    assert fetch("test", folder=tmp_path, progress=False) == file
    assert server.asked == [("HEAD", None), ("HEAD", None)]
    assert fetch("test", folder=tmp_path, progress=False) == file  # from now on its checksum is known
    assert len(server.asked) == 2
    file.write_bytes(CONTENT[::-1])
    with pytest.raises(DataError, match="was altered"):
        fetch("test", folder=tmp_path, progress=False)


def test_a_server_that_does_not_tell_the_size(server: Server, tmp_path: Path) -> None:
    server.tells_size = False
    with pytest.raises(DataError, match="does not tell the size"):
        fetch("test", folder=tmp_path, progress=False)


def test_a_refused_connection_says_what_to_do_by_hand(server: Server, tmp_path: Path) -> None:
    server.server_close()
    with pytest.raises(DataError) as raised:
        fetch("test", folder=tmp_path, progress=False)
    message = str(raised.value)
    assert download.FILES["test"] in message
    assert "refused" in message
    assert "predictornas data import nasbench101 test.tfrecord" in message


def test_the_progress_bar_goes_to_standard_error(
    server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fetch("test", folder=tmp_path)
    output = capsys.readouterr()
    assert output.out == ""
    assert "test.tfrecord" in output.err


def test_the_cache_is_the_default_place(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREDICTORNAS_CACHE", str(tmp_path))
    assert fetch("test", progress=False) == tmp_path / "downloads" / "test.tfrecord"


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(StoreError, match="Could not write"):
        fetch("test", folder=tmp_path / "folder", progress=False)


def test_an_unknown_name_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="'nasbench_full'"):
        fetch("nasbench_ful", folder=tmp_path)
