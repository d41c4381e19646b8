# SPDX-License-Identifier: Apache-2.0
"""Atlases that the tab gets in another form than the log holds, cached.

An atlas of a million samples takes up to 64 MiB in the log and 100 MB when it is decoded, of which
the tab gets 10 MB at once, and the other samples in tiles of points. So the large blobs are not
cached, and one atlas is decoded at a time. The map is sent gzipped, in a third of its size: most
of its arrays hold small numbers in four bytes.
"""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.serving.blob_reader import trim_memory
from tensorboard_plugin_atlas.serving.cache import ByteCache
from tensorboard_plugin_atlas.serving.manifest_pack import join_pack
from tensorboard_plugin_atlas.serving.series_reader import Datum, Request, SeriesReader
from tensorboard_plugin_atlas.wire.atlas_arrays import FIRST_COMPACT, has_selection
from tensorboard_plugin_atlas.wire.atlas_codec import AtlasManifest, Manifest
from tensorboard_plugin_atlas.wire.compact_samples import is_compact
from tensorboard_plugin_atlas.wire.point_tiles import EMPTY_INDEX, PointIndex, index_points
from tensorboard_plugin_atlas.wire.shown_samples import MAX_SHOWN, ShownAtlas, show_samples

SHOWN_BYTES: Final = 48 << 20
"""Largest total size of cached atlases."""
INDEX_BYTES: Final = 32 << 20
"""Largest total size of cached indices of points: that of a million samples has 15 MB."""

_GZIP_LEVEL: Final = 1
"""Of a million samples, 33 ms for 3.3 MB to 1.1 MB; level 6 takes four times as long for 0.9 MB."""

ShownRole: TypeAlias = Literal["map", "activations"]

_FORMS: Final[Mapping[ShownRole, tuple[int, Callable[[bytes, str], bool]]]] = {
    "map": (1, is_compact),
    "activations": (2, has_selection),
}
"""Number of the blob, and whether it is in a form that the tab does not read, by role."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ServedAtlas:
    """What the tab gets of an atlas, as bodies of responses.

    Attributes:
        map: The manifest and the blob "map".
        gzipped_map: The same, gzipped.
        map_mark: Checksum of the manifest, which holds that of the blob.
        activations: The blob "activations".
        activations_mark: Its checksum.
    """

    map: bytes
    gzipped_map: bytes
    map_mark: str
    activations: bytes
    activations_mark: str

    @classmethod
    def make(cls, shown: ShownAtlas) -> ServedAtlas:
        """Returns the bodies for an atlas."""
        body = join_pack(shown.text, shown.map)
        return cls(
            map=body,
            gzipped_map=gzip.compress(body, _GZIP_LEVEL, mtime=0),
            map_mark=shown.mark,
            activations=shown.activations,
            activations_mark=shown.activations_mark,
        )

    @property
    def size(self) -> int:
        """Size in bytes."""
        return len(self.map) + len(self.gzipped_map) + len(self.activations)


class ShownAtlases:
    """Finds what the tab gets of atlases with many samples. Thread safe.

    Args:
        reader: Reads the blobs.
    """

    def __init__(self, reader: SeriesReader) -> None:
        self._reader = reader
        self._cache = ByteCache(SHOWN_BYTES)
        self._indices = ByteCache(INDEX_BYTES)
        # Nothing that the reader does while it is held waits for this lock.
        self._decoding = threading.Lock()

    def find(
        self,
        request: Request,
        datum: Datum,
        manifest: Manifest,
        role: ShownRole,
    ) -> ServedAtlas | None:
        """Returns what the tab gets of an atlas, or None if it gets the blob as it is.

        Args:
            request: The request.
            datum: The step.
            manifest: Its manifest.
            role: The blob that is requested.

        Raises:
            DamageError: if a blob differs from the manifest, or holds a value out of range.
        """
        fields = manifest.fields
        if not isinstance(fields, AtlasManifest):
            return None
        is_large = fields.samples > MAX_SHOWN
        if not is_large:
            # A small atlas may be stored as if it had many samples.
            index, is_other_form = _FORMS[role]
            where = fields.blobs[index - 1].describe(index)
            data = self._reader.blob(request, datum, manifest, index)
            if manifest.version < FIRST_COMPACT or not is_other_form(data, where):
                return None

        def compute() -> tuple[ServedAtlas, int]:
            with self._decoding:
                parts = [
                    self._reader.blob(request, datum, manifest, index, is_kept=not is_large)
                    for index, _ in _FORMS.values()
                ]
                shown = ServedAtlas.make(show_samples(manifest, fields, *parts))
                parts.clear()
                trim_memory()
            return shown, shown.size

        key = _name_atlas(datum, manifest)
        return self._reader.remember_damage(datum, lambda: self._cache.get_or_compute(key, compute))

    def index_points(self, request: Request, datum: Datum, manifest: Manifest) -> PointIndex | None:
        """Returns the index of the samples that are not in what the tab gets of an atlas.

        It is None if a class does not fit in a tile.

        Args:
            request: The request.
            datum: The step.
            manifest: Its manifest.

        Raises:
            DamageError: if it is no atlas, or the blob "map" differs from the manifest or holds a
                value out of range.
        """
        fields = manifest.fields
        if not isinstance(fields, AtlasManifest):
            raise DamageError(f"manifest: its kind is {manifest.kind}, which has no points")
        if fields.samples <= MAX_SHOWN:
            return EMPTY_INDEX

        def compute() -> tuple[PointIndex | None, int]:
            with self._decoding:
                data = self._reader.blob(request, datum, manifest, 1, is_kept=False)
                index = index_points(manifest, fields, data)
                del data
                trim_memory()
            return index, 0 if index is None else index.size

        key = _name_atlas(datum, manifest)
        return self._reader.remember_damage(
            datum, lambda: self._indices.get_or_compute(key, compute)
        )


def _name_atlas(datum: Datum, manifest: Manifest) -> Hashable:
    """Returns the key of an atlas in a cache."""
    return datum.layer, datum.step, datum.blob_keys[0], datum.wall_time, manifest.mark
