# SPDX-License-Identifier: Apache-2.0
"""Upgrades manifests and blobs of wire version 1 to version 2, before they are checked.

Version 2 renamed some keys and made all keys required. The table of renamed keys is in
`http_api.md`. Nothing else of the package knows version 1.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any, Final

from tensorboard_plugin_atlas.wire.limits import MAX_ARRAY_HEADER_BYTES

_RENAMED: Final = {"frame": "viewport", "lifelines": "concepts"}  # word-check: ok
_RENAMED_QUALITY: Final = {"knn_kept": "neighbors_kept"}
_RENAMED_AXIS: Final = {"trust": "trustworthiness"}
_RENAMED_ARRAYS: Final = {"lifelines": "concepts"}  # word-check: ok
_DEFAULTS: Final[Mapping[str, Any]] = {
    "skipped": [],
    "viewport": None,
    "concepts": None,
    "events": [],
}
"""Keys that version 1 may lack or hold null for, with their values in version 2."""


def upgrade_manifest(document: Mapping[str, Any]) -> dict[str, Any]:
    """Returns a manifest of version 1 as one of version 2.

    Args:
        document: The untrusted manifest. It may hold anything; values of the wrong type are kept
            as they are, for the reader to refuse.
    """
    upgraded = _rename(document, _RENAMED) if document.get("kind") == "atlas" else dict(document)
    upgraded["version"] = 2
    if isinstance(upgraded.get("blobs"), list):
        upgraded["blobs"] = [_upgrade_blob(blob) for blob in upgraded["blobs"]]
    if upgraded.get("kind") == "atlas":
        for key, value in _DEFAULTS.items():
            if upgraded.get(key) is None:
                upgraded[key] = value
        for key, upgrade in (("quality", _upgrade_quality), ("provenance", _upgrade_provenance)):
            if isinstance(upgraded.get(key), dict):
                upgraded[key] = upgrade(upgraded[key])
    else:
        upgraded.setdefault("classes", None)
    if upgraded.get("kind") == "shortcuts":
        upgraded.setdefault("patches", None)
    return upgraded


def upgrade_arrays(data: bytes) -> bytes:
    """Returns a blob "map" of version 1 as one of version 2.

    Args:
        data: The untrusted blob. A blob that cannot be upgraded is returned as it is, for the
            reader to refuse.
    """
    length = int.from_bytes(data[:8], "little")
    if length > min(MAX_ARRAY_HEADER_BYTES, len(data) - 8):
        return data
    try:
        header = json.loads(data[8 : 8 + length])
    except (ValueError, RecursionError):
        return data
    if not isinstance(header, dict) or header.keys().isdisjoint(_RENAMED_ARRAYS):
        return data
    text = json.dumps(_rename(header, _RENAMED_ARRAYS), separators=(",", ":")).encode("ascii")
    # Offsets count from the end of the header; arrays stay aligned to 8 bytes.
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data[8 + length :]


def _upgrade_blob(blob: Any) -> Any:
    return {"grid": None, "page": None} | blob if isinstance(blob, dict) else blob


def _upgrade_quality(quality: Mapping[str, Any]) -> dict[str, Any]:
    optional = {"trustworthiness": None, "neighbors_kept": None, "effective_rank": None}
    return optional | _rename(quality, _RENAMED_QUALITY)


def _upgrade_provenance(provenance: Mapping[str, Any]) -> dict[str, Any]:
    info = provenance.get("layer_info")
    of_class = info.get("class_atlas") if isinstance(info, dict) else None
    axis = of_class.get("axis") if isinstance(of_class, dict) else None
    if not isinstance(info, dict) or not isinstance(of_class, dict) or not isinstance(axis, dict):
        return dict(provenance)
    of_class = of_class | {"axis": _rename(axis, _RENAMED_AXIS)}
    return dict(provenance) | {"layer_info": info | {"class_atlas": of_class}}


def _rename(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Returns the values under their new names; a value that had a new name already is ignored."""
    new = set(names.values())
    return {names.get(key, key): value for key, value in values.items() if key not in new}
