"""How many modules the main job runs: those of this package that one `gain` in one process calls functions of.

`python perf/modules.py` prints the number beside that of the modules imported, room by room; `--list` names them. The
job is the smallest that does all of it: two methods, two seeds, a budget of 30, tables and figures. What runs while a
module is imported (its own body, those of its classes) is not counted, and neither is what an import calls.

The way to the dB is counted too: the files that a reader opens to follow a printed gain from the command down to the
formula, those on the stack when `analysis.urn.gain_db` is called for the printed table.

The package that is found first counts, so `PYTHONPATH` set to another checkout compares two versions.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

GAIN = "gain --methods random,uniform-100 --seeds 2 --budget 30 --workers 1"
_CO_OPTIMIZED = 1  # set for functions, not for the bodies of modules and classes


class Calls:
    """The modules of the package that functions are called of, in the order of their first call."""

    def __init__(self, package: Path) -> None:
        self.modules: dict[str, None] = {}
        self.way: list[str] = []
        self._package = f"{package}{os.sep}"
        self._seen: set[CodeType] = set()

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_name == "gain_db" and not self.way:
            self.way = self._files_down_to(frame)
        if event != "call" or code in self._seen or not code.co_filename.startswith(self._package):
            return
        if code.co_flags & _CO_OPTIMIZED and not _importing(frame):
            self._seen.add(code)
            self.modules[str(Path(code.co_filename).relative_to(self._package))] = None

    def _files_down_to(self, frame: FrameType | None) -> list[str]:
        """The files of the package on the stack, the command's first, each once."""
        files: dict[str, None] = {}
        while frame is not None:
            if frame.f_code.co_filename.startswith(self._package):
                files[str(Path(frame.f_code.co_filename).relative_to(self._package))] = None
            frame = frame.f_back
        return [*files][::-1]


def _importing(frame: FrameType | None) -> bool:
    """Whether a call comes from the body of a module that is being imported."""
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            return frame.f_globals.get("__name__") != "__main__"
        frame = frame.f_back
    return False


def measured() -> tuple[Calls, list[str]]:
    """What was called, and the modules that were imported."""
    import predictornas

    package = Path(predictornas.__file__).parent
    calls = Calls(package)
    from predictornas.cli import main

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        sys.setprofile(calls)
        try:
            main([*GAIN.split(), "--out", f"{folder}/study"])
        except SystemExit as end:
            if end.code:
                raise
        finally:
            sys.setprofile(None)
    loaded = (module for name, module in sys.modules.items() if name.partition(".")[0] == "predictornas")
    files = [Path(module.__file__) for module in loaded if module.__file__]
    imported = [str(file.relative_to(package)) for file in files if file.is_relative_to(package)]
    return calls, [name for name in imported if Path(name).name != "__init__.py"]


def main() -> None:
    calls, imported = measured()
    rooms = Counter(str(Path(name).parent) for name in calls.modules)
    for room, count in sorted(rooms.items()):
        print(f"{count:4}  {room}")
    print(f"{len(calls.modules)} modules run, {len(imported)} imported (packages' own files not counted)")
    print(f"{len(calls.way)} files from the command to the dB: {', '.join(calls.way)}")
    if "--list" in sys.argv:
        print(*calls.modules, sep="\n")


if __name__ == "__main__":
    main()
