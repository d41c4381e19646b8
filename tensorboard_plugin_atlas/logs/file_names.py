# SPDX-License-Identifier: Apache-2.0
"""Names of event files: each new name sorts after the existing ones, even if the clock is wrong.

TensorBoard reads the event files of a run in the order of their names, and its Python loader never
reads a file that sorts before its current one. A name starts with the second of its creation.
Clocks can go back (NTP, resumed containers, boards without a battery), and two processes can start
in the same second. If the name from the clock would not be the last one, the new name is derived
from the last one instead.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterable
from typing import Final

_SECOND: Final = re.compile(r"events\.out\.tfevents\.([0-9]{10})\.")
_COUNTED: Final = re.compile(r"(.+)~([0-9]{6})", re.DOTALL)
_MOST_BYTES: Final = 255
"""Longest file name in common file systems."""


def make_file_name(created: float, number: int) -> str:
    """Returns the name of an event file of this process.

    Args:
        created: Creation time, seconds since the epoch.
        number: Number of the file within this process.
    """
    host, process = socket.gethostname(), os.getpid()
    return f"events.out.tfevents.{int(created):010d}.{host}.{process}.{number:06d}.atlas"


def make_next_file_name(names: Iterable[str], created: float, number: int) -> str:
    """Returns a name for a new event file that sorts after all of `names`.

    Uses the creation time if possible, or else the second after that of the last file. If the last
    name has no such second ("backup.tfevents", or the last one with ten digits), a counter is
    appended to it.

    Args:
        names: Names of the files in the directory; files that are not event files are ignored.
        created: Creation time, seconds since the epoch.
        number: Number of the file within this process.
    """
    last = max((name for name in names if "tfevents" in name), default="")
    found = _SECOND.match(last)
    seconds = (created,) if found is None else (created, int(found[1]) + 1)
    for name in (make_file_name(second, number) for second in seconds):
        if name > last:
            return name
    counted = _COUNTED.fullmatch(last)
    stem, count = (last, 0) if counted is None else (counted[1], int(counted[2]))
    name = f"{stem}~{count + 1:06d}"
    return name if len(os.fsencode(name)) <= _MOST_BYTES else make_file_name(created, number)
