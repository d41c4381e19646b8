# SPDX-License-Identifier: Apache-2.0
"""Training runs and workers that are killed while they render icons leave a complete atlas."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from tiny_training import TINY, Net, find_workers, make_images, start_script, wait_until

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, read_atlases
from tensorboard_plugin_atlas.log_names import CHILD_RUN
from tensorboard_plugin_atlas.logs.doctor import NOTE, PROBLEM, examine
from tensorboard_plugin_atlas.logs.reader import list_atlases

pytestmark = pytest.mark.sampled(2)

ENDLESS = {"icons": "inversion", "icon_steps": 4096, "draft_seconds": 0}
SCRIPT = """
    import sys, time
    from tiny_training import Net, TINY, make_images
    from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter
    settings = {**TINY.as_dict(), "icons": "inversion", "icon_steps": 4096, "draft_seconds": 0}
    config = AtlasConfig(**settings)
    writer = AtlasWriter(sys.argv[1], Net(), ["body"], probe=make_images(), config=config)
    writer.add_atlas(7)
    time.sleep(600)
"""


def find_preliminary(log_dir):
    """Returns the first preliminary atlas in a log, or None."""
    if not (log_dir / CHILD_RUN).is_dir():
        return None
    return next((one for one in list_atlases(log_dir) if one.revision == "preliminary"), None)


def check_log(log_dir):
    (atlas,) = read_atlases(log_dir, on_damage="raise")
    assert (atlas.layer, atlas.step) == ("body", 7)
    (grid,) = atlas.grids
    assert set(grid.icon_kind) == {"examples"}
    assert grid.icons.std() > 0
    assert np.isfinite(atlas.activations).all()
    assert [f.mark for f in examine(log_dir) if f.mark in (NOTE, PROBLEM)] == [NOTE]


def test_a_killed_training_run(tmp_path):
    process = start_script(tmp_path / "loop.py", SCRIPT, tmp_path / "log")
    try:
        wait_until(lambda: find_preliminary(tmp_path / "log"))
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=120)
    check_log(tmp_path / "log")


def test_a_writer_closed_without_waiting(tmp_path):
    config = AtlasConfig(**{**TINY.as_dict(), **ENDLESS})
    writer = AtlasWriter(tmp_path, Net(), ["body"], probe=make_images(), config=config)
    writer.add_atlas(7)
    wait_until(lambda: find_preliminary(tmp_path))
    with pytest.warns(RuntimeWarning, match="not finished within 0.1 s: step 7;"):
        writer.close(0.1)
    wait_until(lambda: not find_workers())
    check_log(tmp_path)
    # A resumed run completes the icons of the step.
    quick = AtlasConfig(**{**TINY.as_dict(), **ENDLESS, "icon_steps": 1})
    with AtlasWriter(
        tmp_path, Net(), ["body"], probe=make_images(), config=quick, strict=True
    ) as again:
        again.add_atlas(7)
    (entry,) = list_atlases(tmp_path)
    assert (entry.step, entry.revision, entry.sequence) == (7, "logged", 1)
