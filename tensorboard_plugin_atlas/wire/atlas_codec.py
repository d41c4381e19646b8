# SPDX-License-Identifier: Apache-2.0
"""Atlas <-> blobs, both ways, bit for bit. With `manifest` and `tensors` the only wire code.

The wire is written down in `http_api.md`. What is decoded is checked three times: each blob
against its manifest, each array against what the manifest implies, each value against what an
atlas can be. The encoder reads its own work before it returns it, so that nothing which was logged
is refused later. `Grid.attribution` is the one array that is not kept to the bit: see
`attribution_store`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import (
    ICON_KIND_CODES,
    Atlas,
    ConceptState,
    Event,
    Grid,
    ProbeThumbnails,
    Provenance,
    Samples,
    StoredActivations,
)
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, check_sheets
from tensorboard_plugin_atlas.wire.attribution_quantization import (
    NAMES,
    SPREAD_NAMES,
    attribution_of,
    is_large,
    spread_of,
    store_attribution,
    store_spreads,
)
from tensorboard_plugin_atlas.wire.manifest import (
    AtlasFields,
    BlobEntry,
    GridEntry,
    Manifest,
    ProbeFields,
    check_blob,
    checksum,
    read_manifest,
    write_manifest,
)
from tensorboard_plugin_atlas.wire.shortcut_manifest import ShortcutFields
from tensorboard_plugin_atlas.wire.tensors import Spec, load, save

__all__ = [
    "AtlasFields",
    "BlobEntry",
    "Manifest",
    "ProbeFields",
    "ShortcutFields",
    "check_blob",
    "check_place",
    "checksum",
    "decode_atlas",
    "decode_probe",
    "encode_atlas",
    "encode_probe",
    "finished",
    "opened",
    "read_manifest",
]

_Arrays = dict[str, NDArray[Any]]
_Described = list[tuple[Mapping[str, Any], bytes]]
_Fields = TypeVar("_Fields", AtlasFields, ProbeFields, ShortcutFields)

Placed = Atlas | AtlasFields | ShortcutRecord | ShortcutFields
"""What is logged under the tag of a layer, or its manifest."""

_MAX_CLASS: Final = 1_000_000
_MAX_COSINE: Final = 1.001
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
    samples, channels = len(atlas.samples), _channels(stored)
    described: _Described = [
        ({"role": "map"}, save(_map_arrays(atlas), _map_specs(samples, sizes))),
        (
            {"role": "activations"},
            save(stored.arrays, _stored_specs(stored.kind, samples, channels)),
        ),
    ]
    for grid in atlas.grids:
        if grid.sheets is not None:
            described += _described_pages("sheet", grid.sheets, grid=grid.size)
    return finished("atlas", _atlas_header(atlas, channels), described, decode_atlas)


def decode_atlas(blobs: Sequence[bytes], run: str = "") -> Atlas:
    """Reads an atlas back.

    Args:
        blobs: The whole sequence.
        run: TensorBoard run that it was found in.

    Raises:
        TooNewError: if it follows a newer wire version.
        DamageError: if anything is not what the manifest says, with the blob and the numbers.
    """
    manifest, fields = opened(blobs, AtlasFields)
    sizes = [(grid.size, grid.cells) for grid in fields.grids]
    arrays = load(blobs[1], _map_specs(fields.samples, sizes), manifest.blobs[0].describe(1))
    specs = _stored_specs(fields.stored_kind, fields.samples, fields.channels)
    stored = load(blobs[2], specs, manifest.blobs[1].describe(2))
    _check_samples(arrays)
    _check_concepts(fields, arrays.get("lifelines"))
    _check_stored(fields.stored_kind, stored)
    grids = tuple(_grid(entry, arrays, _pages(manifest, blobs, entry)) for entry in fields.grids)
    return Atlas(
        layer=fields.layer,
        step=fields.step,
        wall_time=fields.wall_time,
        run=run,
        sequence=fields.sequence,
        skipped=fields.skipped,
        viewport=fields.frame,
        concepts=fields.concepts,
        events=fields.events,
        classes=fields.classes,
        grids=grids,
        quality=dataclasses.replace(fields.quality, overlap=arrays.get("overlap")),
        provenance=fields.provenance,
        samples=Samples(
            xy=arrays["xy"],
            image_ids=arrays["image_ids"],
            positions=arrays["positions"],
            boxes=arrays["boxes"],
            clamped=arrays["clamped"].astype(np.bool_),
            labels=arrays.get("labels"),
            predictions=arrays.get("predictions"),
            noise_floor=arrays.get("noise_floor"),
            concepts=arrays.get("lifelines"),
            activations=StoredActivations(
                kind=fields.stored_kind, arrays=stored, lost_variance=fields.lost_variance
            ),
        ),
    )


def check_place(found: Placed, layer: str, step: int) -> None:
    """Checks that a record stands where it belongs: tag and step are outside of its checksums.

    Args:
        found: The atlas or the shortcuts, or what their manifest says.
        layer: The layer whose tag it was found under.
        step: The step of the event it was found in.

    Raises:
        DamageError: naming both places.
    """
    if (found.layer, found.step) != (layer, step):
        # Names may be of any length, and the reasons of all steps of a layer are told at once.
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
    described: _Described = [
        ({"role": "probe"}, save(arrays, _probe_specs(len(pictures.image_ids)))),
        *_described_pages("thumbs", pictures.sheets),
    ]
    header = {
        "digest": pictures.digest,
        "images": len(pictures.image_ids),
        "input_size": list(pictures.input_size),
        "thumb_size": list(pictures.thumb_size),
        "tile": pictures.sheets.tile,
        "columns": pictures.sheets.columns,
        "classes": _listed(pictures.classes),
    }
    return finished("probe", header, described, decode_probe)


def decode_probe(blobs: Sequence[bytes]) -> ProbeThumbnails:
    """Reads the probe's pictures back.

    Raises:
        TooNewError: if they follow a newer wire version.
        DamageError: if anything is not what the manifest says, with the blob and the numbers.
    """
    manifest, fields = opened(blobs, ProbeFields)
    arrays = load(blobs[1], _probe_specs(fields.images), manifest.blobs[0].describe(1))
    _check_classes(arrays, "labels")
    _check_range(arrays, "image_ids", 0)
    return ProbeThumbnails(
        digest=fields.digest,
        image_ids=arrays["image_ids"],
        labels=arrays.get("labels"),
        input_size=fields.input_size,
        thumb_size=fields.thumb_size,
        classes=fields.classes,
        sheets=SpriteSheets(
            pages=tuple(blobs[2:]),
            tile=fields.sheet.tile,
            columns=fields.sheet.columns,
            count=fields.images,
        ),
    )


def opened(blobs: Sequence[bytes], kind: type[_Fields]) -> tuple[Manifest, _Fields]:
    """Returns the manifest and its fields once every blob was found to be what it says.

    Raises:
        TooNewError: if it follows a newer wire version.
        DamageError: if it is of another kind, or a blob is not what it says.
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


def finished(
    kind: str,
    header: Mapping[str, Any],
    described: _Described,
    decode: Callable[[Sequence[bytes]], object],
) -> list[bytes]:
    """Returns the blobs of a sequence, once `decode` has read them back.

    Raises:
        ArgumentError: if it could not.
    """
    blobs = [write_manifest(kind, header, described), *(data for _, data in described)]
    try:
        decode(blobs)
    except DamageError as error:
        raise ArgumentError(f"this {kind} could not be read back: {error}") from error
    return blobs


def _described_pages(role: str, sheets: SpriteSheets, **more: int) -> _Described:
    try:
        check_sheets(sheets)
    except DamageError as error:
        raise ArgumentError(f"{role}: {error}; make sheets with sheets.pack()") from error
    return [({"role": role, **more, "page": i}, page) for i, page in enumerate(sheets.pages)]


def _atlas_header(atlas: Atlas, channels: int) -> dict[str, Any]:
    quality, stored = atlas.quality, atlas.samples.activations
    return {
        "layer": atlas.layer,
        "step": int(atlas.step),
        "sequence": int(atlas.sequence),
        "wall_time": float(atlas.wall_time),
        "classes": _listed(atlas.classes),
        "samples": len(atlas.samples),
        "channels": channels,
        "grids": [_grid_header(grid) for grid in atlas.grids],
        "quality": {
            "trustworthiness": _plain(quality.trustworthiness, "quality.trustworthiness"),
            "knn_kept": _plain(quality.knn_kept, "quality.knn_kept"),
            "clamped": int(quality.clamped),
            "invalid": int(quality.invalid),
            "dead_channels": int(quality.dead_channels),
            "effective_rank": _plain(quality.effective_rank, "quality.effective_rank"),
        },
        "activations": {"kind": stored.kind, "lost_variance": float(stored.lost_variance)},
        "provenance": _provenance_header(atlas.provenance),
        "skipped": [{"step": int(one.step), "reason": one.reason} for one in atlas.skipped],
        "frame": _frame_header(atlas.viewport),
        "lifelines": _concepts_header(atlas.concepts),
        "events": [_event_header(event) for event in atlas.events],
    }


def _frame_header(frame: tuple[float, float, float, float] | None) -> dict[str, float] | None:
    if frame is None:
        return None
    return dict(zip(("x0", "y0", "x1", "y1"), map(float, frame), strict=True))


def _concepts_header(concepts: tuple[ConceptState, ...] | None) -> Any:
    if concepts is None:
        return None
    return [_plain(dataclasses.asdict(one), "lifelines") for one in concepts]


def _event_header(event: Event) -> Any:
    header = dataclasses.asdict(event)
    if event.cell is not None:
        header["cell"] = dict(zip(("grid", "row", "col"), event.cell, strict=True))
    return _plain(header, "events")


def _grid_header(grid: Grid) -> dict[str, Any]:
    sheets = grid.sheets
    if sheets is not None and sheets.count != len(grid.rows):
        raise ArgumentError(
            f"grid {grid.size}: {sheets.count} icons for {len(grid.rows)} cells; pass one per cell"
        )
    return {
        "size": int(grid.size),
        "cells": len(grid.rows),
        "tile": None if sheets is None else sheets.tile,
        "columns": None if sheets is None else sheets.columns,
    }


def _provenance_header(provenance: Provenance) -> dict[str, Any]:
    return {
        "settings": _plain(provenance.settings, "provenance.settings"),
        "probe": provenance.probe,
        "model": provenance.model,
        "versions": _plain(provenance.versions, "provenance.versions"),
        "layer_info": _plain(provenance.layer_info, "provenance.layer_info"),
        "notes": list(provenance.notes),
    }


def _listed(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else [str(name) for name in names]


def _plain(value: Any, where: str, depth: int = 0) -> Any:
    """Returns `value` as JSON has it: lists for tuples, null for NaN and infinity."""
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


def _map_arrays(atlas: Atlas) -> _Arrays:
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
        "lifelines": samples.concepts,
    }
    in_bytes = is_large([grid.attribution for grid in atlas.grids])
    spreads = store_spreads([grid.attribution_spread for grid in atlas.grids])
    for grid, spread in zip(atlas.grids, spreads, strict=True):
        said = store_attribution(grid.attribution, in_bytes=in_bytes) | spread
        arrays |= {f"grid{grid.size}.{name}": array for name, array in said.items()}
        arrays |= {
            f"grid{grid.size}.rows": grid.rows,
            f"grid{grid.size}.cols": grid.cols,
            f"grid{grid.size}.counts": grid.counts,
            f"grid{grid.size}.cell_of": grid.cell_of,
            f"grid{grid.size}.kind": grid.kind_codes,
            f"grid{grid.size}.cosine": grid.icon_cosine,
        }
    return {name: array for name, array in arrays.items() if array is not None}


def _map_specs(samples: int, grids: Sequence[tuple[int, int]]) -> dict[str, Spec]:
    """Returns what the `map` blob holds for N `samples` and grids of (size, M)."""
    specs = {
        "xy": Spec("F32", (samples, 2)),
        "image_ids": Spec("I32", (samples,)),
        "positions": Spec("I32", (samples, 2)),
        "boxes": Spec("I32", (samples, 4)),
        "clamped": Spec("U8", (samples,)),
        "labels": Spec("I32", (samples,), optional=True),
        "predictions": Spec("I32", (samples,), optional=True),
        "overlap": Spec("F32", (samples,), optional=True),
        "noise_floor": Spec("F32", (samples,), optional=True),
        "lifelines": Spec("I32", (samples,), optional=True),
    }
    for size, cells in grids:
        specs |= {
            f"grid{size}.rows": Spec("I32", (cells,)),
            f"grid{size}.cols": Spec("I32", (cells,)),
            f"grid{size}.counts": Spec("I32", (cells,)),
            f"grid{size}.cell_of": Spec("I32", (samples,)),
            f"grid{size}.kind": Spec("U8", (cells,)),
            f"grid{size}.cosine": Spec("F32", (cells,)),
            f"grid{size}.attribution": Spec("F16", (cells, None), optional=True),
            f"grid{size}.attribution_codes": Spec("U8", (cells, None), optional=True),
            f"grid{size}.attribution_scale": Spec("F32", (cells,), optional=True),
            f"grid{size}.spread_codes": Spec("U8", (cells, None), optional=True),
            f"grid{size}.spread_scale": Spec("F32", (cells,), optional=True),
        }
    return specs


def _stored_specs(kind: str, samples: int, channels: int) -> dict[str, Spec]:
    """Returns what the `activations` blob holds; see `StoredActivations`."""
    if kind == "float16":
        return {"values": Spec("F16", (samples, channels))}
    if kind == "uint8":
        return {
            "codes": Spec("U8", (samples, channels)),
            "scale": Spec("F32", (channels,)),
            "offset": Spec("F32", (channels,)),
        }
    return {
        "scores": Spec("F16", (samples, None)),
        "axes": Spec("F16", (None, channels)),
        "mean": Spec("F32", (channels,)),
    }


def _probe_specs(images: int) -> dict[str, Spec]:
    return {
        "image_ids": Spec("I32", (images,)),
        "labels": Spec("I32", (images,), optional=True),
    }


def _channels(stored: StoredActivations) -> int:
    """Returns C."""
    name = {"float16": "values", "uint8": "codes", "pca": "axes"}.get(stored.kind)
    matrix = stored.arrays.get(name) if name else None
    if matrix is None or matrix.ndim != 2:
        raise ArgumentError(
            f"StoredActivations(kind={stored.kind!r}) with arrays {sorted(stored.arrays)}: "
            "make it with activation_store.store_activations()"
        )
    return int(matrix.shape[1])


def _pages(manifest: Manifest, blobs: Sequence[bytes], grid: GridEntry) -> tuple[bytes, ...]:
    return tuple(
        data
        for entry, data in zip(manifest.blobs, blobs[1:], strict=True)
        if entry.grid == grid.size
    )


def _grid(entry: GridEntry, arrays: Mapping[str, NDArray[Any]], pages: tuple[bytes, ...]) -> Grid:
    prefix = f"grid{entry.size}."
    own = {name: array for name, array in arrays.items() if name.startswith(prefix)}
    for problem in _grid_problems(entry, prefix, own):
        raise DamageError(f"grid {entry.size}: {problem}")
    sheets, layout = None, entry.sheet
    if layout is not None:
        sheets = SpriteSheets(
            pages=pages, tile=layout.tile, columns=layout.columns, count=layout.count
        )
    return Grid(
        size=entry.size,
        rows=own[prefix + "rows"],
        cols=own[prefix + "cols"],
        counts=own[prefix + "counts"],
        cell_of=own[prefix + "cell_of"],
        kind_codes=own[prefix + "kind"],
        icon_cosine=own[prefix + "cosine"],
        attribution=_per_class(attribution_of, NAMES, entry, own),
        attribution_spread=_per_class(spread_of, SPREAD_NAMES, entry, own),
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


def _grid_problems(entry: GridEntry, prefix: str, own: Mapping[str, NDArray[Any]]) -> Iterator[str]:
    """Yields what no grid can be, the first problem first."""
    rows, cols = own[prefix + "rows"], own[prefix + "cols"]
    cell_of, counts = own[prefix + "cell_of"], own[prefix + "counts"]
    for name, places in (("row", rows), ("column", cols)):
        if not _within(places, 0, entry.size - 1):
            yield f"a {name} outside 0 to {entry.size - 1}"
    if len(np.unique(rows.astype(np.int64) * entry.size + cols)) != entry.cells:
        yield "two entries for one cell"
    if not _within(cell_of, -1, entry.cells - 1):
        yield f"a sample in a cell outside -1 to {entry.cells - 1}"
    members = np.bincount(cell_of[cell_of >= 0], minlength=entry.cells)
    if not np.array_equal(members, counts) or not _within(counts, 1, 2**31):
        yield "its counts are not the numbers of members"
    if not _within(own[prefix + "kind"], 0, len(ICON_KIND_CODES) - 1):
        yield "an unknown kind of icon"
    cosine = own[prefix + "cosine"]
    if not _within(cosine[~np.isnan(cosine)], -_MAX_COSINE, _MAX_COSINE):
        yield "a cosine outside -1 to 1"


def _check_samples(arrays: Mapping[str, NDArray[Any]]) -> None:
    if not _within(arrays["xy"], 0, 1):
        raise DamageError("xy: a place outside 0 to 1")
    _check_range(arrays, "clamped", 0, 1)
    _check_range(arrays, "image_ids", 0)
    _check_range(arrays, "positions", 0)
    _check_classes(arrays, "labels")
    _check_classes(arrays, "predictions")
    boxes = arrays["boxes"]
    if (boxes[:, :2] > boxes[:, 2:]).any():
        raise DamageError("boxes: one that ends before it starts")
    overlap = arrays.get("overlap")
    if overlap is not None and not _within(overlap[~np.isnan(overlap)], 0, 1):
        raise DamageError("overlap: a share outside 0 to 1")
    floor = arrays.get("noise_floor")
    if floor is not None and not _within(floor[~np.isnan(floor)], 0, np.inf):
        raise DamageError("noise_floor: a distance below 0")


def _check_concepts(fields: AtlasFields, concepts: NDArray[Any] | None) -> None:
    """Checks that samples and events speak of concepts that the manifest lists."""
    listed = {-1, *(one.id for one in fields.concepts or ())}
    if concepts is not None and not set(np.unique(concepts).tolist()) <= listed:
        raise DamageError("concepts: a sample of one that its manifest does not list")
    if not all(listed.issuperset(event.after) for event in fields.events):
        raise DamageError("manifest: an event that ends in a concept it does not list")


def _check_stored(kind: str, stored: Mapping[str, NDArray[Any]]) -> None:
    if kind == "pca" and stored["scores"].shape[1] != stored["axes"].shape[0]:
        raise DamageError(
            f"activations: {stored['scores'].shape[1]} scores a sample, "
            f"{stored['axes'].shape[0]} axes"
        )
    for name in ("scale", "offset", "scores", "axes", "mean"):
        if name in stored and not np.isfinite(stored[name]).all():
            raise DamageError(f"activations: {name} is not finite")


def _check_classes(arrays: Mapping[str, NDArray[Any]], name: str) -> None:
    """Negative classes mean "unknown", as in torch's `ignore_index`."""
    if name in arrays:
        _check_range(arrays, name, -(2**31), _MAX_CLASS)


def _check_range(
    arrays: Mapping[str, NDArray[Any]], name: str, low: int, high: int = 2**31 - 1
) -> None:
    if not _within(arrays[name], low, high):
        raise DamageError(f"{name}: a value outside {low:,} to {high:,}")


def _within(values: NDArray[Any], low: float, high: float) -> bool:
    """NaN is never within."""
    return bool(((values >= low) & (values <= high)).all())
