# SPDX-License-Identifier: Apache-2.0
"""The snapshots that wait for the worker, their memory, and who goes when there are too many."""

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
from tensorboard_plugin_atlas.writer.fork_lock import renew_locks_in_children
from tensorboard_plugin_atlas.writer.model_structure import Structure
from tensorboard_plugin_atlas.writer.shared_state import StateLayout, StateSlot

EXIT_SECONDS: Final = 3.0
"""How long a program that ends in the middle of things waits for those under way."""

MAX_SKIPPED: Final = 256
"""Skipped checkpoints that one atlas tells of at most; of more, the latest."""


_SLOT_SECONDS: Final = 60.0
"""How long the loop waits at most for a slot that another thread is making."""


@dataclass(frozen=True)
class Lost:
    """What was accepted and will be in no log.

    Attributes:
        steps: The steps, in the order in which they were added.
        skipped: What the next atlas has to list: these steps and those that they would have listed.
    """

    steps: tuple[int, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __str__(self) -> str:
        named = ", ".join(map(str, self.steps[:8]))
        more = f" and {len(self.steps) - 8} others" if len(self.steps) > 8 else ""
        return f"step {named}" if len(self.steps) == 1 else f"steps {named}{more}"


NOTHING_LOST: Final = Lost()


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The state of a model at one step.

    Attributes:
        step: Global step.
        wall_time: Seconds since the epoch.
        skipped: Checkpoints asked for since the last one and not computed.
        structure: The model without its state.
        slot: The state.
    """

    step: int
    wall_time: float
    skipped: tuple[Skipped, ...]
    structure: Structure
    slot: StateSlot


class Backlog:
    """One snapshot with the worker, a few that wait behind it, and the slots they lie in.

    A slot belongs to its snapshot until the worker has answered. When as many wait as may, the
    newest of them gives its slot to the one that comes: the older ones are kept, so that a busy
    worker leaves gaps and never falls behind. Thread safe.

    Args:
        max_pending: Snapshots that may wait behind the one in work.
    """

    def __init__(self, max_pending: int) -> None:
        self._max_pending = max_pending
        self._changed = threading.Condition()
        self._current: Snapshot | None = None
        self._pending: deque[Snapshot] = deque()
        self._free: list[StateSlot] = []
        self._slots = 0
        self._failed: tuple[Skipped, ...] = ()
        self._lost_steps: tuple[int, ...] = ()
        self._hurried = 0
        self._is_closed = False
        self._is_dropped = False
        renew_locks_in_children(self)

    def __len__(self) -> int:
        """Returns how many snapshots are accepted and not answered."""
        with self._changed:
            return self._count()

    @property
    def lost(self) -> Lost:
        """What was dropped so far."""
        with self._changed:
            return Lost(self._lost_steps, self._failed)

    def renew_locks(self) -> None:
        """Lets a forked child look, whatever the other threads were doing at the fork."""
        self._changed = threading.Condition()

    def prepare(self, layout: StateLayout) -> None:
        """Makes the first slot, so that the loop finds it ready."""
        self._slots += 1
        self._free.append(StateSlot(layout))

    def claim(self, layout: StateLayout) -> tuple[StateSlot, Snapshot | None] | None:
        """Finds room for the snapshot that comes.

        Args:
            layout: Of the model as it is now.

        Returns:
            A slot, and the snapshot that had to go for it; None after `close`.

        Raises:
            OSError: if there is not enough memory, or no slot is free for a minute.
        """
        with self._changed:
            if self._is_closed:
                return None
            replaced = self._pending.pop() if len(self._pending) >= self._max_pending else None
            if replaced is not None:
                self._free.append(replaced.slot)
            try:
                slot = self._awaited(layout)
            except BaseException:
                self._forgo(replaced)
                raise
        try:
            return (self._made(layout) if slot is None else slot), replaced
        except BaseException:
            with self._changed:
                self._forgo(replaced)
            raise

    def add(self, snapshot: Snapshot) -> bool:
        """Takes in a snapshot whose slot was claimed, and has a spare slot made behind the scenes.

        A slot's pages take as long to come by as several copies, time that the loop should not see.

        Returns:
            False if everything was dropped since the slot was claimed: the step is lost, and it is
            the caller's to report.
        """
        with self._changed:
            if self._is_dropped:
                self._put_back(snapshot.slot)
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
                self._go_without()  # there are no more threads to be had
        return True

    def give_back(self, slot: StateSlot, replaced: Snapshot | None) -> None:
        """Takes back a slot that was claimed and not used; the next atlas tells what it cost."""
        with self._changed:
            self._forgo(replaced)
            self._put_back(slot)

    def take(self) -> Snapshot | None:
        """Waits for the next snapshot; None when there will be no more."""
        with self._changed:
            while self._current is None and not self._is_closed:
                self._changed.wait()
            if self._current is not None and self._failed:
                skipped = merged(self._failed, self._current.skipped)
                self._current = dataclasses.replace(self._current, skipped=skipped)
                self._failed = ()
            return self._current

    def finish(self, *, failed: bool) -> None:
        """Ends the snapshot that `take` gave; the next atlas tells of it if it failed."""
        with self._changed:
            done = self._current
            if done is None:
                return
            if failed:
                self._failed = merged(done.skipped, (_failed(done.step),), self._failed)
            self._free.append(done.slot)
            self._current = self._pending.popleft() if self._pending else None
            self._changed.notify_all()

    def close(self) -> None:
        """Accepts no more; what was accepted can still be taken."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def pause(self, seconds: float) -> None:
        """Waits, but no longer than until `close`, or until someone waits for what is here."""
        end = time.monotonic() + seconds
        with self._changed:
            while not self._is_closed and not self._hurried:
                rest = end - time.monotonic()
                if rest <= 0:
                    return
                self._changed.wait(rest)

    def drop(self) -> int:
        """Closes, forgets everything and gives the memory back; returns how many were lost now."""
        with self._changed:
            self._is_closed = self._is_dropped = True
            held = [one for one in (self._current, *self._pending) if one is not None]
            slots = [*self._free, *(snapshot.slot for snapshot in held)]
            steps = tuple(snapshot.step for snapshot in held)
            carried = (part for one in held for part in (one.skipped, (_failed(one.step),)))
            self._failed = merged(self._failed, *carried)
            self._lost_steps += steps
            self._current = None
            self._pending.clear()
            self._free.clear()
            self._changed.notify_all()
        for slot in slots:
            slot.close()
        return len(steps)

    def wait_until_empty(self, timeout: float | None, on_change: Callable[[int], bool]) -> bool:
        """Waits until everything accepted is answered.

        Args:
            timeout: Seconds, or None to wait as long as it takes.
            on_change: Is told how many are left; returns whether to call it every half second too.

        Returns:
            Whether that was in time.
        """
        end = None if timeout is None else time.monotonic() + timeout
        with self._changed, self._hurrying():
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
    def _hurrying(self) -> Iterator[None]:
        """Has no pause go on while someone waits."""
        self._hurried += 1
        self._changed.notify_all()
        try:
            yield
        finally:
            self._hurried -= 1

    def _awaited(self, layout: StateLayout) -> StateSlot | None:
        """Returns a free slot, or None when there is room to make one; waits for either."""
        end = time.monotonic() + _SLOT_SECONDS
        while (slot := self._fitting(layout)) is None and self._slots > self._max_pending:
            if self._is_closed:
                break
            rest = end - time.monotonic()
            if rest <= 0:
                raise TimeoutError(f"no room for a copy of the model within {_SLOT_SECONDS:.0f} s")
            self._changed.wait(rest)  # for the spare one that is being made
        self._slots += slot is None
        return slot

    def _fitting(self, layout: StateLayout) -> StateSlot | None:
        """Returns a free slot for a layout; those for another model are given up."""
        while self._free:
            slot = self._free.pop()
            if slot.layout == layout:
                return slot
            slot.close()
            self._slots -= 1
        return None

    def _made(self, layout: StateLayout) -> StateSlot:
        try:
            return StateSlot(layout)
        except BaseException:
            self._go_without()
            raise

    def _go_without(self) -> None:
        """Counts a slot off that could not be made."""
        with self._changed:
            self._slots -= 1
            self._changed.notify_all()

    def _forgo(self, replaced: Snapshot | None) -> None:
        """Remembers a snapshot that had to go for one that did not come."""
        if replaced is not None:
            busy = (Skipped(replaced.step, "busy"),)
            self._failed = merged(self._failed, replaced.skipped, busy)

    def _make_spare(self, layout: StateLayout) -> None:
        try:
            slot = self._made(layout)
        except Exception:
            return  # the loop tries by itself when it needs one, and tells
        with self._changed:
            self._put_back(slot)

    def _put_back(self, slot: StateSlot) -> None:
        """Keeps a slot for the next snapshot; gives its memory back if there will be none."""
        if self._is_dropped:
            slot.close()
        else:
            self._free.append(slot)
            self._changed.notify_all()


def _failed(step: int) -> Skipped:
    return Skipped(step, "failed")


def merged(*parts: Sequence[Skipped]) -> tuple[Skipped, ...]:
    """Returns the skipped checkpoints of all parts, the latest `MAX_SKIPPED` of them."""
    return tuple(entry for part in parts for entry in part)[-MAX_SKIPPED:]
