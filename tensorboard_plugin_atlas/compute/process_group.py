# SPDX-License-Identifier: Apache-2.0
"""Connects ranks over a process group of `torch.distributed`.

Every exchange begins with the status of all ranks. A rank that has failed takes part in the next
exchange, which then raises its error on all ranks. So no rank waits for one that has failed, and
one that has ended is noticed by its closed connection or by a time limit.
"""

from __future__ import annotations

import contextlib
import pickle
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import numpy as np
import torch
from torch import distributed

from tensorboard_plugin_atlas import errors
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.errors import (
    ArgumentError,
    AtlasError,
    RankError,
    describe_error,
)

TIME_LIMIT: Final = timedelta(hours=1)
"""How long a rank waits for the others: rank 0 may lay out a million samples meanwhile."""

_AT_ONCE: Final = 1 << 28
"""Largest number of bytes of one message."""
_DONE, _FAILED = 0, 1


_own_groups: Final[weakref.WeakKeyDictionary[Any, Any]] = weakref.WeakKeyDictionary()
"""For each process group that was passed to `join_group`, the group of the same ranks that is used.
It is kept, since a group may not be created again under the name of one that was destroyed."""


def join_group(group: Any, time_limit: timedelta = TIME_LIMIT) -> Ranks:
    """Returns the ranks of a process group, all of which must call this function.

    They talk over a group of their own with the backend "gloo", so that collectives of the model or
    of a training loop in `group` are not disturbed.

    Args:
        group: A process group of `torch.distributed` that this process is in, or None for this
            process alone.
        time_limit: How long to wait for the others.

    Raises:
        ArgumentError: if this process is not in the group.
    """
    if group is None:
        return ALONE
    if not isinstance(group, distributed.ProcessGroup):
        raise ArgumentError(
            f"process_group={group!r:.80}: pass a process group that this process is in, such as "
            "torch.distributed.group.WORLD after init_process_group(), or None"
        )
    size = distributed.get_world_size(group)
    if size == 1:
        return ALONE
    if group not in _own_groups:
        _own_groups[group] = distributed.new_group(
            distributed.get_process_group_ranks(group),
            timeout=time_limit,
            backend="gloo",
            use_local_synchronization=size < distributed.get_world_size(),
        )
    own = _own_groups[group]
    rank = distributed.get_rank(own)
    return Ranks(rank, size, _Exchange(own, rank, size))


@dataclass(eq=False)
class _Exchange:
    """Exchanges messages between the ranks of a group of `torch.distributed`.

    Attributes:
        group: With the backend "gloo".
        rank: Rank of this process in it.
        size: Number of its ranks.
    """

    group: Any
    rank: int
    size: int
    _raised: BaseException | None = field(default=None, init=False)
    """The last error that all ranks know."""

    def run(self, compute: Callable[[], Any] | None) -> list[Any]:
        """Returns the results of all ranks, None for a rank without a function."""
        try:
            message = None if compute is None else _Message.pack(compute())
        except Exception as error:
            if self._is_known(error):
                raise
            self._raise_on_all(error)
        return self._send(_DONE, message)

    @contextlib.contextmanager
    def fail_together(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if self._is_known(error):
                raise
            self._raise_on_all(error)
        else:
            self._send(_DONE, None)
            self._raised = None

    def _raise_on_all(self, error: Exception) -> None:
        """Raises an error of this rank on all ranks."""
        self._send(_FAILED, _Message.pack(_describe(error, self.rank)), error)

    def _is_known(self, error: BaseException | None) -> bool:
        """Returns whether all ranks know an error, or one from which it was raised."""
        while error is not None:
            if error is self._raised:
                return True
            error = error.__cause__ or error.__context__
        return False

    def _send(
        self, status: int, message: _Message | None, cause: Exception | None = None
    ) -> list[Any]:
        """Returns the values of all ranks, None for a rank without a message.

        Raises:
            AtlasError: if a rank has failed.
            RankError: if a rank has ended, or does not respond.
        """
        try:
            found = self._pass_on(status, message)
        except RuntimeError as error:  # errors of torch.distributed, which has several classes
            detail = describe_error(error).partition("\n")[0]
            self._raised = RankError(
                f"rank {self.rank} of {self.size} lost the connection to another rank, which has "
                f"ended or did not respond ({detail:.200})"
            )
            raise self._raised from error
        if isinstance(found, list):
            return found
        self._raised = found
        raise found from cause

    def _pass_on(self, status: int, message: _Message | None) -> list[Any] | AtlasError:
        """Returns the values of all ranks, or the error of the lowest rank that has failed."""
        sizes = () if message is None else message.sizes
        own = torch.tensor([status, len(sizes)], device="cpu")
        states = [torch.empty_like(own) for _ in range(self.size)]
        distributed.all_gather(states, own, self.group)
        failed = [rank for rank, state in enumerate(states) if state[0] == _FAILED]
        values: list[Any] = [None] * self.size
        for rank in failed[:1] or range(self.size):
            count = int(states[rank][1])
            if count:
                received = self._broadcast(rank, count, message if rank == self.rank else None)
                values[rank] = received.unpack()
        return _restore(*values[failed[0]]) if failed else values

    def _broadcast(self, owner: int, count: int, message: _Message | None) -> _Message:
        """Sends the message of a rank to all others; returns it.

        Args:
            owner: The rank.
            count: Number of buffers of the message.
            message: The message, on its rank.
        """
        sizes = torch.tensor(message.sizes if message else [0] * count, device="cpu")
        self._send_tensor(sizes, owner)
        buffers = (
            message.buffers if message else [np.empty(size, np.uint8) for size in sizes.tolist()]
        )
        for buffer in buffers:
            for first in range(0, len(buffer), _AT_ONCE):
                self._send_tensor(torch.from_numpy(buffer[first : first + _AT_ONCE]), owner)
        return _Message(buffers)

    def _send_tensor(self, tensor: torch.Tensor, owner: int) -> None:
        sender = distributed.get_global_rank(self.group, owner)
        distributed.broadcast(tensor, sender, self.group)


@dataclass(frozen=True, eq=False)
class _Message:
    """A value as buffers of bytes: a pickle without the content of arrays, and each array.

    Ranks trust each other, as those of every program of `torch.distributed`.

    Attributes:
        buffers: (n,) uint8 each.
    """

    buffers: list[Any]

    @property
    def sizes(self) -> list[int]:
        """Bytes of each buffer."""
        return [len(buffer) for buffer in self.buffers]

    @classmethod
    def pack(cls, value: object) -> _Message:
        """Returns a value as a message; its arrays are not copied if they are contiguous."""
        arrays: list[pickle.PickleBuffer] = []
        head = pickle.dumps(value, protocol=5, buffer_callback=arrays.append)
        # Bytes are read-only, which torch does not accept.
        first = np.frombuffer(bytearray(head), np.uint8)
        return cls([first, *(_to_writable(np.frombuffer(one.raw(), np.uint8)) for one in arrays)])

    def unpack(self) -> Any:
        """Returns the value."""
        head, *arrays = self.buffers
        return pickle.loads(head.data, buffers=arrays)  # noqa: S301


def _to_writable(array: Any) -> Any:
    return array if array.flags.writeable else array.copy()


def _describe(error: Exception, rank: int) -> tuple[str, str]:
    """Returns class and text with which an error is raised on all ranks."""
    if isinstance(error, AtlasError):
        return type(error).__name__, str(error)
    return RankError.__name__, f"rank {rank}: {describe_error(error)}"


def _restore(kind: str, text: str) -> AtlasError:
    """Returns the error that `_describe` described."""
    found = getattr(errors, kind, None)
    if isinstance(found, type) and issubclass(found, AtlasError):
        return found(text)
    return RankError(text)
