from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from predictornas.limits import LEAST_ADDRESS_SPACE, LimitError, available_memory, check_limits, explained, total_memory


@contextmanager
def limited(kind: int, value: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


def test_limits_that_are_high_enough() -> None:
    check_limits()
    with limited(resource.RLIMIT_NOFILE, 64):
        check_limits()


def test_too_few_descriptors_are_a_sentence() -> None:
    with limited(resource.RLIMIT_NOFILE, 63), pytest.raises(LimitError, match="may open 63 files, and needs 64 "):
        check_limits()


def test_too_little_address_space_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    # not set for real: the process of the tests is larger already
    real = resource.getrlimit
    told = {resource.RLIMIT_AS: (1_536_000_000, -1)}
    monkeypatch.setattr(resource, "getrlimit", lambda kind: told.get(kind) or real(kind))
    with pytest.raises(LimitError, match=r"1\.4 GiB of address space, and needs 4\. .*ulimit -v 4194304"):
        check_limits()
    told[resource.RLIMIT_AS] = (LEAST_ADDRESS_SPACE, -1)
    check_limits()


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["ulimit -v 1500000", "ulimit -n 20"])
def test_a_command_with_too_little_ends_in_a_sentence(limit: str) -> None:
    command = f"{limit}; exec {sys.executable} -m predictornas"
    ran = subprocess.run(["bash", "-c", f"{command} gain"], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert ran.stderr.startswith("Error: This process may")
    assert limit.split()[1] in ran.stderr
    assert subprocess.run(["bash", "-c", f"{command} --version"], capture_output=True, check=False).returncode == 0


def test_limits_that_are_met_in_the_midst_of_the_work() -> None:
    assert "fewer --workers" in str(explained(MemoryError("1 GiB")))
    assert "Out of memory" in str(explained(OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))))
    assert "ulimit -n" in str(explained(OSError(errno.EMFILE, os.strerror(errno.EMFILE))))
    assert explained(OSError(errno.ENOENT, os.strerror(errno.ENOENT))) is None


def test_a_path_that_cannot_be_used_is_a_sentence() -> None:
    long = "x" * 300
    with pytest.raises(OSError, match="File name too long") as raised:
        Path(long).stat()
    assert explained(raised.value) == f"{long}: File name too long. Give another path."
    assert explained(OSError(errno.EIO, "Input/output error", "file")) is None
    assert explained(OSError(errno.EPIPE, "Broken pipe")) is None


def test_the_memory_to_spare_is_a_part_of_all() -> None:
    free, total = available_memory(), total_memory()
    assert free is not None
    assert total == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert 1 << 20 < free < total
