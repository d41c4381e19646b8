# SPDX-License-Identifier: Apache-2.0
"""Creates the index of all series as JSON, plain and gzipped, and updates only changed parts.

The text for 40,000 atlases has several MB. So the text of each series is cached with its compressed
form, and the index is joined from them: deflate blocks that end with a full flush are independent,
and their concatenation is a valid gzip stream.
"""

from __future__ import annotations

import hashlib
import json
import struct
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tensorboard_plugin_atlas.serving.series_reader import Series, run_id

API_VERSION: Final = 2

_LEVEL: Final = 3
_GZIP_HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK: Final = b"\x03\x00"
_LONGEST_BLOCK: Final = 0xFFFF
_SHORT: Final = 512
"""Texts with fewer bytes are not compressed."""


@dataclass(frozen=True)
class Part:
    """A part of the text and its independent deflate blocks."""

    text: bytes
    deflated: bytes


@dataclass(frozen=True)
class Body:
    """The whole text, its gzipped form, and its ETag."""

    data: bytes
    gzipped: bytes
    etag: str


class IndexText:
    """Creates the body of the `index` route. Thread safe; holds one index in memory.

    Args:
        kept_limit: Number of steps of each tag that TensorBoard keeps, None for all.
    """

    def __init__(self, kept_limit: int | None) -> None:
        head = _text({"version": API_VERSION, "kept_limit": kept_limit})
        self._head = head[:-1] + b',"runs":['
        self._lock = threading.Lock()
        self._listing: Mapping[str, Series] | None = None
        self._parts: dict[str, tuple[Series, Part]] = {}
        self._body = Body(b"", b"", "")

    def body(self, listing: Mapping[str, Series]) -> Body:
        """Returns the index of `listing`, which must be a new object whenever it changes."""
        with self._lock:
            if listing is not self._listing:
                self._parts = {id_: self._part(series) for id_, series in listing.items()}
                self._body = _body(self._head, list(self._parts.values()))
                self._listing = listing
            return self._body

    def _part(self, series: Series) -> tuple[Series, Part]:
        known = self._parts.get(series.id)
        if known is not None and known[0] is series:
            return known
        return series, _part(b"" if series.layer is None else _text(_series_to_json(series)))


def _body(head: bytes, found: list[tuple[Series, Part]]) -> Body:
    runs: dict[str, tuple[list[Part], bool]] = {}
    for series, part in found:
        parts, has_probe = runs.get(series.run, ([], False))
        if series.layer is None:
            has_probe = bool(series.data)
        else:
            parts.append(part)
        runs[series.run] = parts, has_probe
    pieces = [_make_stored_part(head)]
    for number, (run, (parts, has_probe)) in enumerate(runs.items()):
        start = _text({"id": run_id(run), "run": run, "probe": has_probe})
        pieces.append(_make_stored_part((b"," if number else b"") + start[:-1] + b',"series":['))
        for index, part in enumerate(parts):
            pieces += [_make_stored_part(b","), part] if index else [part]
        pieces.append(_make_stored_part(b"]}"))
    pieces.append(_make_stored_part(b"]}"))
    data = b"".join(piece.text for piece in pieces)
    trailer = struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
    deflated = b"".join(piece.deflated for piece in pieces)
    etag = hashlib.blake2b(data, digest_size=8).hexdigest()
    return Body(data, _GZIP_HEADER + deflated + _LAST_BLOCK + trailer, etag)


def _part(text: bytes) -> Part:
    if len(text) < _SHORT:
        return _make_stored_part(text)
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return Part(text, deflate.compress(text) + deflate.flush(zlib.Z_FULL_FLUSH))


def _make_stored_part(text: bytes) -> Part:
    """Returns a short text as deflate blocks without compression."""
    blocks = b""
    for start in range(0, len(text), _LONGEST_BLOCK):
        block = text[start : start + _LONGEST_BLOCK]
        blocks += struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF) + block
    return Part(text, blocks)


def _series_to_json(series: Series) -> dict[str, Any]:
    return {
        "id": series.id,
        "layer": series.layer,
        "steps": [datum.step for datum in series.data],
        "wall_times": [datum.wall_time for datum in series.data],
        "versions": [datum.version for datum in series.data],
        "shortcuts": [datum.step for datum in series.shortcuts],
    }


def _text(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
