# SPDX-License-Identifier: Apache-2.0
"""Event files in object stores (`s3://`, `gs://`, `memory://`, and others of fsspec).

Object stores cannot append, so each flush uploads one object: a complete event file with the next
number. TensorBoard reads the files of a run in the order of their names, and none of them grows.
"""

from __future__ import annotations

import threading
import time
from typing import Any, BinaryIO, Final

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.event_file import RecordSink, frame
from tensorboard_plugin_atlas.logs.file_names import make_next_file_name
from tensorboard_plugin_atlas.logs.protos import make_version_payload

COMMIT_BYTES: Final = 64 << 20
"""Pending records are uploaded without a flush when they reach this size in bytes."""

WAITING_BYTES: Final = 4 * COMMIT_BYTES
"""Largest size of pending records while the store cannot be reached; further ones are rejected."""

_PACKAGES: Final = {"s3": "s3fs", "s3a": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs"}


def is_url(directory: str) -> bool:
    """Returns whether `directory` is a URL such as `s3://bucket/logs`."""
    return "://" in directory


def file_system(url: str) -> tuple[Any, str]:
    """Returns the fsspec file system of `url`, and the path of `url` in it.

    Raises:
        ArgumentError: if fsspec or the package for this store is not installed, or if the protocol
            is unknown. The message names the command that installs a missing package.
    """
    protocol = url.partition("://")[0]
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        package = _PACKAGES.get(protocol)
        more = "" if package is None else f" {package}"
        raise ArgumentError(
            f"log_dir={url!r}: {error}; pip install 'tensorboard_plugin_atlas[remote]'{more}"
        ) from error
    except ValueError as error:
        raise ArgumentError(
            f"log_dir={url!r}: {error}; pass a local directory or a URL that fsspec supports"
        ) from error
    return system, str(path)


def remote_event_files(url: str) -> list[str]:
    """Returns the URLs of a run's event files, in the order in which TensorBoard reads them.

    Raises:
        ArgumentError: as `file_system` does.
        OSError: if the store cannot be read.
    """
    system, path = file_system(url)
    if not system.isdir(path):
        return []
    system.invalidate_cache(path)
    names = [str(found).rpartition("/")[2] for found in system.ls(path, detail=False)]
    return [f"{url.rstrip('/')}/{name}" for name in sorted(names) if "tfevents" in name]


def open_remote(url: str) -> BinaryIO:
    """Opens an object for reading; parts are loaded on demand if the store supports it.

    Raises:
        ArgumentError: as `file_system` does.
        OSError: if it cannot be read.
    """
    system, path = file_system(url)
    file: BinaryIO = system.open(path, "rb")
    return file


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
                    f"this record is dropped, since {waiting >> 20} MiB could not be uploaded to "
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
        there = [url.rpartition("/")[2] for url in remote_event_files(self._url)]
        return make_next_file_name(there, created, self._number)
