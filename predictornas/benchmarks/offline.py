"""Files that installed packages bring along: found without running anything of the package, and known by checksum."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from predictornas.errors import DataError


def installed_file(package: str, *parts: str) -> Path | None:
    """Where a file of an installed top-level package lies; None where the package is not installed.

    Args:
        package: its name as a module, which is located and not imported.
        parts: of the path within it.
    """
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        return None
    return Path(found.submodule_search_locations[0]).joinpath(*parts)


def known_content(path: Path, sha256: str, requirement: str) -> bytes:
    """The content of a file, once it is found to be the known one.

    Args:
        path: the file.
        sha256: of its content.
        requirement: the version of the package that has it, as pip takes it.

    Raises:
        DataError: the file cannot be read, or is another.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}). Reinstall {requirement}.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise DataError(f"{path} has the sha256 {found}, not {sha256}. Install {requirement}.")
    return content
