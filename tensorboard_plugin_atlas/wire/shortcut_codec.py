# SPDX-License-Identifier: Apache-2.0
"""`ShortcutRecord` <-> blobs, both ways, bit for bit: the manifest, and one sheet of patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
from tensorboard_plugin_atlas.sprite_sheets import MAX_SIDE, SpriteSheets, pack, unpack
from tensorboard_plugin_atlas.wire.atlas_codec import Manifest, finished, opened
from tensorboard_plugin_atlas.wire.json_reader import SheetLayout
from tensorboard_plugin_atlas.wire.shortcut_manifest import (
    ShortcutFields,
    fields_of,
    longest_side,
    shortcut_header,
)


def fitting(sides: Sequence[int]) -> int:
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
    sheets = _packed(record)
    layout: SheetLayout | None = None
    described: list[tuple[Mapping[str, Any], bytes]] = []
    if sheets is not None:
        layout = SheetLayout(tile=sheets.tile, columns=sheets.columns, count=sheets.count)
        described = [({"role": "patches"}, page) for page in sheets.pages]
    header = shortcut_header(fields_of(record, layout))
    try:
        return finished("shortcuts", header, described, decode_shortcuts)
    except ArgumentError:
        raise
    except ValueError as error:  # of NaN and infinity, which JSON has no words for
        raise ArgumentError(f"shortcuts of layer {record.layer!r}: {error}") from error


def decode_shortcuts(blobs: Sequence[bytes], run: str = "") -> ShortcutRecord:
    """Reads a record back.

    Args:
        blobs: The whole sequence.
        run: TensorBoard run that it was found in.

    Raises:
        TooNewError: if it follows a newer wire version.
        DamageError: if anything is not what the manifest says, with the blob and the numbers.
    """
    _, fields = opened(blobs, ShortcutFields)
    return ShortcutRecord(
        layer=fields.layer,
        step=fields.step,
        wall_time=fields.wall_time,
        probe=fields.probe,
        input_size=fields.input_size,
        images=fields.images,
        found=fields.found,
        patches=_unpacked(fields, blobs[1:]),
        classes=fields.classes,
        run=run,
    )


def retell_shortcuts(manifest: Manifest) -> dict[str, Any]:
    """Returns what a manifest says, made anew of what was checked in it.

    Raises:
        DamageError: if it is of another kind.
    """
    fields = manifest.fields
    if not isinstance(fields, ShortcutFields):
        raise DamageError(f"manifest: its kind is {manifest.kind}, another was expected here")
    return {
        "kind": manifest.kind,
        "version": manifest.version,
        "blobs": [
            {
                "role": blob.role,
                "format": blob.format,
                "bytes": blob.size,
                "crc32c": blob.crc32c,
            }
            for blob in manifest.blobs
        ],
        **shortcut_header(fields),
    }


def _packed(record: ShortcutRecord) -> SpriteSheets | None:
    if len(record.patches) != len(record.found):
        raise ArgumentError(
            f"{len(record.patches)} patches of {len(record.found)} shortcuts; pass one of each"
        )
    if not record.found:
        return None
    side = longest_side(record.found)
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


def _unpacked(fields: ShortcutFields, pages: Sequence[bytes]) -> tuple[NDArray[np.uint8], ...]:
    sheet = fields.sheet
    if sheet is None:
        return ()
    tiles = unpack(
        SpriteSheets(pages=tuple(pages), tile=sheet.tile, columns=sheet.columns, count=sheet.count)
    )
    return tuple(
        tile[: y1 - y0, : x1 - x0].copy()
        for tile, (y0, x0, y1, x1) in zip(tiles, (one.box for one in fields.found), strict=True)
    )
