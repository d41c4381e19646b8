# SPDX-License-Identifier: Apache-2.0
"""Cells of the map that show concepts and events."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import Atlas, IntArray


def find_cells(atlas: Atlas, concepts: IntArray | None = None) -> dict[int, tuple[int, int, int]]:
    """Returns the cell of each concept; `concepts` are (N,) ids, by default from the atlas."""
    ids = atlas.samples.concepts if concepts is None else concepts
    if ids is None:
        return {}
    known = np.unique(ids[ids >= 0]).tolist()
    found = {one: find_cell(atlas, ids == one) for one in known}
    return {identity: cell for identity, cell in found.items() if cell is not None}


def find_cell(atlas: Atlas, rows: NDArray[np.bool_]) -> tuple[int, int, int] | None:
    """Returns the cell of a middle grid with most of `rows`, as (size, row, column)."""
    if not atlas.grids:
        return None
    grid = atlas.grids[len(atlas.grids) // 2]
    cells = grid.cell_of[rows]
    cells = cells[cells >= 0]
    if not len(cells):
        return None
    cell = int(np.bincount(cells).argmax())
    return grid.size, int(grid.rows[cell]), int(grid.cols[cell])


def choose_cell(
    before: tuple[int, ...],
    after: tuple[int, ...],
    earlier: Mapping[int, tuple[int, int, int]],
    now: Mapping[int, tuple[int, int, int]],
) -> tuple[int, int, int] | None:
    """Returns the cell that shows an event: of the new concept, if there is one.

    Args:
        before: Ids of the concepts before the event.
        after: Ids of the concepts after it.
        earlier: Cell of each concept on the previous map, used if `after` is empty.
        now: Cell of each concept on this map.
    """
    new = [one for one in after if one not in before]
    return now.get((new or after)[0]) if after else earlier.get(before[0])


def relocate_events(atlas: Atlas, previous: Atlas | None) -> Atlas:
    """Updates the cells of the events of an atlas that has a new map.

    Args:
        atlas: An atlas with concepts.
        previous: The previous atlas with its new map, None for the first.
    """
    now = find_cells(atlas)
    earlier = {} if previous is None else find_cells(previous)
    events = tuple(
        dataclasses.replace(
            one,
            cell=choose_cell(one.before, one.after, earlier, now)
            if one.classes is None
            else _find_cell_of_classes(atlas, previous, one.classes),
        )
        for one in atlas.events
    )
    return atlas.replace(events=events)


def _find_cell_of_classes(
    atlas: Atlas, previous: Atlas | None, classes: tuple[int, ...]
) -> tuple[int, int, int] | None:
    """Returns the cell of the samples whose prediction or confidence changed.

    Without the predictions of the previous atlas, of all samples with this label and this
    prediction now.
    """
    if atlas.labels is None or atlas.predictions is None:
        return None
    if len(classes) == 1:
        return find_cell(atlas, atlas.labels == classes[0])
    label, before, now = classes
    rows = (atlas.labels == label) & (atlas.predictions == now)
    was = None if previous is None else previous.predictions
    if was is not None and len(was) == len(rows) and (rows & (was == before)).any():
        rows &= was == before
    return find_cell(atlas, rows)
