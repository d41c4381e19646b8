# SPDX-License-Identifier: Apache-2.0
"""Reads one blob of a log, up to a maximum size.

TensorBoard's references to blobs contain no sizes. The data server sends a blob in parts of 8 MiB:
they are read one by one, and the call ends at the first part beyond the maximum. TensorBoard's own
`read_blob` would hold the whole blob twice. The Python loader has the record in memory and copies
all blobs of the step for each read, so with that loader only one read runs at a time.

gRPC reads ahead, so a rejected read takes more memory than one part: up to 110 MiB alone, and up to
160 MiB with three other reads (measured with blobs of 60 and 500 MiB). After the first rejected
blob, all reads run one at a time.
"""

from __future__ import annotations

import contextlib
import ctypes
import threading
from collections.abc import Callable, Iterator
from typing import Any, Final

from tensorboard.errors import InvalidArgumentError, NotFoundError

from tensorboard_plugin_atlas.errors import DamageError

PARALLEL_READS: Final = 4
"""Number of concurrent reads: with the data server, each small read takes about 40 ms."""

LARGE_BYTES: Final = 8 << 20
"""A read with a larger maximum size runs alone."""

_UNREADABLE_NAME: Final = (
    "TensorBoard's data server cannot read it, for example because the run's name contains a "
    "quotation mark, a backslash, or a control character; rename the run's folder, or start "
    "TensorBoard with --load_fast=false"
)


class BlobReader:
    """Reads blobs from a data provider. Thread safe.

    Args:
        provider: TensorBoard's data provider.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._stream = _find_stream(provider)
        self._queue_lock = threading.Lock()
        self._capacity = threading.Condition()
        self._running = 0
        self._is_one_by_one = self._stream is None

    @property
    def is_serial(self) -> bool:
        """Whether only one read runs at a time."""
        return self._is_one_by_one

    def read(self, context: Any, blob_key: str, most: int, name: str) -> bytes:
        """Returns one blob.

        Args:
            context: TensorBoard's context of the request.
            blob_key: TensorBoard's key of the blob.
            most: Maximum size in bytes.
            name: Name of the blob in messages.

        Raises:
            DamageError: if it is larger, or TensorBoard cannot read it.
            NotFoundError: if TensorBoard no longer has it.
        """
        with self._wait_for_turn(self._is_one_by_one or most > LARGE_BYTES):
            try:
                if self._stream is None:
                    data = self._provider.read_blob(ctx=context, blob_key=blob_key)
                    size = len(data) if isinstance(data, bytes) else 0
                else:
                    data, size = _join_parts(self._stream(blob_key), most)
            except (IndexError, TypeError, ValueError) as error:
                raise DamageError(f"{name}: TensorBoard cannot read it") from error
            except InvalidArgumentError as error:
                # The data server cannot parse its own keys if a name in them is escaped.
                raise DamageError(f"{name}: {_UNREADABLE_NAME}") from error
            # The Python loader returns object arrays for tensors of another rank; `bytes()` of one
            # would be pointers of this process.
            if not isinstance(data, bytes):
                raise DamageError(f"{name}: not bytes")
            if size > most:
                # A log with one such blob may have more: from now on, one read at a time.
                self._is_one_by_one = True
                data = b""
                trim_memory()
                raise DamageError(f"{name}: {size:,} bytes or more, at most {most:,} allowed")
        return data

    @contextlib.contextmanager
    def _wait_for_turn(self, is_alone: bool) -> Iterator[None]:
        """Waits until the read may run; one with `is_alone` waits until no other is running."""
        share = PARALLEL_READS if is_alone else 1
        # Only one read waits for capacity at a time, so that small reads cannot starve a large one.
        with self._queue_lock, self._capacity:
            self._capacity.wait_for(lambda: self._running + share <= PARALLEL_READS)
            self._running += share
        try:
            yield
        finally:
            with self._capacity:
                self._running -= share
                self._capacity.notify_all()


def _join_parts(parts: Iterator[bytes], most: int) -> tuple[bytes, int]:
    """Returns the joined parts and their size; b"" and the size so far if that exceeds `most`."""
    kept: list[bytes] = []
    size = 0
    with contextlib.closing(parts):  # type: ignore[type-var]
        for part in parts:
            size += len(part)
            if size > most:
                return b"", size
            kept.append(part)
    return (kept[0] if len(kept) == 1 else b"".join(kept)), size


def _find_stream(provider: Any) -> Callable[[str], Iterator[bytes]] | None:
    """Returns a function that reads a blob part by part, or None if TensorBoard has none.

    It uses a private stub of TensorBoard. Without it, whole blobs are read, which
    takes more memory.
    """
    try:
        import grpc  # type: ignore[import-untyped]
        from tensorboard.data.grpc_provider import GrpcDataProvider
        from tensorboard.data.proto.data_provider_pb2 import ReadBlobRequest
    except ImportError:
        return None
    read = getattr(getattr(provider, "_stub", None), "ReadBlob", None)
    if not isinstance(provider, GrpcDataProvider) or read is None:
        return None

    def stream(blob_key: str) -> Iterator[bytes]:
        call = read(ReadBlobRequest(blob_key=blob_key))
        try:
            for part in call:
                yield part.data
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
                raise InvalidArgumentError(error.details()) from error
            if error.code() == grpc.StatusCode.NOT_FOUND:
                raise NotFoundError(error.details()) from error
            raise
        finally:
            call.cancel()

    return stream


def trim_memory() -> None:
    """Returns freed memory to the system, which glibc otherwise keeps for each thread."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
