# SPDX-License-Identifier: Apache-2.0
"""Tracking of shortcuts: merged patches, followed patches and their records."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.tracker import (
    ShortcutTracker,
    _Candidate,
    find_incompatibility,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.shortcut_record import LoggedShortcut, ShortcutTest
from tensorboard_plugin_atlas.wire.shortcut_codec import decode_shortcuts, encode_shortcuts

SIDE = 16
CONFIG = AtlasConfig(samples=200, epochs=20)


class Corner(nn.Module):
    """Class 2 if the top left pixel is blue and the next one is not; else 0 or 1, by red."""

    def __init__(self, blue=20.0, bias=0.0):
        super().__init__()
        self.body = nn.Conv2d(3, 3, 1)
        self.body.weight.data = torch.eye(3).view(3, 3, 1, 1)
        self.body.bias.data.zero_()
        self.blue, self.bias = blue, bias

    def forward(self, x):
        x = self.body(x)
        red = x[:, 0].mean((1, 2))
        blue = (x[:, 2, 0, 0] - x[:, 2, 0, 1] - 0.8) * self.blue + self.bias
        return torch.stack([red, 1 - red, blue], dim=1)


def make_images(count=200):
    random = np.random.default_rng(0)
    images = random.uniform(0, 0.4, (count, 3, SIDE, SIDE)).astype(np.float32)
    labels = random.integers(0, 2, count)
    images[labels == 0, 0] += 0.5
    chosen = random.random(count) < 0.25
    images[chosen, 2, 0, :2] = (1.0, 0.0)
    return torch.from_numpy(images)


@pytest.fixture(scope="module")
def probe():
    return build_probe(make_images(), config=CONFIG)


@pytest.fixture
def tracker(probe):
    return ShortcutTracker(probe, "body", CONFIG)


def candidate(**changes):
    box = changes.pop("box", (0, 0, 4, 4))
    step = changes.pop("step", 10)
    flip = changes.get("flip_rate", 0.5)
    significant = changes.get("significant", False)
    values = {
        "id": -1,
        "target": 2,
        "area": 0.1,
        "flip_rate": flip,
        "anywhere_flip_rate": 0.0,
        "noise_flip_rate": 0.0,
        "other_flip_rate": 0.0,
        "same_flip_rate": 0.0,
        "interval": (0.0, 1.0),
        "strength": 1.0,
        "support": 5,
        "significant": significant,
        "since": step if significant else None,
        "image": 0,
        "history": (
            ShortcutTest(step=step, flip_rate=flip, noise_flip_rate=0.0, significant=significant),
        ),
    }
    now = LoggedShortcut(**{**values, **changes}, box=box)
    return _Candidate(now, np.zeros((box[2] - box[0], box[3] - box[1], 3), np.uint8))


def add_history(one, *steps):
    """Returns a candidate with tests at earlier steps, too."""
    before = tuple(dataclasses.replace(one.now.history[0], step=step) for step in steps)
    now = dataclasses.replace(one.now, history=(*before, *one.now.history))
    return dataclasses.replace(one, now=now)


def describe(kept):
    return [(one.now.id, one.now.target, one.now.box) for one in kept]


class TestMarks:
    def test_new_patches_get_ids_by_rank(self, tracker):
        kept = tracker._select(
            [
                candidate(strength=1.0),
                candidate(strength=2.0, target=1),
                candidate(strength=0.5, significant=True, target=0),
            ]
        )
        assert [(one.now.id, one.now.target) for one in kept] == [(0, 0), (1, 1), (2, 2)]
        assert tracker._select([candidate()])[0].now.id == 3

    def test_patches_of_one_class_that_overlap_by_half_are_merged(self, tracker):
        known = add_history(candidate(id=4, strength=1.0, box=(0, 0, 4, 4)), 0, 5)
        found = candidate(strength=2.0, box=(0, 2, 4, 6))
        (one,) = tracker._select([known, found])
        assert describe([one]) == [(4, 2, (0, 2, 4, 6))]
        assert [test.step for test in one.now.history] == [0, 5, 10]
        assert one.patch is found.patch

    def test_a_weaker_new_patch_does_not_change_the_old_one(self, tracker):
        known = add_history(candidate(id=4, strength=2.0), 0)
        (one,) = tracker._select([known, candidate(strength=1.0, box=(0, 2, 4, 6))])
        assert one.now == known.now

    @pytest.mark.parametrize(
        "other", [{"target": 1}, {"box": (0, 3, 4, 7)}, {"box": (8, 8, 12, 12)}]
    )
    def test_patches_of_other_classes_or_positions_are_separate(self, other, tracker):
        assert len(tracker._select([candidate(id=0), candidate(**other)])) == 2

    def test_two_overlapping_patches_continue_with_the_older_id(self, tracker):
        first = add_history(candidate(id=3, strength=1.0), 0, 5)
        second = add_history(candidate(id=7, strength=2.0, box=(0, 1, 4, 5)), 5)
        (one,) = tracker._select([first, second])
        assert one.now.id == 3
        assert [test.step for test in one.now.history] == [0, 5, 10]
        assert one.now.history[-1] == second.now.history[-1]

    def test_since_is_the_first_of_both(self, tracker):
        known = candidate(id=1, strength=1.0, since=5)
        (one,) = tracker._select([known, candidate(strength=2.0, significant=True)])
        assert one.now.since == 5
        assert one.now.significant

    def test_an_unlearned_mark_is_not_replaced_by_the_object_around_it(self, tracker):
        known = candidate(id=1, strength=0.2, since=5, box=(2, 2, 4, 4))
        (one,) = tracker._select([known, candidate(strength=1.0, box=(0, 0, 8, 8))])
        assert describe([one]) == [(1, 2, (2, 2, 4, 4))]

    def test_few_patches_that_were_never_significant_are_followed(self, tracker):
        many = [
            candidate(target=number, strength=number / 10, box=(0, 0, 2, 2)) for number in range(12)
        ]
        kept = tracker._select([*many, candidate(target=50, since=3, flip_rate=0.0, strength=-1.0)])
        assert [one.now.target for one in kept] == [50, 11, 10, 9, 8, 7, 6, 5, 4]

    @pytest.mark.parametrize("rate", [None, 0.0, 0.24])
    def test_patches_with_a_low_flip_rate_are_removed(self, rate, tracker):
        one = candidate(id=0)
        last = dataclasses.replace(one.now.history[0], flip_rate=rate)
        one = dataclasses.replace(one, now=dataclasses.replace(one.now, history=(last,)))
        assert tracker._select([one]) == ()

    def test_the_number_of_patches_is_limited(self, tracker):
        many = [candidate(target=number, since=1) for number in range(60)]
        assert len(tracker._select(many)) == 40


class TestUpdate:
    def test_a_known_mark_is_found_followed_and_encoded(self, tracker, probe):
        first = tracker.update(Corner(), 10, 1.0, None)
        mark = first.found[0]
        assert (mark.target, mark.id, mark.since, mark.box[:2]) == (2, 0, 10, (0, 0))
        assert mark.flip_rate == 1
        assert (mark.samples, mark.similarity) == ((), None)
        assert [one.after for one in mark.examples] == [2] * 12
        back = decode_shortcuts(encode_shortcuts(first))
        assert back.found == first.found
        # A new tracker continues from the record: the network has unlearned the mark.
        again = ShortcutTracker(probe, "body", CONFIG, back).update(
            Corner(blue=0, bias=-9), 20, 2.0, None
        )
        (kept,) = [one for one in again.found if one.id == mark.id]
        assert (kept.since, kept.significant, kept.flip_rate) == (10, False, 0)
        assert [(test.step, test.significant) for test in kept.history] == [(10, True), (20, False)]
        assert kept.box == mark.box
        assert {one.after for one in kept.examples} <= {0, 1}

    def test_without_images_to_flip_rates_are_none(self, tracker):
        tracker.update(Corner(), 10, 1.0, None)
        record = tracker.update(Corner(bias=100.0), 20, 2.0, None)
        (kept,) = [one for one in record.found if one.id == 0]
        assert kept.history[-1] == ShortcutTest(
            step=20, flip_rate=None, noise_flip_rate=None, significant=False
        )
        assert (kept.flip_rate, kept.interval, kept.examples) == (0, (-1, 1), ())
        assert decode_shortcuts(encode_shortcuts(record)).found == record.found

    def test_the_length_of_the_history_is_limited(self, tracker):
        tracker.update(Corner(), 0, 1.0, None)
        one = tracker._known[0]
        test = one.now.history[0]
        long = tuple(dataclasses.replace(test, step=step) for step in range(-1000, 0))
        now = dataclasses.replace(one.now, history=long)
        tracker._known = (dataclasses.replace(one, now=now),)
        record = tracker.update(Corner(), 10, 2.0, None)
        history = record.found[0].history
        assert (len(history), history[-1].step, history[0].step) == (1000, 10, -999)
        encode_shortcuts(record)

    @pytest.mark.parametrize("count", [1, 2, 6])
    def test_a_few_images_are_enough(self, count):
        few = build_probe(make_images(count), config=CONFIG)
        record = ShortcutTracker(few, "body", CONFIG).update(Corner(), 0, 0.0, None)
        assert record.images == count
        encode_shortcuts(record)


def test_unsupported_models_and_images_are_explained():
    images = torch.rand(4, 3, SIDE, SIDE)
    assert find_incompatibility(Corner(), build_probe(images, config=CONFIG)) is None
    reason = find_incompatibility(nn.Conv2d(3, 3, 1), build_probe(images, config=CONFIG))
    assert "not (images, classes) logits" in reason
    two = build_probe(torch.rand(4, 2, SIDE, SIDE), config=CONFIG)
    assert "2 channels" in find_incompatibility(
        nn.Sequential(nn.Flatten(), nn.Linear(2 * SIDE**2, 3)), two
    )
