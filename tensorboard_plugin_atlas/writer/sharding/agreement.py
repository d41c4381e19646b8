# SPDX-License-Identifier: Apache-2.0
"""Lets all ranks of a process group agree, within a time limit, to start a collective.

A collective that one rank does not join blocks all others. The ranks therefore meet in the
key-value store of the process group first. A store can be polled with a time limit, works with
every backend, and does not disturb the collectives of the training loop. The first outcome that is
written for a topic counts for all ranks, also for those that arrive later.
"""

from __future__ import annotations

import itertools
import time
from typing import Final

from torch import distributed
from torch.distributed.distributed_c10d import PrefixStore, Store, _get_default_store

from tensorboard_plugin_atlas.errors import ArgumentError, RankError

_GO: Final = "go"
_DECLINED: Final = "declined"
_FAILED: Final = "failed: "

_SHORTEST_PAUSE: Final = 0.0005
_LONGEST_PAUSE: Final = 0.02
"""Seconds between two looks at the store; they grow while a rank waits."""

_MAX_NAMED: Final = 8
"""Number of missing ranks that a message lists."""

_NUMBERS: Final = itertools.count()
"""Numbers of the agreements; the same on all ranks, which create them in the same order."""


class Agreement:
    """One party for each rank of the default process group; rank 0 leads.

    Args:
        store: Key-value store that all ranks share.
        rank: Rank of this process.
        size: Number of ranks.
    """

    def __init__(self, store: Store, rank: int, size: int) -> None:
        self._store, self._rank, self._size = store, rank, size

    def join(self, topic: str, seconds: float, action: str, mark: str = "") -> bool:
        """Waits until all ranks have joined, or rank 0 has declined.

        Args:
            topic: What to agree on; each topic is decided once.
            seconds: How long to wait for the others.
            action: What a missing rank did not do, such as "call add_atlas(100)", for messages.
            mark: Text that must be the same on all ranks.

        Returns:
            Whether all ranks have joined and will start the collective now; False if rank 0 has
            declined.

        Raises:
            RankError: if a rank is missing after `seconds`, or the marks differ.
        """
        self._store.set(self._arrival(topic, self._rank), mark)
        end, pause = time.monotonic() + seconds, _SHORTEST_PAUSE
        while not self._store.check([topic]):
            if self._rank == 0 and self._is_complete(topic):
                self._decide(topic, self._compare_marks(topic, mark))
            elif time.monotonic() > end:
                self._decide(topic, self._describe_missing(topic, seconds, action))
            else:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        return self._read(topic)

    def decline(self, topic: str) -> None:
        """Has `join` return False on the other ranks, unless the topic is decided already."""
        self._decide(topic, _DECLINED)

    def report(self, topic: str, error: str | None) -> None:
        """Ends `wait_for_report` on the other ranks; `error` is raised there."""
        self._decide(topic, _GO if error is None else f"{_FAILED}{error}")

    def wait_for_report(self, topic: str, seconds: float) -> None:
        """Waits until rank 0 has called `report`.

        Raises:
            RankError: if it has reported an error, or nothing within `seconds`.
        """
        end, pause = time.monotonic() + seconds, _SHORTEST_PAUSE
        while not self._store.check([topic]):
            if time.monotonic() > end:
                raise RankError(f"rank 0 has not finished within {seconds:g} s")
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        self._read(topic)

    def _read(self, topic: str) -> bool:
        outcome = self._store.get(topic).decode()
        if outcome.startswith(_FAILED):
            raise RankError(outcome.removeprefix(_FAILED))
        return outcome == _GO

    def _decide(self, topic: str, outcome: str) -> None:
        """Writes the outcome of a topic, unless it has one."""
        self._store.compare_set(topic, "", outcome)

    def _arrival(self, topic: str, rank: int) -> str:
        return f"{topic}/{rank}"

    def _is_complete(self, topic: str) -> bool:
        return self._store.check([self._arrival(topic, rank) for rank in range(self._size)])

    def _compare_marks(self, topic: str, mark: str) -> str:
        if not mark:
            return _GO
        for rank in range(1, self._size):
            if self._store.get(self._arrival(topic, rank)).decode() != mark:
                return (
                    f"{_FAILED}the model of rank {rank} has other parameters than that of rank 0. "
                    "Pass the same model on all ranks; pipeline parallelism is not supported"
                )
        return _GO

    def _describe_missing(self, topic: str, seconds: float, action: str) -> str:
        missing = [
            rank
            for rank in range(self._size)
            if not self._store.check([self._arrival(topic, rank)])
        ]
        names = ", ".join(map(str, missing[:_MAX_NAMED]))
        more = f" and {len(missing) - _MAX_NAMED} others" if len(missing) > _MAX_NAMED else ""
        ranks = "rank" if len(missing) == 1 else "ranks"
        return (
            f"{_FAILED}{ranks} {names}{more} did not {action} within {seconds:g} s. The model is "
            "sharded, so its parameters are gathered from all ranks: make this call on every rank"
        )


def create_agreement() -> Agreement:
    """Returns a new agreement of all ranks of the default process group.

    Raises:
        ArgumentError: if there is no process group.
    """
    if not (distributed.is_available() and distributed.is_initialized()):
        raise ArgumentError(
            "model is sharded over ranks, but there is no process group now; create the "
            "AtlasWriter between init_process_group() and destroy_process_group()"
        )
    prefix = f"tensorboard_plugin_atlas/{next(_NUMBERS)}"
    store = PrefixStore(prefix, _get_default_store())
    return Agreement(store, distributed.get_rank(), distributed.get_world_size())
