# SPDX-License-Identifier: Apache-2.0
"""Damage to event files: flipped bits, missing bytes, forged records."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from tensorboard_plugin_atlas.logs.event_file import compute_masked_crc, frame, scan_records


def find_record_offsets(path: Path) -> list[int]:
    return [record.offset for record in scan_records(path)]


def flip_bit(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def splice(path: Path, at: int, inserted: bytes, removed: int = 0) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:at] + inserted + data[at + removed :])


def make_header(length: int) -> bytes:
    stated = struct.pack("<Q", length)
    return stated + struct.pack("<I", compute_masked_crc(stated))


def iterate_damage(path: Path) -> Iterator[str]:
    """Damages `path` in one way after another, restores it in between, and yields their names."""
    whole, starts = path.read_bytes(), find_record_offsets(path)
    middle = starts[len(starts) // 2]
    for name, change in {
        "a flipped bit of data": lambda: flip_bit(path, middle + 900),
        "a flipped bit of a length": lambda: flip_bit(path, middle + 1),
        "missing bytes": lambda: splice(path, middle + 300, b"", 90),
        "random bytes in a record": lambda: splice(path, middle + 300, bytes(range(250))),
        "zeros between records": lambda: splice(path, middle, bytes(5000)),
        "a record that is not an event": lambda: splice(path, middle, frame(b"\xff\xff\xff")),
        "a huge length": lambda: splice(path, middle, make_header(1 << 62) + bytes(64)),
        "a huge length at the end": lambda: splice(path, len(whole), make_header(1 << 40)),
        "a truncated end": lambda: path.write_bytes(whole[:-700]),
    }.items():
        change()
        yield name
        path.write_bytes(whole)
