# SPDX-License-Identifier: Apache-2.0
"""Ranks that compute together: what each gets, and what happens if one fails or ends."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rank_processes import run_in_ranks

from tensorboard_plugin_atlas.compute.layout.approximate_neighbors import approximate_neighbors
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.process_group import join_group
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError, RankError

SIZES = (1, 2, 3)


def describe_failure(compute: Callable[[], Any]) -> tuple[str, str]:
    """Returns class and text of the error that a function raises."""
    try:
        compute()
    except Exception as error:
        return type(error).__name__, str(error)
    return "", ""


def compute_in_ranks(group: Any) -> dict[str, Any]:
    """Makes all exchanges of a group; runs in each rank."""
    ranks = join_group(group)
    again = join_group(group)
    rows = np.arange(24, dtype=np.float32).reshape(8, 3)
    read_only = np.arange(3)
    read_only.flags.writeable = False
    return {
        "rank": (ranks.rank, ranks.size),
        "gathered": again.gather(lambda: {"rank": ranks.rank, "rows": rows[: ranks.rank + 1]}),
        "read-only": ranks.gather(lambda: read_only),
        "squares": [ranks.compute_all(lambda x: x * x, range(count)) for count in (0, 1, 7)],
        "decided": ranks.decide(lambda: os.getpid()) == os.getpid(),
        "rows": ranks.gather_rows(lambda own: (rows[own.start : own.stop], rows[own]), 8),
        "few rows": ranks.gather_rows(lambda own: [rows[own.start : own.stop]], 1),
    }


def fail_in_ranks(group: Any) -> dict[str, Any]:
    """Fails in several ways; runs in each rank."""
    ranks = join_group(group)

    def fail_in(rank: int, error: Exception) -> int:
        if ranks.rank == rank:
            raise error
        return 0

    def fail_outside() -> None:
        with ranks.fail_together():
            fail_in(1, LayerError("no such layer"))
            ranks.gather(lambda: 0)
            ranks.gather(lambda: 0)

    def fail_at_the_end() -> None:
        with ranks.fail_together():
            ranks.gather(lambda: 0)
            fail_in(0, OSError("disk full"))

    def recover_and_fail() -> None:
        with ranks.fail_together():
            assert describe_failure(lambda: ranks.gather(lambda: fail_in(1, LayerError("first"))))
            fail_in(2, ArgumentError("second"))
            ranks.gather(lambda: 0)

    def fail_in_both() -> None:
        with ranks.fail_together():
            ranks.decide(lambda: fail_in(0, ArgumentError("known to all")))

    def differ() -> None:
        ranks.check_equal(layer="body", probe=ranks.rank)

    found = {
        "of this package": describe_failure(
            lambda: ranks.gather(lambda: fail_in(1, LayerError("no such layer")))
        ),
        "of the model": describe_failure(
            lambda: ranks.compute_all(lambda x: fail_in(x, ValueError("wrong shape")), range(3))
        ),
        "outside": describe_failure(fail_outside),
        "at the end": describe_failure(fail_at_the_end),
        "after recovery": describe_failure(recover_and_fail),
        "raised once": describe_failure(fail_in_both),
        "different": describe_failure(differ),
        "not in the way": ranks.gather(lambda: ranks.rank),
    }
    if ranks.rank == 1:
        os._exit(9)
    found["ended"] = describe_failure(lambda: ranks.gather(lambda: 0))
    return found


def make_rows(count: int) -> Any:
    """Returns unit rows in clusters of about 100."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(count // 100, 12))
    rows = centers[np.arange(count) % len(centers)] + 0.5 * rng.normal(size=(count, 12))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def search_in_ranks(group: Any) -> list[bytes]:
    """Returns exact and approximate neighbors; runs in each rank."""
    ranks = join_group(group)
    searches = [
        nearest_neighbors(make_rows(300), 7, ranks),
        nearest_neighbors(make_rows(300)[:2], 1, ranks),
        approximate_neighbors(make_rows(6_500), 10, ranks),
        approximate_neighbors(make_rows(1_500), 10, ranks),  # with three ranks, one has no block
    ]
    return [array.tobytes() for found in searches for array in found]


@pytest.fixture(scope="module")
def failures() -> list[Any]:
    return run_in_ranks(fail_in_ranks, [3])[3]


class TestAlone:
    def test_calls_functions(self) -> None:
        assert ALONE.gather(lambda: 1) == [1]
        assert ALONE.decide(lambda: 2) == 2
        assert ALONE.compute_all(lambda x: -x, range(3)) == [0, -1, -2]
        assert ALONE.gather_rows(lambda own: [np.zeros(len(own))], 4)[0].shape == (4,)
        assert ALONE.is_own(5)
        ALONE.check_equal(anything=object())

    def test_raises_what_was_raised(self) -> None:
        with pytest.raises(ZeroDivisionError), ALONE.fail_together():
            ALONE.gather(lambda: 1 // 0)

    @pytest.mark.parametrize("count", [0, 1, 2, 10])
    def test_parts_are_successive(self, count: int) -> None:
        parts = [Ranks(rank, 4).choose_part(count) for rank in range(4)]
        assert [row for part in parts for row in part] == list(range(count))

    def test_no_group_is_this_process(self) -> None:
        assert join_group(None) is ALONE

    def test_what_is_no_group_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="pass a process group"):
            join_group("gloo")


def test_all_ranks_get_the_results_of_all() -> None:
    for size, found in run_in_ranks(compute_in_ranks, SIZES).items():
        for rank, one in enumerate(found):
            assert one["rank"] == (rank, size)
            assert [part["rank"] for part in one["gathered"]] == list(range(size))
            assert [len(part["rows"]) for part in one["gathered"]] == list(range(1, size + 1))
            assert [array.tolist() for array in one["read-only"]] == [[0, 1, 2]] * size
            assert one["squares"] == [[], [0], [0, 1, 4, 9, 16, 25, 36]]
            assert one["decided"] is (rank == 0)
            assert all(np.array_equal(array, np.arange(24).reshape(8, 3)) for array in one["rows"])
            assert one["few rows"][0].tolist() == [[0, 1, 2]]


@pytest.mark.parametrize(
    ("case", "kind", "text"),
    [
        ("of this package", LayerError, "no such layer"),
        ("of the model", RankError, "rank 0: ValueError: wrong shape"),
        ("outside", LayerError, "no such layer"),
        ("at the end", RankError, "rank 0: OSError: disk full"),
        ("after recovery", ArgumentError, "second"),
        ("raised once", ArgumentError, "known to all"),
    ],
)
def test_an_error_of_one_rank_is_raised_on_all(
    case: str, kind: type[Exception], text: str, failures: list[Any]
) -> None:
    assert [failures[rank][case] for rank in (0, 2)] == [(kind.__name__, text)] * 2


def test_different_arguments_are_named(failures: list[Any]) -> None:
    text = "probe: rank 1 has another one than rank 0; pass the same on all ranks"
    for rank in (0, 2):
        assert failures[rank]["different"] == ("ArgumentError", text)
        assert failures[rank]["not in the way"] == [0, 1, 2]


def test_a_rank_that_ends_is_noticed(failures: list[Any]) -> None:
    assert failures[1] is None
    kind, text = failures[0]["ended"]
    assert kind == "RankError"
    assert "lost the connection to another rank" in text


def test_neighbors_are_the_same_for_any_number_of_ranks() -> None:
    found = run_in_ranks(search_in_ranks, SIZES)
    assert all(one == found[1][0] for several in found.values() for one in several)
