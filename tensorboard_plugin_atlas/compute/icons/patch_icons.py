# SPDX-License-Identifier: Apache-2.0
"""Icons without the network: the real patch nearest to the mean of each cell.

They replace icons that cannot be computed, so that no atlas is lost with them. No cosine is known,
since it is that of the network's activation for the icon.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.compute.icons.icon_engine import Icons
from tensorboard_plugin_atlas.compute.icons.icon_frame import get_tile_side
from tensorboard_plugin_atlas.compute.icons.image_operations import resize_images, to_rgb
from tensorboard_plugin_atlas.compute.icons.render_levels import (
    SHEET_QUALITIES,
    RenderedLevels,
    pack_icons,
)
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.errors import summarize_error

_LARGEST_ICON: Final = 128
_AT_ONCE: Final = 64


def render_patches(
    targets: Sequence[Targets],
    source: PatchSource,
    receptive: ReceptiveField,
    *,
    size: int | None,
    note: str,
) -> RenderedLevels:
    """Returns the nearest real patch of each cell as its icon.

    Args:
        targets: The cells of each grid, coarsest first.
        source: The images of the probe.
        receptive: Receptive fields of the layer's positions.
        size: Side of an icon in pixels, or None for that of the patch, at most 128.
        note: Why the icons are not optimized.
    """
    side = get_tile_side(receptive, source.shape)
    icons = [
        _cut_icons(one, source, (side, side), size or min(_LARGEST_ICON, side)) for one in targets
    ]
    sheets, _ = pack_icons(icons, SHEET_QUALITIES)
    return RenderedLevels(
        icons=tuple(icons),
        sheets=tuple(sheets),
        cosines=tuple(one.cosine for one in icons),
        notes=(note,),
        fastpath={"used": False, "reason": note},
    )


def describe_failure(layer: str, error: Exception) -> str:
    """Returns the note of an atlas whose icons cannot be rendered."""
    return (
        f"icons: those of layer {layer} cannot be rendered ({summarize_error(error)}), so icons "
        "are the nearest real patches"
    )


def _cut_icons(targets: Targets, source: PatchSource, shape: tuple[int, int], size: int) -> Icons:
    count = len(targets)
    images = np.zeros((count, size, size, 3), np.uint8)
    for first in range(0, count, _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        rows, centers = targets.rows[part, 0], targets.centers[part, 0]
        patches = source.crop(rows.clamp(min=0), centers, shape)
        images[part] = to_rgb(resize_images(patches, (size, size))).numpy()
    return Icons(
        images=images,
        kind="examples",
        kinds=np.full(count, "examples"),
        cosine=np.full(count, np.nan, np.float32),
        steps=0,
    )
