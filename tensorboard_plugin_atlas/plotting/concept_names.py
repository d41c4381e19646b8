# SPDX-License-Identifier: Apache-2.0
"""Names of concepts on a map, without overlaps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from tensorboard_plugin_atlas.analysis.printable_text import make_printable
from tensorboard_plugin_atlas.atlas import Atlas, ConceptState, Grid
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.plotting.matplotlib_figures import NOT_PARSED

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

_MOST_NAMES: Final = 60
_MAX_LENGTH: Final = 60
_CELLS_TRIED: Final = 3
"""Cells with most samples of a concept where its name may be placed."""

_BASE: Final = 0.91
"""Lower end of a name in its cell, so that the name covers little of the icon."""


def check_concepts(atlas: Atlas, argument: str) -> tuple[ConceptState, ...]:
    """Returns the concepts of an atlas.

    Raises:
        ArgumentError: if they were not tracked.
    """
    if atlas.concepts is None or atlas.samples.concepts is None:
        raise ArgumentError(
            f"{argument}: the atlas of layer {atlas.layer!r} at step {atlas.step:,} has no "
            "concepts; pass an atlas that was logged with them, or ConceptTracker().advance(atlas)"
        )
    return atlas.concepts


def format_concept_name(concept: ConceptState) -> str:
    """Returns the name of a concept with printable characters only, at most 60."""
    return make_printable(concept.name, _MAX_LENGTH) or f"concept {concept.id}"


def rank_cells(atlas: Atlas, grid: Grid, concept_id: int) -> list[tuple[int, int]]:
    """Returns (cell, samples) of the cells that hold a concept, most samples first."""
    cells = grid.cell_of[atlas.samples.concepts == concept_id]
    counts = np.bincount(cells[cells >= 0], minlength=len(grid.rows))
    order = np.argsort(-counts, kind="stable")
    return [(int(cell), int(counts[cell])) for cell in order[: int((counts > 0).sum())]]


def add_concept_names(ax: Axes, atlas: Atlas, grid: Grid) -> list[Text]:
    """Writes the names of concepts on the cells that hold most of them, largest concept first.

    A name that would overlap another one, or leave the Axes, is left out.
    """
    concepts = sorted(check_concepts(atlas, "concepts"), key=lambda one: (-one.size, one.id))
    placed: list[tuple[Text, Bbox]] = []
    for concept in concepts[:_MOST_NAMES]:
        text = _make_text(ax, format_concept_name(concept).replace("/", "/\n"))
        for cell, _ in rank_cells(atlas, grid, concept.id)[:_CELLS_TRIED]:
            text.set_position(
                ((grid.cols[cell] + 0.5) / grid.size, (grid.rows[cell] + _BASE) / grid.size)
            )
            extent = text.get_window_extent()
            if _is_free(ax, extent, [other for _, other in placed]):
                placed.append((text, extent))
                break
        else:
            text.remove()
    return [text for text, _ in placed]


def _make_text(ax: Axes, name: str) -> Text:
    from matplotlib.patheffects import withStroke

    return ax.text(
        0.5,
        0.5,
        name,
        color="black",
        fontsize="xx-small",
        horizontalalignment="center",
        verticalalignment="bottom",
        path_effects=[withStroke(linewidth=1.8, foreground="white")],
        **NOT_PARSED,
    )


def _is_free(ax: Axes, extent: Bbox, others: list[Bbox]) -> bool:
    axes = ax.get_window_extent()
    is_inside = (
        axes.x0 <= extent.x0 and extent.x1 <= axes.x1 and axes.y0 <= extent.y0 <= extent.y1
    ) and extent.y1 <= axes.y1
    return is_inside and not any(extent.padded(2.0).overlaps(other) for other in others)
