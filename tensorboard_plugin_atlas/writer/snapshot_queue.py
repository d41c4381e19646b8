# SPDX-License-Identifier: Apache-2.0
"""Queue of snapshots for the worker, with their memory; a full queue skips the newest one."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.writer.fork_safety import renew_locks_in_children
from tensorboard_plugin_atlas.writer.model_pickle import Structure
from tensorboard_plugin_atlas.writer.shared_state import StateLayout, StateSlot

EXIT_SECONDS: Final = 3.0
"""How long a program that ends early waits for unfinished atlases."""

MAX_SKIPPED: Final = 256
"""Largest number of skipped steps that one atlas lists: the latest ones."""


_SLOT_SECONDS: Final = 60.0
"""Longest time that the training loop waits for a slot that another thread is creating."""


@dataclass(frozen=True)
class UnfinishedSteps:
    """Steps that were added to the queue and will not be logged.

    Attributes:
        steps: The steps, in the order in which they were added.
        skipped: Entries for the next atlas: these steps, and the entries that they would have held.
    """

    steps: tuple[int, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __str__(self) -> str:
        first = ", ".join(map(str, self.steps[:8]))
        more = f" and {len(self.steps) - 8} others" if len(self.steps) > 8 else ""
        return f"step {first}" if len(self.steps) == 1 else f"steps {first}{more}"


NO_UNFINISHED_STEPS: Final = UnfinishedSteps()


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Copy of a model's state at one step.

    Attributes:
        step: Global step.
        wall_time: Seconds since the epoch.
        skipped: Steps that were skipped since the last atlas.
        structure: The model without its state.
        slot: The state.
    """

    step: int
    wall_time: float
    skipped: tuple[Skipped, ...]
    structure: Structure
    slot: StateSlot


class SnapshotQueue:
    """The current snapshot of the worker, the pending ones, and their slots. Thread safe.

    A slot belongs to its snapshot until the worker has replied. If the queue is full, a new
    snapshot replaces the newest pending one. The older ones are kept, so that a busy worker skips
    steps and does not fall behind.

    Args:
        max_pending: Largest number of snapshots that wait behind the current one.
    """

    def __init__(self, max_pending: int) -> None:
        self._max_pending = max_pending
        self._changed = threading.Condition()
        self._current: Snapshot | None = None
        self._pending: deque[Snapshot] = deque()
        self._free: list[StateSlot] = []
        self._slots = 0
        self._unlisted: tuple[Skipped, ...] = ()  # to be listed in the next atlas
        self._unfinished_steps: tuple[int, ...] = ()
        self._waiters = 0
        self._is_closed = False
        self._is_discarded = False
        renew_locks_in_children(self)

    def __len__(self) -> int:
        """Returns the number of snapshots that were added and are not finished."""
        with self._changed:
            return self._count()

    @property
    def unfinished(self) -> UnfinishedSteps:
        """Steps whose snapshots `discard` has removed so far."""
        with self._changed:
            return UnfinishedSteps(self._unfinished_steps, self._unlisted)

    def renew_locks(self) -> None:
        """Replaces the lock in a forked child, where another thread may have held it."""
        self._changed = threading.Condition()

    def prepare(self, layout: StateLayout) -> None:
        """Creates the first slot in advance, so that the training loop does not wait for it."""
        self._slots += 1
        self._free.append(StateSlot(layout))

    def claim(self, layout: StateLayout) -> tuple[StateSlot, Snapshot | None] | None:
        """Reserves a slot for a new snapshot.

        Args:
            layout: Memory layout of the model in its current state.

        Returns:
            A slot, and the snapshot that it replaces in the queue, if any; None after `close`.

        Raises:
            OSError: if there is not enough memory, or no slot is free for 60 s.
        """
        with self._changed:
            if self._is_closed:
                return None
            replaced = self._pending.pop() if len(self._pending) >= self._max_pending else None
            if replaced is not None:
                self._free.append(replaced.slot)
            try:
                slot = self._wait_for_slot(layout)
            except BaseException:
                self._keep_replaced_step(replaced)
                raise
        try:
            return (self._make_slot(layout) if slot is None else slot), replaced
        except BaseException:
            with self._changed:
                self._keep_replaced_step(replaced)
            raise

    def add(self, snapshot: Snapshot) -> bool:
        """Adds a snapshot whose slot was claimed; starts a thread that creates a spare slot.

        Allocating the pages of a slot takes as long as several copies, so the training loop should
        not wait for it.

        Returns:
            False if `discard` was called since the slot was claimed. The step is not logged then,
            and the caller reports it.
        """
        with self._changed:
            if self._is_discarded:
                self._return_slot(snapshot.slot)
                return False
            if self._current is None:
                self._current = snapshot
            else:
                self._pending.append(snapshot)
            needs_spare = not self._free and self._slots <= self._max_pending
            self._slots += needs_spare
            self._changed.notify_all()
        if needs_spare:
            maker = threading.Thread(
                target=self._make_spare, args=(snapshot.slot.layout,), daemon=True
            )
            try:
                maker.start()
            except RuntimeError:
                self._cancel_slot()  # no more threads can be started
        return True

    def give_back(self, slot: StateSlot, replaced: Snapshot | None) -> None:
        """Returns a claimed slot that was not used; the replaced snapshot counts as skipped."""
        with self._changed:
            self._keep_replaced_step(replaced)
            self._return_slot(slot)

    def take(self) -> Snapshot | None:
        """Waits for the next snapshot; returns None if the queue is closed and empty."""
        with self._changed:
            while self._current is None and not self._is_closed:
                self._changed.wait()
            if self._current is not None and self._unlisted:
                skipped = join_skips(self._unlisted, self._current.skipped)
                self._current = dataclasses.replace(self._current, skipped=skipped)
                self._unlisted = ()
            return self._current

    def finish(self, *, failed: bool) -> None:
        """Removes the snapshot that `take` returned; if it failed, the next atlas lists it."""
        with self._changed:
            done = self._current
            if done is None:
                return
            if failed:
                entry = Skipped(done.step, "failed")
                self._unlisted = join_skips(done.skipped, (entry,), self._unlisted)
            self._free.append(done.slot)
            self._current = self._pending.popleft() if self._pending else None
            self._changed.notify_all()

    def close(self) -> None:
        """Accepts no more snapshots; those in the queue can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Waits for some seconds, or until `close` or `wait_until_empty` is called."""
        end = time.monotonic() + seconds
        with self._changed:
            while not self._is_closed and not self._waiters:
                rest = end - time.monotonic()
                if rest <= 0:
                    return
                self._changed.wait(rest)

    def discard(self) -> int:
        """Closes the queue and frees the memory of all snapshots; returns their number."""
        with self._changed:
            self._is_closed = self._is_discarded = True
            held = [one for one in (self._current, *self._pending) if one is not None]
            slots = [*self._free, *(snapshot.slot for snapshot in held)]
            steps = tuple(snapshot.step for snapshot in held)
            entries = (
                part for one in held for part in (one.skipped, (Skipped(one.step, "failed"),))
            )
            self._unlisted = join_skips(self._unlisted, *entries)
            self._unfinished_steps += steps
            self._current = None
            self._pending.clear()
            self._free.clear()
            self._changed.notify_all()
        for slot in slots:
            slot.close()
        return len(steps)

    def wait_until_empty(self, timeout: float | None, on_change: Callable[[int], bool]) -> bool:
        """Waits until all snapshots are finished.

        Args:
            timeout: Seconds, or None to wait without a limit.
            on_change: Called with the number of snapshots left; returns whether to call it every
                half second, too.

        Returns:
            False if the timeout expired.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed, self._end_pauses():
            while left := self._count():
                rest = None if end is None else end - time.monotonic()
                if rest is not None and rest <= 0:
                    return False
                if on_change(left):
                    rest = 0.5 if rest is None else min(0.5, rest)
                self._changed.wait(rest)
        return True

    def _count(self) -> int:
        return len(self._pending) + (self._current is not None)

    @contextlib.contextmanager
    def _end_pauses(self) -> Iterator[None]:
        """Ends all pauses while the caller waits."""
        self._waiters += 1
        self._changed.notify_all()
        try:
            yield
        finally:
            self._waiters -= 1

    def _wait_for_slot(self, layout: StateLayout) -> StateSlot | None:
        """Waits for a free slot; returns None if a new one may be created."""
        end = time.monotonic() + _SLOT_SECONDS
        while (slot := self._find_free_slot(layout)) is None and self._slots > self._max_pending:
            if self._is_closed:
                break
            rest = end - time.monotonic()
            if rest <= 0:
                raise TimeoutError(
                    f"no memory for a copy of the model within {_SLOT_SECONDS:.0f} s"
                )
            self._changed.wait(rest)  # for the spare slot that is being created
        self._slots += slot is None
        return slot

    def _find_free_slot(self, layout: StateLayout) -> StateSlot | None:
        """Returns a free slot for a layout; closes those with another layout."""
        while self._free:
            slot = self._free.pop()
            if slot.layout == layout:
                return slot
            slot.close()
            self._slots -= 1
        return None

    def _make_slot(self, layout: StateLayout) -> StateSlot:
        try:
            return StateSlot(layout)
        except BaseException:
            self._cancel_slot()
            raise

    def _cancel_slot(self) -> None:
        """Reduces the slot count after a slot could not be created."""
        with self._changed:
            self._slots -= 1
            self._changed.notify_all()

    def _keep_replaced_step(self, replaced: Snapshot | None) -> None:
        """Lists a replaced snapshot as skipped if the new one could not be added."""
        if replaced is not None:
            busy = (Skipped(replaced.step, "busy"),)
            self._unlisted = join_skips(self._unlisted, replaced.skipped, busy)

    def _make_spare(self, layout: StateLayout) -> None:
        try:
            slot = self._make_slot(layout)
        except Exception:
            return  # the training loop tries again when it needs a slot, and reports errors
        with self._changed:
            self._return_slot(slot)

    def _return_slot(self, slot: StateSlot) -> None:
        """Keeps a slot for the next snapshot, or closes it after `discard`."""
        if self._is_discarded:
            slot.close()
        else:
            self._free.append(slot)
            self._changed.notify_all()


def join_skips(*parts: Sequence[Skipped]) -> tuple[Skipped, ...]:
    """Concatenates lists of skipped steps; returns the latest `MAX_SKIPPED` entries."""
    return tuple(entry for part in parts for entry in part)[-MAX_SKIPPED:]
