# SPDX-License-Identifier: Apache-2.0
"""The arrays of the blobs "map" and "activations", as bytes in either form.

Up to `MANY_SAMPLES` samples, blobs are in the plain form, which is also what the tab gets. Maps of
more samples are in the compact form (`compact_samples`), and their activations hold some samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import CHANNEL_ARRAYS, SELECTED, Atlas, StoredActivations
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.sample_subset import is_many
from tensorboard_plugin_atlas.wire.activation_quantization import SELECTED_BYTES
from tensorboard_plugin_atlas.wire.array_types import (
    ACTIVATION_ARRAYS,
    ATTRIBUTION_ARRAYS,
    COMPACT_ARRAYS,
    COMPACT_GRID_ARRAYS,
    GRID_ARRAYS,
    MAP_ARRAYS,
    SELECTED_ACTIVATION_ARRAYS,
    array_specs,
)
from tensorboard_plugin_atlas.wire.attribution_quantization import (
    is_large,
    store_attribution,
    store_spreads,
)
from tensorboard_plugin_atlas.wire.compact_samples import compress_map, expand_map, is_compact
from tensorboard_plugin_atlas.wire.manifest_types import AtlasManifest
from tensorboard_plugin_atlas.wire.tensors import (
    Spec,
    check_arrays,
    count_bit_bytes,
    load,
    read_names,
    save,
)
from tensorboard_plugin_atlas.wire.version_1_upgrade import upgrade_arrays

FIRST_COMPACT: Final = 4
"""First wire version with the compact form."""


def collect_map_arrays(atlas: Atlas) -> dict[str, NDArray[Any]]:
    """Returns the arrays of an atlas in the plain form, without those that are None."""
    samples = atlas.samples
    arrays: dict[str, NDArray[Any] | None] = {
        "xy": samples.xy,
        "image_ids": samples.image_ids,
        "positions": samples.positions,
        "boxes": samples.boxes,
        "clamped": samples.clamped.astype(np.uint8),
        "labels": samples.labels,
        "predictions": samples.predictions,
        "overlap": atlas.quality.overlap,
        "noise_floor": samples.noise_floor,
        "concepts": samples.concepts,
        "confidences": samples.confidences,
        "losses": samples.losses,
        "label_sets": samples.label_sets,
    }
    in_bytes = is_large([grid.attribution for grid in atlas.grids])
    spreads = store_spreads([grid.attribution_spread for grid in atlas.grids])
    for grid, spread in zip(atlas.grids, spreads, strict=True):
        stored = store_attribution(grid.attribution, in_bytes=in_bytes) | spread
        arrays |= {f"grid{grid.size}.{name}": array for name, array in stored.items()}
        arrays |= {
            f"grid{grid.size}.rows": grid.rows,
            f"grid{grid.size}.cols": grid.cols,
            f"grid{grid.size}.counts": grid.counts,
            f"grid{grid.size}.cell_of": grid.cell_of,
            f"grid{grid.size}.kind": grid.kind_codes,
            f"grid{grid.size}.cosine": grid.icon_cosine,
        }
    return {name: array for name, array in arrays.items() if array is not None}


def encode_map(
    arrays: Mapping[str, NDArray[Any]], samples: int, grids: Sequence[tuple[int, int]]
) -> bytes:
    """Returns a blob "map", in the compact form if there are many samples.

    Args:
        arrays: The arrays in the plain form.
        samples: N.
        grids: Size and number of cells M of each grid.

    Raises:
        ArgumentError: if an array is missing, unexpected, or has another type or shape.
    """
    specs = _map_specs(samples, grids)
    if not is_many(samples):
        return save(arrays, specs)
    check_arrays(arrays, specs)
    try:
        compact = compress_map(arrays, [size for size, _ in grids])
    except DamageError as error:
        raise ArgumentError(f"this atlas could not be read back: {error}") from error
    return save(compact, _compact_specs(samples, grids))


def decode_map(
    data: bytes, fields: AtlasManifest, version: int, where: str
) -> dict[str, NDArray[Any]]:
    """Returns the arrays of an untrusted blob "map" in the plain form; values are not checked.

    Args:
        data: The blob.
        fields: Manifest of the atlas.
        version: Wire version that it was written with.
        where: Name of the blob for messages.

    Raises:
        DamageError: if the arrays do not match the manifest, or cannot be decoded.
    """
    grids = [(grid.size, grid.cells) for grid in fields.grids]
    if version == 1:
        data = upgrade_arrays(data)
    if version < FIRST_COMPACT or not is_compact(data, where):
        return load(data, _map_specs(fields.samples, grids), where)
    stored = load(data, _compact_specs(fields.samples, grids), where)
    return expand_map(stored, fields.samples, [size for size, _ in grids])


def encode_plain_map(
    arrays: Mapping[str, NDArray[Any]], samples: int, grids: Sequence[tuple[int, int]]
) -> bytes:
    """Returns a blob "map" in the plain form; see `encode_map`."""
    return save(arrays, _map_specs(samples, grids))


def encode_activations(stored: StoredActivations, samples: int) -> bytes:
    """Returns a blob "activations" of N `samples`.

    Raises:
        ArgumentError: if an array is missing, unexpected, or has another type or shape.
    """
    channels = count_channels(stored)
    if stored.selected is None:
        return save(stored.arrays, _activation_specs(stored.kind, samples, channels))
    if stored.selected.shape != (samples,):
        raise ArgumentError(
            f"activations of some of {stored.selected.shape} samples; pass {samples:,}"
        )
    arrays = {name: one for name, one in stored.arrays.items() if name != SELECTED}
    arrays["stored_bits"] = np.packbits(stored.selected)
    return save(arrays, _selected_specs(samples, channels))


def decode_activations(
    data: bytes, fields: AtlasManifest, version: int, where: str
) -> StoredActivations:
    """Returns the stored activations in an untrusted blob; values are not checked.

    Args:
        data: The blob.
        fields: Manifest of the atlas.
        version: Wire version that it was written with.
        where: Name of the blob for messages.

    Raises:
        DamageError: if the arrays do not match the manifest.
    """
    kind, samples, channels = fields.activations.kind, fields.samples, fields.channels
    arrays: dict[str, NDArray[Any]]
    if version >= FIRST_COMPACT and has_selection(data, where):
        arrays = load(data, _selected_specs(samples, channels), where)
        selected = np.unpackbits(arrays.pop("stored_bits"), count=samples).astype(np.bool_)
        if kind != "uint8" or np.count_nonzero(selected) != len(arrays["codes"]):
            raise DamageError(
                f"{where}: {len(arrays['codes']):,} rows of kind {kind} for "
                f"{np.count_nonzero(selected):,} samples"
            )
        if arrays["codes"].size > max(SELECTED_BYTES, channels):
            raise DamageError(
                f"{where}: {arrays['codes'].size:,} bytes of activations of some samples, at most "
                f"{SELECTED_BYTES:,} allowed"
            )
        arrays[SELECTED] = selected
    else:
        arrays = load(data, _activation_specs(kind, samples, channels), where)
    return StoredActivations(
        kind=kind, arrays=arrays, lost_variance=fields.activations.lost_variance
    )


def has_selection(data: bytes, where: str) -> bool:
    """Returns whether an untrusted blob "activations" is in the form that holds some samples.

    Args:
        data: The blob.
        where: Name of the blob for messages.

    Raises:
        DamageError: if its header cannot be read.
    """
    return "stored_bits" in read_names(data, where)


def _map_specs(samples: int, grids: Sequence[tuple[int, int]]) -> dict[str, Spec]:
    """Returns the arrays of blob "map" for N `samples` and grids of (size, M)."""
    specs = array_specs(MAP_ARRAYS, {"N": samples})
    for size, cells in grids:
        types = {**GRID_ARRAYS, **ATTRIBUTION_ARRAYS}
        specs |= array_specs(types, {"N": samples, "M": cells}, f"grid{size}.")
    return specs


def _compact_specs(samples: int, grids: Sequence[tuple[int, int]]) -> dict[str, Spec]:
    """Returns the arrays of blob "map" in the compact form."""
    sizes = {"N": samples, "B": count_bit_bytes(samples)}
    specs = array_specs(COMPACT_ARRAYS, sizes)
    for size, cells in grids:
        types = {**COMPACT_GRID_ARRAYS, **ATTRIBUTION_ARRAYS}
        specs |= array_specs(types, sizes | {"M": cells}, f"grid{size}.")
    return specs


def _selected_specs(samples: int, channels: int) -> dict[str, Spec]:
    """Returns the arrays of blob "activations" that holds some samples."""
    sizes = {"C": channels, "B": count_bit_bytes(samples)}
    return array_specs(SELECTED_ACTIVATION_ARRAYS, sizes)


def _activation_specs(kind: str, samples: int, channels: int) -> dict[str, Spec]:
    """Returns the arrays of blob "activations"; see `StoredActivations`."""
    types = ACTIVATION_ARRAYS.get(kind, ACTIVATION_ARRAYS["pca"])
    return array_specs(types, {"N": samples, "C": channels})


def count_channels(stored: StoredActivations) -> int:
    """Returns the number of channels."""
    name = CHANNEL_ARRAYS.get(stored.kind)
    matrix = stored.arrays.get(name) if name else None
    if matrix is None or matrix.ndim != 2:
        raise ArgumentError(
            f"StoredActivations(kind={stored.kind!r}) with arrays {sorted(stored.arrays)}: "
            "make it with activation_quantization.store_activations()"
        )
    return stored.channels
