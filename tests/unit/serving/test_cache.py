# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tensorboard_plugin_atlas.serving.cache import ByteCache


def test_the_least_recently_used_goes_first() -> None:
    cache = ByteCache(30)
    computed = []

    def value(key: str) -> str:
        return cache.get_or_compute(key, lambda: (computed.append(key) or key.upper(), 10))

    assert [value(key) for key in "abc"] == ["A", "B", "C"]
    value("a")
    value("d")  # b was used least recently
    assert cache.used == 30
    assert [value(key) for key in "acd"] == ["A", "C", "D"]
    assert computed == ["a", "b", "c", "d"]
    value("b")
    assert computed[-1] == "b"


def test_the_newest_value_stays_whatever_it_takes() -> None:
    cache = ByteCache(30)
    cache.get_or_compute("small", lambda: (1, 10))
    assert cache.get_or_compute("large", lambda: (2, 1000)) == 2
    assert cache.used == 1000
    assert cache.get_or_compute("large", lambda: pytest.fail("it was there")) == 2
    cache.get_or_compute("small", lambda: (3, 10))
    assert cache.used == 10


def test_an_error_reaches_everyone_and_is_not_kept() -> None:
    cache = ByteCache(30)
    begun, go = threading.Event(), threading.Event()

    def fail() -> tuple[int, int]:
        begun.set()
        go.wait(120)
        raise RuntimeError("once")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(cache.get_or_compute, "key", fail)
        begun.wait(120)
        second = pool.submit(cache.get_or_compute, "key", fail)
        go.set()
        for running in (first, second):
            with pytest.raises(RuntimeError, match="once"):
                running.result(30)
    assert cache.get_or_compute("key", lambda: (5, 1)) == 5


def test_a_value_under_way_is_computed_once() -> None:
    cache = ByteCache(30)
    go = threading.Event()
    computed = []

    def slow() -> tuple[int, int]:
        go.wait(120)
        computed.append(1)
        return 7, 1

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(cache.get_or_compute, "key", slow) for _ in range(8)]
        go.set()
        assert [one.result(30) for one in running] == [7] * 8
    assert computed == [1]
