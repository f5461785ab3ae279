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

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []
        self.sent = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers["Range"]
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.server.ranges_supported else 0
        if start >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(CONTENT)}")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if self.server.tells_size:
            self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        part = CONTENT[start : self.server.stops_after]
        self.server.sent += len(part)
        self.wfile.write(part)

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
    assert server.asked == [None]
    assert list(file.parent.iterdir()) == [file]


def test_an_interrupted_download_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    server.stops_after = 5000
    with pytest.raises(DataError, match=r"stopped after 5000 of 12800 bytes.*5000 bytes are kept.*data import"):
        fetch("test", folder=tmp_path, progress=False)
    assert not (tmp_path / "test.tfrecord").exists()
    server.stops_after = 9000
    with pytest.raises(DataError, match="stopped after 9000 of 12800 bytes"):
        fetch("test", folder=tmp_path, progress=False)
    server.stops_after = None
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=5000-", "bytes=9000-"]
    assert server.sent == len(CONTENT)


def test_a_server_without_ranges_sends_all_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "test.tfrecord.part").write_bytes(b"something else, of some length")
    server.ranges_supported = False
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT
    assert server.sent == len(CONTENT)


def test_a_download_that_was_killed_at_its_very_end_is_taken(server: Server, tmp_path: Path) -> None:
    (tmp_path / "test.tfrecord.part").write_bytes(CONTENT)
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT
    assert server.sent == 0


def test_a_part_longer_than_the_file_is_thrown_away(server: Server, tmp_path: Path) -> None:
    (tmp_path / "test.tfrecord.part").write_bytes(CONTENT + b"more")
    assert fetch("test", folder=tmp_path, progress=False).read_bytes() == CONTENT


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
