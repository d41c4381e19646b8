# SPDX-License-Identifier: Apache-2.0
"""The steps of a log whose records are all there."""

from __future__ import annotations

import time
from pathlib import Path

from synthetic_atlases import make_atlas

from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink, scan_records
from tensorboard_plugin_atlas.logs.resume import list_complete_steps, purge_steps
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas


def log(directory: Path, layer: str, steps: tuple[int, ...], has_scalars: bool = True) -> None:
    sink = EventSink(directory)
    for step in steps:
        atlas = make_atlas(step, layer=layer, samples=30, grids=(3,))
        sink.write(layer_tag(layer), encode_atlas(atlas), step)
        if has_scalars:
            sink.write_scalars({f"atlas/{layer}/seconds": 1.0}, step)
    sink.close()


def test_of_each_layer(tmp_path: Path) -> None:
    assert list_complete_steps(str(tmp_path / "nowhere")) == {}
    log(tmp_path, "a", (0, 10, 20))
    log(tmp_path, "b", (0, 10))
    assert list_complete_steps(str(tmp_path)) == {"a": {0, 10, 20}, "b": {0, 10}}


def test_an_atlas_without_scalars_does_not_count(tmp_path: Path) -> None:
    log(tmp_path, "a", (0, 10))
    log(tmp_path, "a", (20,), has_scalars=False)
    log(tmp_path, "b", (0,), has_scalars=False)
    assert list_complete_steps(str(tmp_path)) == {"a": {0, 10}, "b": set()}


def test_a_damaged_atlas_does_not_count(tmp_path: Path) -> None:
    log(tmp_path, "a", (0, 10))
    (path,) = tmp_path.iterdir()
    data = bytearray(path.read_bytes())
    data[list(scan_records(path))[3].offset + 500] ^= 1
    path.write_bytes(data)
    assert list_complete_steps(str(tmp_path)) == {"a": {0}}


def test_void_records_do_not_count(tmp_path: Path) -> None:
    log(tmp_path, "a", (0, 10, 20))
    purge_steps(str(tmp_path), 10, time.time())
    assert list_complete_steps(str(tmp_path)) == {"a": {0}}
    log(tmp_path, "a", (10,))
    assert list_complete_steps(str(tmp_path)) == {"a": {0, 10}}
