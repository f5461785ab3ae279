import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from predictornas.predictors.engine import distinct_rows as module
from predictornas.predictors.engine.distinct_rows import distinct_rows, sorted_columns

tables = st.tuples(st.integers(1, 40), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.integers(0, 3))
)


@settings(max_examples=100)
@given(table=tables, wide=st.booleans())
def test_agrees_with_sorting_tuples(table, wide):
    # wide entries need several 64-bit words a row
    bound = 1 << 31 if wide else 4
    table = table * ((bound - 1) // 3)
    rows, examples = distinct_rows(list(table.T), bound)
    expected = sorted({tuple(row) for row in table.tolist()})
    assert [tuple(row) for row in table[examples].tolist()] == expected
    assert rows.tolist() == [expected.index(tuple(row)) for row in table.tolist()]


@given(table=tables)
def test_sorts_every_row(table):
    np.testing.assert_array_equal(np.stack(sorted_columns(list(table.T)), axis=1), np.sort(table, axis=1))


def test_stays_exact_when_all_hashes_collide(monkeypatch):
    monkeypatch.setattr(module, "_MULTIPLIERS", (np.uint64(0),))
    rng = np.random.default_rng(0)
    table = rng.integers(0, 3, (200, 4))
    rows, examples = distinct_rows(list(table.T), 3)
    expected, inverse = np.unique(table, axis=0, return_inverse=True)
    np.testing.assert_array_equal(table[examples], expected)
    np.testing.assert_array_equal(rows, inverse.reshape(-1))


def test_no_rows():
    rows, examples = distinct_rows([np.empty(0, np.int64)], 4)
    assert len(rows) == len(examples) == 0
