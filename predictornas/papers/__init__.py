"""Figures of the papers by name: one module a paper, each a view of studies; nothing here runs a search itself."""
