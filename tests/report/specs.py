"""What a chart of a report holds."""

from __future__ import annotations

import json
import re
from typing import Any


def spec_in(figure: str) -> dict[str, Any]:
    """The specification within a figure."""
    found = re.search(r'<script type="application/json" class="spec">(.*?)</script>', figure)
    assert found is not None
    spec: dict[str, Any] = json.loads(found[1])
    return spec
