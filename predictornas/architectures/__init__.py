"""Architectures in every notation of the field: read any of them with `parse`, write all with `formats`. Numpy only."""

from predictornas.architectures.parsing import Architecture, formats, parse

__all__ = ["Architecture", "formats", "parse"]
