"""Predictors that learn to rank architectures; see `base` for the protocols."""
