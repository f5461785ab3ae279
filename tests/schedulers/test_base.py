from __future__ import annotations

import subprocess
import sys

import numpy as np

from predictornas.history import History
from predictornas.schedulers import Plan, cost, incumbent

NAN = float("nan")


def history(*evaluations: tuple[int, int, float]) -> History:
    """Evaluations as (key, epochs, value)."""
    keys, epochs, values = zip(*evaluations, strict=True)
    return History.empty(1).extended(
        keys=keys, genes=np.zeros((len(keys), 1), np.int8), epochs=epochs, values=values, iteration=0
    )


def test_a_resumed_training_costs_what_is_missing() -> None:
    seen = history((7, 4, 0.1), (3, 4, 0.2), (7, 12, 0.3), (9, 4, 0.4))
    plan = Plan(np.zeros((3, 1), np.int8), np.array([9, 7, 2**64 - 1], np.uint64), 36)
    assert cost(seen, plan, resumes=True).tolist() == [32, 24, 36]
    assert cost(seen, plan, resumes=False).tolist() == [36, 36, 36]
    # asked afterwards, when the history holds the plan's own evaluations too, it cost the same
    later = seen.extended(keys=plan.keys, genes=plan.genes, epochs=[36] * 3, values=[0.5] * 3, iteration=1)
    assert cost(later, plan, resumes=True).tolist() == [32, 24, 36]
    nothing = Plan(plan.genes[:0], plan.keys[:0], 36)
    assert cost(seen, nothing, resumes=True).shape == (0,)


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
