# SPDX-License-Identifier: Apache-2.0
"""The n-th call to the operating system fails, for every n (a method of SQLite's tests)."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tensorboard_plugin_atlas.logs.event_file import (
    EventSink,
    read_events,
    scan_records,
)
from tensorboard_plugin_atlas.logs.log_files import list_event_files

STEPS = range(4)


def blobs_of(step: int) -> list[bytes]:
    return [b"step %d" % step, bytes(2000)]


class Faults:
    """Counts the calls to the operating system, and makes the n-th of them fail.

    Args:
        failing: Index of the call that fails, or None.
        error: Error number of the failure.
        sticky: Whether all later calls fail too, as on a disk that was removed.
    """

    def __init__(self, failing: int | None, error: int, sticky: bool) -> None:
        self.count = 0
        self.calls: list[str] = []
        self._failing, self._error, self._sticky = failing, error, sticky

    def check(self, call: str) -> None:
        number, self.count = self.count, self.count + 1
        self.calls.append(call)
        if self._failing is None:
            return
        if number == self._failing or (self._sticky and number > self._failing):
            raise OSError(self._error, os.strerror(self._error))


class FaultyFile:
    """A raw file with calls that can fail; a failed write has written half of its bytes."""

    def __init__(self, file: Any, faults: Faults) -> None:
        self._file, self._faults = file, faults
        self.name = file.name

    def write(self, data: Any) -> int:
        half = memoryview(data)[: len(data) // 2]
        try:
            self._faults.check("write")
        except OSError:
            self._file.write(half)
            raise
        # The operating system may write only a part of the data.
        return int(self._file.write(half if len(data) > 1500 else data))

    def truncate(self, size: int) -> int:
        self._faults.check("truncate")
        return int(self._file.truncate(size))

    def seek(self, offset: int) -> int:
        self._faults.check("seek")
        return int(self._file.seek(offset))

    def tell(self) -> int:
        self._faults.check("tell")
        return int(self._file.tell())

    def close(self) -> None:
        self._file.close()
        self._faults.check("close")

    def fileno(self) -> int:
        return int(self._file.fileno())

    def __enter__(self) -> FaultyFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@pytest.fixture
def faulty(monkeypatch: pytest.MonkeyPatch) -> Callable[[Faults], Any]:
    """Returns a context in which faults are injected between `event_file` and the system."""

    @contextlib.contextmanager
    def install(faults: Faults) -> Iterator[None]:
        whole = {"open": Path.open, "mkdir": Path.mkdir, "fsync": os.fsync, "unlink": Path.unlink}

        def wrap(name: str) -> Callable[..., Any]:
            def call(*args: Any, **kwargs: Any) -> Any:
                faults.check(name)
                result = whole[name](*args, **kwargs)
                return FaultyFile(result, faults) if name == "open" else result

            return call

        with monkeypatch.context() as patch:
            for name in ("open", "mkdir", "unlink"):
                patch.setattr(Path, name, wrap(name))
            patch.setattr(os, "fsync", wrap("fsync"))
            yield

    return install


def session(sink: EventSink) -> tuple[list[int], list[int]]:
    """Logs and flushes four steps as a training loop does; returns those written and flushed."""
    written, flushed = [], []
    for step in STEPS:
        with contextlib.suppress(OSError):
            sink.write("layer/a", blobs_of(step), step)
            written.append(step)
            sink.flush()
            flushed.append(step)
    with contextlib.suppress(OSError):
        sink.close()
    return written, flushed


def read_back(directory: Path) -> tuple[list[int], list[str]]:
    """Returns the intact steps in order, and the reasons of all damage."""
    found = [] if not directory.exists() else list(read_events(directory))
    assert all(list(event.blobs or ()) == blobs_of(event.step) for event in found if event.blobs)
    steps = [event.step for event in found if event.reason is None]
    return steps, [event.reason for event in found if event.reason is not None]


def test_without_faults_every_call_is_counted(
    faulty: Callable[[Faults], Any], tmp_path: Path
) -> None:
    faults = Faults(None, errno.EIO, False)
    with faulty(faults):
        assert session(EventSink(tmp_path / "atlas")) == (list(STEPS), list(STEPS))
    assert read_back(tmp_path / "atlas") == (list(STEPS), [])
    assert {"open", "mkdir", "write", "fsync", "close", "tell"} <= set(faults.calls)
    # Header, payload and footer of the version and of each record, whose payload takes two.
    assert faults.calls.count("write") == 3 + 4 * len(STEPS)


@pytest.mark.parametrize("sticky", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_the_nth_call_fails_for_every_n(
    error: int, sticky: bool, faulty: Callable[[Faults], Any], tmp_path: Path
) -> None:
    tried: list[str] = []
    for failing in itertools.count():
        directory = tmp_path / str(failing)
        faults = Faults(failing, error, sticky)
        with faulty(faults):
            written, flushed = session(EventSink(directory))
        if faults.count <= failing:
            break
        tried.append(faults.calls[failing])
        steps, damage = read_back(directory)
        assert set(flushed) <= set(written)
        # Every step reported as written is there, in order; failed writes left no partial record.
        assert steps == sorted(set(steps))
        assert set(written) <= set(steps), (failing, faults.calls)
        if not sticky:
            assert len(written) >= len(STEPS) - 1, (failing, faults.calls)
            assert steps == written or tried[-1] in ("close", "fsync"), (failing, faults.calls)
            assert damage == [], (failing, tried[-1])
        # Loaders that stop at the first damage read every file to its end.
        for path in list_event_files(directory) if directory.exists() else ():
            reasons = [record.reason for record in scan_records(path)]
            assert reasons == [None] * len(reasons), (failing, faults.calls)
    assert len(tried) > 20
    assert {"open", "mkdir", "write", "fsync", "close", "tell"} <= set(tried)


def test_a_sink_recovers_after_a_disk_failure(
    faulty: Callable[[Faults], Any], tmp_path: Path
) -> None:
    sink = EventSink(tmp_path)
    sink.write("layer/a", blobs_of(0), 0)
    with faulty(Faults(0, errno.EIO, True)), pytest.raises(OSError, match="Input/output"):
        sink.flush()
    sink.write("layer/a", blobs_of(1), 1)
    sink.close()
    assert read_back(tmp_path) == ([0, 1], [])


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, MemoryError, SystemExit])
def test_an_interrupted_record_is_removed(interrupt: type[BaseException], tmp_path: Path) -> None:
    sink = EventSink(tmp_path)
    sink.write("layer/a", blobs_of(0), 0)

    class Interrupted(FaultyFile):
        def write(self, data: Any) -> int:
            self._file.write(data[:100])
            raise interrupt

    file = sink._file
    sink._file = Interrupted(file, Faults(None, 0, False))  # type: ignore[assignment]
    with pytest.raises(interrupt):
        sink.write("layer/a", blobs_of(1), 1)
    sink._file = file
    sink.write("layer/a", blobs_of(2), 2)
    sink.close()
    assert read_back(tmp_path) == ([0, 2], [])
