# SPDX-License-Identifier: Apache-2.0
"""Captions that state where a figure comes from, and what its axes mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.analysis.class_series import CLASS_ATLAS
from tensorboard_plugin_atlas.analysis.printable_text import make_printable
from tensorboard_plugin_atlas.atlas import Atlas, Grid

_MAX_NAME: Final = 60
_MOST_RUNS: Final = 2
"""Runs that are named; the others are counted."""
_KINDS: Final = {
    "none": "none",
    "examples": "real patches",
    "preview": "feature inversion of preview quality",
    "inversion": "feature inversion",
    "poster": "feature inversion of poster quality",
}


def describe_source(layer: str, steps: Sequence[int], runs: Sequence[str]) -> str:
    """Returns a sentence such as "Layer layer3 at step 300 of run exp1", with a period.

    Args:
        layer: Their layer.
        steps: The step of each atlas.
        runs: The run of each atlas; "" if it was not logged.
    """
    first, last = min(steps), max(steps)
    where = f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"
    named = list(dict.fromkeys(run for run in runs if run))
    text = f"Layer {make_printable(layer, _MAX_NAME)} at {where}"
    if named:
        names = " and ".join(make_printable(run, _MAX_NAME) for run in named[:_MOST_RUNS])
        more = "" if len(named) <= _MOST_RUNS else f" and {len(named) - _MOST_RUNS} more"
        text += f" of {'run' if len(named) == 1 else 'runs'} {names}{more}"
    return text + "."


def describe_grid(atlas: Atlas, grid: Grid) -> str:
    """Returns the numbers of samples and cells, and the kind of the icons."""
    shown = int(grid.counts.sum())
    return (
        f"{len(atlas.samples):,} samples in a {format_grid_size(grid)} grid; the "
        f"{len(grid.rows):,} cells shown hold {shown:,}. {describe_icons([grid])}"
    )


def format_grid_size(grid: Grid) -> str:
    """Returns the size of a grid, with a multiplication sign."""
    return f"{grid.size} \N{MULTIPLICATION SIGN} {grid.size}"


def describe_icons(grids: Sequence[Grid], cells: Sequence[int] | None = None) -> str:
    """Returns the kinds of the icons and their mean cosine.

    Args:
        grids: The grids.
        cells: Only these cells; None for all.
    """
    which = slice(None) if cells is None else list(cells)
    kinds, counts = np.unique(
        np.concatenate([grid.icon_kind[which] for grid in grids]), return_counts=True
    )
    if set(kinds.tolist()) <= {"none"}:
        return "No icons."
    names = [_KINDS.get(kind, kind) for kind in kinds.tolist()]
    if len(names) > 1:
        names = [f"{name} ({count:,})" for name, count in zip(names, counts.tolist(), strict=True)]
    text = f"Icons: {', '.join(names)}"
    cosines = np.concatenate([grid.icon_cosine[which] for grid in grids])
    cosines = cosines[np.isfinite(cosines)]
    if len(cosines):
        text += f"; their mean cosine with the mean activation of the cell is {cosines.mean():.2f}"
    return text + "."


def describe_axes(atlas: Atlas) -> str:
    """Returns what distance and direction on the map mean."""
    info = atlas.provenance.layer_info.get(CLASS_ATLAS)
    axis = info.get("axis") if isinstance(info, Mapping) else None
    if axis is None:
        return "Nearby cells have similar activations; the axes have no scale."
    return (
        "Horizontal axis: difference of the attributions to the two classes; the vertical axis "
        "has no scale."
    )
