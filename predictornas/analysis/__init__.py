"""From histories to tidy tables: the sample-efficiency gain, its null and split, convergence, regret, distributions.

Nothing here draws or prints; `predictornas.plots` draws each table.
"""
