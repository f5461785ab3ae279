from __future__ import annotations

import numpy as np
from scipy import sparse

from predictornas.predictors.process.views import columns_of, squared_norms


def test_a_sparse_view_is_a_view() -> None:
    dense = np.array([[3, 0, 4], [0, 0, 1]], np.float32)
    for view in (dense, sparse.csr_array(dense)):
        np.testing.assert_array_equal(columns_of(view), [[3, 0], [0, 0], [4, 1]])
        np.testing.assert_array_equal(squared_norms(view), [25, 1])
        assert squared_norms(view).dtype == np.float32
