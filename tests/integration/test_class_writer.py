# SPDX-License-Identifier: Apache-2.0
"""Class atlases through `AtlasWriter`: series in the log, both loaders, and error handling."""

from __future__ import annotations

import json
import logging
import math
import shutil
import time

import numpy as np
import pytest
import torch
from colored_marks import CLASSES, MarkNet, make_marked_images
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard_server import get, start_tensorboard
from torch import nn

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    compare_atlases,
    read_atlases,
    track_concepts,
)
from tensorboard_plugin_atlas.analysis.class_series import CLASS_ATLAS
from tensorboard_plugin_atlas.commands.map_relayout import relayout
from tensorboard_plugin_atlas.commands.run_events import find_events
from tensorboard_plugin_atlas.compute.class_atlas.pipeline import ClassPipeline
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.doctor import PROBLEM, examine
from tensorboard_plugin_atlas.logs.reader import list_atlases
from tensorboard_plugin_atlas.logs.repair import repair

CONFIG = AtlasConfig(samples=150, grids=(4,), min_count=2, neighbors=8, epochs=20, icons="none")
IMAGES, LABELS, _ = make_marked_images((50, 50, 50))
CLASS_ATLASES = ["red", ("red", "green"), 2]
ROUTE = "data/plugin/atlas/"
SERIES = ["act · red", "act · red / green", "act · blue"]


def make_writer(folder, model, class_atlases=CLASS_ATLASES, layers=("patch", "act"), **more):
    settings = {"worker": "inline", "strict": True, "config": CONFIG, "classes": CLASSES, **more}
    probe = settings.pop("probe", (IMAGES, LABELS))
    return AtlasWriter(
        folder, model, layers=list(layers), probe=probe, class_atlases=class_atlases, **settings
    )


def change_head(model, step):
    """Changes the head a little, so that steps differ."""
    with torch.no_grad():
        random = torch.Generator().manual_seed(step)
        model.head.weight.add_(0.02 * torch.randn(model.head.weight.shape, generator=random))


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    model = MarkNet()
    with make_writer(folder / "exp", model) as writer:
        for step in (0, 10, 20):
            writer.add_atlas(step)
            change_head(model, step)
        assert writer.cost().atlases == 3 * 5
    return folder


def test_each_has_its_own_series_with_every_step(logged):
    found = {(a.layer, a.step): a for a in read_atlases(logged)}
    assert sorted(found) == [
        (layer, step) for layer in sorted([*SERIES, "act", "patch"]) for step in (0, 10, 20)
    ]
    for series in SERIES:
        first, *_ = steps = [found[series, step] for step in (0, 10, 20)]
        assert [a.sequence for a in steps] == [1, 2, 3]
        for atlas in steps:
            assert atlas.provenance.probe == found["act", 0].provenance.probe
            assert atlas.provenance.layer_info[CLASS_ATLAS]["layer"] == "act"
            assert atlas.classes == CLASSES
            assert atlas.concepts is None
            assert atlas.quality.overlap is None
        assert set(first.labels) == ({0, 1} if "/" in series else {CLASSES.index(series[6:])})


@pytest.mark.parametrize("fast", [True, False], ids=["data server", "python loader"])
def test_both_loaders_list_and_serve_them(logged, fast):
    with start_tensorboard(logged, fast) as url:
        series = {}
        for _ in range(120):
            runs = {run["run"]: run for run in json.loads(get(url + ROUTE + "index")[2])["runs"]}
            listed = runs.get("exp/atlas", {"series": []})["series"]
            series = {one["layer"]: one["id"] for one in listed}
            if {*SERIES, "act", "patch"} <= set(series):
                break
            time.sleep(0.5)
        assert set(series) == {*SERIES, "act", "patch"}
        for name in SERIES:
            history = json.loads(get(f"{url}{ROUTE}history?id={series[name]}")[2])
            assert [one["step"] for one in history["steps"]] == [0, 10, 20]
            status, _, body = get(f"{url}{ROUTE}atlas?id={series[name]}&step=20")
            assert status == 200
            manifest = json.loads(body[4 : 4 + int.from_bytes(body[:4], "little")])
            assert manifest["layer"] == name
            assert manifest["provenance"]["layer_info"][CLASS_ATLAS]["layer"] == "act"


def test_no_layer_scalars_are_written_for_them(logged):
    tags = EventAccumulator(str(logged / "exp" / "atlas")).Reload().Tags()
    listed = [tag for kind in tags.values() if isinstance(kind, list) for tag in kind]
    assert any(tag.startswith("atlas/act/") for tag in listed)
    assert not any("·" in tag for tag in listed if tag.startswith("atlas/"))


def test_comparison_matches_the_positions_of_both(logged):
    first, last = list(read_atlases(logged, layer="act · red"))[::2]
    same = compare_atlases(first, last)
    assert (first.image_ids[same.rows_a] == last.image_ids[same.rows_b]).all()
    assert (first.positions[same.rows_a] == last.positions[same.rows_b]).all()
    assert len(same.rows_a) >= 45
    other = next(iter(read_atlases(logged, layer="act · blue")))
    with pytest.raises(ArgumentError, match=r"classes of a class atlas \(\[0\] and \[2\]\)"):
        compare_atlases(first, other)
    pair = next(iter(read_atlases(logged, layer="act · red / green")))
    both = compare_atlases(first, pair, strict=False)
    assert len(both.rows_a) == len(first.samples)
    assert any("layers" in note for note in both.notes)
    layer = next(iter(read_atlases(logged, layer="act")))
    with pytest.raises(ArgumentError, match="classes of a class atlas"):
        compare_atlases(first, layer)
    # Random positions contain few of the marks.
    assert len(compare_atlases(layer, pair, strict=False).rows_a) < 60


def test_tools_for_followed_samples_skip_them_or_report_why(logged, tmp_path):
    copy = tmp_path / "runs"
    shutil.copytree(logged, copy)
    assert {one.layer for one in find_events(copy).layers} == {"act", "patch"}
    assert {one.layer for one in relayout(copy, progress=False).layers} == {"act", "patch"}
    for tool in (find_events, relayout):
        with pytest.raises(ArgumentError, match="a series of class atlases"):
            tool(copy, layers=["act · red"])
    with pytest.raises(ArgumentError, match="'act · red' is a class atlas"):
        track_concepts(read_atlases(copy, run="exp", layer="act · red"))
    assert [f.text for f in examine(copy) if f.mark == PROBLEM] == []
    repair(logged, tmp_path / "repaired", progress=False)
    assert [(e.layer, e.step, e.status) for e in list_atlases(tmp_path / "repaired")] == [
        (e.layer, e.step, e.status) for e in list_atlases(logged)
    ]


def test_a_resumed_run_continues_their_maps(tmp_path):
    model, again = MarkNet(), MarkNet()
    with make_writer(tmp_path / "whole", model) as whole:
        whole.add_atlas(1)
        change_head(model, 1)
        whole.add_atlas(2)
    with make_writer(tmp_path / "parts", again) as part:
        part.add_atlas(1)
    change_head(again, 1)
    with make_writer(tmp_path / "parts", again) as part:
        part.add_atlas(2)
    for series in SERIES:
        one, other = (
            list(read_atlases(tmp_path / run, layer=series))[-1] for run in ("whole", "parts")
        )
        assert (one.step, one.sequence) == (other.step, other.sequence) == (2, 2)
        np.testing.assert_allclose(one.xy, other.xy, atol=0.02)
        assert any(n.startswith("layout: continues step 1") for n in other.provenance.notes)


def test_a_purged_step_removes_theirs(tmp_path):
    model = MarkNet()
    with make_writer(tmp_path, model) as writer:
        for step in (1, 2, 3):
            writer.add_atlas(step)
    with make_writer(tmp_path, model, purge_step=2) as writer:
        writer.add_atlas(5)
    assert [a.step for a in read_atlases(tmp_path, layer=SERIES[0])] == [1, 5]


def test_a_class_without_attribution_loses_only_its_own_atlas(tmp_path, caplog):
    images, labels, _ = make_marked_images((0, 60, 60))
    class_atlases = ["red", "green", ("red", "blue")]
    caplog.set_level(logging.INFO, logger="tensorboard_plugin_atlas")
    with (
        pytest.warns(
            RuntimeWarning,
            match="step 0: the class atlas .act · red. is not logged: class 'red' has no",
        ),
        make_writer(
            tmp_path, MarkNet(), class_atlases, probe=(images, labels), strict=False
        ) as writer,
    ):
        writer.add_atlas(0)
        writer.add_atlas(1)
    assert {(a.layer, a.step) for a in read_atlases(tmp_path)} == {
        (layer, step) for layer in ("act", "patch", "act · green") for step in (0, 1)
    }
    logged = [r for r in caplog.records if "the class atlas" in r.getMessage()]
    # The second failure is a warning in the log, later ones are not.
    assert sorted(r.levelno for r in logged) == [logging.INFO] * 2 + [logging.WARNING]


@pytest.mark.parametrize("method", ["choose", "atlas"])
def test_their_failures_do_not_affect_layers(tmp_path, monkeypatch, method):
    def fail(*_args, **_kwargs):
        raise ZeroDivisionError("of the user's")

    writer = make_writer(tmp_path, MarkNet(), strict=False)
    monkeypatch.setattr(ClassPipeline, method, fail)
    with pytest.warns(RuntimeWarning, match="ZeroDivisionError: of the user's"), writer:
        writer.add_atlas(0)
    assert {a.layer for a in read_atlases(tmp_path)} == {"act", "patch"}


def test_the_worker_computes_them_and_reports_failures(tmp_path):
    images, labels, _ = make_marked_images((0, 60, 60))
    settings = {"probe": (images, labels), "worker": "process", "strict": False}
    with (
        pytest.warns(RuntimeWarning, match="step 3: the class atlas .act · red. is not logged"),
        make_writer(tmp_path, MarkNet(), ["red", "green"], **settings) as writer,
    ):
        writer.add_atlas(3)
        writer.flush()
        assert writer.cost().atlases == 3
    assert "act · green" in {a.layer for a in read_atlases(tmp_path)}


def test_wrong_arguments_are_rejected_by_the_constructor(tmp_path):
    with pytest.raises(ArgumentError, match="no class is named 'rad'; did you mean 'red'"):
        make_writer(tmp_path, MarkNet(), ["rad"])
    with pytest.raises(ArgumentError, match=r"pass 0 to 2"):
        make_writer(tmp_path, MarkNet(), [3])
    with pytest.raises(ArgumentError, match=r"attribution=True"):
        make_writer(tmp_path, MarkNet(), config=AtlasConfig(samples=20, attribution=False))
    with pytest.raises(ArgumentError, match="no names"):
        make_writer(tmp_path, MarkNet(), ["red"], classes=None)

    class Blind(MarkNet):
        def __init__(self):
            super().__init__()
            self.aside = nn.Linear(4, 4)

        def forward(self, x):
            self.aside(x.mean((1, 2))[:, :4])
            return super().forward(x)

    with pytest.raises(
        ArgumentError, match=r"layer 'aside' has no attribution: .* the last of layers"
    ):
        make_writer(tmp_path, Blind(), layers=("act", "aside"))
    assert not list(tmp_path.rglob("events*"))


@pytest.mark.parametrize("nothing", [(), [], None])
def test_none_are_computed_by_default(tmp_path, nothing):
    with make_writer(tmp_path, MarkNet(), nothing) as writer:
        writer.add_atlas(0)
    assert {a.layer for a in read_atlases(tmp_path)} == {"act", "patch"}


def test_training_is_the_same_with_and_without_them(tmp_path):
    losses = []
    for class_atlases in ((), CLASS_ATLASES):
        torch.manual_seed(0)
        model = MarkNet()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        with make_writer(tmp_path / str(bool(class_atlases)), model, class_atlases) as writer:
            for step in range(4):
                rows = torch.randint(len(IMAGES), (16,))
                optimizer.zero_grad()
                loss = nn.functional.cross_entropy(model(IMAGES[rows]), LABELS[rows])
                loss.backward()
                if step == 1:
                    writer.add_atlas(step)
                optimizer.step()
                losses.append(loss.item())
    assert losses[:4] == losses[4:]
    assert all(map(math.isfinite, losses))
