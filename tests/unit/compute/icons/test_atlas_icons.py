# SPDX-License-Identifier: Apache-2.0
"""Preliminary atlases, which are sent before their icons are rendered."""

from __future__ import annotations

import errno

import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, read_atlases
from tensorboard_plugin_atlas.compute.icons import atlas_icons
from tensorboard_plugin_atlas.compute.icons.atlas_icons import PRELIMINARY_ACTIVATION_BYTES
from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.log_names import CHILD_RUN, Revision, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink, read_events
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.writer.atlas_logger import AtlasLogger

SIDE = 16
LAYER = "1"


@pytest.fixture
def model():
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 8, 3, padding=1), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(8, 4))


def pipeline(seconds, icons="inversion", samples=60, layers=(LAYER,), icon_seconds=None):
    config = AtlasConfig(
        samples=samples,
        grids=(2, 4),
        min_count=2,
        neighbors=8,
        epochs=20,
        icon_steps=2,
        icons=icons,
        icon_seconds=icon_seconds,
        draft_seconds=seconds,  # word-check: ok
    )
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(samples, 3, SIDE, SIDE, generator=generator)
    probe = build_probe((images, torch.arange(samples) % 4), config=config)
    return AtlasPipeline(probe, layers, config, progress=False)


def compute(pipe, model, step=0):
    """Returns the preliminary and complete atlases of a step in the order of arrival."""
    arrived = []
    for atlas in pipe.atlases(
        model, step, 5.0, on_preliminary=lambda one: arrived.append(("preliminary", one))
    ):
        arrived.append(("atlas", atlas))
    return arrived


def test_icons_with_a_shorter_time_limit_need_no_preliminary_atlas(model):
    ((name, _),) = compute(pipeline(600, icon_seconds=600), model)
    assert name == "atlas"
    names = [name for name, _ in compute(pipeline(0, icon_seconds=600), model)]
    assert names == ["preliminary", "atlas"]


def test_the_time_limit_includes_the_preparation_of_the_engine(model, monkeypatch):
    """All icons would fit, but the time is over before the first."""
    seconds = [0.0]
    monkeypatch.setattr(
        atlas_icons, "TimeLimit", lambda limit: TimeLimit(limit, clock=lambda: seconds[0])
    )
    prepare = atlas_icons.IconEngine.prepare

    def prepare_slowly(*arguments, **options):
        seconds[0] += 3.0
        return prepare(*arguments, **options)

    monkeypatch.setattr(atlas_icons.IconEngine, "prepare", prepare_slowly)
    (_, atlas) = compute(pipeline(None, icon_seconds=3.0), model)[-1]
    assert {kind for grid in atlas.grids for kind in grid.icon_kind} == {"examples"}
    assert all(np.isnan(grid.icon_cosine).all() for grid in atlas.grids)
    assert any("icon_seconds=3 were over" in note for note in atlas.provenance.notes)


def test_a_preliminary_atlas_has_real_patches_for_icons(model):
    pipe = pipeline(0)
    for step in (0, 7):
        (first, preliminary), (second, atlas) = compute(pipe, model, step)
        assert (first, second) == ("preliminary", "atlas")
        assert (preliminary.step, preliminary.sequence, preliminary.wall_time) == (
            step,
            atlas.sequence,
            5.0,
        )
        np.testing.assert_array_equal(preliminary.xy, atlas.xy)
        for rough, fine in zip(preliminary.grids, atlas.grids, strict=True):
            np.testing.assert_array_equal(rough.cell_of, fine.cell_of)
            assert set(rough.icon_kind) == {"examples"}
            assert set(fine.icon_kind) == {"inversion"}
            assert np.isfinite(rough.icon_cosine).all()
            assert rough.icons.shape == fine.icons.shape
        assert any("preliminary" in note for note in preliminary.provenance.notes)
        assert not any("preliminary" in note for note in atlas.provenance.notes)


@pytest.mark.parametrize("icons", ["none", "examples"])
def test_without_rendering_there_is_no_preliminary_atlas(icons, model):
    assert [kind for kind, _ in compute(pipeline(0, icons), model)] == ["atlas"]


@pytest.mark.parametrize("seconds", [None, 3600.0])
def test_no_preliminary_atlas_below_the_limit_or_without_one(seconds, model):
    pipe = pipeline(seconds)
    assert [kind for step in (0, 1) for kind, _ in compute(pipe, model, step)] == ["atlas"] * 2


def test_the_render_time_of_the_last_atlas_decides(model):
    pipe = pipeline(100.0)
    assert len(compute(pipe, model)) == 1
    pipe._states[LAYER].icons.seconds = 101.0
    assert [kind for kind, _ in compute(pipe, model, 1)] == ["preliminary", "atlas"]
    # The measured time was short.
    assert pipe._states[LAYER].icons.seconds < 100
    assert len(compute(pipe, model, 2)) == 1


def test_without_a_callback_there_is_no_preliminary_atlas(model):
    (atlas,) = pipeline(0).atlases(model, 0, None)
    assert set(atlas.grids[0].icon_kind) == {"inversion"}


def test_activations_of_a_preliminary_atlas_are_small(model, monkeypatch):
    monkeypatch.setattr(atlas_icons, "PRELIMINARY_ACTIVATION_BYTES", 6_500)
    pipe = pipeline(0, samples=2_000)
    pipe.config = AtlasConfig(**(pipe.config.as_dict() | {"epochs": 1, "grids": (2,)}))
    taken = []

    def stop(preliminary):
        taken.append(preliminary)
        raise InterruptedError  # the test needs the preliminary atlas only

    with pytest.raises(InterruptedError):
        list(pipe.atlases(model, 0, None, on_preliminary=stop))
    stored = taken[0].samples.activations
    assert sum(a.nbytes for a in stored.arrays.values()) <= 6_500
    assert PRELIMINARY_ACTIVATION_BYTES <= 130_000
    assert 0 < stored.lost_variance < 1


class TestRecording:
    def test_it_is_written_before_icons_are_rendered(self, model, tmp_path):
        pipe, seen = pipeline(0), []
        sink = EventSink(tmp_path / CHILD_RUN)
        recorder = AtlasLogger(pipe, sink)
        flush = sink.flush

        def flush_and_read():
            flush()
            seen.append([(a.step, str(a.grids[0].icon_kind[0])) for a in read_atlases(tmp_path)])

        sink.flush = flush_and_read
        (cost,) = recorder.record(model, 3, None)
        assert seen == [[(3, "examples")], [(3, "inversion")]]
        recorder.close()
        tags = [event.tag for event in read_events(tmp_path / CHILD_RUN)]
        assert tags == [
            "probe",
            *(layer_tag(LAYER, e, 1) for e in (Revision.PRELIMINARY, Revision.LOGGED)),
        ]
        blobs = [e.blobs for e in read_events(tmp_path / CHILD_RUN) if e.tag != "probe"]
        assert cost.bytes == sum(len(blob) for sequence in blobs for blob in sequence)

    def test_each_layer_has_a_preliminary_atlas(self, model, tmp_path):
        recorder = AtlasLogger(pipeline(0, layers=("0", "1")), EventSink(tmp_path))
        costs = recorder.record(model, 3, None)
        recorder.close()
        tags = [e.tag for e in read_events(tmp_path)]
        names = ["draft/0", "layer/0", "draft/1", "layer/1"]  # word-check: ok
        assert tags == ["probe", *(f"first/{name}" for name in names)]
        sizes = [sum(map(len, e.blobs)) for e in read_events(tmp_path)][1:]
        assert [cost.bytes for cost in costs] == [sizes[0] + sizes[1], sizes[2] + sizes[3]]

    def test_a_write_error_does_not_affect_the_complete_atlas(self, model, tmp_path):
        sink = EventSink(tmp_path)
        write = sink.write

        def full(tag, *more):
            if "draft/" in tag:  # word-check: ok
                raise OSError(errno.ENOSPC, "No space left on device")
            write(tag, *more)

        sink.write = full
        recorder = AtlasLogger(pipeline(0), sink)
        (cost,) = recorder.record(model, 3, None)
        recorder.close()
        assert [(e.step, e.status, e.revision) for e in list_atlases(tmp_path)] == [
            (3, "ok", "logged")
        ]
        assert cost.bytes == list_atlases(tmp_path)[0].bytes

    def test_a_run_killed_while_rendering_continues_with_the_same_step(self, model, tmp_path):
        sink = EventSink(tmp_path)
        recorder = AtlasLogger(pipeline(0), sink)
        recorder.record(model, 3, None)

        write = sink.write

        def preliminary_only(tag, *more):
            if tag == layer_tag(LAYER):
                raise KeyboardInterrupt
            write(tag, *more)

        sink.write = preliminary_only
        with pytest.raises(KeyboardInterrupt):
            recorder.record(model, 6, None)
        sink.close()
        assert [(a.step, str(a.grids[0].icon_kind[0])) for a in read_atlases(tmp_path)] == [
            (3, "inversion"),
            (6, "examples"),
        ]
        again = AtlasLogger(pipeline(0), EventSink(tmp_path))
        again.record(model, 6, None)
        again.close()
        found = [(a.step, a.sequence, str(a.grids[0].icon_kind[0])) for a in read_atlases(tmp_path)]
        assert found == [(3, 1, "inversion"), (6, 2, "inversion")]
