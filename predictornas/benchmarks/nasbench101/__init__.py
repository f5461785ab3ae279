"""The official NAS-Bench-101 files, read without TensorFlow."""
