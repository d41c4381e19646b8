# SPDX-License-Identifier: Apache-2.0
"""Atlases with icons of one color, and the colors of a figure at map coordinates."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.sprite_sheets import pack

RED, GREEN, BLUE = (220, 20, 20), (20, 180, 20), (20, 20, 220)

Cell: TypeAlias = tuple[int, int, tuple[int, int, int]]
CELLS: tuple[Cell, ...] = ((0, 3, RED), (2, 1, GREEN), (3, 3, BLUE))


def make_solid_atlas(
    cells: Sequence[tuple[int, int, tuple[int, int, int]]] = (
        (0, 3, RED),
        (2, 1, GREEN),
        (3, 3, BLUE),
    ),
    *,
    size: int = 4,
    labels: Sequence[Sequence[int]] = ((1, 1, 0), (0, 0), (2,)),
    predictions: Sequence[Sequence[int]] = ((0, 0, 0), (2, 2), (1,)),
    step: int = 100,
    side: int = 16,
) -> Atlas:
    """Returns an atlas of one grid.

    Args:
        cells: Row, column and color of each cell.
        size: Size of the grid.
        labels: Labels of the samples of each cell; they are also the concepts.
        predictions: Their predictions.
        step: The step.
        side: Side of the icons in pixels.
    """
    cell_of = np.repeat(np.arange(len(labels)), [len(one) for one in labels]).astype(np.int32)
    plain = make_atlas(step, samples=len(cell_of), grids=(size,), min_count=1, tile=8)
    flat = np.concatenate(labels).astype(np.int32)
    colors = np.array([color for *_, color in cells], np.uint8)
    icons = np.broadcast_to(colors[:, None, None], (len(cells), side, side, 3))
    grid = dataclasses.replace(
        plain.grids[0],
        size=size,
        rows=np.array([row for row, *_ in cells], np.int32),
        cols=np.array([col for _, col, _ in cells], np.int32),
        counts=np.bincount(cell_of).astype(np.int32),
        cell_of=cell_of,
        kind_codes=np.full(len(cells), 3, np.uint8),
        icon_cosine=np.linspace(0.5, 0.7, len(cells), dtype=np.float32),
        sheets=pack(np.ascontiguousarray(icons), lossless=True),
    )
    concepts = tuple(
        dataclasses.replace(one, size=int((flat == one.id).sum()))
        for one in make_atlas(step).concepts or ()
        if one.id in flat
    )
    samples = dataclasses.replace(
        plain.samples,
        labels=flat,
        predictions=np.concatenate(predictions).astype(np.int32),
        concepts=flat,
    )
    return plain.replace(grids=(grid,), samples=samples, concepts=concepts, run="exp1")


def render(figure: Any) -> np.ndarray:
    """Returns the figure as (H, W, 3) uint8."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()


def color_at(image: np.ndarray, ax: Any, x: float, y: float) -> tuple[int, ...]:
    """Returns the color of a rendered figure at data coordinates of an Axes."""
    column, height = ax.transData.transform((x, y))
    return tuple(image[len(image) - 1 - int(height), int(column)].tolist())
