# SPDX-License-Identifier: Apache-2.0
"""Refuses atlases that would not fit in the log, before anything is computed."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Final

from tensorboard_plugin_atlas.compute.icons.sheet_limit import get_sheet_limit
from tensorboard_plugin_atlas.compute.model.activations import ProbeOutputs
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.probe.streamed_probe import StreamedProbe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.wire.atlas_size import AtlasDimensions
from tensorboard_plugin_atlas.wire.limits import MAX_LABELS

_ICON_SIDE: Final = 64
"""Expected side of icons in pixels if it is not set; it depends on the layer."""
_PIXEL_BYTES: Final = 0.1
"""Bytes per pixel of patches of photographs at the lowest WebP quality; icons are smoother."""


def build_loggable_probe(
    source: object,
    *,
    config: AtlasConfig,
    classes: Sequence[str] | None = None,
    normalize: Any = None,
) -> Probe:
    """Builds a probe as `build_probe` does, or returns the one that is passed.

    The images of a StreamedProbe are not read if atlases of so many samples never fit in the log.

    Raises:
        ArgumentError: if the source cannot be used, or has too many samples.
    """
    if isinstance(source, Probe):
        return source
    if isinstance(source, StreamedProbe):
        most = min(config.samples, len(source.data) * config.positions_per_image)
        smallest = _get_dimensions(most, 1, 0, dataclasses.replace(config, icons="none"))
        _check_dimensions(smallest, "an atlas", config)
    return build_probe(source, config=config, classes=classes, normalize=normalize)


def check_log_size(outputs: ProbeOutputs, probe: Probe, config: AtlasConfig) -> None:
    """Checks that the atlases of all layers fit in the log.

    Args:
        outputs: Outputs of the layers for some images.
        probe: The whole probe.
        config: Settings of the atlases.

    Raises:
        ArgumentError: if one does not; the message says what to pass.
    """
    _check_labels(probe)
    for name, layer in outputs.layers.items():
        classes = outputs.class_count if config.attribution else 0
        dimensions = _get_dimensions(len(probe), layer.values.shape[1], classes, config)
        dimensions = dataclasses.replace(dimensions, positions=math.prod(layer.map_size))
        _check_dimensions(dimensions, f"the atlas of layer {name!r}", config)


def _check_labels(probe: Probe) -> None:
    """Raises an ArgumentError if images have too many labels each."""
    width = 0 if probe.label_sets is None else probe.label_sets.shape[1]
    if len(probe) * width > MAX_LABELS:
        raise ArgumentError(
            f"probe: an atlas of {len(probe):,} samples with up to {width:,} labels per image does "
            f"not fit in the log; pass AtlasConfig(samples={MAX_LABELS // width})"
        )


def _get_dimensions(
    samples: int, channels: int, classes: int, config: AtlasConfig
) -> AtlasDimensions:
    return AtlasDimensions(
        samples=samples,
        channels=channels,
        classes=classes,
        grids=config.grids,
        min_count=config.min_count,
        count_icon_bytes=lambda cells: _count_icon_bytes(cells, config),
    )


def _check_dimensions(dimensions: AtlasDimensions, what: str, config: AtlasConfig) -> None:
    """Raises an ArgumentError if an atlas does not fit in the log."""
    obstacle = dimensions.find_obstacle()
    if obstacle is not None:
        raise ArgumentError(
            f"samples={dimensions.samples:,}: {what} {obstacle}; {_advise(dimensions, config)}"
        )


def _advise(dimensions: AtlasDimensions, config: AtlasConfig) -> str:
    """Returns what to pass instead."""
    most = dimensions.find_largest_samples()
    others = f"fewer or smaller grids than {config.grids}"
    if dimensions.classes:
        others += ", or attribution=False"
    if not most:
        return f"pass {others}"
    return f"pass AtlasConfig(samples={most}) or less, {others}"


def _count_icon_bytes(cells: int, config: AtlasConfig) -> int:
    """Returns the expected bytes of icons: their limit, or more at the lowest quality."""
    if config.icons == "none":
        return 0
    side = config.icon_size or _ICON_SIDE
    most = min(get_sheet_limit(cells), 3 * cells * side * side)
    return max(most, round(_PIXEL_BYTES * cells * side * side))
