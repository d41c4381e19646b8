# SPDX-License-Identifier: Apache-2.0
"""Repulsion between all pairs of many points, by convolutions on a grid.

The forces of t-SNE depend on the distance of two points only, so that their sum is a convolution of
the density of points (Linderman, Rachh, Hoskins, Steinerberger and Kluger 2019, "Fast
interpolation-based t-SNE"). Points are spread over a regular grid, one FFT convolves the density
with each kernel, and the fields are interpolated at the points. The time is linear in the number
of points plus that of the FFT, which depends on the size of the map.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray

_SPACING: Final = 1 / 3
"""Distance of grid points in raw units: a third of the distance at which w falls to a half."""
_MARGIN: Final = 2
"""Grid points outside of the map on each side, for the 4 x 4 points around a row."""
_MIN_SIDE: Final = 64
"""Smallest number of grid points along the wider axis. The grid of a small map is finer."""
_MAX_SIDE: Final = 2_048
"""Largest number of grid points along an axis. The grid of a wider map is coarser."""
_MAX_LINE: Final = 1 << 20
"""Largest number of grid points of a line."""
_ROOM: Final = 1.1
"""Size of a new grid relative to the map, since maps grow at first."""


class GridRepulsion:
    """Computes repulsive forces; keeps the grid between calls as long as the map fits into it."""

    def __init__(self) -> None:
        self._spacing = 0.0
        self._grid: FloatArray = np.zeros((0, 0), np.float32)
        self._kernels: list[NDArray[np.complex64]] = []

    def __call__(
        self, x: FloatArray, y: FloatArray, away_x: FloatArray, away_y: FloatArray
    ) -> float:
        """Sums the repulsive forces between all pairs.

        Args:
            x: (N,) float32 coordinates, raw units.
            y: (N,) float32 coordinates.
            away_x: (N,) float32, output: sum over other rows of w^2 (x - x'), w = 1 / (1 + d^2).
            away_y: (N,) float32, output: sum of w^2 (y - y').

        Returns:
            The sum of w over all ordered pairs. Forces are exact to about 3 % on a typical map;
            the errors are those of rows that are near each other.
        """
        from tensorboard_plugin_atlas.compute.layout import numba_kernels as kernels

        low = np.array([x.min(), y.min()], np.float64)
        height, width = float(y.max() - low[1]), float(x.max() - low[0])
        self._fit(height, width)
        low = (low - _MARGIN * self._spacing).astype(np.float32)
        kernels.spread_on_grid(x, y, low, 1 / self._spacing, self._grid)
        total = kernels.read_from_grid(
            x, y, low, 1 / self._spacing, self._convolve(), away_x, away_y
        )
        if height == 0:
            away_y[:] = 0
        return float(max(total - len(x), 0.0))

    def _fit(self, height: float, width: float) -> None:
        """Makes a new grid if the map does not fit into this one, or is much smaller."""
        spacing = _choose_spacing(height, width)
        needed = [int(extent / spacing) + 2 * _MARGIN + 1 for extent in (height, width)]
        fits = all(
            0.8 * side <= need + 8 and need <= side
            for need, side in zip(needed, self._grid.shape, strict=True)
        )
        if fits and spacing == self._spacing:
            return
        self._spacing = spacing
        shape = [scipy.fft.next_fast_len(int(_ROOM * need), real=True) for need in needed]
        self._grid = np.zeros(shape, np.float32)
        self._kernels = self._transform_kernels()

    def _transform_kernels(self) -> list[NDArray[np.complex64]]:
        """Returns the Fourier transforms of w, w^2 dx and w^2 dy on a grid of twice the size."""
        offsets = []
        for side in self._grid.shape:
            index = np.arange(2 * side)
            offsets.append(np.where(index < side, index, index - 2 * side) * self._spacing)
        dy, dx = (offset.astype(np.float32) for offset in offsets)
        w = 1 / (1 + dy[:, None] ** 2 + dx**2)
        return [scipy.fft.rfft2(kernel) for kernel in (w, w * w * dx, w * w * dy[:, None])]

    def _convolve(self) -> FloatArray:
        """Returns (3, H, W): the density convolved with each kernel."""
        height, width = self._grid.shape
        padded = (2 * height, 2 * width)
        density = scipy.fft.rfft2(self._grid, padded)
        fields = np.empty((len(self._kernels), height, width), np.float32)
        for field, kernel in zip(fields, self._kernels, strict=True):
            field[:] = scipy.fft.irfft2(density * kernel, padded)[:height, :width]
        return fields


def _choose_spacing(height: float, width: float) -> float:
    """Returns the distance of grid points: `_SPACING` times a power of two."""
    extent = max(height, width)
    finest = extent / (_MAX_LINE if min(height, width) == 0 else _MAX_SIDE)
    wanted = max(min(_SPACING, extent / _MIN_SIDE), finest)
    if wanted == 0:
        return _SPACING
    return _SPACING * 2.0 ** math.ceil(math.log2(wanted / _SPACING))
