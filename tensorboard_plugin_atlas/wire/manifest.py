# SPDX-License-Identifier: Apache-2.0
"""Blob 0 of a sequence: a small JSON manifest that says what the other blobs must be.

TensorBoard's fast loader verifies no checksum, so this is where damage is found: the manifest
carries its own CRC-32C, and the length and CRC-32C of every other blob. It is read as the work of
a stranger: its size is bounded before it is parsed, and every number before it is believed.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import google_crc32c

from tensorboard_plugin_atlas.atlas import (
    EVENT_KINDS,
    SKIP_REASONS,
    ConceptState,
    Event,
    Provenance,
    Quality,
    Skipped,
)
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError, TooNewError
from tensorboard_plugin_atlas.metadata import WIRE_VERSION
from tensorboard_plugin_atlas.sprite_sheets import check_page, page_count, page_size
from tensorboard_plugin_atlas.wire.json_reader import Fields, SheetLayout, sheet_layout
from tensorboard_plugin_atlas.wire.shortcut_manifest import ShortcutFields, shortcut_fields

MAX_MANIFEST_BYTES: Final = 4 << 20
MAX_VALUES: Final = 200_000
"""Values in a manifest, commas and brackets in its texts included; each takes up to 200 bytes."""
MAX_SEQUENCE_BYTES: Final = 64 << 20
MAX_BLOBS: Final = 256
MAX_SAMPLES: Final = 1_000_000
MAX_CHANNELS: Final = 1_000_000
MAX_ACTIVATIONS: Final = 1 << 27
"""N x C at most: 512 MiB while the stored forms are expanded in float32."""
MAX_GRIDS: Final = 16
MAX_GRID_SIZE: Final = 320
MAX_IMAGE_SIDE: Final = 1 << 16
MAX_SKIPPED: Final = 1_000
MAX_CONCEPTS: Final = 1_000
MAX_EVENTS: Final = 200
MAX_SENTENCE: Final = 2_000
MAX_ID: Final = 2**31 - 1

_CHECKSUM_DIGITS: Final = 8
_FORMATS: Final = {
    "map": "safetensors",
    "activations": "safetensors",
    "probe": "safetensors",
    "sheet": "webp",
    "thumbs": "webp",
    "patches": "webp",
}
_STORED_KINDS: Final = ("float16", "uint8", "pca")


@dataclass(frozen=True, kw_only=True)
class BlobEntry:
    """What the manifest says of one blob.

    Attributes:
        role: "map", "activations", "sheet", "probe", "thumbs" or "patches".
        size: Length in bytes.
        crc32c: CRC-32C of the blob, eight lower-case hex digits.
        grid: Size of the grid that a sheet belongs to.
        page: Number of the page within its grid's, or the probe's, sheets.
        picture: Width and height in pixels of a sheet, of thumbnails or of patches.
    """

    role: str
    size: int
    crc32c: str
    grid: int | None = None
    page: int | None = None
    picture: tuple[int, int] | None = None

    @property
    def format(self) -> str:
        """How its bytes are to be read: "safetensors" or "webp"."""
        return _FORMATS[self.role]

    def describe(self, index: int) -> str:
        """Returns a name for messages, such as "blob 3 (sheet, grid 20)"."""
        detail = "" if self.grid is None else f", grid {self.grid}"
        return f"blob {index} ({self.role}{detail})"


@dataclass(frozen=True, kw_only=True)
class GridEntry:
    """What the manifest says of one grid.

    Attributes:
        size: Cells along each axis.
        cells: M, the drawn cells.
        sheet: How the icons lie on their pages, or None without icons.
    """

    size: int
    cells: int
    sheet: SheetLayout | None


@dataclass(frozen=True, kw_only=True, eq=False)
class AtlasFields:
    """The part of a manifest that belongs to kind "atlas"; see `http_api.md` for each key."""

    layer: str
    step: int
    sequence: int
    wall_time: float
    classes: tuple[str, ...] | None
    samples: int
    channels: int
    grids: tuple[GridEntry, ...]
    quality: Quality
    stored_kind: str
    lost_variance: float
    provenance: Provenance
    skipped: tuple[Skipped, ...]
    frame: tuple[float, float, float, float] | None
    concepts: tuple[ConceptState, ...] | None
    events: tuple[Event, ...]


@dataclass(frozen=True, kw_only=True)
class ProbeFields:
    """The part of a manifest that belongs to kind "probe"; see `http_api.md` for each key."""

    digest: str
    images: int
    input_size: tuple[int, int]
    thumb_size: tuple[int, int]
    sheet: SheetLayout
    classes: tuple[str, ...] | None


AnyFields: TypeAlias = AtlasFields | ProbeFields | ShortcutFields
"""What one of the kinds adds to a manifest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Manifest:
    """A manifest whose checksum, version and numbers were found sound.

    Attributes:
        kind: "atlas", "probe" or "shortcuts".
        version: Wire version.
        text: The JSON as it was stored, UTF-8.
        blobs: `blobs[i]` describes blob i + 1 of the sequence.
        fields: What the kind adds.
    """

    kind: str
    version: int
    text: bytes
    blobs: tuple[BlobEntry, ...]
    fields: AnyFields

    def indices(self, role: str) -> tuple[int, ...]:
        """Returns the numbers within the sequence of the blobs of `role`, from 1."""
        return tuple(i for i, blob in enumerate(self.blobs, start=1) if blob.role == role)


def checksum(data: bytes) -> str:
    """Returns the CRC-32C of `data` as eight lower-case hex digits."""
    return f"{google_crc32c.value(data):08x}"


def write_manifest(
    kind: str, fields: Mapping[str, Any], described: Sequence[tuple[Mapping[str, Any], bytes]]
) -> bytes:
    """Returns blob 0.

    Args:
        kind: "atlas", "probe" or "shortcuts".
        fields: The keys of that kind.
        described: For each blob its role (and grid and page), and its bytes.

    Raises:
        ArgumentError: if the sequence is larger than readers accept.
    """
    total = sum(len(data) for _, data in described)
    if len(described) > MAX_BLOBS or total > MAX_SEQUENCE_BYTES:
        raise ArgumentError(
            f"{kind}: {len(described)} blobs of {total / 2**20:.1f} MiB in all, readers take "
            f"{MAX_BLOBS} of {MAX_SEQUENCE_BYTES >> 20} MiB; pass fewer samples, classes or grids"
        )
    blobs = [
        {
            "role": entry["role"],
            "format": _FORMATS[entry["role"]],
            "bytes": len(data),
            "crc32c": checksum(data),
            **{key: entry[key] for key in ("grid", "page") if key in entry},
        }
        for entry, data in described
    ]
    document = {"kind": kind, "version": WIRE_VERSION, "blobs": blobs, **fields}
    # Escaped ASCII also carries lone surrogates, which file names may bring in and UTF-8 may not.
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    if len(text) > MAX_MANIFEST_BYTES - _CHECKSUM_DIGITS - 1:
        raise ArgumentError(
            f"{kind}: the names and settings take {len(text):,} bytes, readers take "
            f"{MAX_MANIFEST_BYTES:,}; shorten layer, classes or notes"
        )
    if value_count(text) > MAX_VALUES:
        raise ArgumentError(
            f"{kind}: the names and settings are {value_count(text):,} values, readers take "
            f"{MAX_VALUES:,}; pass fewer classes or notes"
        )
    return checksum(text).encode("ascii") + b"\n" + text


def value_count(text: bytes) -> int:
    """Returns an upper bound on the values in a JSON text, without parsing it."""
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")


def read_manifest(blob: bytes) -> Manifest:
    """Reads blob 0.

    Raises:
        TooNewError: if it follows a newer wire version.
        DamageError: if it is not exactly what a writer of this version makes.
    """
    text = _checked_text(blob)
    try:
        return _manifest(text)
    except RecursionError as error:
        raise DamageError("manifest: nested too deeply") from error


def check_blob(manifest: Manifest, index: int, data: bytes) -> None:
    """Checks that `data` is blob number `index` (from 1) of the sequence of `manifest`.

    Raises:
        DamageError: naming the blob and the number that differs.
    """
    entry = manifest.blobs[index - 1]
    where = entry.describe(index)
    if len(data) != entry.size:
        raise DamageError(f"{where}: {len(data):,} bytes, its manifest says {entry.size:,}")
    found = checksum(data)
    if found != entry.crc32c:
        raise DamageError(f"{where}: checksum {found}, its manifest says {entry.crc32c}")
    if entry.picture is not None:
        check_page(data, entry.picture, where)


def _checked_text(blob: bytes) -> bytes:
    if len(blob) > MAX_MANIFEST_BYTES:
        raise DamageError(f"manifest: {len(blob):,} bytes, at most {MAX_MANIFEST_BYTES:,} allowed")
    stated, line_feed, text = blob[:8], blob[8:9], blob[9:]
    if line_feed != b"\n":
        raise DamageError(f"manifest: no checksum line in its {len(blob):,} bytes")
    found = checksum(text)
    if stated != found.encode("ascii"):
        raise DamageError(f"manifest: checksum {found}, its first line says {stated[:8]!r}")
    return text


def _manifest(text: bytes) -> Manifest:
    fields = Fields(_parse(text), "manifest")
    version = fields.integer("version", 1, 2**31)
    if version > WIRE_VERSION:
        raise TooNewError(
            f"written with wire version {version}, this release reads up to {WIRE_VERSION}; "
            "update tensorboard_plugin_atlas"
        )
    kind = fields.choice("kind", tuple(_KINDS))
    parsed = _KINDS[kind](fields)
    blobs = _blob_entries(fields, list(_expected_blobs(parsed)))
    return Manifest(kind=kind, version=version, text=text, blobs=blobs, fields=parsed)


def _parse(text: bytes) -> dict[str, Any]:
    # Two bytes of text can make a Python object of 56 and more: bound them before parsing.
    if value_count(text) > MAX_VALUES:
        raise DamageError(f"manifest: more than {MAX_VALUES:,} values, lists and objects")
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except ValueError as error:
        raise DamageError("manifest: not JSON") from error
    if not isinstance(document, dict):
        raise DamageError("manifest: not a JSON object")
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _grid_entries(fields: Fields) -> tuple[GridEntry, ...]:
    grids = []
    for grid in fields.children("grids", MAX_GRIDS):
        size = grid.integer("size", 1, MAX_GRID_SIZE)
        cells = grid.integer("cells", 0, size * size)
        sheet = None if grid.get("tile") is None else sheet_layout(grid, cells)
        grids.append(GridEntry(size=size, cells=cells, sheet=sheet))
    sizes = [grid.size for grid in grids]
    if any(a >= b for a, b in itertools.pairwise(sizes)):
        raise fields.refuse("grids", "rising sizes")
    return tuple(grids)


def _quality(fields: Fields, samples: int) -> Quality:
    return Quality(
        trustworthiness=fields.optional_number("trustworthiness"),
        knn_kept=fields.optional_number("knn_kept"),
        clamped=fields.integer("clamped", 0, samples),
        invalid=fields.integer("invalid", 0, samples),
        dead_channels=fields.integer("dead_channels", 0, MAX_CHANNELS),
        effective_rank=fields.optional_number("effective_rank"),
    )


def _skipped(fields: Fields) -> tuple[Skipped, ...]:
    """Returns the checkpoints without an atlas; none in logs of before they were written."""
    if fields.get("skipped") is None:
        return ()
    return tuple(
        Skipped(one.integer("step", -(2**63), 2**63 - 1), one.choice("reason", SKIP_REASONS))
        for one in fields.children("skipped", MAX_SKIPPED)
    )


def _frame(fields: Fields) -> tuple[float, float, float, float] | None:
    """Returns the corners of the unit square; none in logs of before they were written."""
    if fields.get("frame") is None:
        return None
    corners = fields.child("frame")
    x0, y0, x1, y1 = (corners.number(name) for name in ("x0", "y0", "x1", "y1"))
    if x0 >= x1 or y0 >= y1:
        raise fields.refuse("frame", "a low and a high corner")
    return x0, y0, x1, y1


def _concepts(fields: Fields) -> tuple[ConceptState, ...] | None:
    if fields.get("lifelines") is None:
        return None
    found = tuple(
        ConceptState(
            id=one.integer("id", 0, MAX_ID),
            name=one.text("name", MAX_SENTENCE),
            size=one.integer("size", 0, MAX_SAMPLES),
            top_class=one.optional_integer("top_class", 0, MAX_ID),
            top_share=one.number("top_share", 0, 1),
            born=one.integer("born", -(2**63), 2**63 - 1),
            confidence=one.number("confidence", 0, 1),
        )
        for one in fields.children("lifelines", MAX_CONCEPTS)
    )
    if any(a.id >= b.id for a, b in itertools.pairwise(found)):
        raise fields.refuse("lifelines", "rising ids")
    return found


def _events(fields: Fields) -> tuple[Event, ...]:
    if fields.get("events") is None:
        return ()
    return tuple(
        Event(
            kind=one.choice("kind", EVENT_KINDS),
            text=one.text("text", MAX_SENTENCE),
            score=one.number("score", 0),
            confidence=one.number("confidence", 0, 1),
            before_step=one.integer("before_step", -(2**63), 2**63 - 1),
            before=one.integers("before", MAX_CONCEPTS, 0, MAX_ID),
            after=one.integers("after", MAX_CONCEPTS, 0, MAX_ID),
            cell=None if one.get("cell") is None else _cell(one),
        )
        for one in fields.children("events", MAX_EVENTS)
    )


def _cell(event: Fields) -> tuple[int, int, int]:
    cell = event.child("cell")
    size = cell.integer("grid", 1, MAX_GRID_SIZE)
    return size, cell.integer("row", 0, size - 1), cell.integer("col", 0, size - 1)


def _atlas_fields(fields: Fields) -> AtlasFields:
    samples = fields.integer("samples", 0, MAX_SAMPLES)
    stored = fields.child("activations")
    origin = fields.child("provenance")
    return AtlasFields(
        layer=fields.text("layer"),
        step=fields.integer("step", -(2**63), 2**63 - 1),
        sequence=fields.integer("sequence", 1, 2**53),
        wall_time=fields.number("wall_time"),
        classes=fields.optional_names("classes"),
        samples=samples,
        channels=fields.integer(
            "channels", 0, min(MAX_CHANNELS, MAX_ACTIVATIONS // max(samples, 1))
        ),
        grids=_grid_entries(fields),
        quality=_quality(fields.child("quality"), samples),
        stored_kind=stored.choice("kind", _STORED_KINDS),
        lost_variance=stored.number("lost_variance", 0, 1),
        provenance=Provenance(
            settings=origin.mapping("settings"),
            probe=origin.text("probe"),
            model=origin.text("model"),
            versions=origin.mapping("versions"),
            layer_info=origin.mapping("layer_info"),
            notes=origin.names("notes"),
        ),
        skipped=_skipped(fields),
        frame=_frame(fields),
        concepts=_concepts(fields),
        events=_events(fields),
    )


def _probe_fields(fields: Fields) -> ProbeFields:
    images = fields.integer("images", 0, MAX_SAMPLES)
    sheet = sheet_layout(fields, images)
    return ProbeFields(
        digest=fields.text("digest"),
        images=images,
        input_size=fields.size("input_size", MAX_IMAGE_SIDE),
        thumb_size=fields.size("thumb_size", sheet.tile),
        sheet=sheet,
        classes=fields.optional_names("classes"),
    )


_KINDS: Final[Mapping[str, Callable[[Fields], AnyFields]]] = {
    "atlas": _atlas_fields,
    "probe": _probe_fields,
    "shortcuts": shortcut_fields,
}

_Expected = tuple[str, "int | None", "int | None", "tuple[int, int] | None"]


def _expected_blobs(fields: AnyFields) -> Iterator[_Expected]:
    """Yields role, grid, page and picture size of every blob that these fields imply, in order."""
    if isinstance(fields, ProbeFields):
        yield "probe", None, None, None
        yield from _expected_pages("thumbs", None, fields.sheet)
        return
    if isinstance(fields, ShortcutFields):
        if fields.sheet is not None:
            sheet = fields.sheet
            yield "patches", None, None, page_size(sheet.count, sheet.columns, sheet.tile, 0)
        return
    yield "map", None, None, None
    yield "activations", None, None, None
    for grid in fields.grids:
        if grid.sheet is not None:
            yield from _expected_pages("sheet", grid.size, grid.sheet)


def _expected_pages(role: str, grid: int | None, sheet: SheetLayout) -> Iterator[_Expected]:
    for page in range(page_count(sheet.count, sheet.columns)):
        yield role, grid, page, page_size(sheet.count, sheet.columns, sheet.tile, page)


def _blob_entries(fields: Fields, expected: list[_Expected]) -> tuple[BlobEntry, ...]:
    described = fields.children("blobs", MAX_BLOBS)
    if len(described) != len(expected):
        raise DamageError(
            f"manifest: {len(described)} blobs, its grids and pictures take {len(expected)}"
        )
    blobs = []
    for blob, (role, grid, page, picture) in zip(described, expected, strict=True):
        found = (blob.get("role"), blob.get("format"), blob.get("grid"), blob.get("page"))
        if found != (role, _FORMATS[role], grid, page):
            raise blob.refuse("role", f"{role} with grid {grid} and page {page}")
        size = blob.integer("bytes", 0, MAX_SEQUENCE_BYTES)
        blobs.append(
            BlobEntry(
                role=role,
                size=size,
                crc32c=blob.text("crc32c", _CHECKSUM_DIGITS),
                grid=grid,
                page=page,
                picture=picture,
            )
        )
    if sum(blob.size for blob in blobs) > MAX_SEQUENCE_BYTES:
        raise fields.refuse("blobs", f"at most {MAX_SEQUENCE_BYTES:,} bytes in all")
    return tuple(blobs)
