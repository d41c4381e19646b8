# SPDX-License-Identifier: Apache-2.0
"""Ranges of the values in decoded arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import ICON_KIND_CODES
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.wire.limits import MAX_CLASSES
from tensorboard_plugin_atlas.wire.manifest_types import AtlasManifest, GridEntry

_MAX_COSINE: Final = 1.001


def find_grid_problems(
    entry: GridEntry, prefix: str, own: Mapping[str, NDArray[Any]]
) -> Iterator[str]:
    """Yields the faults of a grid."""
    rows, cols = own[prefix + "rows"], own[prefix + "cols"]
    cell_of, counts = own[prefix + "cell_of"], own[prefix + "counts"]
    for name, values in (("row", rows), ("column", cols)):
        if not _is_within(values, 0, entry.size - 1):
            yield f"a {name} outside 0 to {entry.size - 1}"
    if len(np.unique(rows.astype(np.int64) * entry.size + cols)) != entry.cells:
        yield "two entries for one cell"
    if not _is_within(cell_of, -1, entry.cells - 1):
        yield f"a sample in a cell outside -1 to {entry.cells - 1}"
    members = np.bincount(cell_of[cell_of >= 0], minlength=entry.cells)
    if not np.array_equal(members, counts) or not _is_within(counts, 1, 2**31):
        yield "its counts are not the numbers of members"
    if not _is_within(own[prefix + "kind"], 0, len(ICON_KIND_CODES) - 1):
        yield "an unknown kind of icon"
    cosine = own[prefix + "cosine"]
    if not _is_within(cosine[~np.isnan(cosine)], -_MAX_COSINE, _MAX_COSINE):
        yield "a cosine outside -1 to 1"


def check_samples(arrays: Mapping[str, NDArray[Any]]) -> None:
    """Checks the arrays of the map; raises DamageError."""
    if not _is_within(arrays["xy"], 0, 1):
        raise DamageError("xy: a position outside 0 to 1")
    check_range(arrays, "clamped", 0, 1)
    check_range(arrays, "image_ids", 0)
    check_range(arrays, "positions", 0)
    check_classes(arrays, "labels")
    check_classes(arrays, "predictions")
    check_classes(arrays, "label_sets")
    if "labels" in arrays and "label_sets" in arrays:
        raise DamageError("labels: one of each sample, and sets of them")
    if "label_sets" in arrays and not arrays["label_sets"].shape[1]:
        raise DamageError("label_sets: no column")
    boxes = arrays["boxes"]
    if (boxes[:, :2] > boxes[:, 2:]).any():
        raise DamageError("boxes: one that ends before it starts")
    overlap = arrays.get("overlap")
    if overlap is not None and not _is_within(overlap[~np.isnan(overlap)], 0, 1):
        raise DamageError("overlap: a share outside 0 to 1")
    floor = arrays.get("noise_floor")
    if floor is not None and not _is_within(floor[~np.isnan(floor)], 0, np.inf):
        raise DamageError("noise_floor: a distance below 0")
    for name, limit in (("confidences", 1), ("losses", np.inf)):
        values = arrays.get(name)
        if values is not None and not _is_within(values[~np.isnan(values)], 0, limit):
            raise DamageError(f"{name}: a value outside 0 to {limit}")


def check_concepts(fields: AtlasManifest, concepts: NDArray[Any] | None) -> None:
    """Checks that samples and events refer to concepts that the manifest lists."""
    listed = {-1, *(one.id for one in fields.concepts or ())}
    groups = {None, *(one.id for one in fields.groups or ())}
    if not groups.issuperset(one.group for one in fields.concepts or ()):
        raise DamageError("manifest: a concept of a group it does not list")
    if concepts is not None and not set(np.unique(concepts).tolist()) <= listed:
        raise DamageError("concepts: a sample of one that its manifest does not list")
    if not all(listed.issuperset(event.after) for event in fields.events):
        raise DamageError("manifest: an event that ends in a concept it does not list")


def check_activations(kind: str, stored: Mapping[str, NDArray[Any]]) -> None:
    """Checks the stored activations; raises DamageError."""
    if kind == "pca" and stored["scores"].shape[1] != stored["axes"].shape[0]:
        raise DamageError(
            f"activations: {stored['scores'].shape[1]} scores a sample, "
            f"{stored['axes'].shape[0]} axes"
        )
    for name in ("scale", "offset", "scores", "axes", "mean"):
        if name in stored and not np.isfinite(stored[name]).all():
            raise DamageError(f"activations: {name} is not finite")


def check_classes(arrays: Mapping[str, NDArray[Any]], name: str) -> None:
    """Checks class indices; negative ones mean "unknown", as in torch's `ignore_index`."""
    if name in arrays:
        check_range(arrays, name, -(2**31), MAX_CLASSES)


def check_range(
    arrays: Mapping[str, NDArray[Any]], name: str, low: int, high: int = 2**31 - 1
) -> None:
    """Checks that all values lie in a range; raises DamageError."""
    if not _is_within(arrays[name], low, high):
        raise DamageError(f"{name}: a value outside {low:,} to {high:,}")


def _is_within(values: NDArray[Any], low: float, high: float) -> bool:
    """Returns whether all values lie in a range; NaN never does."""
    return bool(((values >= low) & (values <= high)).all())
