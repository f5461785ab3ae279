"""The networks of the predictors in torch: weights and forward passes. Loaded on demand."""
