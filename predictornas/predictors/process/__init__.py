"""What the Gaussian process is made of: features that need no training, and the regression on them."""
