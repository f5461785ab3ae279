"""Figures, each drawn from one tidy table of `predictornas.analysis`; every function returns a matplotlib `Figure`.

No pyplot and no global state: save a figure with `figure.savefig(path)`; a notebook shows it as it is.
"""

from predictornas.extras import extra

with extra("plots", "Drawing a figure"):
    import matplotlib as matplotlib
