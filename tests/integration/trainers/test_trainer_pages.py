# SPDX-License-Identifier: Apache-2.0
"""The complete script of each trainer's page runs as printed and logs atlases."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from commands import ROOT
from docs_pages import blocks_of

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, read_atlases

SMALL = AtlasConfig(samples=40, grids=(4,), icons="examples", min_count=2, epochs=10)
PAGES = sorted((ROOT / "docs" / "guides" / "trainers").glob("*.md"))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_script_logs_atlases(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    defaults = AtlasWriter.__init__.__kwdefaults__
    for key, value in {"config": SMALL, "worker": "inline", "strict": True}.items():
        monkeypatch.setitem(defaults, key, value)
    (script,) = blocks_of(page, "python")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the trainers
        exec(compile(script, page.name, "exec"), {"__name__": "__main__"})
    atlases = list(read_atlases(tmp_path))
    steps = {atlas.layer: [] for atlas in atlases}
    for atlas in atlases:
        steps[atlas.layer].append(atlas.step)
    for found in steps.values():
        assert found[:3] == [0, 10, 15], "log-spaced steps"
    assert all(atlas.labels is not None and atlas.predictions is not None for atlas in atlases)
    (run,) = {atlas.run for atlas in atlases}
    if page.stem != "timm":
        folder = (tmp_path / run).parent
        assert list(folder.glob("events.out.tfevents.*")), "next to the scalars"
