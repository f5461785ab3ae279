from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import pytest

from predictornas.errors import StoreError
from predictornas.files import (
    cache_home,
    data_home,
    is_leftover,
    remove_leftovers,
    scratch_folder,
    sha256_of,
    write_json,
    writing_file,
    writing_folder,
)
from tests.full_disk import file_size_limit


@pytest.fixture
def umask() -> Iterator[Callable[[int], None]]:
    before = os.umask(0)
    yield lambda mask: (os.umask(mask), None)[1]
    os.umask(before)


def half_written(writing: AbstractContextManager[Path], error: Exception) -> None:
    """Writes something, then fails."""
    with writing as temporary:
        (temporary / "new" if temporary.is_dir() else temporary).write_text("half")
        raise error


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize(("home", "variable"), [(data_home, "PREDICTORNAS_DATA"), (cache_home, "PREDICTORNAS_CACHE")])
def test_a_home_is_where_the_environment_says(
    home: Callable[[], Path], variable: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(variable, str(tmp_path / "chosen"))
    assert home() == tmp_path / "chosen"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, "~/tables")
    assert home() == tmp_path / "tables"


def test_homes_default_to_different_folders_of_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for variable in ("PREDICTORNAS_DATA", "PREDICTORNAS_CACHE", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert data_home() != cache_home()
    for home in (data_home(), cache_home()):
        assert home.is_relative_to(tmp_path)
        assert home.name == "predictornas"
        assert not home.exists()


def test_sha256_of_a_known_text(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")  # the first example of FIPS 180-2
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "abc") == expected


def test_a_file_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "er" / "file"
    with writing_file(path) as temporary:
        temporary.write_text("new")
        assert temporary.parent == path.parent
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(path.parent) == ["file"]


def test_the_old_file_stands_until_the_new_one_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with writing_file(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_an_error_keeps_the_old_file_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(RuntimeError, match="mine"):
        half_written(writing_file(path), RuntimeError("mine"))
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_full_disk_is_a_store_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(StoreError, match="No space left on device") as caught:
        half_written(writing_file(path), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
    assert str(path) in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert names(tmp_path) == []


def test_a_write_that_fails_half_way_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with file_size_limit(1000), pytest.raises(StoreError), writing_file(path) as temporary:
        temporary.write_bytes(bytes(5000))
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


@pytest.mark.parametrize("writing", [writing_file, writing_folder])
def test_a_parent_that_is_a_file_is_a_store_error(
    writing: Callable[[Path], AbstractContextManager[Path]], tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(StoreError, match="Could not write"), writing(tmp_path / "taken" / "new"):
        pytest.fail("the body must not run")


def test_a_message_names_the_file_that_failed(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="missing-source"), writing_file(tmp_path / "new"):
        (tmp_path / "missing-source").read_text()


def test_permissions_follow_the_umask(tmp_path: Path, umask: Callable[[int], None]) -> None:
    umask(0o027)
    with writing_file(tmp_path / "file"):
        pass
    with writing_folder(tmp_path / "folder"):
        pass
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "folder").stat().st_mode & 0o777 == 0o750
    assert os.umask(0o027) == 0o027


def test_a_folder_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("old")
    with writing_folder(path) as temporary:
        (temporary / "new").write_text("new")
        assert names(path) == ["old"]
    assert names(path) == ["new"]
    assert names(tmp_path) == ["folder"]


@pytest.mark.parametrize(
    ("error", "raised"), [(RuntimeError("mine"), RuntimeError), (OSError(errno.ENOSPC, "full"), StoreError)]
)
def test_an_error_keeps_the_old_folder_and_leaves_nothing(
    error: Exception, raised: type[Exception], tmp_path: Path
) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("old")
    with pytest.raises(raised):
        half_written(writing_folder(path), error)
    assert (path / "old").read_text() == "old"
    assert names(tmp_path) == ["folder"]


def test_a_swap_that_fails_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").write_text("old")
    rename = Path.replace

    def fails_for_the_new_folder(self: Path, target: Path) -> Path:
        if Path(target) == path and not self.name.endswith("replaced"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fails_for_the_new_folder)
    with pytest.raises(StoreError), writing_folder(path) as temporary:
        (temporary / "new").write_text("new")
    assert names(path) == ["old"]
    assert names(tmp_path) == ["folder"]


def test_a_folder_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("precious")
    with pytest.raises(StoreError, match="Not a directory"), writing_folder(tmp_path / "results"):
        pytest.fail("the body must not run")
    assert (tmp_path / "results").read_text() == "precious"
    assert names(tmp_path) == ["results"]


def test_a_link_to_a_folder_stays_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    """As of a table that was moved to a larger disk."""
    store, disk = tmp_path / "store", tmp_path / "disk"
    for folder in (store, disk / "acc"):
        folder.mkdir(parents=True)
    (disk / "acc" / "old").write_text("old")
    (store / "acc").symlink_to(disk / "acc")
    for text in ("new", "newer"):
        with writing_folder(store / "acc") as temporary:
            (temporary / "new").write_text(text)
        assert (store / "acc").readlink() == disk / "acc"
        assert (disk / "acc" / "new").read_text() == text
        assert (names(store), names(disk), names(disk / "acc")) == (["acc"], ["acc"], ["new"])


def test_a_link_to_a_file_to_itself_or_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(StoreError, match="Not a directory"), writing_folder(tmp_path / "link"):
        pytest.fail("the body must not run")
    (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(StoreError, match="Could not write"), writing_folder(tmp_path / "circle"):
        pass
    (tmp_path / "to-come").symlink_to("later")
    with writing_folder(tmp_path / "to-come") as temporary:
        (temporary / "new").write_text("new")
    assert names(tmp_path / "later") == ["new"]
    assert (tmp_path / "file").read_text() == "precious"


def test_a_link_that_was_left_goes_and_what_it_points_to_stays(tmp_path: Path) -> None:
    """Earlier versions moved a link aside as if it were a folder."""
    for name in ("target", "other", "elsewhere"):
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere" / "old").write_text("old")
    (tmp_path / ".target.predictornas-replaced").symlink_to("elsewhere")
    (tmp_path / ".other.predictornas-replaced").symlink_to("nothing")
    (tmp_path / ".back.predictornas-replaced").symlink_to("elsewhere")  # nothing stands in its place
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["back", "elsewhere", "other", "target"]
    assert names(tmp_path / "elsewhere") == ["old"]


def test_json_is_indented_utf8_in_any_locale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # what the default encoding is in a Latin-1 locale
    opened = Path.open

    def latin1(self: Path, mode: str = "r", *, encoding: str | None = None, **rest: Any) -> IO[Any]:
        return opened(self, mode, encoding="latin-1" if encoding in (None, "locale") else encoding, **rest)

    monkeypatch.setattr(Path, "open", latin1)
    value = {"name": "Kendall's τ", "rows": [1, 2.5, None]}
    write_json(tmp_path / "value.json", value)
    monkeypatch.undo()
    content = (tmp_path / "value.json").read_bytes()
    assert "τ".encode() in content
    assert content.startswith(b'{\n  "name"')
    assert content.endswith(b"}\n")
    assert json.loads(content) == value


def test_json_that_cannot_be_encoded_changes_nothing(tmp_path: Path) -> None:
    write_json(tmp_path / "value.json", 1)
    with pytest.raises(TypeError):
        write_json(tmp_path / "value.json", object())
    assert (tmp_path / "value.json").read_text() == "1\n"
    assert names(tmp_path) == ["value.json"]


KILLED = """
import os, signal, sys
from pathlib import Path
from predictornas import files

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

writing, path, moment = getattr(files, sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
rename, done = Path.replace, []

def replace(self, target):
    if moment == "before renaming " + str(len(done)):
        die()
    done.append(target)
    return rename(self, target)

Path.replace = replace
with writing(path) as temporary:
    (temporary / "new" if temporary.is_dir() else temporary).write_text("new")
    if moment == "within":
        die()
die()
"""


def killed(writing: str, path: Path, moment: str) -> None:
    """Runs a write in a process that kills itself at some moment."""
    ended = subprocess.run([sys.executable, "-c", KILLED, writing, str(path), moment], check=False)
    assert ended.returncode == -signal.SIGKILL


def content(path: Path) -> str:
    return (next(path.iterdir()) if path.is_dir() else path).read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("writing", "moment", "left", "expected"),
    [
        ("writing_file", "within", 1, "old"),
        ("writing_file", "before renaming 0", 1, "old"),
        ("writing_file", "at the end", 0, "new"),
        ("writing_folder", "within", 1, "old"),
        ("writing_folder", "before renaming 0", 1, "old"),
        ("writing_folder", "before renaming 1", 2, "old"),  # moved aside, and nothing in its place
        ("writing_folder", "at the end", 0, "new"),
    ],
)
def test_what_a_killed_process_left_is_removed_and_what_it_moved_comes_back(
    writing: str, moment: str, left: int, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "deep" / "target"
    if writing == "writing_folder":
        path.mkdir(parents=True)
        (path / "old").write_text("old")
    else:
        path.parent.mkdir()
        path.write_text("old")
    killed(writing, path, moment)
    assert len([name for name in names(path.parent) if name.startswith(".")]) == left
    remove_leftovers(tmp_path)
    assert len([name for name in names(path.parent) if name.startswith(".")]) == left
    remove_leftovers(tmp_path, below=True)
    assert names(path.parent) == ["target"]
    assert content(path) == expected


def test_a_scratch_folder_goes_with_its_block_and_that_of_a_killed_process_with_the_next(tmp_path: Path) -> None:
    parent = tmp_path / "scratch"
    with scratch_folder(parent) as first, scratch_folder(parent) as second:
        assert first.parent == second.parent == parent
        assert first != second
        assert first.exists()  # the second block leaves alone what the first holds
        assert is_leftover(first)
        assert not is_leftover(parent)
    assert names(parent) == []
    killed("scratch_folder", parent, "within")
    assert len(names(parent)) == 1
    with scratch_folder(parent) as third:
        assert names(parent) == [third.name]


@pytest.mark.parametrize("below", [False, True])
def test_folders_that_vanish_while_leftovers_are_looked_for(
    below: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process makes and removes folders meanwhile."""
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    left = tmp_path / ("c" if below else "") / ".x.predictornas-partial"
    left.write_text("half")
    listing = os.scandir

    def vanishing(path: Any) -> Any:
        if Path(path) == tmp_path / "b":
            (tmp_path / "b").rmdir()
        return listing(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    remove_leftovers(tmp_path, below=below)
    assert not left.exists()
    assert (tmp_path / "b").exists() != below
    monkeypatch.setattr(os, "scandir", lambda path: listing(tmp_path / "gone"))
    remove_leftovers(tmp_path, below=below)


@pytest.mark.parametrize("writing", [writing_file, writing_folder])
def test_what_is_being_written_is_no_leftover(
    writing: Callable[[Path], AbstractContextManager[Path]], tmp_path: Path
) -> None:
    with writing(tmp_path / "target") as temporary:
        remove_leftovers(tmp_path)
        assert temporary.exists()
    remove_leftovers(tmp_path / "missing")
    assert names(tmp_path) == ["target"]


@pytest.mark.parametrize(("age", "stays"), [(0, True), (3000, True), (4000, False)])
def test_what_another_machine_may_be_writing_stays_for_an_hour(
    age: int, stays: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its `flock` may not be seen here; a process that was killed there left this."""
    with monkeypatch.context() as there:
        there.setattr(socket, "gethostname", lambda: "elsewhere")
        killed_in = writing_file(tmp_path / "target")
        left = killed_in.__enter__()
        copy = left.with_name(left.name.replace("~", "~copy-", 1))
        copy.write_text("half")
    os.utime(copy, (time.time() - age, time.time() - age))
    remove_leftovers(tmp_path)
    assert copy.exists() == stays
    assert left.exists()  # held
    killed_in.__exit__(None, None, None)


def test_what_is_removed_before_it_can_be_held_is_begun_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another command looked for leftovers between the making of a file and its `flock`."""
    make, made = tempfile.mkstemp, list[str]()

    def unlucky(*args: object, **named: object) -> tuple[int, str]:
        handle, name = make(*args, **named)  # type: ignore[call-overload]
        made.append(name)
        if len(made) == 1:
            Path(name).unlink()
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", unlucky)
    with writing_file(tmp_path / "target") as temporary:
        temporary.write_text("whole")
    assert (names(tmp_path), len(made)) == (["target"], 2)


@pytest.mark.parametrize("name", ["real", "tables[1]"])
def test_what_was_left_beside_what_a_link_points_to(tmp_path: Path, name: str) -> None:
    home, disk = tmp_path / "home", tmp_path / "disk"
    for folder in (home, disk / f".{name}.predictornas-replaced"):
        folder.mkdir(parents=True)
    (home / "table").symlink_to(disk / name)
    script = (
        "import os, sys; from pathlib import Path; from predictornas.files import writing_folder\n"
        "with writing_folder(Path(sys.argv[1])): os._exit(3)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(home / "table")], check=False)
    assert len(names(disk)) == 2
    remove_leftovers(home)
    assert names(disk) == [name]
