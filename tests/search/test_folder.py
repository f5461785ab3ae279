from __future__ import annotations

import gc
import json
from pathlib import Path

import numpy as np
import pytest

from predictornas.errors import BusyJournalError, ConfigurationError, JournalError, StoreError
from predictornas.journal import Journal
from predictornas.search import folder as module
from predictornas.search.folder import JOURNAL, SearchFolder, identity_of
from predictornas.search.loop import Search
from predictornas.search.strategies import RandomSearch
from predictornas.spaces.registry import get_space

SPACE = get_space("nasbench201")
RANDOM = RandomSearch(initial=4, batch=2)


def test_a_search_goes_on_where_its_process_died(tmp_path: Path) -> None:
    alone, search = Search(SPACE, RANDOM, seed=3), Search.open(tmp_path, SPACE, RANDOM, seed=3)
    for each in (alone, search):
        genes = each.ask().genes
        each.tell(genes[[2, 0]], [0.25, 1 / 3])
        each.tell(genes[1:2], failed="no memory")
        each.ask(1, worker="gpu")
    again = Search.open(tmp_path, SPACE, RANDOM, seed=3)
    np.testing.assert_array_equal(again.history.values, [0.25, 1 / 3, np.nan])
    assert again.history.failures == {2: "no memory"}
    assert again.history.pending == search.history.pending
    assert [each.worker for each in again.history.pending] == ["", "gpu"]
    np.testing.assert_array_equal(again.ask().keys, alone.ask().keys)
    again.close()


def test_what_was_opened_first_is_taken_over_and_says_so(tmp_path: Path) -> None:
    first, second = (Search.open(tmp_path, SPACE, RANDOM) for _ in range(2))
    with pytest.raises(StoreError, match="opened anew by this process"):
        first.ask()
    assert not first.history.pending
    with pytest.raises(ConfigurationError, match="another search"):
        Search.open(tmp_path, SPACE, RANDOM, seed=7)  # takes nothing over
    assert len(second.ask()) == 4
    second.close()
    with pytest.raises(StoreError, match="closed"):
        second.tell(second.history.pending_genes, failed="x")
    assert len(second.history) == 0


def test_a_search_that_nobody_has_any_more_lets_go_of_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("predictornas.journal.LOCK_SECONDS", 0.0)
    search = Search.open(tmp_path, SPACE, RANDOM)
    with pytest.raises(BusyJournalError):  # what another process meets
        Journal(tmp_path / JOURNAL)
    del search
    gc.collect()
    Journal(tmp_path / JOURNAL).close()
    assert not module._open


@pytest.mark.parametrize(
    ("other", "met"),
    [
        (Search(SPACE, RANDOM, seed=1), "seed is 0 there and 1 here"),
        (Search(SPACE, RandomSearch(initial=4, batch=5)), r"strategy\.batch is 2 there and 5 here"),
        (Search(SPACE, "local-search"), "strategy is 'RandomSearch' there and 'LocalSearch' here"),
        (Search(get_space("nasbench101"), RANDOM), r"space\.name is 'nasbench201' there and 'nasbench101' here"),
        (Search(SPACE.restricted_to(SPACE.enumerated_keys()[:9]), RANDOM), "space"),
    ],
)
def test_another_search_is_refused_with_the_difference(tmp_path: Path, other: Search, met: str) -> None:
    Search.open(tmp_path, SPACE, RANDOM).close()
    before = (tmp_path / JOURNAL).read_bytes()
    with pytest.raises(ConfigurationError, match=f"holds another search: .*{met}"):
        Search.open(tmp_path, other.space, other.strategy, seed=other.seed)
    assert (tmp_path / JOURNAL).read_bytes() == before
    Search.open(tmp_path, SPACE, RANDOM).close()


def test_two_parts_of_a_space_are_two_spaces() -> None:
    parts = [SPACE.restricted_to(SPACE.enumerated_keys()[begin : begin + 9]) for begin in (0, 0, 1)]
    first, same, other = (json.dumps(identity_of(part, RANDOM, 0)) for part in parts)
    assert first == same != other


def test_nothing_counts_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search = Search.open(tmp_path, SPACE, RANDOM)
    genes = search.ask().genes

    def full(self: SearchFolder, event: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(SearchFolder, "append", full)
        for change in (search.ask, lambda: search.tell(genes, failed="x"), lambda: search.drop(genes)):
            with pytest.raises(StoreError, match="the disk is full"):
                change()
    assert (len(search.history), len(search.history.pending)) == (0, 4)
    search.close()


def test_a_damaged_journal_is_refused(tmp_path: Path) -> None:
    search = Search.open(tmp_path, SPACE, RANDOM)
    search.ask()
    search.close()
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"initial":4', b'"initial":5'))
    with pytest.raises(JournalError, match="line 1: damaged"):
        Search.open(tmp_path, SPACE, RANDOM)


def test_a_with_block_lets_go_of_the_folder(tmp_path: Path) -> None:
    with Search.open(tmp_path, SPACE, RANDOM, seed=3) as search:
        search.tell(search.ask(1).genes, [0.5])
    with pytest.raises(StoreError):
        search.ask()
    with Search.open(tmp_path, SPACE, RANDOM, seed=3) as again:
        assert again.history.values.tolist() == [0.5]
