# SPDX-License-Identifier: Apache-2.0
"""The targets of icons: mean activations of cells, and positions of their nearest members."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tensorboard_plugin_atlas.analysis.directions import finite_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.icons.icon_network import Views
from tensorboard_plugin_atlas.compute.icons.inversion import ViewTargets
from tensorboard_plugin_atlas.compute.layout.grid import GridCells, nearest_members
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource, Shape

NEAREST = 6
"""Members of a cell whose positions are known; icons start from the mean patch of some of them."""

_SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Targets:
    """The targets of M icons.

    Attributes:
        directions: (M, C) float32: mean activation of each cell.
        center: (C,) float32: mean activation of the layer.
        rows: (M, K) int64: images of the members nearest to the mean, nearest first, each image
            once; padded with -1.
        centers: (M, K, 2) float32: y and x of the centers of those members' receptive fields, where
            pixel k is centered on k.
        keys: (M,) int64, at least 0: seeds of each cell's noise, so that it depends on nothing
            else.
        surround: (M, 8, C) float32: mean activations at the neighbors of the members of each cell,
            or None.
    """

    directions: Tensor
    center: Tensor
    rows: Tensor
    centers: Tensor
    keys: NDArray[np.int64]
    surround: Tensor | None = None

    def __len__(self) -> int:
        return len(self.directions)

    def select(self, cells: NDArray[np.intp]) -> Targets:
        """Returns the targets of some cells, by index, in that order."""
        chosen = torch.from_numpy(cells)
        return dataclasses.replace(
            self,
            directions=self.directions[chosen],
            rows=self.rows[chosen],
            centers=self.centers[chosen],
            keys=self.keys[cells],
            surround=None if self.surround is None else self.surround[chosen],
        )

    def find_cells_without_direction(self) -> NDArray[np.bool_]:
        """Returns which cells have no direction, (M,): the layer's mean, or values not finite."""
        length = self.get_relative_directions().norm(dim=1)
        return np.asarray((~torch.isfinite(length) | (length == 0)).numpy())

    def get_relative_directions(self) -> Tensor:
        """Returns the directions relative to the layer's mean, (M, C), zero where they equal it."""
        difference = self.directions - self.center
        equal = difference.norm(dim=1) <= _SAME * self.center.norm()
        return difference.masked_fill(equal[:, None], 0.0)

    def get_view_targets(self, views: Views, map_size: tuple[int, int]) -> ViewTargets:
        """Returns the target directions in each view.

        Args:
            views: Which map positions the objective reads. The targets around the center are the
                activations around the members; where these are unknown those views have weight 0.
            map_size: Height and width of the map of an image.
        """
        middle, around = views.get_weights(map_size)
        own = self.get_relative_directions()[:, None].expand(-1, len(middle), -1)
        weights = own.new_full((len(middle), 1), 1 / len(middle))
        if around is None:
            return ViewTargets.from_vectors(own, weights)
        neighbors = own.new_zeros(len(own), len(around), own.shape[2])
        if self.surround is not None:
            neighbors = self.surround - self.center
        share = views.surround / len(around) if self.surround is not None else 0.0
        weights = torch.cat([weights, own.new_full((len(around), 1), share)])
        return ViewTargets.from_vectors(torch.cat([own, neighbors], dim=1), weights)

    def average_patches(self, source: PatchSource, shape: Shape, members: int = NEAREST) -> Tensor:
        """Returns the mean of each cell's nearest patches, (M, C, h, w) pixels in [0, 1].

        Args:
            source: The user's images.
            shape: Height and width of a patch.
            members: Number of patches. A cell without members is middle gray.
        """
        rows, centers = self.rows[:, :members], self.centers[:, :members]
        total = torch.zeros(len(rows), source.channels, *shape, device="cpu")
        for k in range(rows.shape[1]):
            present = (rows[:, k] >= 0).to(total)[:, None, None, None]
            patches = source.crop(rows[:, k].clamp(min=0), centers[:, k], shape)
            total += present * patches
        counts = (rows >= 0).sum(1).to(total.device)[:, None, None, None]
        return torch.where(counts > 0, total / counts.clamp(min=1), 0.5)

    def make_noise(self, shape: tuple[int, ...], seed: int) -> Tensor:
        """Returns standard normal noise of `shape` for each cell, the same in any batch."""
        noise = [torch.empty(0, *shape, dtype=torch.float32, device="cpu")]
        for key in self.keys:
            state = np.random.SeedSequence([seed, int(key)]).generate_state(1, np.uint64)
            generator = torch.Generator().manual_seed(int(state[0] >> 1))
            noise.append(
                torch.randn(1, *shape, generator=generator, dtype=torch.float32, device="cpu")
            )
        return torch.cat(noise)


def build_targets(
    cells: GridCells,
    activations: NDArray[Any],
    sample_image: IntArray,
    centers: FloatArray,
    surround: NDArray[Any] | None = None,
) -> Targets:
    """Builds the targets of the icons of one grid.

    Args:
        cells: The M cells.
        activations: (N, C) of the samples; rows that are not finite are ignored.
        sample_image: (N,): image of each sample.
        centers: (N, 2): y and x of the center of each sample's receptive field, where pixel k is
            centered on k.
        surround: (N, 8, C): activations at the neighbors of each sample, or None.
    """
    nearest = nearest_members(cells, activations, NEAREST, distinct=sample_image)
    # The padding, -1, selects the last sample, which is then masked.
    rows = np.where(nearest >= 0, sample_image[nearest], -1) if len(cells) else nearest
    positions = centers[nearest] if len(cells) else np.zeros((*nearest.shape, 2))
    finite = np.asarray(activations)[finite_rows(activations)]
    center = finite.mean(axis=0, dtype=np.float64) if len(finite) else cells.means.sum(axis=0)
    return Targets(
        directions=torch.from_numpy(cells.means),
        center=torch.from_numpy(np.asarray(center, np.float32)),
        rows=torch.from_numpy(rows.astype(np.int64)),
        centers=torch.from_numpy(positions.astype(np.float32)),
        keys=cells.rows.astype(np.int64) * cells.size + cells.cols,
        surround=None if surround is None else _compute_surround_means(cells, surround),
    )


def _compute_surround_means(cells: GridCells, surround: NDArray[Any]) -> Tensor:
    """Returns the mean of `surround` over the members of each cell, (M, 8, C) float32."""
    means = torch.zeros(len(cells), *surround.shape[1:], dtype=torch.float32, device="cpu")
    members = np.flatnonzero(cells.cell_of >= 0)
    which = torch.from_numpy(cells.cell_of[members].astype(np.int64))
    means.index_add_(0, which, torch.from_numpy(surround[members]).float())
    return means / torch.from_numpy(cells.counts.astype(np.float32))[:, None, None]
