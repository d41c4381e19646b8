# SPDX-License-Identifier: Apache-2.0
"""Compares small pictures as people see them, and keeps those that were found good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

SNAPSHOTS = Path(__file__).parents[1] / "snapshots"
RESULTS = Path(__file__).parents[3] / "test-results"
SCALE = 5
"""Pixels of the screen, along each axis, for one of a snapshot: edges differ by less."""
QUALITY = 90
# Weights of brightness and of the two colour axes, and the greatest distance there is:
# Kotsarenko and Ramos (2010), as pixelmatch has them.
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
"""From this share of the greatest distance on, two pixels are not the same to the eye."""


def downscale(picture: NDArray[np.int16]) -> Image.Image:
    """(H, W, 3) of the screen as it is kept."""
    image = Image.fromarray(picture.astype(np.uint8))
    size = (image.width // SCALE, image.height // SCALE)
    return image.resize(size, Image.Resampling.BOX)


def find_visible_differences(a: Image.Image, b: Image.Image) -> NDArray[np.bool_]:
    """(H, W) whether pixels differ, whatever the codec did to those beside them."""
    soft = [np.asarray(one.filter(ImageFilter.BoxBlur(0.5)), float) for one in (a, b)]
    yiq = (soft[0] - soft[1]) @ _YIQ.T
    return ((yiq**2) @ _WEIGHTS) > _MOST * THRESHOLD**2


def compare_with_snapshot(name: str, picture: NDArray[np.int16], update: bool) -> float:
    """Returns the share of the pixels that are not as in the snapshot, and draws them.

    Args:
        name: Of the snapshot.
        picture: (H, W, 3) of the screen.
        update: Keep `picture` as the snapshot instead.
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
