"""Searches for several objectives, and for one within limits."""
