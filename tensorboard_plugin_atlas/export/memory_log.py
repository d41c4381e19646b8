# SPDX-License-Identifier: Apache-2.0
"""Turns atlases that are in memory into a log, so that they can be exported like one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.export.event_provider import LogContents, MemoryRecord, RunTag
from tensorboard_plugin_atlas.log_names import CHILD_RUN, layer_tag
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

_UNNAMED: Final = "run"
"""Run of atlases that were not read from a log."""


def list_runs(atlases: Sequence[Atlas]) -> list[str]:
    """Returns a run for each atlas; two atlases of one layer and step are in different runs."""
    taken: set[tuple[str, str, int]] = set()
    names = []
    for atlas in atlases:
        base = atlas.run.removesuffix(f"/{CHILD_RUN}") or _UNNAMED
        name, number = base, 1
        while (name, atlas.layer, atlas.step) in taken:
            number += 1
            name = f"{base} ({number})"
        taken.add((name, atlas.layer, atlas.step))
        names.append(f"{name}/{CHILD_RUN}")
    return names


def make_log(atlases: Sequence[Atlas]) -> LogContents:
    """Returns a log with these atlases, without probe images."""
    records: dict[RunTag, list[MemoryRecord]] = defaultdict(list)
    for run, atlas in zip(list_runs(atlases), atlases, strict=True):
        record = MemoryRecord(atlas.step, atlas.wall_time, tuple(encode_atlas(atlas)))
        records[run, layer_tag(atlas.layer)].append(record)
    return LogContents({at: tuple(found) for at, found in records.items()})
