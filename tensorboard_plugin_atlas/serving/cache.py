# SPDX-License-Identifier: Apache-2.0
"""A least-recently-used cache with a limit in bytes; concurrent requests compute a value once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

_Value = TypeVar("_Value")


class ByteCache:
    """Maps keys to values with a size. Thread safe.

    Args:
        limit: Largest total size in bytes. The newest value is kept even if it is larger.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._running: dict[Hashable, Future[Any]] = {}
        self._used = 0

    @property
    def used(self) -> int:
        """Current size of all values in bytes."""
        return self._used

    def get_or_compute(self, key: Hashable, compute: Callable[[], tuple[_Value, int]]) -> _Value:
        """Returns the value of `key`, and computes it if it is neither cached nor being computed.

        Args:
            key: The key.
            compute: Returns the value and its size in bytes. An exception is raised in all waiting
                callers, and is not cached.
        """
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return cast("_Value", self._entries[key][0])
            running = self._running.get(key)
            if running is None:
                own: Future[Any] = Future()
                self._running[key] = own
        if running is not None:
            return cast("_Value", running.result())
        try:
            value, cost = compute()
        except BaseException as error:
            with self._lock:
                del self._running[key]
            own.set_exception(error)
            raise
        self._keep(key, value, cost)
        own.set_result(value)
        return value

    def _keep(self, key: Hashable, value: Any, cost: int) -> None:
        with self._lock:
            del self._running[key]
            self._entries[key] = (value, cost)
            self._used += cost
            while self._used > self._limit and len(self._entries) > 1:
                _, (_, freed) = self._entries.popitem(last=False)
                self._used -= freed
