# SPDX-License-Identifier: Apache-2.0
"""A log of shortcut searches: with and without results, untrusted, and damaged."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from browser_logs import UNTRUSTED_CLASSES, flip_bit, make_small_atlas
from synthetic_atlases import make_probe_pictures
from synthetic_shortcuts import STEPS, make_shortcuts, replace_first, write_shortcuts

from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.shortcut_record import ShortcutRecord
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

ONE_STEP = 7


def write_shortcut_log(directory: Path) -> int:
    """Writes each as its own run; returns the number of listed atlases."""
    write_shortcuts(directory, run="marked")
    doubtful = replace_first(make_shortcuts(ONE_STEP), significant=False, since=None)
    untrusted = dataclasses.replace(make_shortcuts(ONE_STEP), classes=UNTRUSTED_CLASSES)
    foreign = dataclasses.replace(make_shortcuts(ONE_STEP), probe="another")
    records: dict[str, ShortcutRecord] = {
        "clean": make_shortcuts(ONE_STEP, found=0),
        "doubtful": doubtful,
        "foreign": foreign,
        "untrusted": untrusted,
    }
    for run, record in records.items():
        _write(directory / run, encode_shortcuts(record), record.classes or ())
    blobs = encode_shortcuts(make_shortcuts(ONE_STEP))
    _write(directory / "torn", flip_bit(blobs, 0))
    _write(directory / "smudged", flip_bit(blobs, 1))
    return 2 * len(STEPS) + len(records) + 2


def _write(directory: Path, record: list[bytes], classes: tuple[str, ...] = ()) -> None:
    """Writes one atlas of one step, and one shortcut record."""
    sink = EventSink(directory / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
    atlas = make_small_atlas(ONE_STEP, "layer3", **({"classes": classes} if classes else {}))
    sink.write(layer_tag("layer3"), encode_atlas(atlas), ONE_STEP)
    sink.write(shortcuts_tag("layer3"), record, ONE_STEP)
    sink.close()
