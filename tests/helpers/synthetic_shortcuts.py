# SPDX-License-Identifier: Apache-2.0
"""Small synthetic shortcut records that match `synthetic_atlases.make_atlas`.

`python tests/helpers/synthetic_shortcuts.py LOGDIR` writes a run of two layers, with shortcuts of
the first layer.
"""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
from synthetic_atlases import CLASSES, INPUT_SIDE, make_atlas, make_probe_pictures

from tensorboard_plugin_atlas.log_names import CHILD_RUN, PROBE_TAG, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.shortcut_record import (
    LoggedShortcut,
    PastedImage,
    ShortcutRecord,
    ShortcutTest,
)
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

STEPS = (0, 50, 100, 200)


def make_shortcuts(
    step: int, *, layer: str = "layer3", found: int = 3, steps: tuple[int, ...] = STEPS
) -> ShortcutRecord:
    """Returns `found` patches, of which the first is a shortcut from `steps[1]` on."""
    return ShortcutRecord(
        layer=layer,
        step=step,
        wall_time=1_700_000_000.0 + step,
        probe="5a5a" * 8,
        input_size=(INPUT_SIDE, INPUT_SIDE),
        images=400,
        classes=CLASSES,
        found=tuple(_make_shortcut(number, step, steps) for number in range(found)),
        patches=tuple(_make_patch(number) for number in range(found)),
    )


def _make_shortcut(number: int, step: int, steps: tuple[int, ...]) -> LoggedShortcut:
    is_mark = number == 0
    history = tuple(
        ShortcutTest(
            step=one,
            flip_rate=None if one == steps[0] else (0.9 if is_mark else 0.4),
            noise_flip_rate=None if one == steps[0] else 0.05,
            significant=is_mark and one != steps[0],
        )
        for one in steps
        if one <= step
    )
    y0, x0, y1, x1 = _make_box(number)
    return LoggedShortcut(
        id=7 + number,
        target=number % len(CLASSES),
        box=(y0, x0, y1, x1),
        area=(y1 - y0) * (x1 - x0) / INPUT_SIDE**2,
        flip_rate=0.9 if is_mark else 0.4,
        anywhere_flip_rate=0.2,
        noise_flip_rate=0.05,
        other_flip_rate=0.1,
        same_flip_rate=0.3,
        interval=(0.78, 0.9) if is_mark else (0.26, 0.43),
        strength=4.2 - number,
        support=20 + number,
        significant=is_mark and step != steps[0],
        since=steps[1] if is_mark and step >= steps[1] else None,
        image=number,
        history=history,
        samples=tuple(range(number, 60, 6)),
        similarity=0.75,
        examples=tuple(
            PastedImage(
                image=30 + one,
                before=(number + 1) % len(CLASSES),
                after=number % len(CLASSES) if one < 5 else (number + 1) % len(CLASSES),
                probability_before=0.05,
                probability_after=0.9 if one < 5 else 0.1,
            )
            for one in range(6)
        ),
    )


def _make_box(number: int) -> tuple[int, int, int, int]:
    y0, x0 = (number * 5) % 20, (number * 7) % 20
    return y0, x0, y0 + 4 + number % 4, x0 + 3 + number % 5


def _make_patch(number: int) -> np.ndarray:
    y0, x0, y1, x1 = _make_box(number)
    shape = (y1 - y0, x1 - x0, 3)
    return np.random.default_rng(number).integers(0, 256, shape).astype(np.uint8)


def replace_first(record: ShortcutRecord, **changes: object) -> ShortcutRecord:
    """Returns a copy of a record with changed attributes of its first shortcut."""
    first, *rest = record.found
    return dataclasses.replace(record, found=(dataclasses.replace(first, **changes), *rest))


def write_shortcuts(log_dir: Path, *, run: str = "exp", steps: tuple[int, ...] = STEPS) -> None:
    """Writes a probe, two layers at every step, and shortcuts of the first layer after step 0."""
    sink = EventSink(log_dir / run / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures()), step=0)
    for number, step in enumerate(steps, start=1):
        for layer in ("layer3", "layer4"):
            atlas = make_atlas(step, layer=layer, sequence=number)
            sink.write(layer_tag(layer), encode_atlas(atlas), step, atlas.wall_time)
        if step:
            record = make_shortcuts(step, steps=steps)
            sink.write(shortcuts_tag("layer3"), encode_shortcuts(record), step, record.wall_time)
    sink.close()


if __name__ == "__main__":
    write_shortcuts(Path(sys.argv[1]))
