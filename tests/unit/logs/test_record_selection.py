# SPDX-License-Identifier: Apache-2.0
"""Selection of runs and layers by a command, and messages if nothing matches."""

from __future__ import annotations

from pathlib import Path

import pytest
from synthetic_atlases import write_log

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.record_selection import (
    select_entries,
    select_records,
    select_step,
    shorten_list,
)


def test_runs_and_layers_narrow_the_list(tmp_path: Path) -> None:
    write_log(tmp_path, runs=("a", "b"), layers=("x", "y"), steps=(0, 5))
    assert len(select_records(tmp_path, None, None)) == 8
    found = select_records(tmp_path, "b", ["y"])
    assert [(one.run, one.layer, one.step) for one in found] == [
        ("b/atlas", "y", 0),
        ("b/atlas", "y", 5),
    ]


def test_what_is_missing_is_reported_with_advice(tmp_path: Path) -> None:
    write_log(tmp_path / "log", runs=("a",), layers=("x", "y"), steps=(0,))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArgumentError, match=r"no atlases under .*empty.*`tensorboard-atlas doctor"):
        select_records(tmp_path / "empty", None, None)
    with pytest.raises(ArgumentError, match=r"no atlases in a run 'b' under"):
        select_records(tmp_path / "log", "b", None)
    with pytest.raises(ArgumentError, match=r"--layer 'z' was not logged; pass one of x, y"):
        select_records(tmp_path / "log", None, ["x", "z"])
    with pytest.raises(ArgumentError, match=r"does not exist"):
        select_records(tmp_path / "nowhere", None, None)


def test_a_list_that_a_name_empties_says_which_names_there_are(tmp_path: Path) -> None:
    write_log(tmp_path, runs=("a", "b"), layers=("x", "y"), steps=(0,))
    for run in ("b", "b/atlas"):
        (found,) = select_entries(tmp_path, run, "y")
        assert (found.run, found.layer) == ("b/atlas", "y")
    with pytest.raises(ArgumentError, match=r"--run 'c' was not logged; pass one of a/atlas, b/at"):
        select_entries(tmp_path, "c", "x")
    with pytest.raises(ArgumentError, match=r"--layer 'z' was not logged; pass one of x, y$"):
        select_entries(tmp_path, None, "z")
    with pytest.raises(ArgumentError, match=r"--layer 'z' was not logged in run 'a'; pass one of"):
        select_entries(tmp_path, "a", "z")
    (tmp_path / "empty").mkdir()
    assert select_entries(tmp_path / "empty", "c", "z") == []


def test_a_long_list_is_counted() -> None:
    assert shorten_list("ba") == "a, b"
    assert shorten_list(map(str, range(9))) == "0, 1, 2, 3, 4 and 4 more"


def test_a_step_of_one_run_is_selected(tmp_path: Path) -> None:
    write_log(tmp_path, runs=("a", "b"), layers=("x", "y"), steps=(0, 5))
    for step, found in ((None, 5), (0, 0)):
        records = select_step(tmp_path, "a", None, step)
        assert [(one.layer, one.step) for one in records] == [("x", found), ("y", found)]
    with pytest.raises(ArgumentError, match=r"pass --run: there are 2 runs \(a/atlas, b/atlas\)"):
        select_step(tmp_path, None, None, None)
    with pytest.raises(ArgumentError, match=r"--step 4 was not logged; the nearest are 0, 5"):
        select_step(tmp_path, "a", None, 4)
