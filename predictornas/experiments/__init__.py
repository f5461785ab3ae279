"""Experiments: grids of searches over methods and seeds, their output folders and manifests."""
