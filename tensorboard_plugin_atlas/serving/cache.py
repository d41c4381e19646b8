# SPDX-License-Identifier: Apache-2.0
"""A least-recently-used cache bounded by bytes, in which nothing is computed twice at a time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

_Value = TypeVar("_Value")


class ByteCache:
    """Maps keys to values of stated cost. Thread safe.

    Args:
        limit: Bytes that all values may take. The newest value stays even if it alone takes more.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._running: dict[Hashable, Future[Any]] = {}
        self._used = 0

    @property
    def used(self) -> int:
        """Bytes that the values take now."""
        return self._used

    def once(self, key: Hashable, compute: Callable[[], tuple[_Value, int]]) -> _Value:
        """Returns the value of `key`, computing it unless it is there or under way.

        Args:
            key: What is wanted.
            compute: Makes the value and states its cost in bytes. What it raises reaches every
                caller that waits, and is not kept.
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
