# SPDX-License-Identifier: Apache-2.0
"""Renders the icons of a logged atlas again, from the weights of its checkpoint.

The map does not change. The activations of these weights are compared with the logged ones, sample
by sample, so that an atlas never gets icons of another step.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Grid
from tensorboard_plugin_atlas.compute.icons.grid_icons import UnfinishedIcons
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.icons.image_operations import resize_images
from tensorboard_plugin_atlas.compute.icons.inversion import FIDELITIES
from tensorboard_plugin_atlas.compute.icons.render_levels import (
    FASTPATH,
    RenderedLevels,
    render_levels,
)
from tensorboard_plugin_atlas.compute.icons.targets import build_targets
from tensorboard_plugin_atlas.compute.layout.grid import GridCells
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations, collect_activations
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.model.receptive_field import (
    ReceptiveField,
    measure_receptive_field,
)
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.probe.probe_diff import list_probe_changes
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.sprite_sheets import unpack

MIN_MATCH: Final = 0.98
"""Median cosine that the weights of the checkpoint reach, relative to `ActivationMatch.expected`.

The right weights reach 1.000 in single precision, and at least .99 in half precision.
"""

_LARGEST_FIELD: Final = 1 << 16


@dataclass(frozen=True)
class ActivationMatch:
    """How closely the activations of some weights match an atlas.

    Attributes:
        median: Median over the samples of the cosine between computed and logged activations, both
            relative to the logged mean.
        expected: Cosine that the right weights reach, since logged activations are quantized.
    """

    median: float
    expected: float

    @property
    def is_match(self) -> bool:
        """Whether these are the weights of the checkpoint."""
        return self.median >= MIN_MATCH * self.expected


def compute_activations(
    model: nn.Module, layers: Sequence[str], probe: Probe, config: AtlasConfig
) -> Mapping[str, LayerActivations]:
    """Returns the activations of each layer for the probe, also at neighboring positions.

    Raises:
        LayerError: if a layer does not exist or does not run.
    """
    return collect_activations(
        model, layers, probe, batch_size=config.batch_size, surround=True
    ).layers


def check_probe(atlas: Atlas, probe: Probe) -> None:
    """Checks that the images, labels and positions are the same as in the atlas.

    Raises:
        ArgumentError: listing what differs.
    """
    changes = list_probe_changes(atlas, probe)
    if changes:
        raise ArgumentError(
            "--data differs from the probe of the atlas: "
            + ", ".join(changes)
            + "; pass the `probe` argument of AtlasWriter, as module:callable if it is not a folder"
        )


def compare_activations(atlas: Atlas, activations: LayerActivations) -> ActivationMatch:
    """Compares computed activations with the logged ones.

    Raises:
        ArgumentError: if the layer has another map or number of channels.
    """
    logged, computed = atlas.activations, activations.values
    if computed.shape != logged.shape or not np.array_equal(activations.positions, atlas.positions):
        height, width = activations.map_size
        raise ArgumentError(
            f"--model: layer {atlas.layer!r} has {computed.shape[1]} channels on a map of {height}x"
            f"{width}, the atlas {logged.shape[1]} channels on one of "
            f"{atlas.provenance.layer_info.get('map_size')}; pass the model that was trained"
        )
    usable = np.isfinite(logged).all(axis=1) & np.isfinite(computed).all(axis=1)
    a, b = logged[usable].astype(np.float64), computed[usable].astype(np.float64)
    center = a.mean(axis=0) if usable.any() else 0.0
    a, b = a - center, b - center
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    is_defined = lengths > 0
    cosine = (a * b).sum(axis=1)[is_defined] / lengths[is_defined]
    lost = atlas.samples.activations.lost_variance
    return ActivationMatch(
        median=float(np.median(cosine)) if len(cosine) else float("nan"),
        expected=float(np.sqrt(max(0.0, 1.0 - lost))),
    )


def refine_icons(
    model: nn.Module,
    atlas: Atlas,
    probe: Probe,
    activations: LayerActivations,
    *,
    kind: str,
    config: AtlasConfig,
    onward: bool = False,
    progress: bool = True,
) -> Atlas:
    """Renders the icons of an atlas again, for the same map and cells.

    Args:
        model: With the weights of the checkpoint; it does not change.
        atlas: As it was logged.
        probe: The probe that the atlas was computed for.
        activations: Of the layer, from `compute_activations`.
        kind: "preview", "inversion" or "poster".
        config: Size, steps and seed of the icons.
        onward: Whether to start from the logged icons, with a quarter of the steps. On a middle
            layer of EfficientNet-Lite0, posters from logged inversions took 80 CPU ms per icon
            instead of 205, with a cosine of .892 instead of .916. Inversions from logged previews
            took 21 ms instead of 42, with .824 instead of .839.
        progress: Whether to show a progress bar on a terminal.

    Returns:
        The atlas with new icons, notes and provenance.
    """
    levels = [_compute_cells(grid, activations.values) for grid in atlas.grids]
    receptive = _get_receptive_field(model, atlas, probe, activations)
    centers = receptive.centers(activations.positions)
    targets = [
        build_targets(cells, activations.values, probe.sample_image, centers, activations.surround)
        for cells in levels
    ]
    total = sum(map(len, levels))
    with (
        torch.inference_mode(mode=False),
        progress_bar(f"icons of {atlas.layer}", total, shown=progress) as bar,
    ):
        engine = IconEngine.prepare(
            unwrap(model),
            activations.layer,
            PatchSource(probe.images, probe.normalize),
            receptive,
            size=config.icon_size,
            steps=config.icon_steps,
            seed=config.seed,
        )
        rendered = render_levels(
            engine,
            targets,
            kind,
            warm_start=[_load_logged_icons(engine, grid, kind) for grid in atlas.grids]
            if onward
            else None,
            advance=None if bar is None else bar.update,
        )
    return _replace_icons(atlas, rendered, kind)


def _load_logged_icons(engine: IconEngine, grid: Grid, kind: str) -> UnfinishedIcons | None:
    """Returns the logged icons of a grid for a warm start, or None where the log has none."""
    channels, shape = engine.activation.source.channels, engine.get_settings(kind).shape
    if grid.sheets is None or channels not in (1, 3):
        return None
    pixels = torch.from_numpy(unpack(grid.sheets)).permute(0, 3, 1, 2)[:, :channels].float() / 255
    images = (resize_images(pixels, shape).clamp(0, 1) * 255).round().to(torch.uint8)
    return UnfinishedIcons(images.numpy(), np.isin(grid.icon_kind, FIDELITIES))


def _compute_cells(grid: Grid, activations: FloatArray) -> GridCells:
    """Returns the cells of a logged grid, with the means of computed activations."""
    sums = np.zeros((len(grid.rows), activations.shape[1]))
    members = np.flatnonzero(grid.cell_of >= 0)
    np.add.at(sums, grid.cell_of[members], activations[members])
    counts = np.bincount(grid.cell_of[members], minlength=len(grid.rows))
    return GridCells(
        size=grid.size,
        rows=grid.rows,
        cols=grid.cols,
        counts=grid.counts,
        cell_of=grid.cell_of,
        means=(sums / np.maximum(counts, 1)[:, None]).astype(np.float32),
    )


def _get_receptive_field(
    model: nn.Module, atlas: Atlas, probe: Probe, activations: LayerActivations
) -> ReceptiveField:
    """Returns the receptive field of the atlas, measured at the first step of the run."""
    now = measure_receptive_field(model, activations.layer, probe, map_size=activations.map_size)
    info = atlas.provenance.layer_info
    size, stride = _parse_pair(info.get("receptive_field")), _parse_pair(info.get("stride"))
    if size is None or stride is None:
        return now
    height, width = (max(1, round(side)) for side in size)
    return dataclasses.replace(now, size=(height, width), stride=stride)


def _parse_pair(value: Any) -> tuple[float, float] | None:
    """Returns two numbers read from a log, or None where they are not valid sizes."""
    if not isinstance(value, Sequence) or len(value) != 2:
        return None
    if not all(isinstance(one, (int, float)) and 0 < one <= _LARGEST_FIELD for one in value):
        return None
    return float(value[0]), float(value[1])


def _replace_icons(atlas: Atlas, rendered: RenderedLevels, kind: str) -> Atlas:
    kept = (note for note in atlas.provenance.notes if not note.startswith("icons:"))
    settings = {**atlas.provenance.settings, "icons": kind, "icon_seconds": None}
    provenance = dataclasses.replace(
        atlas.provenance,
        settings=settings,
        layer_info={**atlas.provenance.layer_info, FASTPATH: dict(rendered.fastpath)},
        notes=tuple(dict.fromkeys((*kept, *rendered.notes))),
    )
    return atlas.replace(grids=rendered.add_to(atlas.grids), provenance=provenance)
