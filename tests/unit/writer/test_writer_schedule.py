# SPDX-License-Identifier: Apache-2.0
"""`AtlasWriter.step` and `every`: the writer decides at which steps an atlas is due."""

import contextlib

import pytest
import torch
from tiny_training import TINY, Net, make_images

from tensorboard_plugin_atlas import AtlasError, AtlasWriter, Schedule, read_atlases


def make_writer(folder, *, worker="inline", strict=True, **options):
    return AtlasWriter(
        folder,
        Net(),
        ["body"],
        probe=make_images(),
        config=TINY,
        worker=worker,
        strict=strict,
        **options,
    )


def read_steps(folder):
    return [atlas.step for atlas in read_atlases(folder, layer="body")]


def test_by_default_the_intervals_grow(tmp_path):
    with make_writer(tmp_path) as atlas:
        for step in range(40):
            atlas.step(step)
    assert read_steps(tmp_path) == [0, 10, 15, 22, 34, 39]


def test_every_n_steps_in_a_with_statement(tmp_path):
    atlas = make_writer(tmp_path)
    with atlas.every(4, start=2):
        for step in range(12):
            atlas.step(step)
    assert read_steps(tmp_path) == [2, 6, 10, 11]
    assert atlas._closed


def test_when_the_loss_falls(tmp_path):
    with make_writer(tmp_path, schedule=Schedule.when_loss_falls(by=0.5)) as atlas:
        for step in range(30):
            atlas.step(step, loss=torch.tensor(1.0 if step < 10 else 1e-3, requires_grad=True))
    assert read_steps(tmp_path) == [0, 29]
    with make_writer(tmp_path / "b", schedule=Schedule.when_loss_falls(by=0.1)) as atlas:
        for step in range(30):
            atlas.step(step, loss=1.0 if step < 10 else 1e-3)
    assert read_steps(tmp_path / "b") == [0, 10, 20, 29]


def test_a_due_atlas_waits_for_a_busy_worker(tmp_path):
    with make_writer(tmp_path, worker="process", max_pending=1) as atlas:
        for step in range(16):
            atlas.step(step)
        assert atlas.is_busy()  # steps 0 and 10; step 15 waits
        atlas.flush()
        assert not atlas.is_busy()
        atlas.step(19)
    assert read_steps(tmp_path) == [0, 10, 19]
    *_, last = read_atlases(tmp_path, layer="body")
    assert last.skipped == ()


def test_the_final_state_is_logged_once_and_not_after_an_exception(tmp_path):
    with make_writer(tmp_path / "due").every(4) as atlas:
        for step in range(5):
            atlas.step(step)
    assert read_steps(tmp_path / "due") == [0, 4]
    with contextlib.suppress(KeyError), make_writer(tmp_path / "failed") as atlas:
        for step in range(5):
            atlas.step(step)
        raise KeyError
    assert read_steps(tmp_path / "failed") == [0]
    with make_writer(tmp_path / "full", worker="process", max_pending=1) as atlas:
        for step in range(12):
            atlas.step(step)
    assert read_steps(tmp_path / "full") == [0, 10, 11], "it waits and replaces none"


def test_steps_that_are_not_due_do_not_have_to_increase(tmp_path):
    with make_writer(tmp_path).every(10) as atlas:
        for step in (0, 3, 3, 2, 10):
            atlas.step(step)
    assert read_steps(tmp_path) == [0, 10]


def test_faults_are_reported_and_not_raised(tmp_path, caplog):
    atlas = make_writer(tmp_path, strict=False, schedule=Schedule.when_loss_falls())
    with pytest.warns(RuntimeWarning, match=r"loss=None: .*pass atlas\.step\(step, loss\)"):
        atlas.step(0)
    atlas.step("a", 1.0)
    atlas.close()
    assert "global_step='a': pass an integer" in caplog.text


def test_wrong_arguments_are_named(tmp_path):
    with pytest.raises(AtlasError, match=r"schedule=500: pass a Schedule, such as Schedule\.every"):
        make_writer(tmp_path, schedule=500)
    with make_writer(tmp_path) as atlas, pytest.raises(AtlasError, match="n=0: pass"):
        atlas.every(0)
