# SPDX-License-Identifier: Apache-2.0
"""Forks of the training process: no half-registered socket and no held lock gets into a child.

`DataLoader(num_workers=2)` forks the training process while threads of ours are at work. The child
has a copy of every open descriptor and of every lock as it was at that moment, also of one that a
thread held which the child does not have.
"""

from __future__ import annotations

import contextlib
import os
import threading
import weakref
from collections.abc import Iterator
from typing import Final, Protocol

_MAX_WAIT: Final = 5.0
"""Seconds that a fork waits at most; starting a process takes some milliseconds."""


class HasLocks(Protocol):
    """What a fork may copy while another thread holds its locks."""

    def renew_locks(self) -> None:
        """Replaces all locks by free ones; called in a forked child, which has one thread."""


_lock = threading.RLock()  # reentrant: a finalizer may fork in the thread that holds it
_fork = threading.local()
_owners: Final[weakref.WeakSet[HasLocks]] = weakref.WeakSet()


@contextlib.contextmanager
def forks_delayed() -> Iterator[None]:
    """Has `os.fork` in other threads wait until the block is left, up to 5 s."""
    with _lock:
        yield


def renew_locks_in_children(owner: HasLocks) -> None:
    """Gives every forked child free locks in `owner`, which is not kept alive by this."""
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
        owner.renew_locks()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
