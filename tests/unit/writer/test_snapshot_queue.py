# SPDX-License-Identifier: Apache-2.0
"""Order of the queue, skipped steps, and their entries in the next atlas, without a process."""

from __future__ import annotations

import threading
import time

import pytest
import torch
from tiny_training import wait_until

import tensorboard_plugin_atlas.writer.snapshot_queue as queue_module
from tensorboard_plugin_atlas.atlas import Skipped
from tensorboard_plugin_atlas.writer.shared_state import StateSlot, compute_state_layout
from tensorboard_plugin_atlas.writer.snapshot_queue import (
    MAX_SKIPPED,
    Snapshot,
    SnapshotQueue,
    UnfinishedSteps,
    join_skips,
)

LAYOUT = compute_state_layout([torch.zeros(10)])


def raising(error):
    def fail(*_args, **_kwargs):
        raise error

    return fail


def push(queue, step, layout=LAYOUT):
    """Adds a snapshot as a recorder does; returns the step that it replaced."""
    slot, replaced = queue.claim(layout)
    skipped = () if replaced is None else (*replaced.skipped, Skipped(replaced.step, "busy"))
    queue.add(Snapshot(step, 0.0, skipped, None, slot))
    return None if replaced is None else replaced.step


@pytest.fixture
def queue():
    made = SnapshotQueue(2)
    made.prepare(LAYOUT)
    yield made
    made.discard()


class TestOrder:
    def test_the_newest_of_those_that_wait_gives_way(self, queue):
        assert [push(queue, step) for step in range(6)] == [None, None, None, 2, 3, 4]
        taken = []
        while len(queue):
            taken.append(queue.take())
            queue.finish(failed=False)
        assert [snapshot.step for snapshot in taken] == [0, 1, 5]
        assert taken[1].skipped == ()
        assert taken[2].skipped == tuple(Skipped(step, "busy") for step in (2, 3, 4))

    def test_the_one_in_work_counts_as_such_before_it_is_taken(self, queue):
        for step in range(3):
            assert push(queue, step) is None
        assert queue.take().step == 0
        assert push(queue, 3) == 2

    def test_a_failure_is_listed_in_the_next_atlas(self, queue):
        push(queue, 1)
        queue.take()
        queue.finish(failed=True)
        push(queue, 2)
        assert queue.take().skipped == (Skipped(1, "failed"),)
        queue.finish(failed=True)
        push(queue, 3)
        assert queue.take().skipped == (Skipped(1, "failed"), Skipped(2, "failed"))
        queue.finish(failed=False)
        push(queue, 4)
        assert queue.take().skipped == ()

    def test_take_waits_for_the_first(self, queue):
        taken = []
        thread = threading.Thread(target=lambda: taken.append(queue.take()))
        thread.start()
        push(queue, 7)
        thread.join(120)
        assert taken[0].step == 7

    def test_a_list_of_skipped_ones_has_an_end(self):
        many = [Skipped(step, "busy") for step in range(MAX_SKIPPED)]
        assert join_skips(many, [Skipped(-1, "failed")])[0].step == 1
        assert join_skips(many, [Skipped(-1, "failed")])[-1].step == -1


class TestSlots:
    def test_there_are_never_more_than_one_beyond_those_that_wait(self, queue, monkeypatch):
        made = []
        make = StateSlot
        monkeypatch.setattr(
            queue_module, "StateSlot", lambda layout: made.append(layout) or make(layout)
        )
        for step in range(50):
            push(queue, step)
            if step % 3 == 0:
                queue.take()
                queue.finish(failed=False)
        assert len(made) <= 2  # including the spare one

    def test_a_snapshot_keeps_its_slot_until_it_is_finished(self, queue):
        for step in range(9):
            push(queue, step)
        held = set()
        while len(queue):
            held.add(id(queue.take().slot))
            queue.finish(failed=False)
        assert len(held) == 3

    def test_a_model_that_changed_gets_slots_that_fit(self, queue):
        wider = compute_state_layout([torch.zeros(10), torch.zeros(20)])
        for step in range(3):
            push(queue, step)
        assert push(queue, 3, wider) == 2
        steps = {}
        while len(queue):
            snapshot = queue.take()
            steps[snapshot.step] = snapshot.slot.layout
            queue.finish(failed=False)
        assert steps == {0: LAYOUT, 1: LAYOUT, 3: wider}

    def test_a_slot_that_cannot_be_made_frees_its_slot(self, queue, monkeypatch):
        def full(layout):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(queue_module, "StateSlot", full)
            push(queue, 0)  # uses the only slot; the spare one cannot be made
            wait_until(lambda: queue._slots == 1)
            for _ in range(5):
                with pytest.raises(OSError, match="No space"):
                    queue.claim(LAYOUT)
        assert [push(queue, step) for step in (1, 2, 3)] == [None, None, 2]

    def test_a_claim_that_comes_to_nothing_can_be_given_back(self, queue):
        slot, replaced = queue.claim(LAYOUT)
        queue.give_back(slot, replaced)
        assert queue.claim(LAYOUT)[0] is slot

    def test_one_that_was_replaced_by_none_is_listed(self, queue, monkeypatch):
        for step in range(3):
            push(queue, step)
        assert queue.take().step == 0
        queue.give_back(*queue.claim(LAYOUT))  # replaces step 2 and is given back
        push(queue, 3)
        wider = compute_state_layout([torch.zeros(20)])
        with monkeypatch.context() as patch:
            patch.setattr(queue_module, "StateSlot", raising(MemoryError()))
            with pytest.raises(MemoryError):
                queue.claim(wider)  # replaces step 3 and fails
        queue.finish(failed=False)
        assert queue.take().skipped == (Skipped(2, "busy"), Skipped(3, "busy"))

    @pytest.mark.parametrize("failing", ["thread", "memory"])
    def test_a_spare_that_cannot_be_made_keeps_nobody_waiting(self, queue, monkeypatch, failing):
        if failing == "thread":
            error = RuntimeError("can't start new thread")
            monkeypatch.setattr(threading.Thread, "start", raising(error))
        else:
            monkeypatch.setattr(queue_module, "StateSlot", raising(MemoryError()))
        push(queue, 0)
        wait_until(lambda: queue._slots == 1)
        monkeypatch.undo()
        for step in (1, 2):
            assert push(queue, step) is None  # the loop creates its slots


class TestEnd:
    def test_nothing_is_accepted_after_close_and_the_rest_is_taken(self, queue):
        push(queue, 1)
        push(queue, 2)
        queue.close()
        assert queue.claim(LAYOUT) is None
        assert queue.take().step == 1
        queue.finish(failed=False)
        assert queue.take().step == 2
        queue.finish(failed=False)
        assert queue.take() is None

    def test_discard_returns_how_many_were_unfinished(self, queue):
        for step in range(3):
            push(queue, step)
        assert queue.discard() == 3
        assert queue.take() is None
        assert len(queue) == 0
        queue.finish(failed=False)  # the reply came too late

    def test_waiting_has_a_limit_and_reports_what_is_left(self, queue):
        seen = []
        push(queue, 1)
        push(queue, 2)
        assert not queue.wait_until_empty(0.01, lambda left: seen.append(left))
        assert seen[0] == 2

        def work():
            for _ in range(2):
                queue.take()
                queue.finish(failed=False)

        threading.Thread(target=work).start()
        assert queue.wait_until_empty(None, lambda left: seen.append(left))


@pytest.fixture
def closed(monkeypatch):
    """Returns the slots that were closed so far, also by a writer of an earlier test."""
    found, close = [], StateSlot.close
    monkeypatch.setattr(StateSlot, "close", lambda slot: found.append(slot) or close(slot))
    return found


class TestDiscard:
    """Snapshots after `discard` are reported, and keep neither memory nor waiting threads."""

    def check_empty(self, queue):
        assert len(queue) == 0
        assert queue._free == []
        assert queue.wait_until_empty(None, lambda left: pytest.fail(f"{left} left"))

    def test_a_snapshot_that_was_claimed_before(self, queue, closed):
        slot, _ = queue.claim(LAYOUT)
        assert queue.discard() == 0
        assert not queue.add(Snapshot(1, 0.0, (), None, slot))
        assert closed.count(slot) == 1
        self.check_empty(queue)

    def test_one_that_took_the_place_of_another(self, queue):
        for step in range(3):
            push(queue, step)
        slot, replaced = queue.claim(LAYOUT)
        assert replaced.step == 2
        assert queue.discard() == 2
        assert not queue.add(Snapshot(3, 0.0, (), None, slot))
        queue.give_back(slot, replaced)
        self.check_empty(queue)
        skipped = (Skipped(0, "failed"), Skipped(1, "failed"), Skipped(2, "busy"))
        assert queue.unfinished == UnfinishedSteps((0, 1), skipped)

    def test_a_slot_that_is_given_back(self, queue, closed):
        slot, replaced = queue.claim(LAYOUT)
        queue.discard()
        queue.give_back(slot, replaced)
        assert closed.count(slot) == 1
        self.check_empty(queue)

    def test_a_claim(self, queue):
        queue.discard()
        assert queue.claim(LAYOUT) is None
        assert queue.discard() == 0

    @pytest.mark.parametrize("waits", [False, True], ids=["made", "waited for"])
    def test_a_slot_that_is_being_made(self, queue, closed, monkeypatch, waits):
        go, made, claimed = threading.Event(), [], []

        def slow(layout):
            go.wait(120)
            made.append(StateSlot(layout))
            return made[-1]

        monkeypatch.setattr(queue_module, "StateSlot", slow)
        push(queue, 1)  # starts the creation of a spare slot
        wait_until(lambda: queue._slots == 2)
        push_more = threading.Thread(target=lambda: claimed.append(queue.claim(LAYOUT)))
        if waits:
            queue._slots = 3  # simulates another claim in progress
            push_more.start()
            wait_until(lambda: queue._changed._waiters)
        assert queue.discard() == 1
        go.set()
        if waits:
            push_more.join(120)
            ((slot, replaced),) = claimed
            assert not queue.add(Snapshot(2, 0.0, (), None, slot))
            queue.give_back(slot, replaced)
        wait_until(lambda: made and set(made) <= set(closed))
        self.check_empty(queue)

    def test_one_added_to_what_is_only_closed_is_found_by_discard(self, queue):
        slot, _ = queue.claim(LAYOUT)
        queue.close()
        assert queue.take() is None
        assert queue.add(Snapshot(1, 0.0, (Skipped(0, "budget"),), None, slot))
        assert queue.discard() == 1
        assert queue.unfinished == UnfinishedSteps(
            (1,), (Skipped(0, "budget"), Skipped(1, "failed"))
        )
        self.check_empty(queue)

    def test_unfinished_steps_in_words(self):
        assert str(UnfinishedSteps((4,))) == "step 4"
        assert str(UnfinishedSteps((4, 5))) == "steps 4, 5"
        assert (
            str(UnfinishedSteps(tuple(range(20)))) == "steps 0, 1, 2, 3, 4, 5, 6, 7 and 12 others"
        )


class TestBounds:
    def test_a_claim_does_not_wait_for_ever(self, queue, monkeypatch):
        monkeypatch.setattr(queue_module, "_SLOT_SECONDS", 0.1)
        claims = [queue.claim(LAYOUT) for _ in range(3)]
        with pytest.raises(TimeoutError, match="no memory for a copy of the model"):
            queue.claim(LAYOUT)
        for slot, replaced in claims:
            queue.give_back(slot, replaced)
        assert queue.claim(LAYOUT) is not None

    def test_a_pause_takes_its_time(self, queue):
        start = time.monotonic()
        queue.pause(0.2)
        assert time.monotonic() - start >= 0.2

    @pytest.mark.parametrize("moment", ["before", "meanwhile"])
    @pytest.mark.parametrize("how", ["close", "wait"])
    def test_a_pause_ends_when_someone_waits(self, queue, moment, how):
        push(queue, 1)

        def hurry():
            if how == "close":
                queue.close()
            else:
                queue.wait_until_empty(60, lambda _: False)

        pause = threading.Thread(target=queue.pause, args=(300,))
        waiter = threading.Thread(target=hurry)
        for thread in (waiter, pause) if moment == "before" else (pause, waiter):
            thread.start()
            wait_until(lambda: queue._changed._waiters or queue._is_closed)
        pause.join(120)
        assert not pause.is_alive()
        queue.take()
        queue.finish(failed=False)
        waiter.join(120)
