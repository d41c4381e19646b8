# SPDX-License-Identifier: Apache-2.0
"""How far icons changed since the checkpoint before, beside what they change for no reason.

An icon that goes on from the one before differs from it because the network has learned and because
a few steps of drawing move any picture. The second part is measured: some icons are drawn on once
more for the same network, with other shifts, by as many steps. A change at that floor says nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.compute.icons.engine import IconEngine, Icons, UnfinishedIcons
from tensorboard_plugin_atlas.compute.icons.targets import Targets

SAMPLED: Final = 8
"""Icons of a level that are drawn once more."""


@dataclass(frozen=True, kw_only=True)
class IconChange:
    """What became of the icons of one level that went on from those before.

    Attributes:
        size: Cells along each axis of the grid.
        cells: Cells whose icon went on from an earlier one.
        change: Median of one minus the correlation of the pixels of both pictures, each channel
            relative to its mean: 0 is the same picture, 1 has nothing in common. Not the mean, for
            a few cells of a level are unstable and would decide both numbers.
        floor: The same between an icon and itself drawn on for the same network.
        sampled: Cells that `floor` was measured on.
    """

    size: int
    cells: int
    change: float
    floor: float
    sampled: int

    def as_dict(self) -> dict[str, Any]:
        """Returns the numbers under their names, ready for a manifest."""
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
) -> tuple[IconChange, ...]:
    """Measures how far the icons of each level changed.

    Args:
        engine: The layer as it is now.
        sizes: Of the grids.
        targets: The cells of each level.
        earlier: What the pictures of each level went on from.
        icons: What was drawn.

    Returns:
        One for each level that has icons which went on.
    """
    found = []
    for size, wanted, before, drawn in zip(sizes, targets, earlier, icons, strict=True):
        now = drawn.unfinished
        if before is None or now is None or before.pictures.shape != now.pictures.shape:
            continue
        cells = np.flatnonzero(before.known & now.known)
        if not len(cells):
            continue
        chosen = cells[np.unique(np.linspace(0, len(cells) - 1, SAMPLED).round().astype(np.intp))]
        again = dataclasses.replace(engine, seed=engine.seed + 1).render(
            wanted.only(chosen), drawn.kind, warm_start=now.select(chosen)
        )
        if again.unfinished is None or not again.unfinished.known.any():
            continue
        kept = again.unfinished.known
        change = picture_distance(before.pictures[cells], now.pictures[cells])
        floor = picture_distance(now.pictures[chosen[kept]], again.unfinished.pictures[kept])
        found.append(
            IconChange(
                size=size,
                cells=len(cells),
                change=float(np.median(change)),
                floor=float(np.median(floor)),
                sampled=int(kept.sum()),
            )
        )
    return tuple(found)


def picture_distance(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns one minus the correlation of pictures, 0 for two that are plain.

    Args:
        a: (M, channels, h, w).
        b: The same shape.

    Returns:
        (M,) from 0 to 2; each channel counts relative to its own mean.
    """
    first, second = (x.astype(np.float64) - x.mean((2, 3), keepdims=True) for x in (a, b))
    powers = [np.square(x).sum((1, 2, 3)) for x in (first, second)]
    product = (first * second).sum((1, 2, 3))
    scale = np.sqrt(powers[0] * powers[1])
    plain = np.where(powers[0] == powers[1], 0.0, 1.0)
    distance: NDArray[np.float64] = np.where(
        scale > 0, 1 - product / np.where(scale > 0, scale, 1), plain
    )
    return np.maximum(distance, 0.0)
