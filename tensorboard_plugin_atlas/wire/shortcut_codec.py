# SPDX-License-Identifier: Apache-2.0
"""Encodes a `ShortcutRecord` as two blobs: the manifest, and one sheet of patches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.log_names import WIRE_VERSION
from tensorboard_plugin_atlas.shortcut_record import LoggedShortcut, ShortcutRecord
from tensorboard_plugin_atlas.sprite_sheets import MAX_SIDE, SpriteSheets, pack, unpack
from tensorboard_plugin_atlas.wire.atlas_codec import finish, open_sequence
from tensorboard_plugin_atlas.wire.manifest import Manifest, describe_blob
from tensorboard_plugin_atlas.wire.manifest_rules import longest_side
from tensorboard_plugin_atlas.wire.manifest_types import (
    BlobEntry,
    PatchesEntry,
    ShortcutEntry,
    ShortcutsManifest,
)
from tensorboard_plugin_atlas.wire.shown_samples import renumber_shortcuts


def count_fitting_patches(sides: Sequence[int]) -> int:
    """Returns how many of the patches with these longest `sides` fit on one sheet, in order."""
    count = 0
    while count < len(sides):
        columns = MAX_SIDE // max(sides[: count + 1])
        if columns * columns <= count:
            break
        count += 1
    return count


def encode_shortcuts(record: ShortcutRecord) -> list[bytes]:
    """Returns the blobs of `record`, the manifest first.

    Raises:
        ArgumentError: if a value is outside of what readers accept, or the patches are not as large
            as their boxes.
    """
    sheets = _pack_patches(record)
    blobs: list[tuple[BlobEntry, bytes]] = []
    if sheets is not None:
        blobs = [(describe_blob("patches", page), page) for page in sheets.pages]
    try:
        found = msgspec.convert(record.found, tuple[ShortcutEntry, ...], from_attributes=True)
    except msgspec.ValidationError as error:
        raise ArgumentError(f"shortcuts of layer {record.layer!r}: {error}") from error
    fields = ShortcutsManifest(
        kind="shortcuts",
        version=WIRE_VERSION,
        blobs=tuple(entry for entry, _ in blobs),
        layer=record.layer,
        step=record.step,
        wall_time=record.wall_time,
        classes=record.classes,
        probe=record.probe,
        input_size=record.input_size,
        images=record.images,
        patches=None if sheets is None else PatchesEntry(tile=sheets.tile, columns=sheets.columns),
        found=found,
    )
    return finish(fields, blobs, decode_shortcuts)


def decode_shortcuts(blobs: Sequence[bytes], run: str = "") -> ShortcutRecord:
    """Returns the record in a sequence of blobs.

    Args:
        blobs: The whole sequence.
        run: TensorBoard run that it was found in.

    Raises:
        TooNewError: if it follows a newer wire version.
        DamageError: if anything is not what the manifest says, with the blob and the numbers.
    """
    _, fields = open_sequence(blobs, ShortcutsManifest)
    return ShortcutRecord(
        layer=fields.layer,
        step=fields.step,
        wall_time=fields.wall_time,
        probe=fields.probe,
        input_size=fields.input_size,
        images=fields.images,
        found=msgspec.convert(fields.found, tuple[LoggedShortcut, ...], from_attributes=True),
        patches=_unpack_patches(fields, blobs[1:]),
        classes=fields.classes,
        run=run,
    )


def shortcuts_response(manifest: Manifest, samples: int | None = None) -> dict[str, Any]:
    """Returns the response of `shortcuts`: the checked fields of a manifest, and nothing else.

    Args:
        manifest: The manifest.
        samples: Number of samples of the atlas if the tab gets a selection of them, else None.

    Raises:
        DamageError: if the manifest is of another kind.
    """
    if not isinstance(manifest.fields, ShortcutsManifest):
        raise DamageError(f"manifest: its kind is {manifest.kind}, another was expected here")
    shown = manifest.fields
    if samples is not None:
        found = renumber_shortcuts(shown.found, samples)
        shown = msgspec.structs.replace(shown, found=found)
    fields: dict[str, Any] = msgspec.to_builtins(shown)
    return fields


def _pack_patches(record: ShortcutRecord) -> SpriteSheets | None:
    if len(record.patches) != len(record.found):
        raise ArgumentError(
            f"{len(record.patches)} patches of {len(record.found)} shortcuts; pass one of each"
        )
    if not record.found:
        return None
    side = longest_side([one.box for one in record.found])
    tiles = np.zeros((len(record.found), side, side, 3), np.uint8)
    for tile, one, patch in zip(tiles, record.found, record.patches, strict=True):
        y0, x0, y1, x1 = one.box
        if patch.dtype != np.uint8 or patch.shape != (y1 - y0, x1 - x0, 3):
            raise ArgumentError(
                f"patch is {patch.dtype} {patch.shape}, its box is {one.box}; pass uint8 "
                f"({y1 - y0}, {x1 - x0}, 3)"
            )
        tile[: y1 - y0, : x1 - x0] = patch
    return pack(tiles, lossless=True)


def _unpack_patches(
    fields: ShortcutsManifest, pages: Sequence[bytes]
) -> tuple[NDArray[np.uint8], ...]:
    sheet = fields.patches
    if sheet is None:
        return ()
    count = len(fields.found)
    tiles = unpack(
        SpriteSheets(pages=tuple(pages), tile=sheet.tile, columns=sheet.columns, count=count)
    )
    return tuple(
        tile[: y1 - y0, : x1 - x0].copy()
        for tile, (y0, x0, y1, x1) in zip(tiles, (one.box for one in fields.found), strict=True)
    )
