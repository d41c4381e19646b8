# SPDX-License-Identifier: Apache-2.0
"""Damaged blobs: changed bytes, and changed manifests under correct checksums."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from tensorboard_plugin_atlas.wire.atlas_codec import (
    checksum,
)


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    kind = chance.randrange(4)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + chance.randbytes(chance.randrange(1, 9)) + data[at:]
    return data[:at] + chance.randbytes(4) + data[at + 4 :]


def rewrite_manifest(
    parts: list[bytes], change: Callable[[dict[str, Any]], object] = id
) -> list[bytes]:
    """Returns `parts` with a manifest whose lengths and checksums fit, after `change`."""
    document = json.loads(parts[0][9:])
    for entry, data in zip(document["blobs"], parts[1:], strict=True):
        entry |= {"bytes": len(data), "crc32c": checksum(data)}
    change(document)
    text = json.dumps(document).encode()
    return [checksum(text).encode() + b"\n" + text, *parts[1:]]
