# SPDX-License-Identifier: Apache-2.0
"""Blob 0 of a sequence: a small JSON manifest that states what the other blobs are.

TensorBoard's fast loader verifies no checksum, so damage is found here: the manifest has its own
CRC-32C, and the length and CRC-32C of every other blob. A manifest is untrusted: its size is
checked before it is parsed, and every value before it is used. `manifest_types` states the types
and limits of its fields, and `manifest_rules` the rules that involve several of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import google_crc32c
import msgspec
import numpy as np

from tensorboard_plugin_atlas.errors import ArgumentError, DamageError, TooNewError
from tensorboard_plugin_atlas.log_names import WIRE_VERSION
from tensorboard_plugin_atlas.sprite_sheets import check_page
from tensorboard_plugin_atlas.wire import version_1_upgrade, version_2_upgrade, version_3_upgrade
from tensorboard_plugin_atlas.wire.field_errors import explain_error, field_error
from tensorboard_plugin_atlas.wire.limits import (
    MAX_BLOBS,
    MAX_MANIFEST_BYTES,
    MAX_MANIFEST_VALUES,
    MAX_SEQUENCE_BYTES,
)
from tensorboard_plugin_atlas.wire.manifest_rules import FORMATS, check_rules
from tensorboard_plugin_atlas.wire.manifest_types import (
    MANIFESTS,
    AnyManifest,
    BlobEntry,
    Role,
)

_CHECKSUM_DIGITS: Final = 8
_MAX_VERSION: Final = 2**31


@dataclass(frozen=True, kw_only=True, eq=False)
class Manifest:
    """A manifest that passed all checks.

    Attributes:
        kind: "atlas", "probe" or "shortcuts".
        version: Wire version that it was written with.
        mark: Checksum of the JSON as it was stored, eight hex digits.
        served_mark: Checksum of `text`; another than `mark` if the manifest was upgraded.
        text: The JSON in the current wire version, UTF-8.
        fields: Its fields in the current wire version.
        pictures: Width and height in pixels of each blob, None for arrays.
    """

    kind: str
    version: int
    mark: str
    served_mark: str
    text: bytes
    fields: AnyManifest
    pictures: tuple[tuple[int, int] | None, ...]

    @property
    def blobs(self) -> tuple[BlobEntry, ...]:
        """`blobs[i]` describes blob i + 1 of the sequence."""
        return self.fields.blobs

    def indices(self, role: str) -> tuple[int, ...]:
        """Returns the indices within the sequence of the blobs of `role`, from 1."""
        return tuple(i for i, blob in enumerate(self.blobs, start=1) if blob.role == role)


def checksum(data: bytes) -> str:
    """Returns the CRC-32C of `data` as eight lower-case hex digits."""
    return f"{google_crc32c.value(data):08x}"


def describe_blob(
    role: Role, data: bytes, *, grid: int | None = None, page: int | None = None
) -> BlobEntry:
    """Returns the entry of a blob, for a manifest that is to be written."""
    return BlobEntry(
        role=role,
        format=FORMATS[role],
        bytes=len(data),
        crc32c=checksum(data),
        grid=grid,
        page=page,
    )


def write_manifest(fields: AnyManifest) -> bytes:
    """Returns blob 0: the fields as JSON, with null for NaN and infinity.

    Raises:
        ArgumentError: if the sequence is larger than readers accept.
    """
    kind, blobs = fields.kind, fields.blobs
    total = sum(blob.bytes for blob in blobs)
    if len(blobs) > MAX_BLOBS or total > MAX_SEQUENCE_BYTES:
        raise ArgumentError(
            f"{kind}: {len(blobs)} blobs of {total / 2**20:.1f} MiB in total, readers accept "
            f"{MAX_BLOBS} of {MAX_SEQUENCE_BYTES >> 20} MiB; pass fewer samples, classes or grids"
        )
    document = _finite(msgspec.to_builtins(fields, enc_hook=_unbox))
    # Escaped ASCII also carries lone surrogates, which file names may hold and UTF-8 may not.
    text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    if len(text) > MAX_MANIFEST_BYTES - _CHECKSUM_DIGITS - 1:
        raise ArgumentError(
            f"{kind}: the names and settings are {len(text):,} bytes, readers accept "
            f"{MAX_MANIFEST_BYTES:,}; shorten layer, classes or notes"
        )
    if value_count(text) > MAX_MANIFEST_VALUES:
        raise ArgumentError(
            f"{kind}: the names and settings are {value_count(text):,} values, readers accept "
            f"{MAX_MANIFEST_VALUES:,}; pass fewer classes or notes"
        )
    return checksum(text).encode("ascii") + b"\n" + text


def _unbox(value: object) -> Any:
    """Returns a numpy scalar as a Python number."""
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} in a manifest")


def _finite(value: Any) -> Any:
    """Returns a JSON value with null for NaN and infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value


def value_count(text: bytes) -> int:
    """Returns an upper bound on the values in a JSON text, without parsing it."""
    return 1 + text.count(b",") + text.count(b"[") + text.count(b"{")


def read_manifest(blob: bytes) -> Manifest:
    """Reads blob 0.

    Raises:
        TooNewError: if it follows a newer wire version.
        DamageError: if it breaks a rule of the wire format; the message names the field.
    """
    text = _checked_text(blob)
    try:
        return _read(text)
    except RecursionError as error:
        raise DamageError("manifest: nested too deeply") from error


def check_blob(manifest: Manifest, index: int, data: bytes) -> None:
    """Checks that `data` is blob number `index` (from 1) of the sequence of `manifest`.

    Raises:
        DamageError: naming the blob and the number that differs.
    """
    entry = manifest.blobs[index - 1]
    where = entry.describe(index)
    if len(data) != entry.bytes:
        raise DamageError(f"{where}: {len(data):,} bytes, its manifest says {entry.bytes:,}")
    found = checksum(data)
    if found != entry.crc32c:
        raise DamageError(f"{where}: checksum {found}, its manifest says {entry.crc32c}")
    picture = manifest.pictures[index - 1]
    if picture is not None:
        check_page(data, picture, where)


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


def _read(text: bytes) -> Manifest:
    document = _parse(text)
    version, kind = document.get("version"), document.get("kind")
    if type(version) is not int or not 1 <= version <= _MAX_VERSION:
        raise field_error(document, "version", f"a wire version from 1 to {WIRE_VERSION}")
    if version > WIRE_VERSION:
        raise TooNewError(
            f"written with wire version {version}, this release reads up to {WIRE_VERSION}; "
            "update tensorboard_plugin_atlas"
        )
    if not isinstance(kind, str) or kind not in MANIFESTS:
        raise field_error(document, "kind", "one of " + ", ".join(MANIFESTS))
    stored = text
    if version < WIRE_VERSION:
        document = _upgrade(document, version)
        text = _write(document)
    try:
        fields = msgspec.convert(document, MANIFESTS[kind])
    except msgspec.ValidationError as error:
        raise explain_error(document, str(error)) from error
    except UnicodeEncodeError as error:  # of a lone surrogate in a key or in one of fixed values
        raise DamageError("manifest: a key or value is not Unicode text") from error
    pictures = check_rules(fields, document)
    mark = checksum(stored)
    return Manifest(
        kind=kind,
        version=version,
        mark=mark,
        served_mark=mark if text is stored else checksum(text),
        text=text,
        fields=fields,
        pictures=pictures,
    )


def _upgrade(document: Mapping[str, Any], version: int) -> dict[str, Any]:
    if version < 2:
        document = version_1_upgrade.upgrade_manifest(document)
    if version < 3:
        document = version_2_upgrade.upgrade_manifest(document)
    return version_3_upgrade.upgrade_manifest(document)


def _parse(text: bytes) -> dict[str, Any]:
    # Two bytes of text can make a Python object of 56 and more: limit them before parsing.
    if value_count(text) > MAX_MANIFEST_VALUES:
        raise DamageError(f"manifest: more than {MAX_MANIFEST_VALUES:,} values, lists and objects")
    try:
        # msgspec refuses the lone surrogates that names of files can hold.
        document = json.loads(text, parse_constant=_refuse_constant)
    except ValueError as error:
        raise DamageError("manifest: not JSON") from error
    if not isinstance(document, dict):
        raise DamageError("manifest: not a JSON object")
    return document


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _write(document: Mapping[str, Any]) -> bytes:
    """Returns an upgraded manifest as JSON."""
    try:
        text = json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii")
    except ValueError as error:
        raise DamageError("manifest: holds a number that JSON cannot express") from error
    if len(text) > MAX_MANIFEST_BYTES:
        raise DamageError(
            f"manifest: {len(text):,} bytes when upgraded to wire version {WIRE_VERSION}, "
            f"at most {MAX_MANIFEST_BYTES:,} allowed"
        )
    return text
