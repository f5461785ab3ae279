from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from predictornas.benchmarks.offline import installed_file, known_content
from predictornas.errors import DataError


def test_a_package_is_located_and_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "brings_files").mkdir()
    (tmp_path / "brings_files" / "__init__.py").write_text("raise SystemExit('code of a package ran')")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_file("brings_files", "data", "a.bin") == tmp_path / "brings_files" / "data" / "a.bin"
    assert "brings_files" not in sys.modules
    assert installed_file("brings_no_files_at_all", "a.bin") is None


def test_another_file_than_the_known_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"known")
    known = hashlib.sha256(b"known").hexdigest()
    assert known_content(path, known, "some==1.*") == b"known"
    path.write_bytes(b"other")
    with pytest.raises(DataError, match=rf"has the sha256 [0-9a-f]{{64}}, not {known}. Install some==1"):
        known_content(path, known, "some==1.*")
    with pytest.raises(DataError, match=r"none.bin cannot be read .*Reinstall some==1"):
        known_content(tmp_path / "none.bin", known, "some==1.*")
