"""Conformance checks for parts of your own, to be called from your tests, and tables on which searches fail."""

from predictornas.benchmarks.adversarial import adversarial_table, adversarial_tables
from predictornas.testing.conformance import ConformanceError
from predictornas.testing.oracles import check_oracle
from predictornas.testing.predictors import check_predictor
from predictornas.testing.samplers import check_sampler
from predictornas.testing.schedulers import check_scheduler
from predictornas.testing.spaces import check_space
from predictornas.testing.strategies import check_strategy

__all__ = [
    "ConformanceError",
    "adversarial_table",
    "adversarial_tables",
    "check_oracle",
    "check_predictor",
    "check_sampler",
    "check_scheduler",
    "check_space",
    "check_strategy",
]
