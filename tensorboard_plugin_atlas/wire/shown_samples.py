# SPDX-License-Identifier: Apache-2.0
"""What the tab gets of an atlas: the plain form, and a selection of very many samples.

The selection depends on the number of samples alone, and not on their cells: the tab follows
samples from step to step and from layer to layer by their rows, so the rows must be the same
everywhere. It is the start of the order in which samples have stored activations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import StoredActivations
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.sample_subset import order_samples
from tensorboard_plugin_atlas.wire.activation_quantization import select_samples
from tensorboard_plugin_atlas.wire.array_range_checks import (
    check_activations,
    check_samples,
    find_grid_problems,
)
from tensorboard_plugin_atlas.wire.array_types import MAP_ARRAYS
from tensorboard_plugin_atlas.wire.atlas_arrays import (
    decode_activations,
    decode_map,
    encode_activations,
    encode_plain_map,
)
from tensorboard_plugin_atlas.wire.manifest import (
    Manifest,
    checksum,
    describe_blob,
    write_manifest,
)
from tensorboard_plugin_atlas.wire.manifest_types import (
    ActivationsEntry,
    AtlasManifest,
    ShortcutEntry,
    StoredKind,
)

MAX_SHOWN: Final = 40_000
"""Largest number of samples that the tab gets."""

_ACTIVATION_BYTES: Final = 16_000_000
"""Largest size of their activations if some of these samples have none in the log."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownAtlas:
    """What the tab gets of an atlas.

    Attributes:
        text: The manifest, JSON in UTF-8.
        mark: Checksum of `text`, eight hex digits.
        map: Blob "map" in the plain form.
        activations: Blob "activations", with a row for each sample.
        activations_mark: Checksum of `activations`.
    """

    text: bytes
    mark: str
    map: bytes
    activations: bytes
    activations_mark: str

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.text) + len(self.map) + len(self.activations)


def choose_shown(samples: int) -> NDArray[np.intp]:
    """Returns the indices of the samples that the tab gets, ascending."""
    return split_samples(samples)[0]


def split_samples(samples: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Returns the indices of the samples that the tab gets, ascending, and those of all others.

    The others are in the random order of `sample_subset`.
    """
    if samples <= MAX_SHOWN:
        return np.arange(samples), np.empty(0, np.intp)
    order = order_samples(samples)
    return np.sort(order[:MAX_SHOWN]), order[MAX_SHOWN:]


def show_samples(
    manifest: Manifest, fields: AtlasManifest, map_data: bytes, activation_data: bytes
) -> ShownAtlas:
    """Returns what the tab gets of an atlas.

    Args:
        manifest: Its manifest.
        fields: The fields of the manifest.
        map_data: Its blob "map", untrusted.
        activation_data: Its blob "activations", untrusted.

    Raises:
        DamageError: if the blobs are not what the manifest states, or a value is out of range.
    """
    arrays = decode_checked_map(manifest, fields, map_data)
    stored = decode_activations(
        activation_data, fields, manifest.version, fields.blobs[1].describe(2)
    )
    check_activations(stored.kind, stored.arrays)
    rows = choose_shown(fields.samples)
    arrays = _select_rows(arrays, rows)
    stored = select_samples(stored, rows, max_bytes=_ACTIVATION_BYTES)
    map_blob = _encode_map(fields, arrays, len(rows))
    activations = encode_activations(stored, len(rows))
    try:
        blob = write_manifest(_describe_shown(fields, rows, arrays, stored, map_blob, activations))
    except ArgumentError as error:
        raise DamageError(f"manifest: too long with its notes: {error}") from error
    text = blob[9:]
    return ShownAtlas(
        text=text,
        mark=checksum(text),
        map=map_blob,
        activations=activations,
        activations_mark=checksum(activations),
    )


def renumber_shortcuts(found: Sequence[ShortcutEntry], samples: int) -> tuple[ShortcutEntry, ...]:
    """Returns shortcuts that refer to samples by their numbers among those that the tab gets.

    Args:
        found: The shortcuts of an atlas.
        samples: Number of samples of the atlas.
    """
    number = {row: index for index, row in enumerate(choose_shown(samples).tolist())}
    return tuple(
        msgspec.structs.replace(
            one, samples=tuple(number[row] for row in one.samples if row in number)
        )
        for one in found
    )


def encode_shown_map(
    fields: AtlasManifest, arrays: Mapping[str, NDArray[Any]], rows: NDArray[np.intp]
) -> bytes:
    """Returns the blob "map" that the tab gets.

    Args:
        fields: The fields of the manifest.
        arrays: All arrays of the map, from `decode_checked_map`.
        rows: The samples that the tab gets, from `choose_shown`.
    """
    return _encode_map(fields, _select_rows(arrays, rows), len(rows))


def _encode_map(fields: AtlasManifest, arrays: Mapping[str, NDArray[Any]], samples: int) -> bytes:
    return encode_plain_map(arrays, samples, [(grid.size, grid.cells) for grid in fields.grids])


def decode_checked_map(
    manifest: Manifest, fields: AtlasManifest, data: bytes
) -> dict[str, NDArray[Any]]:
    """Returns the arrays of an untrusted blob "map" in the plain form.

    Args:
        manifest: The manifest of the atlas.
        fields: The fields of the manifest.
        data: The blob.

    Raises:
        DamageError: if the blob is not what the manifest states, or a value is out of range.
    """
    arrays = decode_map(data, fields, manifest.version, fields.blobs[0].describe(1))
    check_samples(arrays)
    for entry in fields.grids:
        prefix = f"grid{entry.size}."
        own = {name: array for name, array in arrays.items() if name.startswith(prefix)}
        for problem in find_grid_problems(entry, prefix, own):
            raise DamageError(f"grid {entry.size}: {problem}")
    return arrays


def _select_rows(
    arrays: Mapping[str, NDArray[Any]], rows: NDArray[np.intp]
) -> dict[str, NDArray[Any]]:
    """Returns the arrays of a map with the entries of some samples; those of cells are kept."""
    return {
        name: array[rows] if name in MAP_ARRAYS or name.endswith(".cell_of") else array
        for name, array in arrays.items()
    }


def _describe_shown(
    fields: AtlasManifest,
    rows: NDArray[np.intp],
    arrays: Mapping[str, NDArray[Any]],
    stored: StoredActivations,
    map_blob: bytes,
    activations: bytes,
) -> AtlasManifest:
    """Returns the manifest of the selected samples."""
    origin, quality = fields.provenance, fields.quality
    notes = (*_make_notes(fields, len(rows), arrays), *origin.notes)
    return msgspec.structs.replace(
        fields,
        samples=len(rows),
        logged_samples=fields.samples if len(rows) < fields.samples else None,
        blobs=(
            describe_blob("map", map_blob),
            describe_blob("activations", activations),
            *fields.blobs[2:],
        ),
        activations=ActivationsEntry(
            kind=cast("StoredKind", stored.kind), lost_variance=stored.lost_variance
        ),
        # A manifest never counts more samples than it has.
        quality=msgspec.structs.replace(
            quality,
            clamped=min(quality.clamped, len(rows)),
            invalid=min(quality.invalid, len(rows)),
        ),
        provenance=msgspec.structs.replace(origin, notes=notes),
    )


def _make_notes(
    fields: AtlasManifest, shown: int, arrays: Mapping[str, NDArray[Any]]
) -> tuple[str, ...]:
    if shown == fields.samples:
        return ()
    note = (
        f"points: {shown:,} of {fields.samples:,} samples are shown on the whole map; counts of "
        "cells are of all samples"
    )
    if not fields.grids:
        return (note,)
    finest = fields.grids[-1]
    cell_of = arrays[f"grid{finest.size}.cell_of"]
    empty = finest.cells - len(np.unique(cell_of[cell_of >= 0]))
    if not empty:
        return (note,)
    size = f"{finest.size} x {finest.size}"
    return (
        note,
        f"points: in {empty:,} of the {finest.cells:,} cells of the {size} grid, none of these is",
    )
