# SPDX-License-Identifier: Apache-2.0
"""What is to be drawn: the cells' mean activations and where their nearest members are."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tensorboard_plugin_atlas.analysis.cosine import finite_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.icons.inversion import ViewTargets
from tensorboard_plugin_atlas.compute.icons.layer_objective import Views
from tensorboard_plugin_atlas.compute.layout.grid import GridCells, nearest_members
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource, Shape

NEAREST = 6
"""Members of a cell that are known by their places, of which an icon starts from some or all."""

_SAME = 1e-6


@dataclass(frozen=True, eq=False)
class Targets:
    """M cells to draw.

    Attributes:
        directions: (M, C) float32: mean activation of each cell.
        center: (C,) float32: mean activation of the layer.
        rows: (M, K) int64: pictures of the members nearest to the mean, nearest first, each picture
            once; -1 beyond the last.
        centers: (M, K, 2) float32: y and x of those members' receptive fields in the picture, where
            pixel k is centered on k.
        keys: (M,) int64, at least 0: names each cell's noise, so that it depends on nothing else.
        surround: (M, 8, C) float32: mean activation around the members of each cell, or None.
    """

    directions: Tensor
    center: Tensor
    rows: Tensor
    centers: Tensor
    keys: NDArray[np.int64]
    surround: Tensor | None = None

    def __len__(self) -> int:
        return len(self.directions)

    def only(self, cells: NDArray[np.intp]) -> Targets:
        """Returns some of the cells, by their indices, in that order."""
        chosen = torch.from_numpy(cells)
        return dataclasses.replace(
            self,
            directions=self.directions[chosen],
            rows=self.rows[chosen],
            centers=self.centers[chosen],
            keys=self.keys[cells],
            surround=None if self.surround is None else self.surround[chosen],
        )

    def aimless(self) -> NDArray[np.bool_]:
        """Returns (M,): whose mean is the layer's own or no number, so that nothing is its icon."""
        length = self.centered().norm(dim=1)
        return np.asarray((~torch.isfinite(length) | (length == 0)).numpy())

    def centered(self) -> Tensor:
        """Returns (M, C): directions relative to the layer's mean, all zero where they equal it."""
        difference = self.directions - self.center
        equal = difference.norm(dim=1) <= _SAME * self.center.norm()
        return difference.masked_fill(equal[:, None], 0.0)

    def wish(self, views: Views, map_size: tuple[int, int]) -> ViewTargets:
        """Returns what the cells shall be answered in each view.

        Args:
            views: Where on the map to look. Around the middle a picture shall be answered as its
                members are around theirs; where that is not known those views do not count.
            map_size: Height and width of the map of a picture.
        """
        middle, around = views.weights(map_size)
        own = self.centered()[:, None].expand(-1, len(middle), -1)
        strengths = own.new_full((len(middle), 1), 1 / len(middle))
        if around is None:
            return ViewTargets.along(own, strengths)
        beside = own.new_zeros(len(own), len(around), own.shape[2])
        if self.surround is not None:
            beside = self.surround - self.center
        share = views.surround / len(around) if self.surround is not None else 0.0
        strengths = torch.cat([strengths, own.new_full((len(around), 1), share)])
        return ViewTargets.along(torch.cat([own, beside], dim=1), strengths)

    def mean_patches(self, source: PatchSource, shape: Shape, members: int = NEAREST) -> Tensor:
        """Returns the mean of each cell's `members` nearest patches, (M, C, h, w) pixels in [0, 1].

        Middle gray for a cell without members.
        """
        rows, centers = self.rows[:, :members], self.centers[:, :members]
        total = source.images.new_zeros(len(rows), source.channels, *shape)
        for place in range(rows.shape[1]):
            present = (rows[:, place] >= 0).to(total)[:, None, None, None]
            patches = source.cut(rows[:, place].clamp(min=0), centers[:, place], shape)
            total += present * patches
        counts = (rows >= 0).sum(1).to(total.device)[:, None, None, None]
        return torch.where(counts > 0, total / counts.clamp(min=1), 0.5)

    def noise(self, shape: tuple[int, ...], seed: int) -> Tensor:
        """Returns standard normal noise of `shape` for each cell, the same in every batch."""
        drawn = [torch.empty(0, *shape, dtype=torch.float32, device="cpu")]
        for key in self.keys:
            state = np.random.SeedSequence([seed, int(key)]).generate_state(1, np.uint64)
            generator = torch.Generator().manual_seed(int(state[0] >> 1))
            drawn.append(
                torch.randn(1, *shape, generator=generator, dtype=torch.float32, device="cpu")
            )
        return torch.cat(drawn)


def build_targets(
    cells: GridCells,
    activations: NDArray[Any],
    sample_image: IntArray,
    centers: FloatArray,
    surround: NDArray[Any] | None = None,
) -> Targets:
    """Gathers what the icons of a grid need.

    Args:
        cells: The M cells of one grid.
        activations: (N, C) that the cells were made of; rows that are not finite count nowhere.
        sample_image: (N,): picture of each sample.
        centers: (N, 2): y and x of each sample's receptive field, where pixel k is centered on k.
        surround: (N, 8, C): what the layer says around each sample, where that is known.
    """
    nearest = nearest_members(cells, activations, NEAREST, distinct=sample_image)
    # Of -1, the padding, the last sample is taken and then masked.
    rows = np.where(nearest >= 0, sample_image[nearest], -1) if len(cells) else nearest
    places = centers[nearest] if len(cells) else np.zeros((*nearest.shape, 2))
    finite = np.asarray(activations)[finite_rows(activations)]
    center = finite.mean(axis=0, dtype=np.float64) if len(finite) else cells.means.sum(axis=0)
    return Targets(
        directions=torch.from_numpy(cells.means),
        center=torch.from_numpy(np.asarray(center, np.float32)),
        rows=torch.from_numpy(rows.astype(np.int64)),
        centers=torch.from_numpy(places.astype(np.float32)),
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
