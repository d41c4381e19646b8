# SPDX-License-Identifier: Apache-2.0
"""A manifest and a blob as the body of one response; see `http_api.md`."""

from __future__ import annotations

import struct


def join_pack(text: bytes, data: bytes) -> bytes:
    """Returns the length of the manifest (uint32), the manifest, and a blob.

    Args:
        text: The manifest, JSON; spaces are added so that the blob starts at a multiple of 8 bytes.
        data: The blob.
    """
    padded = text + b" " * (-(4 + len(text)) % 8)
    return struct.pack("<I", len(padded)) + padded + data
