# SPDX-License-Identifier: Apache-2.0
"""Ranks, here threads with a common store, agree within a time limit or get the reason."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from torch import distributed

from tensorboard_plugin_atlas.errors import ArgumentError, RankError
from tensorboard_plugin_atlas.writer.sharding.agreement import Agreement, create_agreement


@pytest.fixture
def parties():
    """Returns the parties of three ranks."""
    store = distributed.HashStore()
    return [Agreement(store, rank, 3) for rank in range(3)]


def run_all(calls):
    """Runs functions at the same time; returns the result of each, or what it raised."""

    def run(call):
        try:
            return call()
        except RankError as error:
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def join(party, seconds=200, mark=""):
    return lambda: party.join("step 1", seconds, "call add_atlas(1)", mark)


def test_all_ranks_start_together(parties):
    assert run_all([join(party, mark="same") for party in parties]) == [True] * 3


def test_rank_zero_sends_the_others_on(parties):
    results = run_all([join(parties[1]), lambda: parties[0].decline("step 1"), join(parties[2])])
    assert results == [False, None, False]


def test_a_decision_is_never_changed(parties):
    run_all([join(party) for party in parties])
    parties[0].decline("step 1")
    assert join(parties[1])() is True


@pytest.mark.parametrize("missing", [0, 2])
def test_a_missing_rank_is_named_on_all_ranks_also_if_it_comes_late(parties, missing):
    present = [party for rank, party in enumerate(parties) if rank != missing]
    errors = run_all([join(party, 0.2) for party in present])
    start = time.monotonic()
    errors += run_all([join(parties[missing])])
    assert time.monotonic() - start < 100
    message = f"rank {missing} did not call add_atlas(1) within 0.2 s. The model is sharded, so"
    assert [str(error).startswith(message) for error in errors] == [True] * 3


def test_many_missing_ranks_are_counted():
    party = Agreement(distributed.HashStore(), 0, 100)
    with pytest.raises(
        RankError, match=r"^ranks 1, 2, 3, 4, 5, 6, 7, 8 and 91 others did not call"
    ):
        join(party, 0)()


def test_marks_that_differ_are_an_error_on_all_ranks(parties):
    marks = ("same", "same", "other")
    calls = [join(party, mark=mark) for party, mark in zip(parties, marks, strict=True)]
    for error in run_all(calls):
        assert "the model of rank 2 has other parameters than that of rank 0" in str(error)


def test_the_others_wait_for_the_report_of_rank_zero(parties):
    wait = [lambda party=party: party.wait_for_report("made", 20) for party in parties[1:]]
    assert run_all([*wait, lambda: parties[0].report("made", None)]) == [None] * 3


def test_an_error_in_the_report_is_raised_on_the_others(parties):
    parties[0].report("made", "no space left")
    with pytest.raises(RankError, match=r"^no space left$"):
        parties[1].wait_for_report("made", 20)


def test_a_report_that_does_not_come_is_an_error(parties):
    with pytest.raises(RankError, match=r"^rank 0 has not finished within 0\.1 s$"):
        parties[1].wait_for_report("made", 0.1)


def test_an_agreement_needs_a_process_group():
    with pytest.raises(
        ArgumentError, match=r"no process group now; create the AtlasWriter between"
    ):
        create_agreement()
