"""Architectures as networks that are trained for real: images, networks, recipes and training."""
