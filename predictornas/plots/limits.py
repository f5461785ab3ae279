"""How far an axis goes that shows means with intervals."""

from __future__ import annotations

import numpy as np
import polars as pl


def limits_of_means(rows: pl.DataFrame) -> tuple[float, float]:
    """Limits of an axis of means with intervals: those of two or three seeds may be far wider than all means apart.

    Args:
        rows: columns `mean`, `low`, `high`; the ends may be null.
    """
    means = rows["mean"].to_numpy()
    lows, highs = (rows[end].fill_null(rows["mean"]).to_numpy() for end in ("low", "high"))
    room = max(0.6 * float(np.ptp(means)), 0.05 * float(np.abs(means).max()), 0.001)
    low = max(float(lows.min()), float(means.min()) - room)
    high = min(float(highs.max()), float(means.max()) + room)
    margin = 0.08 * max(high - low, room)
    return low - margin, high + margin
