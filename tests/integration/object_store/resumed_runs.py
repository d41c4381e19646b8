# SPDX-License-Identifier: Apache-2.0
"""A run that is resumed once, and the records of a log."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tiny_training import TINY, Net, make_images

from tensorboard_plugin_atlas import AtlasWriter
from tensorboard_plugin_atlas.logs.event_file import read_events
from tensorboard_plugin_atlas.logs.log_files import LogPathLike


def write_resumed_runs(log_dirs: Iterable[str | Path]) -> None:
    """Logs the same two steps to each directory or URL, each step by a writer of its own."""
    model, images = Net(), make_images()
    for log_dir in log_dirs:
        for step in (0, 10):
            with AtlasWriter(
                log_dir, model, ["body"], probe=images, config=TINY, worker="inline", strict=True
            ) as atlas:
                atlas.add_atlas(step, walltime=1000.0 + step)


def records_in(directory: LogPathLike) -> list[tuple[str | None, int, tuple[bytes, ...] | None]]:
    """Returns tag, step, and blobs of each record."""
    return [(event.tag, event.step, event.blobs) for event in read_events(directory)]
