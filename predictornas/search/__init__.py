"""Strategies, the search loop, journaled runs and the executors that run many of them."""
