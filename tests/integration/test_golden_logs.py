# SPDX-License-Identifier: Apache-2.0
"""Logs of every past wire version stay readable; their files are never changed.

`python tests/integration/test_golden_logs.py` writes the log of the current version
unless it exists.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from synthetic_atlases import make_atlas, make_probe_pictures
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas import read_atlases, sample_subset
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.log_names import (
    CHILD_RUN,
    PROBE_TAG,
    WIRE_VERSION,
    layer_tag,
    shortcuts_tag,
)
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.serving.series_reader import run_id, series_id
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = "expected.json"
STEPS = (0, 100)
COMPACT_FROM = 20
"""Smallest number of samples of the last step that is stored in the compact form."""


def describe(atlas: Atlas) -> dict[str, Any]:
    """Returns the contents of an atlas that every later version must read."""
    grid = atlas.grids[-1]
    icons = grid.icons
    assert icons is not None
    later = {} if atlas.concept_groups is None else _describe_version_3(atlas)
    return later | {
        "run": atlas.run,
        "layer": atlas.layer,
        "step": atlas.step,
        "wall_time": atlas.wall_time,
        "classes": list(atlas.classes or ()),
        "xy": _digest(atlas.xy.tobytes()),
        "activations": _digest(atlas.activations.tobytes()),
        "labels": None if atlas.labels is None else atlas.labels.tolist(),
        "boxes": atlas.boxes[:3].tolist(),
        "grids": [one.size for one in atlas.grids],
        "counts": grid.counts.tolist(),
        "members": grid.members(0).tolist(),
        "icons": list(icons.shape),
        "brightness": round(float(icons.mean())),
        "cosine": [round(float(one), 4) for one in grid.icon_cosine[:4]],
        "trustworthiness": round(atlas.quality.trustworthiness or 0, 6),
        "concepts": [one.name for one in atlas.concepts or ()],
        "events": [one.text for one in atlas.events],
        "probe": atlas.provenance.probe,
        "notes": list(atlas.provenance.notes),
    }


def _describe_version_3(atlas: Atlas) -> dict[str, Any]:
    assert atlas.concept_change is not None
    assert atlas.samples.confidences is not None
    return {
        "groups": [vars(one) for one in atlas.concept_groups or ()],
        "concept_groups": [one.group for one in atlas.concepts or ()],
        "change": vars(atlas.concept_change),
        "moved_samples": [one.samples for one in atlas.events],
        "flips": [[*(one.classes or ()), one.images] for one in atlas.events],
        "confidences": _digest(atlas.samples.confidences.tobytes()),
    }


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def write(folder: Path) -> None:
    """Writes two steps of a layer, probe images, shortcuts, and the expected contents as JSON."""
    sink = EventSink(folder / "exp" / CHILD_RUN)
    sink.write(PROBE_TAG, encode_probe(make_probe_pictures(24)), 0, 1.0)
    for number, step in enumerate(STEPS, start=1):
        # The last step is stored as if it had many samples.
        most = COMPACT_FROM if step == STEPS[-1] else sample_subset.MANY_SAMPLES
        with mock.patch.object(sample_subset, "MANY_SAMPLES", most):
            atlas = make_atlas(
                step, samples=24, grids=(2, 3), tile=8, channels=6, sequence=number, with_flips=True
            )
            sink.write(layer_tag("layer3"), encode_atlas(atlas), step, atlas.wall_time)
    record = make_shortcuts(100, found=2, steps=STEPS)
    sink.write(shortcuts_tag("layer3"), encode_shortcuts(record), 100, record.wall_time)
    sink.close()
    (path,) = (folder / "exp" / CHILD_RUN).iterdir()
    path.rename(path.with_name("events.out.tfevents.1700000000.host.1.000000.atlas"))
    expected = [describe(atlas) for atlas in read_atlases(folder)]
    (folder / EXPECTED).write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")


VERSIONS = sorted(path.name for path in GOLDEN.glob("wire-*"))


def test_there_is_a_log_of_each_version() -> None:
    assert [f"wire-{number}" for number in range(1, WIRE_VERSION + 1)] == VERSIONS


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_log_is_read_as_it_was_written(version: str) -> None:
    expected = json.loads((GOLDEN / version / EXPECTED).read_text(encoding="utf-8"))
    found = [describe(atlas) for atlas in read_atlases(GOLDEN / version)]
    assert len(found) == len(expected) == len(STEPS)
    for now, then in zip(found, expected, strict=True):
        # Image decoders differ in the last digit.
        assert now.pop("brightness") == pytest.approx(then.pop("brightness"), abs=2)
        assert now == then


@pytest.mark.parametrize("version", [one for one in VERSIONS if int(one.split("-")[1]) >= 4])
def test_the_last_step_is_in_the_compact_form(version: str) -> None:
    first, last = read_atlases(GOLDEN / version)
    assert np.isfinite(first.activations).all()
    assert np.isfinite(last.activations).all(axis=1).sum() == COMPACT_FROM


@pytest.mark.parametrize("version", VERSIONS)
def test_an_old_log_is_served(version: str) -> None:
    from route_client import ROUTE_PREFIX, make_client

    client, _ = make_client(GOLDEN / version)
    run = "exp/atlas"
    where = {"id": series_id(run, layer_tag("layer3")), "step": str(STEPS[1])}
    history = client.get(ROUTE_PREFIX + "history", query_string=where).json
    assert [one["status"] for one in history["steps"]] == ["ok"] * len(STEPS)
    for route, query in {
        "atlas": where,
        "activations": where,
        "sheet": {**where, "blob": "3"},
        "probe": {"run": run_id(run)},
        "thumbs": {"run": run_id(run), "blob": "2"},
        "shortcuts": where,
        "patches": {**where, "blob": "1"},
    }.items():
        assert client.get(ROUTE_PREFIX + route, query_string=query).status_code == 200, route


if __name__ == "__main__":
    write(GOLDEN / f"wire-{WIRE_VERSION}")
