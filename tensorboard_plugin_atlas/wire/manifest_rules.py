# SPDX-License-Identifier: Apache-2.0
"""Rules of manifests that involve several fields, and the blobs that a manifest implies."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.sprite_sheets import page_count, page_size
from tensorboard_plugin_atlas.wire.field_errors import field_error
from tensorboard_plugin_atlas.wire.limits import (
    MAX_ACTIVATIONS,
    MAX_SEQUENCE_BYTES,
    MAX_SHEET_PAGES,
    MAX_SHEET_SIDE,
)
from tensorboard_plugin_atlas.wire.manifest_types import (
    AnyManifest,
    AtlasManifest,
    ProbeManifest,
    Role,
    ShortcutsManifest,
)

FORMATS: Final[Mapping[Role, Literal["safetensors", "webp"]]] = {
    "map": "safetensors",
    "activations": "safetensors",
    "probe": "safetensors",
    "sheet": "webp",
    "thumbs": "webp",
    "patches": "webp",
}
"""Encoding of the blobs of each role."""

_CLASSES_OF_EVENTS: Final[Mapping[str, int]] = {"flips": 3, "confidence": 1}
"""Number of classes of an event, by its kind; 0 for all other kinds."""


@dataclass(frozen=True)
class _Expected:
    """A blob that the fields of a manifest imply."""

    role: Role
    grid: int | None = None
    page: int | None = None
    picture: tuple[int, int] | None = None


def check_rules(
    fields: AnyManifest, document: Mapping[str, Any]
) -> tuple[tuple[int, int] | None, ...]:
    """Checks the rules that involve several fields; returns the size of each picture.

    Raises:
        DamageError: naming the field.
    """
    if isinstance(fields, AtlasManifest):
        expected = list(_check_atlas(fields, document))
    elif isinstance(fields, ProbeManifest):
        expected = list(_check_probe(fields, document))
    else:
        expected = list(_check_shortcuts(fields, document))
    if len(fields.blobs) != len(expected):
        raise DamageError(
            f"manifest: {len(fields.blobs)} blobs, its grids and pictures need {len(expected)}"
        )
    for number, (blob, want) in enumerate(zip(fields.blobs, expected, strict=True)):
        found = (blob.role, blob.format, blob.grid, blob.page)
        if found != (want.role, FORMATS[want.role], want.grid, want.page):
            wanted = f"{want.role} with grid {want.grid} and page {want.page}"
            raise field_error(document, f"blobs[{number}].role", wanted)
    if sum(blob.bytes for blob in fields.blobs) > MAX_SEQUENCE_BYTES:
        raise field_error(document, "blobs", f"at most {MAX_SEQUENCE_BYTES:,} bytes in total")
    return tuple(one.picture for one in expected)


def _check_atlas(fields: AtlasManifest, document: Mapping[str, Any]) -> Iterator[_Expected]:
    samples = fields.samples
    if fields.channels > MAX_ACTIVATIONS // max(samples, 1):
        wanted = f"at most {MAX_ACTIVATIONS:,} activations for {samples:,} samples"
        raise field_error(document, "channels", wanted)
    if fields.logged_samples is not None and fields.logged_samples <= samples:
        raise field_error(document, "logged_samples", f"null or more than {samples:,}")
    for name in ("clamped", "invalid"):
        if getattr(fields.quality, name) > samples:
            raise field_error(document, f"quality.{name}", f"at most {samples:,} samples")
    view = fields.viewport
    if view is not None and (view.x0 >= view.x1 or view.y0 >= view.y1):
        raise field_error(document, "viewport", "x0 < x1 and y0 < y1")
    _check_concepts(fields, document)
    yield _Expected("map")
    yield _Expected("activations")
    yield from _check_grids(fields, document)


def _check_concepts(fields: AtlasManifest, document: Mapping[str, Any]) -> None:
    if any(a.id >= b.id for a, b in itertools.pairwise(fields.concepts or ())):
        raise field_error(document, "concepts", "rising ids")
    if any(a.id >= b.id for a, b in itertools.pairwise(fields.groups or ())):
        raise field_error(document, "groups", "rising ids")
    for number, event in enumerate(fields.events):
        if len(event.classes or ()) != _CLASSES_OF_EVENTS.get(event.kind, 0):
            wanted = "three classes for flips, one for a change of confidence, and null otherwise"
            raise field_error(document, f"events[{number}].classes", wanted)
        if event.classes is None and event.images is not None:
            raise field_error(document, f"events[{number}].images", "null without classes")
        for name in ("row", "col"):
            if event.cell is not None and getattr(event.cell, name) >= event.cell.grid:
                wanted = f"less than {event.cell.grid}"
                raise field_error(document, f"events[{number}].cell.{name}", wanted)


def _check_grids(fields: AtlasManifest, document: Mapping[str, Any]) -> Iterator[_Expected]:
    if any(a.size >= b.size for a, b in itertools.pairwise(fields.grids)):
        raise field_error(document, "grids", "rising sizes")
    for number, grid in enumerate(fields.grids):
        if grid.cells > grid.size * grid.size:
            raise field_error(document, f"grids[{number}].cells", f"at most {grid.size**2:,}")
        if (grid.tile is None) != (grid.columns is None):
            raise field_error(document, f"grids[{number}].columns", "null where the tile is null")
        if grid.tile is not None and grid.columns is not None:
            _check_sheet(grid.tile, grid.columns, grid.cells)
            yield from _expected_pages("sheet", grid.size, grid.cells, grid.columns, grid.tile)


def _check_probe(fields: ProbeManifest, document: Mapping[str, Any]) -> Iterator[_Expected]:
    if max(fields.thumb_size) > fields.tile:
        raise field_error(document, "thumb_size", f"height and width from 1 to {fields.tile:,}")
    _check_sheet(fields.tile, fields.columns, fields.images)
    yield _Expected("probe")
    yield from _expected_pages("thumbs", None, fields.images, fields.columns, fields.tile)


def _check_shortcuts(fields: ShortcutsManifest, document: Mapping[str, Any]) -> Iterator[_Expected]:
    height, width = fields.input_size
    for number, one in enumerate(fields.found):
        y0, x0, y1, x1 = one.box
        if not (y0 < y1 <= height and x0 < x1 <= width):
            wanted = f"y0, x0, y1, x1 within {height} x {width} px"
            raise field_error(document, f"found[{number}].box", wanted)
        if any(a.step >= b.step for a, b in itertools.pairwise(one.history)):
            raise field_error(document, f"found[{number}].history", "rising steps")
    if len({one.id for one in fields.found}) != len(fields.found):
        raise field_error(document, "found", "an id for each")
    patches = fields.patches
    if (patches is None) != (not fields.found):
        raise field_error(document, "patches", "null if and only if nothing was found")
    if patches is None:
        return
    count = len(fields.found)
    longest = longest_side([one.box for one in fields.found])
    _check_sheet(patches.tile, patches.columns, count)
    if page_count(count, patches.columns) != 1 or patches.tile != longest:
        raise field_error(document, "patches", "one page, its tiles as long as the longest patch")
    yield _Expected("patches", picture=page_size(count, patches.columns, patches.tile, 0))


def longest_side(boxes: Sequence[tuple[int, int, int, int]]) -> int:
    """Returns the pixels along the longest side of any box (y0, x0, y1, x1)."""
    return max(max(y1 - y0, x1 - x0) for y0, x0, y1, x1 in boxes)


def _check_sheet(tile: int, columns: int, count: int) -> None:
    if tile * columns > MAX_SHEET_SIDE:
        raise DamageError(f"manifest: {columns:,} tiles of {tile:,} px, too many for a page")
    if page_count(count, columns) > MAX_SHEET_PAGES:
        raise DamageError(f"manifest: {count:,} pictures in {columns} columns, too many pages")


def _expected_pages(
    role: Role, grid: int | None, count: int, columns: int, tile: int
) -> Iterator[_Expected]:
    for page in range(page_count(count, columns)):
        yield _Expected(role, grid, page, page_size(count, columns, tile, page))
