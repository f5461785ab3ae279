"""Image sets by name: those that need no file."""

from __future__ import annotations

from predictornas.registry import Registered, Registry

IMAGE_SETS = Registry(
    "built-in image set or folder",
    (
        Registered(
            name="digits",
            target="predictornas.live.images.loading:digits_at",
            help="the 1,797 handwritten digits of scikit-learn, 8 x 8",
            takes=("size",),
        ),
        Registered(
            name="hard-digits",
            target="predictornas.live.images.loading:hard_digits_at",
            help="the same made harder: turned, moved, noisy",
            takes=("size",),
        ),
    ),
    group="predictornas.image_sets",
    takes=("size",),
)
"""Setting for the targets: `size`, height and width to bring the images to, None for as they are. They give
`predictornas.live.images.image_sets.ImageData`."""
