# SPDX-License-Identifier: Apache-2.0
"""Writes event files to object stores.

Object stores cannot append, so each flush uploads one object: a complete event file with the next
number. TensorBoard reads the files of a run in the order of their names, and none of them grows.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Final

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.event_file import RecordSink, frame
from tensorboard_plugin_atlas.logs.file_names import make_next_file_name
from tensorboard_plugin_atlas.logs.protos import make_version_payload
from tensorboard_plugin_atlas.logs.remote_path import RemotePath, file_system, translate_errors

COMMIT_BYTES: Final = 64 << 20
"""Pending records are uploaded without a flush when they reach this size in bytes."""

WAITING_BYTES: Final = 4 * COMMIT_BYTES
"""Largest size of pending records while the store cannot be reached; further ones are rejected."""


class RemoteSink(RecordSink):
    """Uploads the records of each flush as one event file to an object store. Thread safe.

    Durability: records are kept in memory until `flush` or `close` is called or they reach 64 MiB.
    Then they are uploaded in one request, and are in the store when the call returns. Stores save
    an object completely or not at all. Records that could not be uploaded are kept for the next
    flush; `append` rejects more than 256 MiB of them.

    Args:
        url: Directory of the run.

    Raises:
        ArgumentError: as `file_system` does.
    """

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._system, self._path = file_system(self._url)
        self._lock = threading.Lock()
        self._number = 0
        self._last: str | None = None
        self._name: str | None = None
        self._waiting: list[bytes] = []

    @property
    def location(self) -> str:
        """The URL."""
        return self._url

    def check_access(self) -> None:
        """Checks that the store can be reached, so that missing credentials are found at the start.

        Raises:
            ArgumentError: if it cannot; the message states what to set.
        """
        try:
            RemotePath(self._url).is_dir()
        except OSError as error:
            raise ArgumentError(
                f"log_dir={self._url!r} cannot be used ({error.strerror or error})"
            ) from error

    def append(self, payload: bytes) -> None:
        """Keeps one event for the next flush.

        Raises:
            OSError: if pending records had to be uploaded and could not.
        """
        record = frame(payload)
        with self._lock:
            waiting = sum(map(len, self._waiting))
            if waiting + len(record) > WAITING_BYTES:
                raise OSError(
                    f"this record is lost, since {waiting >> 20} MiB could not be uploaded to "
                    f"{self._url!r}; check the connection and the credentials"
                )
            self._waiting.append(record)
            if waiting + len(record) >= COMMIT_BYTES:
                self._put()

    def flush(self) -> None:
        """Uploads all pending records.

        Raises:
            OSError: if they cannot be uploaded; they are kept then.
        """
        with self._lock:
            self._put()

    def close(self) -> None:
        """Flushes."""
        self.flush()

    def _put(self) -> None:
        if not self._waiting:
            return
        created = time.time()
        with translate_errors(self._url):
            if self._name is None:
                self._name = self._next_name(created)
            records = [frame(make_version_payload(created)), *self._waiting]
            self._system.pipe_file(f"{self._path}/{self._name}", b"".join(records))
        # The name changes only after success: an upload that seemed to fail may have succeeded.
        self._last, self._name = self._name, None
        self._number += 1
        self._waiting = []

    def _next_name(self, created: float) -> str:
        """Returns a name that sorts after the existing ones; lists the store once."""
        if self._last is not None:
            return make_next_file_name([self._last], created, self._number)
        self._system.makedirs(self._path, exist_ok=True)
        there: list[str] = []
        with contextlib.suppress(FileNotFoundError):  # some stores have no empty directories
            there = RemotePath(self._url).list_names("file")
        return make_next_file_name(there, created, self._number)
