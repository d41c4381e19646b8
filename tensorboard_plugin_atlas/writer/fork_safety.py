# SPDX-License-Identifier: Apache-2.0
"""Protects forked children of the training process from held locks and half-open sockets.

`DataLoader(num_workers=2)` forks the training process while threads of this package are running.
The child gets a copy of every open file descriptor and of every lock in its current state, even if
the thread that holds the lock does not exist in the child.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Final, Protocol

_MAX_WAIT: Final = 5.0
"""Longest time in seconds that a fork is delayed; starting a process takes some milliseconds."""


class HasLocks(Protocol):
    """An object whose locks another thread may hold when the process is forked."""

    def renew_locks(self) -> None:
        """Replaces all locks by new ones; called in a forked child, which has one thread."""


_lock = threading.RLock()  # reentrant, since a finalizer may fork in the thread that holds it
_fork = threading.local()
_owners: Final[weakref.WeakSet[HasLocks]] = weakref.WeakSet()


@contextlib.contextmanager
def delay_forks() -> Iterator[None]:
    """Delays `os.fork` in other threads until the block ends, for at most 5 s."""
    with _lock:
        yield


def renew_locks_in_children(owner: HasLocks) -> None:
    """Calls `owner.renew_locks` in every forked child; holds only a weak reference to `owner`."""
    _owners.add(owner)


def _before() -> None:
    _fork.is_locked = _lock.acquire(timeout=_MAX_WAIT)


def _after_in_parent() -> None:
    if _fork.is_locked:
        _lock.release()


def _after_in_child() -> None:
    global _lock
    _lock = threading.RLock()
    for owner in list(_owners):
        with contextlib.suppress(Exception):  # the locks of all others must be renewed, too
            owner.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
