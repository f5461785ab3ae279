"""Compares an official package and its drop-in on a file of 300 architectures and on one of full length.

    python -m tests.compat.whole_files nas_201_api FOLDER

A process of its own, so that the checks of types that the tests run under do not take most of the time.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from predictornas.compat import nas_201_api, nats_bench
from tests import official_201 as official
from tests.compat.official_answers import Question, ask, differences
from tests.compat.official_questions import HPS
from tests.extras import needed

SHORT = {"01": 1, "12": 2, "90": 3, "200": 3}


def main(package: str, folder: Path) -> int:
    os.environ["PREDICTORNAS_CACHE"] = str(folder / "cache")
    make, longest = {
        "nas_201_api": (official.nasbench201, 200),
        "tss": (official.topology, 200),
        "sss": (official.size, 90),
    }[package]
    failed = 0
    for name, content, questions in (
        ("many", make(300, trained=290, epochs=SHORT), many),
        ("long", make(3), full_length),
    ):
        apis = opened(package, content, folder / name)
        asked = list(questions(apis[1], longest))
        found = differences(*apis, iter(asked))
        sys.stdout.write(f"{len(asked)} answers, {len(found)} differ\n")
        for text, expected, given in found[:3]:
            sys.stdout.write(f"{text}\n    {expected}\n    {given}\n")
        failed += len(found)
    return int(failed > 0)


def opened(package: str, content: official.Uncopied, path: Path) -> tuple[Any, Any]:
    if package == "nas_201_api":
        theirs = needed("nas_201_api").NASBench201API(content, verbose=False)
        return theirs, nas_201_api.NASBench201API(official.write_pth(content, path.with_suffix(".pth")), verbose=False)
    theirs = needed("nats_bench").create(content, package, fast_mode=False, verbose=False)
    return theirs, nats_bench.create(official.write_pbz2(content, path), package, fast_mode=False, verbose=False)


def many(api: Any, longest: int) -> Iterator[Question]:
    for index, hp in product(sorted(api.evaluated_indexes), HPS[longest]):
        for dataset in official.SETS:
            yield ask("get_more_info", index, dataset, 1, hp)
        yield ask("query_info_str_by_arch", index, hp)
    for index in sorted(api.evaluated_indexes)[::50]:
        yield ask("query_by_index", index, None, HPS[longest][-1])
    for hp, dataset, name in product(HPS[longest], official.SETS, ("valid", "test")):
        for limits in ((None, None), (90, 0.9)):
            yield ask("find_best", dataset, name, *limits, hp)


def full_length(api: Any, longest: int) -> Iterator[Question]:
    for index, hp, dataset in product(range(3), HPS[longest], official.SETS):
        for epoch, seed in product((None, 0, 5, 11, 12, 89, 198, 199, 200), (True, False, 777, 888)):
            yield ask("get_more_info", index, dataset, epoch, hp, seed)
        yield ask("simulate_train_eval", index, dataset, hp=hp)
        yield ask("query_by_index", index, dataset, hp)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
