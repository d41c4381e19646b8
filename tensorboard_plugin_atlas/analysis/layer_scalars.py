# SPDX-License-Identifier: Apache-2.0
"""Measures of a layer as TensorBoard scalars."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

import numpy as np

from tensorboard_plugin_atlas.atlas import Atlas, FloatArray
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord

PREFIX: Final = "atlas/"

_EVENT_SCALARS: Final = {
    "born": "concepts_born",
    "dies": "concepts_ended",
    "splits": "concepts_split",
    "merges": "concepts_merged",
}

ICON_CHANGE: Final = "icon_change"
"""Key of `Provenance.layer_info`: a mapping of numbers for each grid, coarsest first, with `size`,
`cells`, `change`, `floor` and `sampled`; see `compute.icons.icon_change`."""


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
        bytes); and of concepts: `concepts` (their number), `concept_purity` (mean fraction of the
        most common label, weighted by size), `concept_churn` (fraction of the samples that changed
        their concept without an event), `concepts_born`, `concepts_ended`, `concepts_split` and
        `concepts_merged` (events since the last atlas), and `prediction_flips` (number of images in
        the changes of predictions that are events since the last atlas).
    """
    quality = atlas.quality
    values = {
        "occupied_cells": len(atlas.grids[-1].rows) if atlas.grids else None,
        "effective_rank": quality.effective_rank,
        "dead_channels": quality.dead_channels,
        "trustworthiness": quality.trustworthiness,
        "neighbors_kept": _mean(quality.overlap),
        **_icon_change(atlas),
        **_describe_concepts(atlas),
        "seconds": seconds,
        "megabytes": size / 1e6,
    }
    return {
        f"{PREFIX}{atlas.layer}/{name}": float(value)
        for name, value in values.items()
        if value is not None and math.isfinite(value)
    }


def cost_tag(layer: str) -> str:
    """Returns the tag of the `seconds` of an atlas, which `health_scalars` never omits."""
    return f"{PREFIX}{layer}/seconds"


def shortcut_scalars(record: ShortcutRecord) -> dict[str, float]:
    """Returns scalars of the shortcuts of a layer at one step, by tag.

    Args:
        record: The tested patches.

    Returns:
        With the prefix `atlas/<layer>/`: `shortcuts` (number of significant patches) and
        `shortcut_score` (largest `strength` of a significant patch, 0 without one).
    """
    found = [one.strength for one in record.found if one.significant]
    return {
        f"{PREFIX}{record.layer}/shortcuts": float(len(found)),
        f"{PREFIX}{record.layer}/shortcut_score": max(found, default=0.0),
    }


def _icon_change(atlas: Atlas) -> dict[str, float]:
    """Returns the change of the icons of the finest grid and its floor, if they were measured."""
    levels = atlas.provenance.layer_info.get(ICON_CHANGE)
    found = levels[-1] if isinstance(levels, (list, tuple)) and levels else None
    if not isinstance(found, Mapping):
        return {}
    return {"icon_change": found["change"], "icon_change_floor": found["floor"]}


def _describe_concepts(atlas: Atlas) -> dict[str, float]:
    """Returns measures of the concepts and of their changes."""
    if atlas.concepts is None:
        return {}
    values: dict[str, float] = {"concepts": len(atlas.concepts)}
    labeled = [one for one in atlas.concepts if one.top_class is not None]
    if labeled:
        size = sum(one.size for one in labeled)
        values["concept_purity"] = sum(one.size * one.top_share for one in labeled) / size
    if atlas.concept_change is not None:
        values["concept_churn"] = atlas.concept_change.by_churn
        for kind, name in _EVENT_SCALARS.items():
            values[name] = sum(event.kind == kind for event in atlas.events)
        if atlas.labels is not None and atlas.predictions is not None:
            values["prediction_flips"] = sum(
                event.images or 0 for event in atlas.events if event.kind == "flips"
            )
    return values


def _mean(shares: FloatArray | None) -> float | None:
    """Returns the mean without NaN, or None without values."""
    known = None if shares is None else shares[~np.isnan(shares)]
    return float(known.mean()) if known is not None and len(known) else None
