# SPDX-License-Identifier: Apache-2.0
"""Names of event files: each new one sorts after those that are there, whatever the clock says.

TensorBoard reads the event files of a run in the order of their names, and its Python loader never
reads a file that sorts before the one it has reached. A name starts with the second in which the
file was made. Clocks go back (NTP, a container that resumes, a board without a battery), and two
processes can start in one second: where the clock's name would not be the last one, the name
follows from the last one instead.
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
"""Longest name that common file systems take."""


def file_name(created: float, number: int) -> str:
    """Returns the name that the clock gives to an event file of this process.

    Args:
        created: Seconds since the epoch.
        number: Which of the process's files it is.
    """
    host, process = socket.gethostname(), os.getpid()
    return f"events.out.tfevents.{int(created):010d}.{host}.{process}.{number:06d}.atlas"


def next_file_name(names: Iterable[str], created: float, number: int) -> str:
    """Returns a name for a new event file that sorts after all of `names`.

    The clock's name if it does, else that of the second after the last file's. Behind a name that
    states no such second ("backup.tfevents", or the last second of ten digits) the last name itself
    goes on with a count.

    Args:
        names: Event files that are in the directory, with or without other files.
        created: Seconds since the epoch.
        number: Which of the process's files it is.
    """
    last = max((name for name in names if "tfevents" in name), default="")
    found = _SECOND.match(last)
    seconds = (created,) if found is None else (created, int(found[1]) + 1)
    for name in (file_name(second, number) for second in seconds):
        if name > last:
            return name
    counted = _COUNTED.fullmatch(last)
    stem, count = (last, 0) if counted is None else (counted[1], int(counted[2]))
    name = f"{stem}~{count + 1:06d}"
    return name if len(os.fsencode(name)) <= _MOST_BYTES else file_name(created, number)
