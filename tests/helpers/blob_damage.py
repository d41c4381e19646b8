# SPDX-License-Identifier: Apache-2.0
"""Damage to blobs: changed bytes, and changed manifests with correct checksums."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from tensorboard_plugin_atlas.wire.atlas_codec import (
    checksum,
)


def mutate_bytes(data: bytes, random_state: random.Random) -> bytes:
    at = random_state.randrange(len(data))
    kind = random_state.randrange(4)
    if kind == 0:
        return data[:at] + bytes([data[at] ^ 1 << random_state.randrange(8)]) + data[at + 1 :]
    if kind == 1:
        return data[:at]
    if kind == 2:
        return data[:at] + random_state.randbytes(random_state.randrange(1, 9)) + data[at:]
    return data[:at] + random_state.randbytes(4) + data[at + 4 :]


def rewrite_manifest(
    parts: list[bytes], change: Callable[[dict[str, Any]], object] = id
) -> list[bytes]:
    """Applies `change` to the manifest of a record and updates all lengths and checksums."""
    document = json.loads(parts[0][9:])
    for entry, data in zip(document["blobs"], parts[1:], strict=True):
        entry |= {"bytes": len(data), "crc32c": checksum(data)}
    change(document)
    text = json.dumps(document).encode()
    return [checksum(text).encode() + b"\n" + text, *parts[1:]]
