"""The table of entries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.fuzz import checkpoints, folders, images, pickles, records, resumed, tables, texts
from tests.fuzz.engine import Entry

ENTRIES: dict[str, Callable[[Path], Entry]] = {
    "csv": tables.csv,
    "csv-matrices": tables.csv_matrices,
    "parquet": tables.parquet,
    "parquet-compressed": tables.parquet_compressed,
    "tfrecord": records.tfrecord,
    "recipe": texts.recipe,
    "genotype": texts.genotype,
    "store-manifest": folders.store_manifest,
    "store-column": folders.store_column,
    "store-genes": folders.store_genes,
    "study-manifest": folders.study_manifest,
    "study-history": folders.study_history,
    "journal": resumed.journal,
    "resumed-manifest": resumed.resumed_manifest,
    "kept-result": resumed.kept_result,
    "cache-array": resumed.cache_array,
    "cache-manifest": resumed.cache_manifest,
    "pickle": pickles.plain_pickle,
    "nasbench201-pickle": pickles.offline,
    "cifar-pickle": pickles.cifar,
    "checkpoint": checkpoints.checkpoint,
    "image-png": images.image_png,
    "image-jpeg": images.image_jpeg,
    "image-ppm": images.image_ppm,
    "image-bmp": images.image_bmp,
    "image-webp": images.image_webp,
    "image-parquet": images.image_parquet,
}
"""What prepares each entry in an empty folder."""
