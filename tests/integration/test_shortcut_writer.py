# SPDX-License-Identifier: Apache-2.0
"""Shortcuts through `AtlasWriter`: a small network that learns a marker."""

from __future__ import annotations

import itertools
import re
import shutil

import numpy as np
import pytest
import torch
from striped_images import LAYERS, MARK_BOX, MARKED_CLASS, make_network, make_striped_images, train
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_training import TINY
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, read_atlases, read_shortcuts
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.significance import box_overlap
from tensorboard_plugin_atlas.compute.shortcuts.tracker import ShortcutTracker
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import shortcuts_tag
from tensorboard_plugin_atlas.logs.resume import find_last_shortcuts

pytestmark = pytest.mark.sampled(2)

STEPS = (2, 10, 20, 30, 40)
CONFIG = AtlasConfig(samples=1000, epochs=50, grids=(6,), icons="none")
QUICK = AtlasConfig(samples=60, epochs=5, grids=(2,), icons="none")


def make_writer(folder, model, data, *, config=CONFIG, shortcuts=True, worker="inline", **more):
    return AtlasWriter(
        folder,
        model,
        LAYERS,
        probe=data,
        config=config,
        shortcuts=shortcuts,
        strict=True,
        worker=worker,
        **more,
    )


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    """A run that is resumed after step 20, as after a crash."""
    folder = tmp_path_factory.mktemp("planted")
    model, data = make_network(), make_striped_images(1200)
    atlas = make_writer(folder, model, data)
    for step in train(model, data, STEPS):
        if step == 30:
            atlas.close(None)
            atlas = make_writer(folder, model, data)
        atlas.add_atlas(step)
    atlas.close(None)
    return folder, data, list(read_shortcuts(folder, run="atlas")), atlas.cost()


class TestPlanted:
    def test_every_step_has_a_record_of_the_earlier_layer(self, planted):
        _, _, records, _ = planted
        assert [record.step for record in records] == [0, *STEPS]
        for record in records:
            assert (record.layer, record.images, record.input_size) == (LAYERS[0], 1000, (16, 16))
            assert record.run == "atlas"

    def test_number_and_score_are_scalars(self, planted):
        folder, _, records, _ = planted
        log = EventAccumulator(str(folder / "atlas")).Reload()
        for name, expected in (
            ("shortcuts", [sum(one.significant for one in record.found) for record in records]),
            (
                "shortcut_score",
                [
                    max((one.strength for one in record.found if one.significant), default=0)
                    for record in records
                ],
            ),
        ):
            found = log.Scalars(f"atlas/{LAYERS[0]}/{name}")
            assert [one.step for one in found] == [record.step for record in records]
            assert [one.value for one in found] == pytest.approx(expected, rel=1e-6)
        assert found[-1].value > 0

    def test_the_marker_is_found_first_once_it_is_learned(self, planted):
        first = planted[2][-1].found[0]
        assert (first.target, first.significant) == (MARKED_CLASS, True)
        assert box_overlap(first.box, MARK_BOX) > 0.5
        assert first.flip_rate > 0.7
        assert first.noise_flip_rate < 0.2
        assert [one.significant for one in planted[2][-1].found[1:]] == [False] * (
            len(planted[2][-1].found) - 1
        )

    def test_the_first_step_is_found_within_one_logged_step(self, planted):
        """From step 20 on, the marker alone flips half of the other images."""
        _, _, records, _ = planted
        first = records[-1].found[0]
        assert first.since == 20
        for record in records:
            significant = [one for one in record.found if one.significant]
            assert bool(significant) == (record.step >= 20)

    def test_its_id_and_history_continue_in_a_new_writer(self, planted):
        _, _, records, _ = planted
        marks = [record.found[0] for record in records if record.step >= 20]
        assert len({mark.id for mark in marks}) == 1
        assert [test.step for test in marks[-1].history] == [20, 30, 40]
        for earlier, later in itertools.pairwise(marks):
            assert later.history[: len(earlier.history)] == earlier.history
        for record in records:
            ids = [one.id for one in record.found]
            assert len(set(ids)) == len(ids)

    def test_the_patch_is_cut_from_its_image(self, planted):
        _, (images, _), records, _ = planted
        for record in records:
            for one, patch in zip(record.found, record.patches, strict=True):
                y0, x0, y1, x1 = one.box
                crop = images[one.image, :, y0:y1, x0:x1].permute(1, 2, 0)
                np.testing.assert_array_equal(patch, (crop * 255).round().to(torch.uint8))

    def test_examples_match_the_flip_rate(self, planted):
        first = planted[2][-1].found[0]
        assert len(first.examples) == 12
        flipped = [one.after == first.target for one in first.examples]
        assert sum(flipped) == round(12 * first.flip_rate)
        assert flipped == sorted(flipped, reverse=True)
        for one in first.examples:
            assert one.before != first.target
            if one.after == first.target:
                assert one.probability_after > one.probability_before

    def test_its_samples_are_in_the_atlas(self, planted):
        folder, _, records, _ = planted
        (atlas,) = [a for a in read_atlases(folder, layer=LAYERS[0]) if a.step == 40]
        first = records[-1].found[0]
        assert records[-1].probe == atlas.provenance.probe
        assert first.similarity > 0.5
        assert 0 < len(first.samples) <= 64
        assert max(first.samples) < len(atlas.samples)
        # The nearest samples are from images of that class, far more often than by chance.
        near = atlas.predictions[list(first.samples[:10])]
        assert (near == MARKED_CLASS).mean() > 0.5

    def test_entries_that_never_were_significant_are_removed(self, planted):
        for record in planted[2]:
            for one in record.found:
                assert one.since is not None or one.flip_rate >= 0.25

    def test_the_cost_counts_atlases_and_seconds(self, planted):
        cost = planted[3]
        assert cost.atlases == 2 * len(LAYERS)
        assert cost.seconds > 0


def test_a_clean_training_has_nothing_significant(tmp_path):
    model, data = make_network(), make_striped_images(1200, marked=0.0)
    with make_writer(tmp_path, model, data) as atlas:
        for step in train(model, data, (20, 40)):
            if step:
                atlas.add_atlas(step)
    for record in read_shortcuts(tmp_path):
        assert not any(one.significant for one in record.found)
        assert all(one.since is None for one in record.found)


def test_the_worker_logs_what_the_loop_does(tmp_path):
    model, data = make_network(), make_striped_images(400)
    *_, step = train(model, data, (10,))
    records = []
    for worker in ("inline", "process"):
        folder = tmp_path / worker
        with make_writer(folder, model, data, config=TINY, worker=worker, shortcuts="2") as atlas:
            atlas.add_atlas(step, 5.0)
        records += read_shortcuts(folder)
    first, second = records
    assert first.found == second.found
    assert (first.wall_time, first.step, first.images) == (5.0, 10, 4)
    assert (second.wall_time, second.step, second.images) == (5.0, 10, 4)


def test_the_model_and_the_random_state_do_not_change(tmp_path):
    model, data = make_network(), make_striped_images(200)
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    atlas = make_writer(tmp_path, model, data, config=QUICK)
    torch.manual_seed(3)
    states = torch.get_rng_state(), np.random.get_state()[1].copy()
    atlas.add_atlas(1)
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])
    atlas.close()


@pytest.mark.parametrize("worker", ["inline", "process"])
def test_a_failure_loses_the_record_and_warns_once(worker, tmp_path, monkeypatch):
    model, data = make_network(), make_striped_images(100)
    broken = Detached(model)
    atlas = AtlasWriter(
        tmp_path, broken, ["inner.2"], probe=data, config=TINY, shortcuts=True, worker=worker
    )
    with pytest.warns(
        RuntimeWarning, match="the shortcuts of layer 'inner.2' are not logged"
    ) as caught:
        for step in (1, 2, 3):
            atlas.add_atlas(step)
            atlas.flush()
        atlas.close()
    assert len([one for one in caught if "are not logged" in str(one.message)]) == 1
    assert [a.step for a in read_atlases(tmp_path)] == [1, 2, 3]
    assert list(read_shortcuts(tmp_path)) == []
    assert atlas.cost().atlases == 3
    assert atlas.cost().skipped == 0


class Detached(nn.Module):
    """A network without a gradient after its layer."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        for number, part in enumerate(self.inner):
            x = part(x)
            if number == 2:
                x = x.detach()
        return x


class Embedder(nn.Module):
    """A network that returns a map and no logits."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3, padding=1)

    def forward(self, x):
        return self.body(x)


def test_a_model_without_logits_warns_once_and_atlases_are_logged(tmp_path):
    images, _ = make_striped_images(60)
    with pytest.warns(RuntimeWarning, match="not \\(images, classes\\) logits") as caught:
        atlas = AtlasWriter(
            tmp_path,
            Embedder(),
            ["body"],
            probe=images,
            config=QUICK,
            shortcuts=True,
            strict=True,
            worker="inline",
        )
        for step in (1, 2):
            atlas.add_atlas(step)
        atlas.close()
    assert len([one for one in caught if "shortcuts=True" in str(one.message)]) == 1
    assert [a.step for a in read_atlases(tmp_path)] == [1, 2]
    assert list(read_shortcuts(tmp_path)) == []


def test_images_with_four_channels_cannot_be_stored(tmp_path):
    model = nn.Sequential(nn.Conv2d(4, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    with pytest.warns(RuntimeWarning, match="the images have 4 channels"):
        AtlasWriter(
            tmp_path,
            model,
            ["0"],
            probe=torch.rand(20, 4, 8, 8),
            config=QUICK,
            shortcuts=True,
            worker="inline",
        )


@pytest.mark.parametrize(
    ("shortcuts", "message"),
    [
        ("6", "shortcuts='6': pass True, or one of layers=['2', '4']"),
        (3, "shortcuts=3: pass True, False, or the name of a logged layer"),
        (None, "shortcuts=None: pass True, False, or the name of a logged layer"),
    ],
)
def test_a_layer_that_is_not_logged_is_rejected(shortcuts, message, tmp_path):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        make_writer(
            tmp_path, make_network(), make_striped_images(20), config=QUICK, shortcuts=shortcuts
        )


@pytest.mark.parametrize(
    ("layers", "middle"),
    [(["4"], "4"), (["4", "2"], "2"), (["5", "0", "2"], "2"), (["0", "2", "4", "5"], "2")],
)
def test_true_selects_the_middle_layer(layers, middle, tmp_path):
    atlas = AtlasWriter(
        tmp_path,
        make_network(),
        layers,
        probe=make_striped_images(60),
        config=QUICK,
        shortcuts=True,
        worker="inline",
        strict=True,
    )
    atlas.add_atlas(0)
    atlas.close()
    assert {record.layer for record in read_shortcuts(tmp_path)} == {middle}


def test_nothing_is_searched_by_default(tmp_path):
    atlas = make_writer(
        tmp_path, make_network(), make_striped_images(60), config=QUICK, shortcuts=False
    )
    atlas.add_atlas(0)
    atlas.close()
    assert list(read_shortcuts(tmp_path)) == []


def test_a_purged_step_continues_from_the_record_before(planted, tmp_path):
    folder, data, records, _ = planted
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    model = make_network()
    list(train(model, data, (30,)))
    with make_writer(copy, model, data, purge_step=25) as atlas:
        atlas.add_atlas(25)
    again = list(read_shortcuts(copy, run="atlas"))
    assert [record.step for record in again] == [0, 2, 10, 20, 25]
    mark, before = again[-1].found[0], records[3].found[0]
    assert (mark.id, mark.since) == (before.id, 20)
    assert [test.step for test in mark.history] == [20, 25]
    known = find_last_shortcuts(str(copy / "atlas"), LAYERS[0])
    assert known.found == again[-1].found


def test_a_record_of_another_probe_is_not_continued(planted):
    folder, _, records, _ = planted
    known = find_last_shortcuts(str(folder / "atlas"), LAYERS[0])
    assert known.found == records[-1].found
    other = build_probe(make_striped_images(60), config=QUICK)
    record = ShortcutTracker(other, LAYERS[0], QUICK, known).update(make_network(), 50, 0.0, None)
    assert all(len(one.history) == 1 and one.samples == () for one in record.found)


def test_a_damaged_last_record_is_skipped(planted, tmp_path):
    folder, _, records, _ = planted
    shutil.copytree(folder, tmp_path / "copy")
    (path, *_) = sorted((tmp_path / "copy" / "atlas").iterdir(), reverse=True)
    data = bytearray(path.read_bytes())
    place = bytes(data).rindex(shortcuts_tag(LAYERS[0]).encode()) + 200
    data[place] ^= 1
    path.write_bytes(bytes(data))
    known = find_last_shortcuts(str(tmp_path / "copy" / "atlas"), LAYERS[0])
    assert known.step == records[-2].step
    with pytest.warns(UserWarning, match="step 40"):
        kept = list(read_shortcuts(tmp_path / "copy", run="atlas"))
    assert [record.step for record in kept] == [0, *STEPS[:-1]]
