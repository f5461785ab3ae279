"""Conformance checks for your own spaces, predictors, samplers and oracles, to be called from your tests."""

from predictornas.testing.conformance import ConformanceError
from predictornas.testing.oracles import check_oracle
from predictornas.testing.predictors import check_predictor
from predictornas.testing.samplers import check_sampler
from predictornas.testing.spaces import check_space

__all__ = ["ConformanceError", "check_oracle", "check_predictor", "check_sampler", "check_space"]
