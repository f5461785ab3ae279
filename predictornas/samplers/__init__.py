"""Samplers: which unseen architectures the predictor ranks (the pool S')."""
