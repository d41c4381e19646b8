# SPDX-License-Identifier: Apache-2.0
"""The cell of each sample, derived from its map coordinates instead of being stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.errors import DamageError


def bin_positions(xy: FloatArray, size: int) -> NDArray[np.intp]:
    """Returns (N,) the cell that holds each sample: row * size + column.

    A cell covers [i / size, (i + 1) / size) along each axis; the last one includes its far edge.

    Args:
        xy: (N, 2) float32 in [0, 1].
        size: Cells along each axis.
    """
    # In float64, v * 2 * size is exactly twice v * size, so that grids are nested.
    columns, rows = (
        np.minimum((xy[:, axis].astype(np.float64) * size).astype(np.intp), size - 1)
        for axis in (0, 1)
    )
    index: NDArray[np.intp] = rows * size + columns
    return index


def remove_derived_cells(
    arrays: Mapping[str, NDArray[Any]], sizes: Sequence[int]
) -> dict[str, NDArray[Any]]:
    """Returns the arrays of a map without each `cell_of` that `derive_cells` restores exactly.

    Args:
        arrays: The arrays of a blob "map" in the plain form.
        sizes: Sizes of the grids.

    Returns:
        The arrays, with `outside` (N,) bool if samples are in no cell though their position is in
        one, as those with NaN in their activations.
    """
    derived = {size: _look_up(arrays, size) for size in sizes}
    outside = np.zeros(len(arrays["xy"]), np.bool_)
    for size, cells in derived.items():
        outside |= (cells >= 0) & (arrays[f"grid{size}.cell_of"] < 0)
    kept = dict(arrays)
    for size, cells in derived.items():
        cells[outside] = -1
        if np.array_equal(cells, arrays[f"grid{size}.cell_of"]):
            del kept[f"grid{size}.cell_of"]
    return kept | ({"outside": outside} if outside.any() else {})


def find_outside(arrays: Mapping[str, NDArray[Any]], sizes: Sequence[int]) -> NDArray[np.bool_]:
    """Returns (N,) bool: the samples that are in no cell though their position is in one.

    Args:
        arrays: The arrays of a blob "map" in the plain form.
        sizes: Sizes of the grids.
    """
    outside = np.zeros(len(arrays["xy"]), np.bool_)
    for size in sizes:
        outside |= (_look_up(arrays, size) >= 0) & (arrays[f"grid{size}.cell_of"] < 0)
    return outside


def derive_cells(
    arrays: Mapping[str, NDArray[Any]], sizes: Sequence[int]
) -> dict[str, NDArray[Any]]:
    """Returns the arrays of a map with `cell_of` of every grid, and without `outside`.

    Args:
        arrays: From `remove_derived_cells`; the values are untrusted, shapes and types are not.
        sizes: Sizes of the grids.

    Raises:
        DamageError: if the map coordinates, or the rows and columns of cells, are out of range.
    """
    whole = dict(arrays)
    outside = whole.pop("outside", None)
    xy = arrays["xy"]
    if not ((xy >= 0) & (xy <= 1)).all():  # false for NaN
        raise DamageError("xy: a position outside 0 to 1")
    for size in sizes:
        if f"grid{size}.cell_of" not in whole:
            cells = _look_up(arrays, size)
            if outside is not None:
                cells[outside] = -1
            whole[f"grid{size}.cell_of"] = cells
    return whole


def _look_up(arrays: Mapping[str, NDArray[Any]], size: int) -> IntArray:
    """Returns (N,) int32: index of the listed cell that holds each sample, or -1."""
    rows, columns = arrays[f"grid{size}.rows"], arrays[f"grid{size}.cols"]
    for name, values in (("row", rows), ("column", columns)):
        if not ((values >= 0) & (values < size)).all():
            raise DamageError(f"grid {size}: a {name} outside 0 to {size - 1}")
    number = np.full(size * size, -1, np.int32)
    number[rows.astype(np.intp) * size + columns] = np.arange(len(rows))
    cells: IntArray = number[bin_positions(arrays["xy"], size)]
    return cells
