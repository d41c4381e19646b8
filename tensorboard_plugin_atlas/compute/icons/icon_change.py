# SPDX-License-Identifier: Apache-2.0
"""The change of icons since the previous atlas, and its noise floor.

An icon that starts from the previous one differs from it because the network has learned, and
because a few optimization steps change any image. The second part is measured: some icons are
optimized again for the same network, with other shifts and as many steps. A change of that size is
not significant.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.compute.icons.grid_icons import UnfinishedIcons
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine, Icons
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks

SAMPLED: Final = 8
"""Number of icons of a grid that are optimized again."""


@dataclass(frozen=True, kw_only=True)
class IconChange:
    """The change of the icons of one grid that started from the previous ones.

    Attributes:
        size: Cells along each axis of the grid.
        cells: Number of cells whose icon started from an earlier one.
        change: Median of one minus the correlation of the pixels of both images, each channel
            relative to its mean: 0 for the same image, 1 for images with nothing in common. It is
            not the mean, since a few unstable cells would dominate it.
        floor: The same between an icon and itself, optimized again for the same network.
        sampled: Number of cells in which `floor` was measured.
    """

    size: int
    cells: int
    change: float
    floor: float
    sampled: int

    def as_dict(self) -> dict[str, Any]:
        """Returns the numbers by name, as JSON for a manifest."""
        return {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in dataclasses.asdict(self).items()
        }


def measure_icon_changes(
    engine: IconEngine,
    sizes: Sequence[int],
    targets: Sequence[Targets],
    earlier: Sequence[UnfinishedIcons | None],
    icons: Sequence[Icons],
    ranks: Ranks = ALONE,
) -> tuple[IconChange, ...]:
    """Measures how far the icons of each grid changed.

    Args:
        engine: Of this atlas.
        sizes: Cells along each axis of each grid.
        targets: The cells of each grid.
        earlier: The unfinished icons from which those of each grid started.
        icons: The new icons of each grid.
        ranks: Each measures some of the grids.

    Returns:
        One for each grid that has icons which started from earlier ones.
    """
    grids = list(zip(sizes, targets, earlier, icons, strict=True))
    found = ranks.compute_all(lambda grid: _measure_change(engine, *grid), grids)
    return tuple(one for one in found if one is not None)


def _measure_change(
    engine: IconEngine,
    size: int,
    targets: Targets,
    before: UnfinishedIcons | None,
    rendered: Icons,
) -> IconChange | None:
    """Measures how far the icons of a grid changed; None without icons that started from others."""
    now = rendered.unfinished
    if before is None or now is None or before.images.shape != now.images.shape:
        return None
    cells = np.flatnonzero(before.is_known & now.is_known)
    if not len(cells):
        return None
    chosen = cells[np.unique(np.linspace(0, len(cells) - 1, SAMPLED).round().astype(np.intp))]
    again = dataclasses.replace(engine, seed=engine.seed + 1).render(
        targets.select(chosen), rendered.kind, warm_start=now.select(chosen)
    )
    if again.unfinished is None or not again.unfinished.is_known.any():
        return None
    kept = again.unfinished.is_known
    change = compute_image_distance(before.images[cells], now.images[cells])
    floor = compute_image_distance(now.images[chosen[kept]], again.unfinished.images[kept])
    return IconChange(
        size=size,
        cells=len(cells),
        change=float(np.median(change)),
        floor=float(np.median(floor)),
        sampled=int(kept.sum()),
    )


def compute_image_distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns one minus the correlation of images, 0 for two images of constant color.

    Args:
        a: (M, channels, h, w).
        b: The same shape.

    Returns:
        (M,) from 0 to 2. Each channel is relative to its own mean.
    """
    first, second = (x.astype(np.float64) - x.mean((2, 3), keepdims=True) for x in (a, b))
    powers = [np.square(x).sum((1, 2, 3)) for x in (first, second)]
    product = (first * second).sum((1, 2, 3))
    scale = np.sqrt(powers[0] * powers[1])
    constant_case = np.where(powers[0] == powers[1], 0.0, 1.0)
    distance: NDArray[np.float64] = np.where(
        scale > 0, 1 - product / np.where(scale > 0, scale, 1), constant_case
    )
    return np.maximum(distance, 0.0)
