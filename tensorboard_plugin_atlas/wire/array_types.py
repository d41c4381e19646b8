# SPDX-License-Identifier: Apache-2.0
"""Arrays of the safetensors blobs: names, element types and shapes.

Shapes use the letters N (samples), C (channels), M (cells of a grid), K (classes), P (principal
axes), I (images of the probe), B (N / 8, rounded up), T (entries of a table), L (labels of an
image) and R (samples with stored activations).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tensorboard_plugin_atlas.wire.tensors import Spec


@dataclass(frozen=True)
class ArrayType:
    """Element type and shape of one array of a blob.

    Attributes:
        dtype: Element type, little-endian.
        shape: Length of each dimension, a number or a letter.
        optional: Whether the array may be absent.
    """

    dtype: Literal["F16", "F32", "I32", "U8", "U16", "U8|U16"]
    shape: tuple[str | int, ...]
    optional: bool = False


MAP_ARRAYS: Final[Mapping[str, ArrayType]] = {
    "xy": ArrayType("F32", ("N", 2)),
    "image_ids": ArrayType("I32", ("N",)),
    "positions": ArrayType("I32", ("N", 2)),
    "boxes": ArrayType("I32", ("N", 4)),
    "clamped": ArrayType("U8", ("N",)),
    "labels": ArrayType("I32", ("N",), optional=True),
    "predictions": ArrayType("I32", ("N",), optional=True),
    "overlap": ArrayType("F32", ("N",), optional=True),
    "noise_floor": ArrayType("F32", ("N",), optional=True),
    "concepts": ArrayType("I32", ("N",), optional=True),
    "confidences": ArrayType("F16", ("N",), optional=True),
    "losses": ArrayType("F16", ("N",), optional=True),
    "label_sets": ArrayType("I32", ("N", "L"), optional=True),
}
"""Arrays of blob "map" that belong to the samples."""

GRID_ARRAYS: Final[Mapping[str, ArrayType]] = {
    "rows": ArrayType("I32", ("M",)),
    "cols": ArrayType("I32", ("M",)),
    "counts": ArrayType("I32", ("M",)),
    "cell_of": ArrayType("I32", ("N",)),
    "kind": ArrayType("U8", ("M",)),
    "cosine": ArrayType("F32", ("M",)),
}
"""Arrays of blob "map" that belong to one grid, each named `grid<size>.<name>`."""

COMPACT_ARRAYS: Final[Mapping[str, ArrayType]] = {
    "clamped_bits": ArrayType("U8", ("B",)),
    "outside_bits": ArrayType("U8", ("B",), optional=True),
    "xy": ArrayType("F32", ("N", 2), optional=True),
    "xy_codes": ArrayType("U16", ("N", 2), optional=True),
    "positions": ArrayType("I32", ("N", 2), optional=True),
    "boxes": ArrayType("I32", ("N", 4), optional=True),
    "position_codes": ArrayType("U8|U16", ("N",), optional=True),
    "position_values": ArrayType("I32", ("T", 2), optional=True),
    "box_values": ArrayType("I32", ("T", 4), optional=True),
    "image_ids": ArrayType("I32", ("N",), optional=True),
    "image_ids_codes": ArrayType("U8|U16", ("N",), optional=True),
    "image_ids_values": ArrayType("I32", ("T",), optional=True),
    "labels": ArrayType("I32", ("N",), optional=True),
    "labels_codes": ArrayType("U8|U16", ("N",), optional=True),
    "labels_values": ArrayType("I32", ("T",), optional=True),
    "label_sets": ArrayType("I32", ("N", "L"), optional=True),
    "label_sets_codes": ArrayType("U8|U16", ("N",), optional=True),
    "label_sets_values": ArrayType("I32", ("T", "L"), optional=True),
    "predictions": ArrayType("I32", ("N",), optional=True),
    "predictions_codes": ArrayType("U8|U16", ("N",), optional=True),
    "predictions_values": ArrayType("I32", ("T",), optional=True),
    "concepts": ArrayType("I32", ("N",), optional=True),
    "concepts_codes": ArrayType("U8|U16", ("N",), optional=True),
    "concepts_values": ArrayType("I32", ("T",), optional=True),
    "overlap": ArrayType("F32", ("N",), optional=True),
    "overlap_codes": ArrayType("U8|U16", ("N",), optional=True),
    "overlap_values": ArrayType("F32", ("T",), optional=True),
    "noise_floor": ArrayType("F32", ("N",), optional=True),
    "noise_floor_half": ArrayType("F16", ("N",), optional=True),
    "confidences": ArrayType("F16", ("N",), optional=True),
    "losses": ArrayType("F16", ("N",), optional=True),
}
"""Arrays of a blob "map" in the compact form that belong to the samples."""

COMPACT_GRID_ARRAYS: Final[Mapping[str, ArrayType]] = {
    **GRID_ARRAYS,
    "cell_of": ArrayType("I32", ("N",), optional=True),
}
"""Arrays of a blob "map" in the compact form that belong to one grid."""

ATTRIBUTION_ARRAYS: Final[Mapping[str, ArrayType]] = {
    "attribution": ArrayType("F16", ("M", "K"), optional=True),
    "attribution_codes": ArrayType("U8", ("M", "K"), optional=True),
    "attribution_scale": ArrayType("F32", ("M",), optional=True),
    "spread_codes": ArrayType("U8", ("M", "K"), optional=True),
    "spread_scale": ArrayType("F32", ("M",), optional=True),
}
"""Arrays of blob "map" that hold the attribution of one grid, named `grid<size>.<name>`."""

POINT_ARRAYS: Final[Mapping[str, ArrayType]] = {
    "points": ArrayType("U16", ("N", 6)),
    "hidden": ArrayType("I32", (1,)),
}
"""Arrays of a tile of points."""

ACTIVATION_ARRAYS: Final[Mapping[str, Mapping[str, ArrayType]]] = {
    "float16": {"values": ArrayType("F16", ("N", "C"))},
    "uint8": {
        "codes": ArrayType("U8", ("N", "C")),
        "scale": ArrayType("F32", ("C",)),
        "offset": ArrayType("F32", ("C",)),
    },
    "pca": {
        "scores": ArrayType("F16", ("N", "P")),
        "axes": ArrayType("F16", ("P", "C")),
        "mean": ArrayType("F32", ("C",)),
    },
}
"""Arrays of blob "activations", by the kind of stored form."""

SELECTED_ACTIVATION_ARRAYS: Final[Mapping[str, ArrayType]] = {
    "codes": ArrayType("U8", ("R", "C")),
    "scale": ArrayType("F32", ("C",)),
    "offset": ArrayType("F32", ("C",)),
    "stored_bits": ArrayType("U8", ("B",)),
}
"""Arrays of a blob "activations" of kind "uint8" that holds some of the samples."""

PROBE_ARRAYS: Final[Mapping[str, ArrayType]] = {
    "image_ids": ArrayType("I32", ("I",)),
    "labels": ArrayType("I32", ("I",), optional=True),
}
"""Arrays of blob "probe"."""


def array_specs(
    types: Mapping[str, ArrayType], sizes: Mapping[str, int], prefix: str = ""
) -> dict[str, Spec]:
    """Returns the specification of each array.

    Args:
        types: The arrays.
        sizes: Length of a dimension by its letter; other letters stay open.
        prefix: Prefix of every name.
    """
    return {
        prefix + name: Spec(
            one.dtype,
            tuple(n if isinstance(n, int) else sizes.get(n) for n in one.shape),
            one.optional,
        )
        for name, one in types.items()
    }
