# SPDX-License-Identifier: Apache-2.0
"""One blob of a log as bytes, refused where it is larger than its caller accepts.

TensorBoard's references to blobs carry no sizes. Its data server sends a blob in parts of 8 MiB:
they are read one by one, and the call ends at the first part that is too much. TensorBoard's own
`read_blob` would hold the whole blob twice. Its Python loader has the record in memory already and
copies all blobs of the step for each read, so that there only one read runs at a time.

gRPC reads ahead, so that a read which is refused takes more than one part: up to 110 MiB alone, up
to 160 MiB beside three others (measured with blobs of 60 and 500 MiB). After the first refusal all
reads run one by one.
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
"""Reads that run at a time: under the data server each small one waits about 40 ms."""

LARGE_BYTES: Final = 8 << 20
"""A read that may take more than this runs alone."""

_UNREADABLE_NAME: Final = (
    "TensorBoard's data server cannot read it, as where a run's name holds a quotation mark, a "
    "backslash or a control character; rename the run's folder, or start TensorBoard with "
    "--load_fast=false"
)


class BlobReader:
    """Reads blobs of one data provider. Thread safe.

    Args:
        provider: TensorBoard's data provider.
    """

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._stream = _stream_of(provider)
        self._door = threading.Lock()
        self._room = threading.Condition()
        self._running = 0
        self._is_wary = self._stream is None

    @property
    def is_serial(self) -> bool:
        """Whether only one read runs at a time, so that it is no use to begin several."""
        return self._is_wary

    def read(self, context: Any, blob_key: str, most: int, name: str) -> bytes:
        """Returns one blob.

        Args:
            context: TensorBoard's context of the request.
            blob_key: TensorBoard's name for the blob.
            most: Bytes that it may take.
            name: What messages call it.

        Raises:
            DamageError: if it is larger, or TensorBoard cannot read it.
            NotFoundError: if TensorBoard no longer has it.
        """
        with self._turn(self._is_wary or most > LARGE_BYTES):
            try:
                if self._stream is None:
                    data = self._provider.read_blob(ctx=context, blob_key=blob_key)
                    size = len(data) if isinstance(data, bytes) else 0
                else:
                    data, size = _joined(self._stream(blob_key), most)
            except (IndexError, TypeError, ValueError) as error:
                raise DamageError(f"{name}: TensorBoard cannot read it") from error
            except InvalidArgumentError as error:
                # The data server does not understand its own keys where a name in them is escaped.
                raise DamageError(f"{name}: {_UNREADABLE_NAME}") from error
            # The Python loader hands out object arrays for tensors of another rank; `bytes()` of
            # one would be the process's own pointers.
            if not isinstance(data, bytes):
                raise DamageError(f"{name}: not bytes")
            if size > most:
                # Who writes one such blob writes more: from now on, one read at a time.
                self._is_wary = True
                data = b""
                _return_memory()
                raise DamageError(f"{name}: {size:,} bytes or more, at most {most:,} allowed")
        return data

    @contextlib.contextmanager
    def _turn(self, is_alone: bool) -> Iterator[None]:
        """Waits for room among the reads that run; a read that is alone takes all of it."""
        share = PARALLEL_READS if is_alone else 1
        # Only one waits for room at a time, or small reads would keep a large one out.
        with self._door, self._room:
            self._room.wait_for(lambda: self._running + share <= PARALLEL_READS)
            self._running += share
        try:
            yield
        finally:
            with self._room:
                self._running -= share
                self._room.notify_all()


def _joined(parts: Iterator[bytes], most: int) -> tuple[bytes, int]:
    """Returns the parts as one and their size, or nothing and the size so far if it is too much."""
    kept: list[bytes] = []
    size = 0
    with contextlib.closing(parts):  # type: ignore[type-var]
        for part in parts:
            size += len(part)
            if size > most:
                return b"", size
            kept.append(part)
    return (kept[0] if len(kept) == 1 else b"".join(kept)), size


def _stream_of(provider: Any) -> Callable[[str], Iterator[bytes]] | None:
    """Returns what reads a blob part by part, None where TensorBoard offers only whole blobs.

    The stub is TensorBoard's private one. Without it all works, with the memory of whole blobs.
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


def _return_memory() -> None:
    """Gives freed memory back to the system, where glibc would keep that of each thread."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
