# SPDX-License-Identifier: Apache-2.0
"""Compares screenshots with stored snapshots by perceived color difference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
RESULTS = Path(__file__).parents[3] / "test-results"
SCALE = 5
"""Pixels of the screen per pixel of a snapshot, along each axis: edges differ by less."""
QUALITY = 90
# Weights of brightness and of the two color axes, and the largest possible distance:
# Kotsarenko and Ramos (2010), as in pixelmatch.
_YIQ = np.array(
    [
        [0.29889531, 0.58662247, 0.11448223],
        [0.59597799, -0.2741761, -0.32180189],
        [0.21147017, -0.52261711, 0.31114694],
    ]
)
_WEIGHTS = np.array([0.5053, 0.299, 0.1957])
_MOST = 35215.0
THRESHOLD = 0.12
"""Fraction of the largest distance from which on two pixels look different."""
MAX_DIFFERENCE = 0.0015
"""Fraction of pixels that may differ; a tile of the coarsest grid is three times as large."""


def downscale(picture: NDArray[np.int16]) -> Image.Image:
    """Returns (H, W, 3) of the screen at the size of a snapshot."""
    image = Image.fromarray(picture.astype(np.uint8))
    size = (image.width // SCALE, image.height // SCALE)
    return image.resize(size, Image.Resampling.BOX)


def find_visible_differences(a: Image.Image, b: Image.Image) -> NDArray[np.bool_]:
    """Returns (H, W) whether pixels differ visibly; blurs first, because the codec is lossy."""
    soft = [np.asarray(one.filter(ImageFilter.BoxBlur(0.5)), float) for one in (a, b)]
    yiq = (soft[0] - soft[1]) @ _YIQ.T
    return ((yiq**2) @ _WEIGHTS) > _MOST * THRESHOLD**2


def compare_with_snapshot(name: str, picture: NDArray[np.int16], update: bool) -> float:
    """Returns the fraction of pixels that differ from a snapshot, and saves an image of them.

    Args:
        name: Name of the snapshot.
        picture: (H, W, 3) of the screen.
        update: Overwrite the snapshot with `picture`.
    """
    path, now = SNAPSHOTS / f"{name}.webp", downscale(picture)
    if update:
        SNAPSHOTS.mkdir(exist_ok=True)
        now.save(path, "WEBP", quality=QUALITY, method=6)
    with Image.open(path) as image:
        then = image.convert("RGB")
    if then.size != now.size:
        now.save(RESULTS / f"snapshot-{name}-now.png")
        return 1.0
    changed = find_visible_differences(then, now)
    marked = np.where(changed[..., None], np.array([255, 0, 90]), np.asarray(now) // 2 + 110)
    RESULTS.mkdir(exist_ok=True)
    panels = (then, now, Image.fromarray(marked.astype(np.uint8)))
    strip = Image.new("RGB", (sum(one.width + 4 for one in panels), now.height), "white")
    for number, one in enumerate(panels):
        strip.paste(one, (number * (now.width + 4), 0))
    strip.save(RESULTS / f"snapshot-{name}.png")
    return float(changed.mean())
