# SPDX-License-Identifier: Apache-2.0
"""The icons of a grid as one image, and frames of its cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import Atlas, Grid
from tensorboard_plugin_atlas.errors import ArgumentError

if TYPE_CHECKING:
    from matplotlib.collections import PatchCollection

MAX_SIDE: Final = 4096
"""Largest side of the composed image in pixels; a log can have 320 x 320 cells of 256 px."""
_SMOOTH_SIDE: Final = 128
"""Side to which smaller icons are enlarged, smoothly; Matplotlib would show their pixels."""
_WITHOUT_ICONS: Final = (236, 236, 236)
_FRAME: Final = 0.075
"""Width of a frame, relative to its cell."""


def select_grid(atlas: Atlas, size: int | None, argument: str = "grid") -> Grid:
    """Returns the grid of a size; None selects the middle one.

    Raises:
        ArgumentError: if the atlas has no grid of this size; the message lists the sizes.
    """
    if not atlas.grids:
        raise ArgumentError(
            f"the atlas of layer {atlas.layer!r} at step {atlas.step:,} has no grids; pass an "
            "atlas that was computed with AtlasConfig(grids=(10, 20, 40))"
        )
    if size is None:
        return atlas.grids[len(atlas.grids) // 2]
    for grid in atlas.grids:
        if grid.size == size:
            return grid
    known = ", ".join(str(grid.size) for grid in atlas.grids)
    raise ArgumentError(f"{argument}={size!r:.80}: the atlas has no such grid; pass one of {known}")


def compose_icons(grid: Grid, most: int = MAX_SIDE) -> NDArray[np.uint8]:
    """Returns the icons of a grid in their cells, (H, H, 4) uint8; other cells are transparent.

    Cells of a grid without icons are gray. Icons have at least 128 pixels, unless
    H would exceed `most`.
    """
    icons = grid.icons
    if icons is None:
        icons = np.full((len(grid.rows), 8, 8, 3), _WITHOUT_ICONS, np.uint8)
    side = min(max(icons.shape[1], _SMOOTH_SIDE), max(1, most // grid.size))
    if side != icons.shape[1]:
        icons = _resize(icons, side)
    # White, so that the edges of icons do not get darker where they are resampled.
    tiles = np.full((grid.size, grid.size, side, side, 4), 255, np.uint8)
    tiles[..., 3] = 0
    tiles[grid.rows, grid.cols, :, :, :3] = icons
    tiles[grid.rows, grid.cols, :, :, 3] = 255
    image: NDArray[np.uint8] = tiles.swapaxes(1, 2).reshape(grid.size * side, grid.size * side, 4)
    return image


def find_extent(grids: Sequence[Grid]) -> tuple[float, float, float, float]:
    """Returns x0, y0, x1, y1 of the cells of all grids, in map coordinates; all of it if empty."""
    occupied = [grid for grid in grids if len(grid.rows)]
    if not occupied:
        return 0.0, 0.0, 1.0, 1.0
    return (
        min(float(grid.cols.min()) / grid.size for grid in occupied),
        min(float(grid.rows.min()) / grid.size for grid in occupied),
        max(float(grid.cols.max() + 1) / grid.size for grid in occupied),
        max(float(grid.rows.max() + 1) / grid.size for grid in occupied),
    )


def make_frames(grid: Grid, colors: Sequence[str]) -> PatchCollection:
    """Returns a colored frame inside each of the M cells, in map coordinates."""
    from matplotlib.collections import PatchCollection
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    outer = np.array([(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)], np.float64)
    # The inner square runs in the other direction, so that it is a hole.
    inner = _FRAME + (1 - 2 * _FRAME) * outer[::-1]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * 2
    shape = np.concatenate([outer, inner])
    patches = [
        PathPatch(Path((shape + np.array([col, row])) / grid.size, codes))
        for row, col in zip(grid.rows.tolist(), grid.cols.tolist(), strict=True)
    ]
    return PatchCollection(patches, facecolors=list(colors), edgecolors="none")


def _resize(icons: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    from PIL import Image

    resized = np.empty((len(icons), side, side, 3), np.uint8)
    for number, icon in enumerate(icons):
        image = Image.fromarray(icon).resize((side, side), Image.Resampling.BICUBIC)
        resized[number] = np.asarray(image)
    return resized
