"""Chains: networks made of stages one after the other, each of layers with a few choices."""
