# SPDX-License-Identifier: Apache-2.0
"""Messages over a socket between the training process and its worker; no wait is endless.

An open socket does not prove that the worker is alive: a data loader process that was forked at the
wrong moment can hold the worker's end open after its death. So the training process waits for the
socket and for the process at the same time.
"""

from __future__ import annotations

import array
import functools
import pickle
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

_HEADER: Final = struct.Struct("!Q")
_STEP_MS: Final = 500
"""Interval at which a wait checks that the other process is running, if no event wakes it."""

_STALL_SECONDS: Final = 600.0
"""After this long without a byte of a message read by the other process, an error is raised."""

# A program that restored the default action of SIGPIPE must not end together with its worker.
_SEND_FLAGS: Final = getattr(socket, "MSG_NOSIGNAL", 0)
_RECEIVE_FLAGS: Final = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

Result = TypeVar("Result")


class Peer(Protocol):
    """The process at the other end."""

    def is_running(self) -> bool:
        """Returns whether the process is running."""

    def fileno(self) -> int:
        """Returns a descriptor that becomes readable when the process ends, or -1."""


class Channel:
    """One end of the socket. Its input is trusted, since this package runs the other process, too.

    Args:
        end: This end of the socket; the channel owns it.
        peer: The process at the other end; when it exits, every wait ends. None if this process is
            ended together with the other one by other means.
    """

    def __init__(self, end: socket.socket, peer: Peer | None = None) -> None:
        self._end, self._peer = end, peer
        end.setblocking(peer is None)

    def send(self, message: object) -> None:
        """Sends a message, pickled by `pickle`: torch changes multiprocessing's to share tensors.

        Raises:
            EOFError, OSError: if the other process ends, or does not read for 10 min.
        """
        rest = memoryview(_frame(message))
        while rest:
            call = functools.partial(self._end.send, rest, _SEND_FLAGS)
            rest = rest[self._wait(call, select.POLLOUT, _STALL_SECONDS) :]

    def send_file(self, file: int) -> None:
        """Sends a file descriptor.

        Raises:
            EOFError, OSError: as `send` does.
        """
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [file]))]
        self._wait(
            lambda: self._end.sendmsg([b"\0"], rights, _SEND_FLAGS), select.POLLOUT, _STALL_SECONDS
        )

    def receive(self, *, max_bytes: int | None = None, timeout: float | None = None) -> Any:
        """Waits for a message.

        Args:
            max_bytes: Largest size of the message.
            timeout: Seconds until its first byte; None waits as long as the other process runs.

        Raises:
            EOFError, OSError: if the other process ends, or the timeout expires.
            Exception: of any kind, if the bytes are not a pickled message.
        """
        (size,) = _HEADER.unpack(self._read(_HEADER.size, timeout))
        if max_bytes is not None and size > max_bytes:
            raise ValueError(f"message of {size} bytes, expected at most {max_bytes}")
        return pickle.loads(self._read(size, _STALL_SECONDS))  # noqa: S301

    def receive_file(self) -> int:
        """Waits for a file descriptor; the caller must close it.

        Raises:
            EOFError, OSError: if the other process ends.
        """
        _, files, _, _ = self._wait(
            lambda: socket.recv_fds(self._end, 1, 1, _RECEIVE_FLAGS), select.POLLIN, _STALL_SECONDS
        )
        if not files:
            raise EOFError("the other end of the socket is closed")
        return files[0]

    def finish(self) -> None:
        """Sends None, which ends the other process, without waiting for space in the socket.

        Raises:
            OSError: if there is no space, or the other end is closed.
        """
        self._end.send(_frame(None), _SEND_FLAGS)

    def fileno(self) -> int:
        """Returns the descriptor of the socket."""
        return self._end.fileno()

    def close(self) -> None:
        """Closes this end, in this process only."""
        self._end.close()

    def _read(self, size: int, timeout: float | None) -> bytearray:
        data = bytearray(size)
        rest = memoryview(data)
        while rest:
            call = functools.partial(self._end.recv_into, rest)
            count = self._wait(call, select.POLLIN, timeout)
            if not count:
                raise EOFError("the other end of the socket is closed")
            rest, timeout = rest[count:], _STALL_SECONDS
        return data

    def _wait(self, call: Callable[[], Result], event: int, timeout: float | None) -> Result:
        """Repeats a call until the socket is ready, the process ends, or the timeout expires."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            # Checked before the call: the last message of the process may still be in the socket.
            has_ended = self._peer is not None and not self._peer.is_running()
            try:
                return call()
            except BlockingIOError:
                if has_ended:
                    raise EOFError("the process at the other end has ended") from None
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"the background process did not reply for {timeout:.0f} s")
            self._sleep(event)

    def _sleep(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._end, event)
        if self._peer is not None and self._peer.fileno() >= 0:
            poll.register(self._peer.fileno(), select.POLLIN)
        poll.poll(_STEP_MS)


def _frame(message: object) -> bytes:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _HEADER.pack(len(data)) + data
