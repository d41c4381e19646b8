# SPDX-License-Identifier: Apache-2.0
"""Paths in object stores: `s3://`, `gs://`, `hf://`, `memory://`, and other URLs of fsspec.

Each store raises exceptions of its own packages. Here they are raised as OSError: its text states
what to set if credentials are missing, and its file name is the URL.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final, Literal

from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error

_MANGLED: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.:-]*[A-Za-z0-9]):/(?!/)")
"""Start of a URL after `pathlib.Path` replaced `//` by `/`; "C:/" is a drive of Windows."""

_BUFFER_BYTES: Final = 1 << 16
_DENIED: Final = (401, 403)
"""HTTP status codes of requests with missing or wrong credentials."""


@dataclass(frozen=True)
class _Store:
    """The fsspec package of a store, and how to pass credentials to it."""

    package: str
    login: str


_S3: Final = _Store("s3fs", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE")
_GOOGLE: Final = _Store(
    "gcsfs",
    "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS",
)
_AZURE: Final = _Store("adlfs", "set AZURE_STORAGE_CONNECTION_STRING")
_STORES: Final = {
    "s3": _S3,
    "s3a": _S3,
    "gs": _GOOGLE,
    "gcs": _GOOGLE,
    "az": _AZURE,
    "abfs": _AZURE,
    "hf": _Store("huggingface_hub", "run `hf auth login`, or set HF_TOKEN"),
}


def is_url(directory: str) -> bool:
    """Returns whether `directory` is a URL such as `s3://bucket/logs`."""
    return "://" in directory


def restore_url(path: str) -> str:
    """Returns the URL that `pathlib.Path` changed to `s3:/bucket/logs`; other paths as they are.

    A local directory whose name looks like that is not a URL.
    """
    start = _MANGLED.match(path)
    if start is None or os.path.exists(path[: start.end()]):  # noqa: PTH110 - text, not a path
        return path
    slashes = "///" if start[1].endswith("file") else "//"
    return f"{start[1]}:{slashes}{path[start.end() :]}"


def file_system(url: str) -> tuple[Any, str]:
    """Returns the fsspec file system of `url`, and the path of `url` in it.

    Raises:
        ArgumentError: if fsspec or the package for this store is not installed, or if the protocol
            is unknown. The message names the command that installs a missing package.
    """
    try:
        import fsspec

        system, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        store = _STORES.get(_protocol(url))
        more = "" if store is None else f" {store.package}"
        raise ArgumentError(
            f"log_dir={url!r}: {error}; pip install 'tensorboard_plugin_atlas[remote]'{more}"
        ) from error
    except ValueError as error:
        raise ArgumentError(
            f"log_dir={url!r}: {error}; pass a local directory or a URL that fsspec supports"
        ) from error
    return system, str(path)


@contextlib.contextmanager
def translate_errors(url: str) -> Iterator[None]:
    """Raises errors of the store of `url` as OSError.

    Raises:
        FileNotFoundError: if the file or directory does not exist.
        PermissionError: if credentials are missing or wrong; the text states what to set.
        OSError: for all other errors.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), url) from error
    except ArgumentError:
        raise
    except Exception as error:  # each store has types of its own
        reason = summarize_error(error)
        if not _is_denied(error):
            raise OSError(errno.EIO, reason, url) from error
        store = _STORES.get(_protocol(url))
        advice = "check the credentials" if store is None else store.login
        raise PermissionError(errno.EACCES, f"{reason}; {advice}", url) from error


def _is_denied(error: BaseException | None) -> bool:
    """Returns whether credentials are missing or wrong."""
    if error is None:
        return False
    code = getattr(error, "code", None) or getattr(error, "status_code", None)
    return (
        isinstance(error, PermissionError)
        or "Credentials" in type(error).__name__
        or code in _DENIED
        or _is_denied(error.__cause__)
    )


def _protocol(url: str) -> str:
    return url.partition("://")[0].rpartition("::")[2]


@dataclass(frozen=True, order=True)
class RemotePath:
    """A file or directory in an object store, with the methods of `Path` that readers need.

    All methods that reach the store raise ArgumentError as `file_system` does, and OSError as
    `translate_errors` does.

    Attributes:
        url: The URL, without a slash at the end.
    """

    url: str

    def __str__(self) -> str:
        return self.url

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self.url}/{name}")

    @property
    def name(self) -> str:
        """Last part of the URL."""
        return self.url.rpartition("/")[2]

    @property
    def parent(self) -> RemotePath:
        """The directory above; that of a bucket is itself."""
        above = self.url.rpartition("/")[0]
        return self if above.endswith("/") else RemotePath(above)

    def resolve(self) -> RemotePath:
        """Returns this path, since URLs are absolute."""
        return self

    absolute = resolve

    def is_dir(self) -> bool:
        """Returns whether objects are stored below this path."""
        with translate_errors(self.url):
            system, path = file_system(self.url)
            system.invalidate_cache(path)
            return bool(system.isdir(path))

    def exists(self) -> bool:
        """Returns whether this is an object or a directory."""
        with translate_errors(self.url):
            system, path = file_system(self.url)
            return bool(system.exists(path))

    def size(self) -> int:
        """Returns the size of an object in bytes."""
        with translate_errors(self.url):
            system, path = file_system(self.url)
            return int(system.size(path))

    def list_names(self, kind: Literal["file", "directory"]) -> list[str]:
        """Returns the names of the objects, or of the directories, directly below this path."""
        with translate_errors(self.url):
            system, path = file_system(self.url)
            system.invalidate_cache(path)
            found = [one for one in system.ls(path, detail=True) if one["type"] == kind]
        return [str(one["name"]).rstrip("/").rpartition("/")[2] for one in found]

    def find_files(self) -> list[PurePosixPath]:
        """Returns the paths of all objects below this path, relative to it.

        Names that a local path cannot have, such as "a/../b", are left out: they would lead out of
        the directory to which a log is copied.
        """
        with translate_errors(self.url):
            system, path = file_system(self.url)
            system.invalidate_cache(path)
            top = path.rstrip("/") + "/"
            names = [str(found).removeprefix(top) for found in system.find(path)]
        return [PurePosixPath(name) for name in names if not {"", ".", ".."} & {*name.split("/")}]

    def open(self, mode: str = "rb") -> BinaryIO:
        """Opens an object for reading; parts are loaded on demand if the store supports it."""
        with translate_errors(self.url):
            system, path = file_system(self.url)
            return io.BufferedReader(
                _ObjectReader(self.url, system.open(path, mode)), _BUFFER_BYTES
            )


class _ObjectReader(io.RawIOBase):
    """Reads an object, and raises errors of its store as OSError."""

    def __init__(self, url: str, file: Any) -> None:
        self._url = url
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        with translate_errors(self._url):
            return int(self._file.seek(offset, whence))

    def readinto(self, buffer: Any) -> int:
        with translate_errors(self._url):
            data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()
