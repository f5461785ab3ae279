"""Three readings of the gains that Mauch et al. print, which their eq. 10-15 cannot give over all proposals.

Their text has about 50 dB and 25 dB at J < 0.05 after 1400 evaluations. With 10 log10 of the ratio of expected trials
no method can exceed 24.8 dB there. The definition of this package stays 10 log10; this module says how high each
reading could reach.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from predictornas.analysis.urn import cap_db

READINGS = {"10 log10": 1.0, "10 ln": float(np.log(10)), "20 log10": 2.0}
"""What multiplies 10 log10 of a ratio in each reading."""


def readings_table(n: int, proposals: Sequence[int], hits: Sequence[int]) -> pl.DataFrame:
    """The gain of perfect proposals, the most that any method can score, in every reading.

    Args:
        n: architectures in the table.
        proposals: numbers K of proposals in the urn C.
        hits: numbers M_S of architectures of the table that reach the target.

    Returns:
        `reading`, `proposals`, `table_hits`, `ratio` ((n + 1) / (max(K, M_S) + 1), expected trials in S over those in
        C), `cap_db` (the reading of that ratio).

    Raises:
        ConfigurationError: as in `predictornas.analysis.urn.cap_db`.
    """
    rows = []
    for reading, factor in READINGS.items():
        for k in proposals:
            for m in hits:
                cap = float(cap_db(n, k, m))
                facts = {"reading": reading, "proposals": k, "table_hits": m}
                rows.append({**facts, "ratio": 10 ** (cap / 10), "cap_db": factor * cap})
    return pl.DataFrame(rows)
