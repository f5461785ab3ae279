"""One task after the other, in this process."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from pathlib import Path

from predictornas.executors.base import ResultT, Task, Tell, WhatT, nothing
from predictornas.threads import one_thread


@dataclass(frozen=True)
class Serial:
    """Runs tasks in this process, in their order."""

    def run(
        self,
        function: Callable[[WhatT, Path, Tell], ResultT],
        tasks: Iterable[Task[WhatT]],
        *,
        tell: Tell = nothing,
    ) -> Generator[tuple[Task[WhatT], ResultT], None, None]:
        """See `predictornas.executors.base.Executor`."""
        for task in tasks:
            with one_thread():  # not over the yield: whoever takes the result has its own threads
                result = function(task.what, task.target, tell)
            yield task, result
