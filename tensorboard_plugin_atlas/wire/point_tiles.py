# SPDX-License-Identifier: Apache-2.0
"""Tiles of points: the samples that are not in what the tab gets of an atlas at once.

Level z divides the map into 2^z x 2^z tiles. A tile holds the first samples of its part of the map
in the random order of `sample_subset`, so a tile of the next level holds all that it shows of its
own part, and more. An index keeps what a tile needs, 16 bytes per sample, so that an atlas is
decoded once for all its tiles.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.wire.array_types import POINT_ARRAYS, array_specs
from tensorboard_plugin_atlas.wire.derived_cells import find_outside
from tensorboard_plugin_atlas.wire.limits import MAX_TILE_LEVEL, MAX_TILE_POINTS
from tensorboard_plugin_atlas.wire.manifest import Manifest, checksum
from tensorboard_plugin_atlas.wire.manifest_types import AtlasManifest
from tensorboard_plugin_atlas.wire.shown_samples import (
    decode_checked_map,
    encode_shown_map,
    split_samples,
)
from tensorboard_plugin_atlas.wire.tensors import save

TILE_FORM: Final = (
    f"level.column.row of a tile, with a level from 1 to {MAX_TILE_LEVEL}, such as 3.0.7"
)

_UNUSED: Final = ("image_ids", "positions", "boxes")
"""Large arrays that no color depends on."""
_LAST_CODE: Final = 65_535
_SIDE: Final = 1 << MAX_TILE_LEVEL
"""Tiles along each axis at the finest level."""
_PATTERN: Final = re.compile(r"([0-9])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})")


class Tile(NamedTuple):
    """One tile of the map.

    Attributes:
        level: From 1 to `MAX_TILE_LEVEL`; there are 2^level tiles along each axis.
        column: From 0, at the left.
        row: From 0, at the top.
    """

    level: int
    column: int
    row: int


def parse_tile(text: str) -> Tile | None:
    """Returns the tile with a name such as "3.0.7", or None if there is none."""
    found = _PATTERN.fullmatch(text)
    if found is None:
        return None
    tile = Tile(*map(int, found.groups()))
    is_tile = 1 <= tile.level <= MAX_TILE_LEVEL and max(tile.column, tile.row) < 1 << tile.level
    return tile if is_tile else None


def read_tile(text: str) -> Tile:
    """Returns the tile with a name such as "3.0.7".

    Raises:
        ValueError: if there is none.
    """
    tile = parse_tile(text)
    if tile is None:
        raise ValueError(f"no tile {text!r}: pass {TILE_FORM}")
    return tile


@dataclass(frozen=True, kw_only=True, eq=False)
class PointIndex:
    """The H samples of an atlas that are not in what the tab gets at once, by their tiles.

    Attributes:
        mark: Checksum of the blob "map" that the tab gets, eight hex digits.
        points: (H, 6) uint16: array `points` of all H samples. They are ordered by the tile of the
            finest level, with the four tiles of a coarser one next to each other.
        places: (H,) uint32: place of each sample in the random order.
        starts: (T + 1,): first sample of each of the T tiles of the finest level, and H.
    """

    mark: str
    points: NDArray[np.uint16]
    places: NDArray[np.uint32]
    starts: NDArray[np.intp]

    @property
    def size(self) -> int:
        """Size in bytes."""
        return self.points.nbytes + self.places.nbytes + self.starts.nbytes

    def encode_tile(self, tile: Tile) -> bytes:
        """Returns at most `MAX_TILE_POINTS` samples of a tile as safetensors bytes.

        They are the first ones in the random order, in that order.
        """
        finest = 1 << 2 * (MAX_TILE_LEVEL - tile.level)
        number = int(_number_tiles(np.array([tile.column]), np.array([tile.row]))[0]) * finest
        begin, end = int(self.starts[number]), int(self.starts[number + finest])
        places = self.places[begin:end]
        if len(places) > MAX_TILE_POINTS:
            chosen = np.argpartition(places, MAX_TILE_POINTS)[:MAX_TILE_POINTS]
        else:
            chosen = np.arange(len(places))
        points = self.points[begin + chosen[np.argsort(places[chosen])]]
        hidden = np.array([end - begin], np.int32)
        arrays: dict[str, NDArray[Any]] = {"points": points, "hidden": hidden}
        return save(arrays, array_specs(POINT_ARRAYS, {"N": len(points)}))


EMPTY_INDEX: Final = PointIndex(
    mark="",
    points=np.empty((0, 6), np.uint16),
    places=np.empty(0, np.uint32),
    starts=np.zeros(_SIDE * _SIDE + 1, np.intp),
)
"""The index of an atlas that the tab gets as a whole."""


def index_points(manifest: Manifest, fields: AtlasManifest, map_data: bytes) -> PointIndex | None:
    """Returns the index of the samples that the tab does not get at once.

    It is None if a class does not fit in two bytes.

    Args:
        manifest: The manifest of the atlas.
        fields: The fields of the manifest.
        map_data: Its blob "map", untrusted.

    Raises:
        DamageError: if the blob is not what the manifest states, or a value is out of range.
    """
    shown, hidden = split_samples(fields.samples)
    arrays = decode_checked_map(manifest, fields, map_data)
    mark = checksum(encode_shown_map(fields, arrays, shown))
    for name in _UNUSED:
        # They are a third of what is decoded.
        del arrays[name]
    points = _encode_points(fields, arrays, hidden)
    del arrays
    if points is None:
        return None
    columns, rows = (points[:, axis].astype(np.uint32) * _SIDE // _LAST_CODE for axis in (0, 1))
    tiles = _number_tiles(columns, rows)
    # A stable sort keeps the random order within each tile.
    places = np.argsort(tiles, kind="stable")
    return PointIndex(
        mark=mark,
        points=points[places],
        places=places.astype(np.uint32),
        starts=np.searchsorted(tiles[places], np.arange(_SIDE * _SIDE + 1)),
    )


def _encode_points(
    fields: AtlasManifest, arrays: Mapping[str, NDArray[Any]], samples: NDArray[np.intp]
) -> NDArray[np.uint16] | None:
    """Returns array `points` of some samples, or None if a class does not fit in two bytes."""
    points = np.zeros((len(samples), 6), np.uint16)
    points[:, :2] = _encode_positions(arrays["xy"][samples])
    for column, name in ((2, "labels"), (3, "predictions")):
        classes = arrays.get(name)
        if classes is None and name == "labels" and "label_sets" in arrays:
            classes = arrays["label_sets"][:, 0]
        if classes is not None:
            # Negative classes are unknown.
            codes = np.maximum(classes[samples], -1) + 1
            if codes.max(initial=0) > _LAST_CODE:
                return None
            points[:, column] = codes
    if "concepts" in arrays:
        points[:, 4] = _encode_concepts(fields, arrays["concepts"][samples])
    points[:, 5] = find_outside(arrays, [grid.size for grid in fields.grids])[samples]
    return points


def _encode_positions(xy: FloatArray) -> NDArray[np.uint16]:
    """Returns coordinates as code / 65,535, which are below 1, so that each is in a cell."""
    codes: NDArray[np.uint16] = np.rint(xy * np.float64(_LAST_CODE)).astype(np.uint16)
    below: NDArray[np.uint16] = np.minimum(codes, np.uint16(_LAST_CODE - 1))
    return below


def _encode_concepts(fields: AtlasManifest, concepts: IntArray) -> NDArray[np.intp]:
    """Returns places in the manifest's list of concepts plus 1, 0 for no concept."""
    listed = np.array([-1, *(one.id for one in fields.concepts or ())])
    codes = np.searchsorted(listed, concepts)
    if not np.array_equal(listed[np.minimum(codes, len(listed) - 1)], concepts):
        raise DamageError("concepts: a sample of one that its manifest does not list")
    return codes


def _number_tiles(columns: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.uint16]:
    """Returns the numbers of tiles in Morton order, in which the parts of a tile are neighbors."""
    numbers = np.zeros(len(columns), np.uint16)
    for bit in range(MAX_TILE_LEVEL):
        for values, shift in ((columns, bit), (rows, bit + 1)):
            numbers |= (((values >> bit) & 1) << (bit + shift)).astype(np.uint16)
    return numbers
