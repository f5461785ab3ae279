"""Strategies, the search loop and journaled runs."""
