# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas class`: single steps in any order; the original log is not changed."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import torch
from colored_marks import CLASSES, MarkNet, make_marked_images
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, cli, read_atlases
from tensorboard_plugin_atlas.commands.class_atlas_run import make_class_atlases
from tensorboard_plugin_atlas.commands.icon_refinement import refine
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.doctor import NOTE, PROBLEM, examine
from tensorboard_plugin_atlas.logs.probe_reader import read_probe

HERE = "test_class_atlas_command"
STEPS = (0, 10, 20)
CONFIG = AtlasConfig(
    samples=90, grids=(3,), min_count=2, neighbors=8, epochs=20, icons="preview", icon_steps=1
)


def make_model():
    return MarkNet()


def make_probe():
    return make_marked_images((30, 30, 30))[:2]


def make_other_probe():
    return make_marked_images((30, 30, 30), seed=4)[:2]


def weights_at(step):
    model = MarkNet()
    with torch.no_grad():
        random = torch.Generator().manual_seed(step)
        weight = model.patch.weight
        weight.mul_(1 + 0.1 * torch.randn(weight.shape, generator=random))
    return model.state_dict()


@pytest.fixture
def runs(tmp_path):
    """A run of three steps of two layers, with the checkpoint of each step."""
    model = MarkNet()
    with AtlasWriter(
        tmp_path / "runs" / "exp",
        model,
        layers=["patch", "act"],
        probe=make_probe(),
        classes=CLASSES,
        config=CONFIG,
        worker="inline",
        strict=True,
    ) as writer:
        for step in STEPS:
            model.load_state_dict(weights_at(step))
            torch.save(model.state_dict(), tmp_path / f"{step}.pt")
            writer.add_atlas(step)
    return tmp_path / "runs"


def made(runs, step, **more):
    settings = {"classes": ["red"], "step": step, "progress": False, **more}
    data = settings.pop("data", f"{HERE}:make_probe")
    checkpoint = runs.parent / f"{settings.pop('weights', step)}.pt"
    return make_class_atlases(runs, checkpoint, f"{HERE}:make_model", data, **settings)


def found(runs):
    return {(a.layer, a.step): a for a in read_atlases(runs, run="exp/atlas/classes")}


def test_a_class_and_a_pair_of_the_deepest_layer(runs, capsys):
    before = {path: path.read_bytes() for path in runs.rglob("events*")}
    status = cli.main(
        [
            *("class", str(runs), "--checkpoint", str(runs.parent / "20.pt")),
            *("--model", f"{HERE}:make_model", "--data", f"{HERE}:make_probe"),
            *("--classes", "red", "2", "--pair", "green", "blue"),
        ]
    )
    assert status == 0
    assert {path: path.read_bytes() for path in before} == before
    output = capsys.readouterr().out
    assert "act · green / blue" in output
    assert "the tab shows them as run exp/atlas/classes" in output
    atlases = found(runs)
    assert sorted(atlases) == [("act · blue", 20), ("act · green / blue", 20), ("act · red", 20)]
    red = atlases["act · red", 20]
    assert (red.labels == 0).all()
    assert len(red.samples) == 30
    assert set(red.grids[0].icon_kind) == {"preview"}
    pictures = read_probe(runs, "exp/atlas/classes")
    assert pictures.digest == red.provenance.probe == read_probe(runs, "exp").digest
    assert [f.text for f in examine(runs) if f.mark in (NOTE, PROBLEM)] == []


def test_steps_in_any_order_rise_in_the_log_and_continue_each_other(runs):
    made(runs, 20, pairs=[("red", "green")])
    made(runs, 0, classes=["red", "blue"])
    made(runs, 10)
    made(runs, 10, icons="none")
    atlases = found(runs)
    assert {key: atlas.sequence for key, atlas in atlases.items()} == {
        ("act · red", 0): 1,
        ("act · red", 10): 2,
        ("act · red", 20): 3,
        ("act · red / green", 20): 1,
        ("act · blue", 0): 1,
    }
    notes = {
        step: [n for n in atlases["act · red", step].provenance.notes if "continues" in n]
        for step in STEPS
    }
    assert notes[20] == []
    assert notes[0][0].startswith("layout: continues step 20 by its 30 samples")
    assert notes[10][0].startswith("layout: continues step 0 by its 30 samples")
    first, last = (atlases["act · red", step] for step in (0, 20))
    np.testing.assert_array_equal(first.image_ids, last.image_ids)
    assert np.linalg.norm(first.xy - last.xy, axis=1).mean() < 0.2
    assert atlases["act · red", 10].grids[0].icons is None
    assert [f.text for f in examine(runs) if f.mark == PROBLEM] == []


@pytest.mark.parametrize("fast", [True, False], ids=["data server", "python loader"])
def test_both_loaders_show_every_step_that_was_made(runs, fast):
    made(runs, 20)
    made(runs, 0)
    route = "data/plugin/atlas/"
    with start_tensorboard(runs, fast) as url:
        steps, has_probe = [], False
        for _ in range(120):
            listed = json.loads(get(f"{url}{route}index")[2])["runs"]
            ours = [run for run in listed if run["run"] == "exp/atlas/classes"]
            for run in ours:
                has_probe = run["probe"]
                for series in run["series"]:
                    history = json.loads(get(f"{url}{route}history?id={series['id']}")[2])
                    steps = [one["step"] for one in history["steps"]]
            if steps == [0, 20] and has_probe:
                break
            time.sleep(0.5)
        assert steps == [0, 20]
        assert has_probe


def test_the_log_of_the_layers_can_still_be_refined_without_naming_a_run(runs):
    made(runs, 20)
    (done,) = refine(
        runs,
        runs.parent / "20.pt",
        f"{HERE}:make_model",
        f"{HERE}:make_probe",
        layers=["act"],
        kind="preview",
        progress=False,
    )
    assert done.run == "exp/atlas"
    with pytest.raises(ArgumentError, match="'act · red' is a series of class atlases"):
        refine(
            runs,
            runs.parent / "20.pt",
            f"{HERE}:make_model",
            f"{HERE}:make_probe",
            layers=["act · red"],
        )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": ()}, "pass --classes NAME, or --pair NAME NAME"),
        (
            {"classes": ["rod"]},
            r"--classes, --pair: no class is named 'rod'; did you mean 'red'",
        ),
        ({"classes": ["7"]}, "7 is not a class; the model has 3 classes"),
        ({"pairs": [("red", "0")]}, "names one class twice"),
        ({"layer": "nowhere"}, "--layer 'nowhere' was not logged"),
        ({"step": 7, "weights": 10}, "--step 7 was not logged; the nearest are"),
        ({"data": f"{HERE}:make_other_probe"}, "--data differs from the probe of the atlas"),
    ],
)
def test_what_cannot_be_made_is_explained_and_nothing_is_written(runs, changes, words):
    with pytest.raises(ArgumentError, match=words):
        made(runs, changes.pop("step", 10), **changes)
    assert not (runs / "exp/atlas/classes").exists()


def test_other_weights_are_refused(runs):
    torch.manual_seed(3)
    model = MarkNet()
    torch.nn.init.normal_(model.patch.weight)
    torch.save(model.state_dict(), runs.parent / "other.pt")
    with pytest.raises(
        ArgumentError,
        match="the activations with these weights differ from those logged for layer 'act'",
    ):
        made(runs, 10, weights="other")
    assert not (runs / "exp/atlas/classes").exists()


def test_a_class_that_has_no_attribution_is_skipped_or_refused(runs, capsys, monkeypatch):
    silent = MarkNet()
    with torch.no_grad():
        silent.head.weight[0] = -1
    state = {**weights_at(10), "head.weight": silent.head.weight}
    torch.save(state, runs.parent / "silent.pt")
    done = made(runs, 10, weights="silent", classes=["red", "green"])
    assert [one.series for one in done.atlases] == ["act · green"]
    assert done.skipped[0].startswith("class 'red' has no attribution")
    with pytest.raises(ArgumentError, match="class 'red' has no attribution"):
        made(runs, 10, weights="silent", classes=["red"])


def test_a_folder_that_cannot_be_written_is_named(runs):
    (runs / "exp/atlas/classes").write_text("in the way")
    with pytest.raises(ArgumentError, match=r"classes': 'classes' is a file"):
        made(runs, 10)


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        cli.main(["class", "--help"])
    text = capsys.readouterr().out
    assert "--pair cat dog --step 300" in text
    assert 'class_atlases=["cat", ...]' in text
