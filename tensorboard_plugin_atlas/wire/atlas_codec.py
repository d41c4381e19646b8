# SPDX-License-Identifier: Apache-2.0
"""Encodes atlases as blobs, and decodes them bit for bit.

`http_api.md` describes the wire format. Decoded data is checked three times: each blob against its
manifest, each array against the shapes that the manifest implies, each value against its range. The
encoder decodes its own output before it returns it, so that readers accept whatever was logged.
`Grid.attribution` is the one array that is not kept to the bit: see `attribution_quantization`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import (
    Atlas,
    ConceptChange,
    ConceptGroup,
    ConceptState,
    Event,
    Grid,
    ProbeThumbnails,
    Provenance,
    Quality,
    Samples,
    Skipped,
)
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.log_names import WIRE_VERSION
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, check_sheets
from tensorboard_plugin_atlas.wire.array_range_checks import (
    check_activations,
    check_classes,
    check_concepts,
    check_range,
    check_samples,
    find_grid_problems,
)
from tensorboard_plugin_atlas.wire.array_types import PROBE_ARRAYS, array_specs
from tensorboard_plugin_atlas.wire.atlas_arrays import (
    collect_map_arrays,
    count_channels,
    decode_activations,
    decode_map,
    encode_activations,
    encode_map,
)
from tensorboard_plugin_atlas.wire.attribution_quantization import (
    ATTRIBUTION_NAMES,
    SPREAD_NAMES,
    read_attribution,
    read_spread,
)
from tensorboard_plugin_atlas.wire.manifest import (
    Manifest,
    check_blob,
    checksum,
    describe_blob,
    read_manifest,
    write_manifest,
)
from tensorboard_plugin_atlas.wire.manifest_types import (
    ActivationsEntry,
    AnyManifest,
    AtlasManifest,
    BlobEntry,
    CellEntry,
    ConceptChangeEntry,
    ConceptEntry,
    ConceptGroupEntry,
    EventEntry,
    GridEntry,
    ProbeManifest,
    ProvenanceEntry,
    QualityEntry,
    Role,
    ShortcutsManifest,
    SkippedEntry,
    SkipReason,
    StoredKind,
    ViewportEntry,
)
from tensorboard_plugin_atlas.wire.tensors import Spec, load, save

__all__ = [
    "AtlasManifest",
    "BlobEntry",
    "Manifest",
    "ProbeManifest",
    "ShortcutsManifest",
    "check_blob",
    "check_place",
    "checksum",
    "decode_atlas",
    "decode_probe",
    "encode_atlas",
    "encode_probe",
    "finish",
    "open_sequence",
    "read_manifest",
]

_Blobs = list[tuple[BlobEntry, bytes]]
_Fields = TypeVar("_Fields", AtlasManifest, ProbeManifest, ShortcutsManifest)
_Entry = TypeVar("_Entry", bound=msgspec.Struct)
_Value = TypeVar("_Value")

LoggedRecord = Atlas | AtlasManifest | ShortcutRecord | ShortcutsManifest
"""What is logged under the tag of a layer, or its manifest."""

_MAX_DEPTH: Final = 20
_SHOWN_NAME: Final = 80


def encode_atlas(atlas: Atlas) -> list[bytes]:
    """Returns the blobs of `atlas`, the manifest first.

    Raises:
        ArgumentError: if an array has another shape, dtype or range than `atlas.py` states, or if
            the whole is larger than readers accept.
    """
    stored = atlas.samples.activations
    sizes = [(grid.size, len(grid.rows)) for grid in atlas.grids]
    samples, channels = len(atlas.samples), count_channels(stored)
    arrays = encode_map(collect_map_arrays(atlas), samples, sizes)
    values = encode_activations(stored, samples)
    blobs: _Blobs = [
        (describe_blob("map", arrays), arrays),
        (describe_blob("activations", values), values),
    ]
    for grid in atlas.grids:
        if grid.sheets is not None:
            blobs += _describe_pages("sheet", grid.sheets, int(grid.size))
    return finish(_atlas_manifest(atlas, channels, blobs), blobs, decode_atlas)


def decode_atlas(blobs: Sequence[bytes], run: str = "") -> Atlas:
    """Returns the atlas in a sequence of blobs.

    Args:
        blobs: The whole sequence.
        run: TensorBoard run that it was found in.

    Raises:
        TooNewError: if it follows a newer wire version.
        DamageError: if anything is not what the manifest says, with the blob and the numbers.
    """
    manifest, fields = open_sequence(blobs, AtlasManifest)
    arrays = decode_map(blobs[1], fields, manifest.version, fields.blobs[0].describe(1))
    stored = decode_activations(blobs[2], fields, manifest.version, fields.blobs[1].describe(2))
    check_samples(arrays)
    check_concepts(fields, arrays.get("concepts"))
    check_activations(stored.kind, stored.arrays)
    grids = tuple(_grid(entry, arrays, _pages(fields, blobs, entry)) for entry in fields.grids)
    view, quality = fields.viewport, fields.quality
    return Atlas(
        layer=fields.layer,
        step=fields.step,
        wall_time=fields.wall_time,
        run=run,
        sequence=fields.sequence,
        skipped=tuple(Skipped(one.step, one.reason) for one in fields.skipped),
        viewport=None if view is None else (view.x0, view.y0, view.x1, view.y1),
        concepts=_from_entries(fields.concepts, ConceptState),
        concept_groups=_from_entries(fields.groups, ConceptGroup),
        concept_change=_change(fields.concept_change),
        events=tuple(_event(one) for one in fields.events),
        classes=fields.classes,
        grids=grids,
        quality=Quality(
            trustworthiness=quality.trustworthiness,
            knn_kept=quality.neighbors_kept,
            overlap=arrays.get("overlap"),
            clamped=quality.clamped,
            invalid=quality.invalid,
            dead_channels=quality.dead_channels,
            effective_rank=quality.effective_rank,
        ),
        provenance=Provenance(
            settings=_freeze(fields.provenance.settings),
            probe=fields.provenance.probe,
            model=fields.provenance.model,
            versions=_freeze(fields.provenance.versions),
            layer_info=_freeze(fields.provenance.layer_info),
            notes=fields.provenance.notes,
        ),
        samples=Samples(
            xy=arrays["xy"],
            image_ids=arrays["image_ids"],
            positions=arrays["positions"],
            boxes=arrays["boxes"],
            clamped=arrays["clamped"].astype(np.bool_),
            labels=arrays.get("labels"),
            predictions=arrays.get("predictions"),
            noise_floor=arrays.get("noise_floor"),
            concepts=arrays.get("concepts"),
            confidences=arrays.get("confidences"),
            losses=arrays.get("losses"),
            label_sets=arrays.get("label_sets"),
            activations=stored,
        ),
    )


def check_place(found: LoggedRecord, layer: str, step: int) -> None:
    """Checks that a record is under its own layer and step, which its checksums do not cover.

    Args:
        found: The record or its manifest.
        layer: The layer whose tag it was found under.
        step: The step of the event it was found in.

    Raises:
        DamageError: naming both layers and steps.
    """
    if (found.layer, found.step) != (layer, step):
        # Names may have any length, and the reasons of all steps of a layer are shown together.
        own, other = (repr(name)[:_SHOWN_NAME] for name in (found.layer, layer))
        raise DamageError(
            f"the record of layer {own} at step {found.step:,} was found under layer "
            f"{other} at step {step:,}"
        )


def encode_probe(pictures: ProbeThumbnails) -> list[bytes]:
    """Returns the blobs of the probe's pictures, the manifest first.

    Raises:
        ArgumentError: if an array has another shape, dtype or range than `atlas.py` states, or if
            the whole is larger than readers accept.
    """
    arrays = {"image_ids": pictures.image_ids}
    if pictures.labels is not None:
        arrays["labels"] = pictures.labels
    data = save(arrays, _probe_specs(len(pictures.image_ids)))
    blobs: _Blobs = [
        (describe_blob("probe", data), data),
        *_describe_pages("thumbs", pictures.sheets),
    ]
    fields = ProbeManifest(
        kind="probe",
        version=WIRE_VERSION,
        blobs=tuple(entry for entry, _ in blobs),
        digest=pictures.digest,
        images=len(pictures.image_ids),
        input_size=pictures.input_size,
        thumb_size=pictures.thumb_size,
        tile=pictures.sheets.tile,
        columns=pictures.sheets.columns,
        classes=_names(pictures.classes),
    )
    return finish(fields, blobs, decode_probe)


def decode_probe(blobs: Sequence[bytes]) -> ProbeThumbnails:
    """Returns the probe's pictures from its blobs.

    Raises:
        TooNewError: if they follow a newer wire version.
        DamageError: if anything is not what the manifest says, with the blob and the numbers.
    """
    _, fields = open_sequence(blobs, ProbeManifest)
    arrays = load(blobs[1], _probe_specs(fields.images), fields.blobs[0].describe(1))
    check_classes(arrays, "labels")
    check_range(arrays, "image_ids", 0)
    return ProbeThumbnails(
        digest=fields.digest,
        image_ids=arrays["image_ids"],
        labels=arrays.get("labels"),
        input_size=fields.input_size,
        thumb_size=fields.thumb_size,
        classes=fields.classes,
        sheets=SpriteSheets(
            pages=tuple(blobs[2:]),
            tile=fields.tile,
            columns=fields.columns,
            count=fields.images,
        ),
    )


def open_sequence(blobs: Sequence[bytes], kind: type[_Fields]) -> tuple[Manifest, _Fields]:
    """Returns the manifest and its fields after every blob was checked against it.

    Raises:
        TooNewError: if it follows a newer wire version.
        DamageError: if it is of another kind, or a blob does not match its entry.
    """
    if not blobs:
        raise DamageError("no blobs at all: expected a manifest first")
    manifest = read_manifest(blobs[0])
    if not isinstance(manifest.fields, kind):
        raise DamageError(f"manifest: its kind is {manifest.kind}, another was expected here")
    if len(blobs) != 1 + len(manifest.blobs):
        raise DamageError(
            f"{len(blobs) - 1} blobs behind the manifest, it lists {len(manifest.blobs)}"
        )
    for index in range(1, len(blobs)):
        check_blob(manifest, index, blobs[index])
    return manifest, manifest.fields


def finish(
    fields: AnyManifest, blobs: _Blobs, decode: Callable[[Sequence[bytes]], object]
) -> list[bytes]:
    """Returns the blobs of a sequence, the manifest first, after `decode` accepted them.

    Raises:
        ArgumentError: if it did not.
    """
    sequence = [write_manifest(fields), *(data for _, data in blobs)]
    try:
        decode(sequence)
    except DamageError as error:
        raise ArgumentError(f"this {fields.kind} could not be read back: {error}") from error
    return sequence


def _describe_pages(role: Role, sheets: SpriteSheets, grid: int | None = None) -> _Blobs:
    try:
        check_sheets(sheets)
    except DamageError as error:
        raise ArgumentError(f"{role}: {error}; make sheets with sprite_sheets.pack()") from error
    return [
        (describe_blob(role, page, grid=grid, page=number), page)
        for number, page in enumerate(sheets.pages)
    ]


def _atlas_manifest(atlas: Atlas, channels: int, blobs: _Blobs) -> AtlasManifest:
    quality, stored, origin = atlas.quality, atlas.samples.activations, atlas.provenance
    return AtlasManifest(
        kind="atlas",
        version=WIRE_VERSION,
        blobs=tuple(entry for entry, _ in blobs),
        layer=atlas.layer,
        step=int(atlas.step),
        sequence=int(atlas.sequence),
        wall_time=float(atlas.wall_time),
        classes=_names(atlas.classes),
        samples=len(atlas.samples),
        logged_samples=None,
        channels=channels,
        grids=tuple(_grid_entry(grid) for grid in atlas.grids),
        quality=QualityEntry(
            trustworthiness=quality.trustworthiness,
            neighbors_kept=quality.knn_kept,
            clamped=int(quality.clamped),
            invalid=int(quality.invalid),
            dead_channels=int(quality.dead_channels),
            effective_rank=quality.effective_rank,
        ),
        activations=ActivationsEntry(
            kind=cast("StoredKind", stored.kind), lost_variance=float(stored.lost_variance)
        ),
        provenance=ProvenanceEntry(
            settings=_plain(origin.settings, "provenance.settings"),
            probe=origin.probe,
            model=origin.model,
            versions=_plain(origin.versions, "provenance.versions"),
            layer_info=_plain(origin.layer_info, "provenance.layer_info"),
            notes=origin.notes,
        ),
        skipped=tuple(
            SkippedEntry(step=int(one.step), reason=cast("SkipReason", one.reason))
            for one in atlas.skipped
        ),
        viewport=None if atlas.viewport is None else _viewport_entry(atlas.viewport),
        concepts=_to_entries(atlas.concepts, ConceptEntry),
        groups=_to_entries(atlas.concept_groups, ConceptGroupEntry),
        concept_change=_change_entry(atlas.concept_change),
        events=tuple(_event_entry(event) for event in atlas.events),
    )


def _viewport_entry(corners: tuple[float, float, float, float]) -> ViewportEntry:
    x0, y0, x1, y1 = map(float, corners)
    return ViewportEntry(x0=x0, y0=y0, x1=x1, y1=y1)


def _to_entries(values: Iterable[Any] | None, kind: type[_Entry]) -> tuple[_Entry, ...] | None:
    """Returns dataclass instances as entries with the same fields."""
    return None if values is None else tuple(kind(**vars(one)) for one in values)


def _from_entries(
    entries: Iterable[msgspec.Struct] | None, kind: type[_Value]
) -> tuple[_Value, ...] | None:
    """Returns entries as instances of a dataclass with the same fields."""
    if entries is None:
        return None
    return tuple(kind(**msgspec.structs.asdict(one)) for one in entries)


def _change_entry(change: ConceptChange | None) -> ConceptChangeEntry | None:
    return None if change is None else ConceptChangeEntry(**vars(change))


def _change(entry: ConceptChangeEntry | None) -> ConceptChange | None:
    return None if entry is None else ConceptChange(**msgspec.structs.asdict(entry))


def _event_entry(event: Event) -> EventEntry:
    cell = event.cell and CellEntry(grid=event.cell[0], row=event.cell[1], col=event.cell[2])
    return EventEntry(**(vars(event) | {"cell": cell}))


def _event(entry: EventEntry) -> Event:
    cell = None if entry.cell is None else (entry.cell.grid, entry.cell.row, entry.cell.col)
    return Event(**(msgspec.structs.asdict(entry) | {"cell": cell}))


def _grid_entry(grid: Grid) -> GridEntry:
    sheets = grid.sheets
    if sheets is not None and sheets.count != len(grid.rows):
        raise ArgumentError(
            f"grid {grid.size}: {sheets.count} icons for {len(grid.rows)} cells; pass one per cell"
        )
    return GridEntry(
        size=int(grid.size),
        cells=len(grid.rows),
        tile=None if sheets is None else sheets.tile,
        columns=None if sheets is None else sheets.columns,
    )


def _names(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(str(name) for name in names)


def _freeze(value: Any) -> Any:
    """Returns a JSON value with tuples for lists, as in the settings that were written."""
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    if isinstance(value, dict):
        return {name: _freeze(item) for name, item in value.items()}
    return value


def _plain(value: Any, where: str, depth: int = 0) -> Any:
    """Returns `value` in plain types: lists for tuples, None for NaN and infinity."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth < _MAX_DEPTH and isinstance(value, Mapping):
        return {str(k): _plain(v, f"{where}[{k!r}]", depth + 1) for k, v in value.items()}
    if depth < _MAX_DEPTH and isinstance(value, (list, tuple)):
        return [_plain(v, f"{where}[{i}]", depth + 1) for i, v in enumerate(value)]
    raise ArgumentError(
        f"{where} is a {type(value).__name__}: pass numbers, text, lists and mappings of them"
    )


def _probe_specs(images: int) -> dict[str, Spec]:
    return array_specs(PROBE_ARRAYS, {"I": images})


def _pages(fields: AtlasManifest, blobs: Sequence[bytes], grid: GridEntry) -> tuple[bytes, ...]:
    return tuple(
        data for entry, data in zip(fields.blobs, blobs[1:], strict=True) if entry.grid == grid.size
    )


def _grid(entry: GridEntry, arrays: Mapping[str, NDArray[Any]], pages: tuple[bytes, ...]) -> Grid:
    prefix = f"grid{entry.size}."
    own = {name: array for name, array in arrays.items() if name.startswith(prefix)}
    for problem in find_grid_problems(entry, prefix, own):
        raise DamageError(f"grid {entry.size}: {problem}")
    sheets = None
    if entry.tile is not None and entry.columns is not None:
        sheets = SpriteSheets(
            pages=pages, tile=entry.tile, columns=entry.columns, count=entry.cells
        )
    return Grid(
        size=entry.size,
        rows=own[prefix + "rows"],
        cols=own[prefix + "cols"],
        counts=own[prefix + "counts"],
        cell_of=own[prefix + "cell_of"],
        kind_codes=own[prefix + "kind"],
        icon_cosine=own[prefix + "cosine"],
        attribution=_per_class(read_attribution, ATTRIBUTION_NAMES, entry, own),
        attribution_spread=_per_class(read_spread, SPREAD_NAMES, entry, own),
        sheets=sheets,
    )


def _per_class(
    read: Callable[[Mapping[str, NDArray[Any]]], NDArray[np.float32] | None],
    names: Sequence[str],
    entry: GridEntry,
    own: Mapping[str, NDArray[Any]],
) -> NDArray[np.float32] | None:
    prefix = f"grid{entry.size}."
    try:
        return read({name: own[prefix + name] for name in names if prefix + name in own})
    except ValueError as error:
        raise DamageError(f"grid {entry.size}: {error}") from error
