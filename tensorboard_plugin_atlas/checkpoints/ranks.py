# SPDX-License-Identifier: Apache-2.0
"""Ranks of `torchrun` that share a build: each computes some of the layers, and rank 0 logs all.

The maps and icons of a layer continue those of the checkpoint before, so all checkpoints of a layer
are computed by one rank. A rank other than 0 writes the records of a checkpoint to a file, which
rank 0 appends to the log. The records and their order are those of a build in one process.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from torch.distributed.rendezvous import rendezvous

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import PROBE_TAG
from tensorboard_plugin_atlas.logs.event_file import RecordSink, frame, scan_records

_TIMEOUT: Final = timedelta(hours=1)
"""How long a rank waits for the plan of rank 0, which reads the probe and the log before."""
_POLL_SECONDS: Final = 0.02


@dataclass(frozen=True)
class Ranks:
    """The processes that share a build.

    Attributes:
        rank: Number of this process, from 0.
        size: Number of processes.
        folder: Folder for the records of all ranks; unused by a single process.
        store: Key-value store that the ranks share; None for a single process.
    """

    rank: int = 0
    size: int = 1
    folder: Path = Path()
    store: Any = None

    def share(self, key: str, value: object) -> Any:
        """Returns the value that rank 0 passed for this key; the values of other ranks are ignored.

        Args:
            key: A name that is used once.
            value: A value that JSON can hold.
        """
        if self.store is None:
            return value
        name = _name_key(key)
        if self.rank == 0:
            self.store.set(name, json.dumps(value))
        return json.loads(self.store.get(name))

    def wait_for_all(self, key: str) -> None:
        """Waits until all ranks have called this method with this key."""
        if self.store is None:
            return
        name = _name_key(key)
        if self.store.add(f"{name}/count", 1) == self.size:
            self.store.set(f"{name}/all", "")
        self.store.wait([f"{name}/all"])


def _name_key(key: str) -> str:
    """Returns a name for the shared store, which outlives a restart of all ranks."""
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return f"tensorboard_plugin_atlas/{attempt}/{key}"


_ranks: ContextVar[Ranks | None] = ContextVar("ranks", default=None)


def get_ranks() -> Ranks:
    """Returns the processes that share a build; only this one outside of `join_ranks`."""
    return _ranks.get() or Ranks()


@contextlib.contextmanager
def join_ranks() -> Iterator[Ranks]:
    """Shares builds inside the block with the other processes that `torchrun` started.

    Without `torchrun`, or with one process, builds are not shared. `RANK` alone does not decide:
    clusters set it for programs of all kinds.

    Raises:
        ArgumentError: if the processes run on several machines.
    """
    sizes = [os.environ.get(name, "1") for name in ("WORLD_SIZE", "LOCAL_WORLD_SIZE")]
    if "TORCHELASTIC_RUN_ID" not in os.environ or sizes[0] == "1":
        yield get_ranks()
        return
    if sizes[0] != sizes[1]:
        raise ArgumentError(
            f"torchrun started {sizes[0]} processes, {sizes[1]} of them on this machine, but they "
            "pass records on through a local folder; start all on one machine: torchrun "
            f"--nproc-per-node {sizes[0]}"
        )
    store, rank, size = next(iter(rendezvous("env://")))
    store.set_timeout(_TIMEOUT)
    own = tempfile.mkdtemp(prefix="tensorboard-atlas-") if rank == 0 else ""
    folder = Path(Ranks(rank, size, store=store).share("folder", own))
    token = _ranks.set(Ranks(rank, size, folder, store))
    try:
        yield get_ranks()
    finally:
        _ranks.reset(token)
        if rank == 0:
            shutil.rmtree(folder, ignore_errors=True)


def split_layers(layers: Sequence[str], ranks: int) -> tuple[tuple[str, ...], ...]:
    """Splits layers into consecutive parts of about equal length, one for each rank.

    The last parts are empty if there are more ranks than layers.
    """
    sizes = [len(layers) // ranks + (rank < len(layers) % ranks) for rank in range(ranks)]
    ends = itertools.accumulate(sizes)
    return tuple(tuple(layers[end - size : end]) for size, end in zip(sizes, ends, strict=True))


class RankSink(RecordSink):
    """Writes the records of each checkpoint to a file for rank 0.

    Args:
        location: Directory or URL of the log that rank 0 writes, which is continued.
        folder: Folder of all ranks.
        rank: Number of this process.
    """

    def __init__(self, location: str, folder: Path, rank: int) -> None:
        self._location = location
        self._folder, self._rank = folder, rank
        self._file: BinaryIO | None = None

    @property
    def location(self) -> str:
        """The directory or URL of the log."""
        return self._location

    def write(
        self, tag: str, blobs: Sequence[bytes], step: int, wall_time: float | None = None
    ) -> None:
        """Appends one blob sequence, except for the images of the probe, which rank 0 logs."""
        if tag != PROBE_TAG:
            super().write(tag, blobs, step, wall_time)

    def append(self, payload: bytes) -> None:
        """Appends one event as a record."""
        if self._file is None:
            self._file = (self._folder / f"{self._rank}.part").open("wb")
        self._file.write(frame(payload))

    def flush(self) -> None:
        """Does nothing: records are passed on when a checkpoint is complete."""

    def finish(self, step: int) -> None:
        """Passes the records of a checkpoint on to rank 0."""
        self.close()
        part = self._folder / f"{self._rank}.part"
        part.rename(_name_file(self._folder, self._rank, step))

    def close(self) -> None:
        """Closes the file; without `finish`, its records are lost."""
        if self._file is not None:
            self._file.close()
            self._file = None


def append_records(sink: RecordSink, folder: Path, rank: int, step: int) -> None:
    """Waits for the records that a rank made of a checkpoint, and appends them to the log.

    If the rank ends, `torchrun` ends this process, too.

    Raises:
        OSError: if the log cannot be written.
    """
    path = _name_file(folder, rank, step)
    while not path.exists():
        time.sleep(_POLL_SECONDS)
    for record in scan_records(path):
        sink.append(record.payload)
    sink.flush()
    path.unlink()


def _name_file(folder: Path, rank: int, step: int) -> Path:
    return folder / f"{rank}-{step}.records"
