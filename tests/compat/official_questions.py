"""What is asked of an official API and its drop-in: every query, with right and with wrong arguments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from tests import official_201 as official
from tests.compat.official_answers import METRICS, Cell, Question, ask

DATASETS = (*official.SETS, "svhn")
HPS = {200: ("12", "200"), 90: ("01", "12", "90")}
"""The trainings of a space, by the length of its longest."""


def about(index: int, names: list[str], longest: int) -> Iterator[Question]:
    """Everything that can be asked about one architecture."""
    for hp in (*HPS[longest], "45"):
        yield ask("query_meta_info_by_index", index, hp)
        yield ask("query_info_str_by_arch", names[index], hp)
        yield ask("query_by_arch", index, hp)
        for dataset in DATASETS:
            yield ask("query_by_index", index, dataset, hp)
            yield ask("get_cost_info", index, dataset, hp)
            yield ask("get_latency", index, dataset, hp)
            yield ask("get_net_config", index, dataset)
            yield ask("simulate_train_eval", names[index], dataset, hp=hp)
            for epoch, seed in product((None, 0, 2, 4, 5, -1), (True, False, 777, 999, 5)):
                yield ask("get_more_info", index, dataset, epoch, hp, seed)
            for name, seed in product(METRICS, (True, False, 777)):
                yield metrics(index, hp, dataset, name, None, seed)


def metrics(index: int, hp: str, *arguments: Any) -> Question:
    return f"metrics{(index, hp, *arguments)}", lambda api: api.query_by_index(index, None, hp).get_metrics(*arguments)


def in_all(names: list[str], longest: int) -> Iterator[Question]:
    for hp, dataset, name in product(HPS[longest], DATASETS, ("valid", "test", *METRICS)):
        for limits in ((None, None), (90, 0.9), (1, None), (None, 0.5)):
            yield ask("find_best", dataset, name, *limits, hp)
    for text in (*names, "|none~0|", "", 7.5, None):
        yield ask("query_index_by_arch", text)
        yield ask("query_index_by_arch", Cell(str(text)))
    for index in range(-1, len(names) + 1):
        yield ask("query_index_by_arch", index)
        yield ask("arch", index)
    for index in range(len(names)):
        yield ask("__getitem__", index)
    yield "drawn", lambda api: [api.random() for _ in range(20)]
    yield "facts", lambda api: [len(api), list(api), api.evaluated_indexes, sorted(api.avaliable_hps), api.meta_archs]
    yield "by name", lambda api: api.archstr2index
    yield "infos", lambda api: [list(api.arch2infos_dict), list(api.arch2infos_dict[min(api.evaluated_indexes)])]
    yield "time", lambda api: api.used_time
    yield "no time", lambda api: [api.reset_time(), api.used_time]
