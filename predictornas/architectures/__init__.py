"""Architectures in every notation of the field: read any of them with `parse`, write all with `formats`. Numpy only."""

from predictornas.architectures.parsing import ParsedArchitecture, formats, parse

__all__ = ["ParsedArchitecture", "formats", "parse"]
