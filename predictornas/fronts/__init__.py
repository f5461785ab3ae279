"""Several objectives at once: which points dominate which, the volume they dominate, and what many runs attain."""
