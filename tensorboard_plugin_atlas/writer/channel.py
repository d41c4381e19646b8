# SPDX-License-Identifier: Apache-2.0
"""Messages over a socket between the training process and its worker, with waits that end.

The end of the socket's stream is no proof that the worker lives: a loader process that was forked
at the wrong moment can hold the worker's end open after its death. So the training process waits
for the socket and for the process at once.
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
"""How often a wait looks whether the process still runs, where nothing wakes it."""

_STALL_SECONDS: Final = 600.0
"""How long a running process may take in no byte of a message before that is an error."""

# A program that restores SIGPIPE's default must not end with its worker.
_SEND_FLAGS: Final = getattr(socket, "MSG_NOSIGNAL", 0)
_RECEIVE_FLAGS: Final = getattr(socket, "MSG_CMSG_CLOEXEC", 0)

Result = TypeVar("Result")


class Peer(Protocol):
    """The process at the other end."""

    def is_running(self) -> bool:
        """Tells whether it runs."""

    def fileno(self) -> int:
        """Returns a descriptor that becomes readable when it ends, or -1."""


class Channel:
    """One end of the socket. What comes out of it is trusted: the other end is a process of ours.

    Args:
        end: The end; the channel owns it.
        peer: The process at the other end, whose end ends every wait. None where something else
            ends this process with the other one.
    """

    def __init__(self, end: socket.socket, peer: Peer | None = None) -> None:
        self._end, self._peer = end, peer
        end.setblocking(peer is None)

    def send(self, message: object) -> None:
        """Sends a message, with plain pickle: torch teaches multiprocessing's to share tensors.

        Raises:
            EOFError, OSError: if the other process ends, or does not read for 10 min.
        """
        rest = memoryview(_framed(message))
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
            max_bytes: Bytes that it may have.
            timeout: Seconds until its first byte; None waits as long as the other process runs.

        Raises:
            EOFError, OSError: if the other process ends, or the time is up.
            Exception: of any kind, if it is no message.
        """
        (size,) = _HEADER.unpack(self._read(_HEADER.size, timeout))
        if max_bytes is not None and size > max_bytes:
            raise ValueError(f"a message of {size} bytes, at most {max_bytes} expected")
        return pickle.loads(self._read(size, _STALL_SECONDS))  # noqa: S301

    def receive_file(self) -> int:
        """Waits for a file descriptor, which the caller has to close.

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
        """Sends None, which ends the other process, without waiting for room in the socket.

        Raises:
            OSError: if there is none, or the other end is closed.
        """
        self._end.send(_framed(None), _SEND_FLAGS)

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
        """Repeats a call until the socket is ready for it, the process ends or the time is up."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            # Looked at before the call: what the process sent last may still be in the socket.
            has_ended = self._peer is not None and not self._peer.is_running()
            try:
                return call()
            except BlockingIOError:
                if has_ended:
                    raise EOFError("the process at the other end has ended") from None
            if end is not None and time.monotonic() >= end:
                raise TimeoutError(f"the background process was silent for {timeout:.0f} s")
            self._sleep(event)

    def _sleep(self, event: int) -> None:
        poll = select.poll()
        poll.register(self._end, event)
        if self._peer is not None and self._peer.fileno() >= 0:
            poll.register(self._peer.fileno(), select.POLLIN)
        poll.poll(_STEP_MS)


def _framed(message: object) -> bytes:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return _HEADER.pack(len(data)) + data
