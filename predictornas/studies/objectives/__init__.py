"""Studies of searches for several objectives, or for one within limits."""
