# SPDX-License-Identifier: Apache-2.0
"""Measures of a layer as TensorBoard scalars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.atlas import Atlas, FloatArray

PREFIX: Final = "atlas/"

ICON_CHANGE: Final = "icon_change"
"""Key of `Provenance.layer_info`: a mapping of numbers for each grid, coarsest first, with `size`,
`cells`, `change`, `floor` and `sampled`; see `compute.icon_change.IconChange`."""


def health_scalars(atlas: Atlas, *, seconds: float, size: int) -> dict[str, float]:
    """Returns scalars of one atlas, by tag; undefined values are omitted.

    Args:
        atlas: The atlas.
        seconds: Wall time of its computation.
        size: Its size in the log, in bytes.

    Returns:
        With the prefix `atlas/<layer>/`: `occupied_cells` (cells of the finest grid; decreases as
        the layer forms clusters), `effective_rank` (of the activations; decreases in a collapse),
        `dead_channels`, `trustworthiness` (of the map), `neighbors_kept` (mean fraction of each
        sample's neighbors kept since the last atlas; 1 if nothing changes), `icon_change` (of the
        finest grid since the last atlas; 0 for equal icons, 1 for unrelated ones),
        `icon_change_floor` (change of icons without training), `seconds` and `megabytes` (10^6
        bytes).
    """
    quality = atlas.quality
    values = {
        "occupied_cells": len(atlas.grids[-1].rows) if atlas.grids else None,
        "effective_rank": quality.effective_rank,
        "dead_channels": quality.dead_channels,
        "trustworthiness": quality.trustworthiness,
        "neighbors_kept": _mean(quality.overlap),
        **_icon_change(atlas),
        "seconds": seconds,
        "megabytes": size / 1e6,
    }
    return {
        f"{PREFIX}{atlas.layer}/{name}": float(value)
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }


def _icon_change(atlas: Atlas) -> dict[str, float]:
    """Returns the change of the icons of the finest grid and its floor, if they were measured."""
    levels = atlas.provenance.layer_info.get(ICON_CHANGE)
    found = levels[-1] if isinstance(levels, (list, tuple)) and levels else None
    if not isinstance(found, Mapping):
        return {}
    return {"icon_change": found["change"], "icon_change_floor": found["floor"]}


def _mean(shares: FloatArray | None) -> float | None:
    """Returns the mean without NaN, or None without values."""
    known = None if shares is None else shares[~np.isnan(shares)]
    return float(known.mean()) if known is not None and len(known) else None
