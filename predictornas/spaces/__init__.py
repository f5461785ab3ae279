"""Search spaces: which architectures exist, how to draw and change them, how a model sees them. Numpy only."""
