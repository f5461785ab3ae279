from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.schedulers import Full, incumbent
from predictornas.schedulers.base import plan_of

NAN = float("nan")


def history(*evaluations: tuple[int, int, float]) -> History:
    """Evaluations as (key, epochs, value)."""
    keys, epochs, values = zip(*evaluations, strict=True)
    return History.empty(1).extended(
        keys=keys, genes=np.zeros((len(keys), 1), np.int8), epochs=epochs, values=values, iteration=0
    )


def test_the_incumbent_is_the_best_of_the_longest_trained() -> None:
    assert incumbent(History.empty(3)) is None
    assert incumbent(history((1, 4, 0.9))) == 0
    # 0.9 was better after 4 epochs; 12 epochs count more; of two equal ones the first
    assert incumbent(history((1, 4, 0.9), (2, 4, 0.5), (2, 12, 0.6), (3, 12, 0.7), (4, 12, 0.7))) == 3
    # a training that failed is nobody's result
    assert incumbent(history((1, 4, 0.9), (2, 12, NAN), (2, 4, 0.8))) == 0
    assert incumbent(history((1, 4, 0.9), (1, 12, 0.0), (2, 4, 0.8))) == 0
    assert incumbent(history((1, 4, NAN), (2, 4, 0.0))) is None


def test_schedulers_need_no_torch() -> None:
    code = "import sys, predictornas.schedulers; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_scheduler_that_forgets_to_return_is_named() -> None:
    class Forgetful(Full):
        def promotions(self, history: History) -> None:
            return None

    with pytest.raises(ConfigurationError, match=r"Forgetful\.promotions gave NoneType and no Plan"):
        inspect.unwrap(plan_of)(Forgetful((1,)), History.empty(6))
