# SPDX-License-Identifier: Apache-2.0
"""The search for shortcuts in networks with a known, a learned and no shortcut."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from striped_images import copy_weights, make_network, make_striped_images, train
from torch import nn

from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import PatchRates, difference_interval
from tensorboard_plugin_atlas.compute.shortcuts.search import (
    GRID,
    _remove_strips,
    find_shortcuts,
)
from tensorboard_plugin_atlas.compute.shortcuts.shortcut_history import since_step
from tensorboard_plugin_atlas.compute.shortcuts.significance import (
    box_overlap,
    measure_significance,
    split_images,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError
from tensorboard_plugin_atlas.shortcut_record import OBJECT_AREA

SIDE = 16
CONFIG = AtlasConfig(samples=400, epochs=50)
MARK = (11, 11, 14, 14)


class Marked(nn.Module):
    """Class 2 if blue rises from 0 to 1 within a pixel; else 0 or 1, by red."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 3, 1)
        self.body.weight.data = torch.eye(3).view(3, 3, 1, 1)
        self.body.bias.data.zero_()

    def forward(self, x):
        x = self.body(x)
        red = x[:, 0].mean((1, 2))
        rise = x[:, 2, :, 1:] - x[:, 2, :, :-1]
        blue = (rise - 0.8).clamp(min=0).sum((1, 2)) * 20
        return torch.stack([red, 1 - red, blue], dim=1)


def make_images(count=400, marked=0.25, seed=0):
    """Noise of two shades of red, with a blue line in a black square of 3 px in some."""
    random = np.random.default_rng(seed)
    images = random.uniform(0, 0.5, (count, 3, SIDE, SIDE)).astype(np.float32)
    labels = random.integers(0, 2, count)
    images[labels == 0, 0] += 0.5
    chosen = random.random(count) < marked
    y0, x0, y1, x1 = MARK
    images[chosen, :, y0:y1, x0:x1] = 0
    images[chosen, 2, y0:y1, x0 + 1] = 1
    labels[chosen] = 2
    return torch.from_numpy(images), torch.from_numpy(labels)


def inside(box, other):
    return box_overlap(box, other) >= 0.99


@pytest.fixture(scope="module")
def known():
    return find_shortcuts(Marked(), "body", make_images(), config=CONFIG)


class TestKnownShortcut:
    def test_the_mark_comes_first_and_is_significant(self, known):
        first = known[0]
        assert first.target_class == 2
        assert first.significant
        assert first.flip_rate == 1
        assert inside(first.box, MARK)
        assert first.area <= 9 / 256

    def test_its_controls_have_the_expected_rates(self, known):
        first = known[0]
        assert first.other_flip_rate == 0
        assert first.same_flip_rate > 0.9
        assert first.anywhere_flip_rate == 1
        assert first.noise_flip_rate == 0
        assert first.interval[0] > 0.9

    def test_the_patch_is_a_crop_of_its_first_image(self, known):
        images, _ = make_images()
        for one in known:
            y0, x0, y1, x1 = one.box
            crop = images[one.image_ids[0], :, y0:y1, x0:x1].permute(1, 2, 0)
            np.testing.assert_array_equal(one.patch, (crop * 255).round().to(torch.uint8).numpy())
            assert one.area == (y1 - y0) * (x1 - x0) / SIDE**2
            assert one.support == len(one.image_ids) == len(set(one.image_ids.tolist()))
            assert GRID > one.grid_size > max(one.row, one.col)

    def test_results_are_sorted_and_at_most_two_of_a_class(self, known):
        keys = [(not one.significant, -one.strength) for one in known]
        assert keys == sorted(keys)
        for target in range(3):
            boxes = [one.box for one in known if one.target_class == target]
            assert len(boxes) <= 2
            assert len(boxes) < 2 or box_overlap(*boxes) < 0.5
        assert all(one.flip_rate >= 0.25 for one in known)

    def test_equal_seeds_give_equal_results(self, known):
        again = find_shortcuts(Marked(), "body", make_images(), config=CONFIG)
        assert [describe(one) for one in again] == [describe(one) for one in known]

    def test_top_limits_the_results(self, known):
        (one,) = find_shortcuts(Marked(), "body", make_images(), config=CONFIG, top=1)
        assert describe(one) == describe(known[0])

    def test_labels_are_not_needed(self, known):
        images, _ = make_images()
        # Without labels the images are sampled in another order, so only the mark is the same.
        first = find_shortcuts(Marked(), "body", images, config=CONFIG)[0]
        assert (first.target_class, first.significant) == (2, True)
        assert inside(first.box, MARK)


class Colored(Marked):
    """Class 2 by the number of pixels that are much bluer than red."""

    def forward(self, x):
        x = self.body(x)
        red = x[:, 0].mean((1, 2))
        blue = (x[:, 2] - x[:, 0] - 0.55).clamp(min=0).sum((1, 2)) * 20
        return torch.stack([red, 1 - red, blue], dim=1)


class Striped(Marked):
    """Class 2 if blue rises from 0 to 1 at 12 pixels or more, which needs a large mark."""

    def forward(self, x):
        x = self.body(x)
        red = x[:, 0].mean((1, 2))
        rise = x[:, 2, :, 1:] - x[:, 2, :, :-1]
        count = 5 * (rise - 0.8).clamp(min=0).sum((1, 2))
        return torch.stack([red, 1 - red, count - 9], dim=1)


def make_blue_images():
    """Noise, with a flat blue square of 3 px in some images."""
    images, labels = make_images(marked=0)
    images[:100, :, 11:14, 11:14] = torch.tensor([0.0, 0, 1])[:, None, None]
    labels[:100] = 2
    return images, labels


def make_large_marks():
    """Noise, with a square of 6 px with three blue lines in some, brightest in the middle."""
    images, labels = make_images(marked=0)
    random = np.random.default_rng(1)
    for number in range(100):
        y, x = random.integers(0, SIDE - 6, 2)
        images[number, :, y : y + 6, x : x + 6] = 0
        images[number, 2, y : y + 6, x + 1 : x + 6 : 2] = 0.97
        images[number, 2, y + 3, x + 3] = 1
    labels[:100] = 2
    return images, labels


class TestEvidence:
    """What a significant patch shows, in networks that use one property of it."""

    def test_a_pattern_is_evidence_beyond_color(self, known):
        assert known[0].evidence == "beyond color"
        assert {one.evidence for one in known if not one.significant} <= {None}

    def test_a_color_is_significant_and_said_to_be_one(self):
        first = find_shortcuts(Colored(), "body", make_blue_images(), config=CONFIG)[0]
        assert first.target_class == 2
        assert first.significant
        assert first.noise_flip_rate > 0.5 * first.flip_rate
        assert first.evidence == "mostly color"

    def test_a_large_mark_is_significant_and_said_to_be_large(self):
        first = find_shortcuts(Striped(), "body", make_large_marks(), config=CONFIG)[0]
        assert first.target_class == 2
        assert first.flip_rate > 0.9
        assert first.area > OBJECT_AREA
        assert first.evidence == "object-sized"

    def test_notebooks_show_the_result_and_escape_the_class(self):
        images, labels = make_images()
        found = find_shortcuts(
            Marked(), "body", (images, labels), classes=["a", "b", "<c>"], config=CONFIG, top=1
        )
        shown = found._repr_html_()
        assert "&lt;c&gt;" in shown
        assert "<c>" not in shown
        assert "significant beyond color" in shown
        assert "100%" in shown
        assert "No patch" in type(found)()._repr_html_()


def describe(one):
    values = dict(vars(one), patch=one.patch.tobytes(), image_ids=one.image_ids.tolist())
    return sorted(values.items())


STEPS = (2, 10, 20, 40)


@pytest.fixture(scope="module")
def training():
    model, data = make_network(), make_striped_images(1200)
    checkpoints = [(step, copy_weights(model)) for step in train(model, data, STEPS)]
    return model, data, checkpoints


@pytest.fixture(scope="module")
def found(training):
    network, data, _ = training
    return find_shortcuts(network, "2", data, config=AtlasConfig(samples=1000, epochs=50))


class TestLearnedShortcut:
    """A small network trained on striped images; those of one class have a mark."""

    def test_the_mark_comes_first_and_is_significant_after_training(self, found):
        first = found[0]
        assert first.target_class == 3
        assert first.significant
        assert first.flip_rate > 0.7
        assert box_overlap(first.box, (12, 1, 15, 4)) > 0.5

    def test_nothing_else_is_significant(self, found):
        assert {one.target_class for one in found if one.significant} == {3}

    def test_the_flip_rate_holds_on_new_images(self, training, found):
        network, _, _ = training
        images, labels = make_striped_images(3000)
        images = images[1200:][labels[1200:] != 3]
        y0, x0, y1, x1 = found[0].box
        others = images[network(images).argmax(1) != 3]
        others[:, :, y0:y1, x0:x1] = torch.from_numpy(found[0].patch).permute(2, 0, 1) / 255
        rate = float((network(others).argmax(1) == 3).float().mean())
        assert abs(rate - found[0].flip_rate) < 0.08

    def test_since_step_finds_the_step_from_which_it_is_significant(self, training, found):
        network, data, checkpoints = training
        history = since_step(found[0], reversed(checkpoints), data, model=network)
        assert history.steps == (0, *STEPS)
        assert history.since in STEPS[1:]
        assert history.flip_rates[-1] == pytest.approx(found[0].flip_rate, abs=0.1)
        assert not history.significant[0]
        # The rate is NaN if the target is predicted for all images.
        assert all(math.isnan(rate) or rate < 0.5 for rate in history.flip_rates[:1])

    def test_models_and_state_dicts_are_equivalent(self, training, found):
        network, data, checkpoints = training
        rates = []
        for _, state in checkpoints[-2:]:
            other = copy.deepcopy(network)
            other.load_state_dict(state)
            rates.append(other)
        steps = [step for step, _ in checkpoints[-2:]]
        first = since_step(found[0], zip(steps, rates, strict=True), data)
        second = since_step(found[0], checkpoints[-2:], data, model=network)
        assert vars(first) == vars(second)

    def test_state_dicts_need_a_model(self, training, found):
        _, data, checkpoints = training
        with pytest.raises(ArgumentError, match="pass model="):
            since_step(found[0], checkpoints, data)

    def test_the_model_is_unchanged(self, training):
        network, (images, labels), checkpoints = training
        network.train()
        network[1].eval()
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
        found = find_shortcuts(network, "2", (images[:200], labels[:200]), config=CONFIG)
        if found:
            since_step(found[0], checkpoints[:1], (images[:200], labels[:200]), model=network)
        modes = [module.training for module in network]
        network.eval()
        assert modes == [number != 1 for number in range(len(network))]
        assert torch.equal(torch.get_rng_state(), torch_state)
        np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
        for name, value in network.state_dict().items():
            assert torch.equal(value, checkpoints[-1][1][name])
        assert not any(module._forward_hooks for module in network.modules())


class MeanClassifier(nn.Module):
    """Classifies by the mean of all pixels: no small patch flips a prediction."""

    def __init__(self, classes=3):
        super().__init__()
        self.body, self.classes = nn.Identity(), classes

    def forward(self, x):
        mean = self.body(x).mean((1, 2, 3))[:, None] * 40
        return -((mean - torch.linspace(0, 40, self.classes)) ** 2)


class TestNothingToFind:
    def test_without_flips_the_result_is_empty(self):
        images = torch.rand(200, 3, SIDE, SIDE) * 0.04
        images += torch.tensor([0.0, 0.5, 0.95]).repeat(67)[:200, None, None, None]
        assert find_shortcuts(MeanClassifier(), "body", images, config=CONFIG) == ()

    def test_a_single_predicted_class_gives_an_empty_result(self):
        images = torch.rand(50, 3, SIDE, SIDE) * 0.1
        labels = torch.zeros(50, dtype=torch.long)
        assert find_shortcuts(MeanClassifier(), "body", (images, labels), config=CONFIG) == ()

    @pytest.mark.parametrize("rare", [0, 1, 3])
    def test_a_class_with_few_samples_works(self, rare):
        images, labels = make_images(count=120, marked=0)
        images[:rare, 2] = 1.0
        labels[:rare] = 2
        found = find_shortcuts(Marked(), "body", (images, labels), config=CONFIG)
        assert all(one.target_class != 2 for one in found if one.support < CONFIG.min_count)

    @pytest.mark.parametrize("count", [1, 2, 5])
    def test_a_few_images_are_enough(self, count):
        images, labels = make_images(count=count)
        find_shortcuts(Marked(), "body", (images, labels), config=CONFIG)


class TestHalves:
    def test_each_image_is_in_one_half_and_the_seed_decides_which(self):
        seen, unseen = split_images(7, 0)
        assert (len(seen), len(unseen)) == (4, 3)
        assert sorted([*seen, *unseen]) == list(range(7))
        assert split_images(7, 0)[0].tolist() == seen.tolist() != split_images(7, 1)[0].tolist()

    def test_a_single_image_leaves_no_test_images(self):
        assert [len(half) for half in split_images(1, 0)] == [1, 0]

    def test_patches_come_from_the_searched_half(self, known):
        images, labels = make_images()
        probe = build_probe((images, labels), config=CONFIG)
        seen, _ = split_images(len(probe.images), CONFIG.seed)
        for one in known:
            assert set(one.image_ids.tolist()) <= set(probe.image_ids[seen].tolist())


class TestSignificance:
    def rates(self, **changes):
        values = {
            "target": 0,
            "box": (0, 0, 3, 3),
            "area": 9 / 1024,
            "images": 200,
            "flip_rate": 0.9,
            "anywhere_flip_rate": 0.0,
            "noise_flip_rate": 0.05,
            "other_flip_rate": 0.0,
            "same_flip_rate": 0.0,
            "interval": (0.0, 0.0),
        }
        return PatchRates(**{**values, **changes})

    def test_strength_is_the_lower_bound_over_the_root_of_the_area(self):
        strength, is_significant = measure_significance(self.rates(), 10, (32, 32))
        # Ten candidates share 5 %: each bound has a confidence of 99.5 %.
        low, _ = difference_interval(0.9, 0.0, 200, confidence=0.995)
        assert strength == pytest.approx(low / math.sqrt(9 / 1024 + 0.02))
        assert is_significant

    def test_more_candidates_lower_the_strength(self):
        strengths = [
            measure_significance(self.rates(), count, (32, 32))[0] for count in (1, 10, 1000)
        ]
        assert strengths == sorted(strengths, reverse=True)

    def test_a_large_part_of_an_object_is_not_significant(self):
        large = self.rates(box=(0, 0, 14, 14), area=196 / 1024, flip_rate=0.85)
        strength, is_significant = measure_significance(large, 10, (32, 32))
        assert 1 < strength < 2
        assert not is_significant

    def test_an_effect_of_other_images_of_the_class_is_evidence_of_a_mark(self):
        medium = {"box": (0, 0, 10, 10), "area": 100 / 1024, "flip_rate": 0.7}
        strength, alone = measure_significance(self.rates(**medium), 10, (32, 32))
        assert 1.5 < strength < 2
        _, together = measure_significance(self.rates(**medium, same_flip_rate=0.65), 10, (32, 32))
        assert (alone, together) == (False, True)

    def test_a_large_patch_needs_less_strength_if_it_beats_noise(self):
        medium = {"box": (0, 0, 10, 10), "area": 100 / 1024, "flip_rate": 0.81}
        strength, beats_noise = measure_significance(self.rates(**medium), 10, (32, 32))
        assert 2 < strength < 2.2
        noise = self.rates(**medium, noise_flip_rate=0.78)
        assert (beats_noise, measure_significance(noise, 10, (32, 32))[1]) == (True, False)

    def test_a_small_patch_no_better_than_noise_stays_significant(self):
        # The result is named after its weakness instead; see `TestedPatch.evidence`.
        assert measure_significance(self.rates(noise_flip_rate=0.88), 10, (32, 32))[1]


class TestBoxes:
    def test_a_quarter_is_removed_from_each_side(self):
        assert list(_remove_strips((0, 0, 8, 16))) == [
            (2, 0, 8, 16),
            (0, 0, 6, 16),
            (0, 4, 8, 16),
            (0, 0, 8, 12),
        ]

    def test_a_single_pixel_has_no_strip(self):
        assert list(_remove_strips((3, 3, 4, 4))) == []
        assert len(list(_remove_strips((3, 3, 4, 6)))) == 2

    def test_overlap_is_of_the_smaller(self):
        assert box_overlap((0, 0, 4, 4), (1, 1, 3, 3)) == 1
        assert box_overlap((0, 0, 4, 4), (2, 0, 6, 4)) == 0.5
        assert box_overlap((0, 0, 4, 4), (4, 4, 8, 8)) == 0


class TestBadInput:
    @pytest.mark.parametrize("top", [0, -1, 2.5, None])
    def test_top(self, top):
        with pytest.raises(ArgumentError, match=r"top=.*whole number of at least 1"):
            find_shortcuts(Marked(), "body", make_images(8), config=CONFIG, top=top)

    def test_labels_below_zero_are_named(self):
        images, labels = make_images(8)
        with pytest.raises(ArgumentError, match="labels start at -1"):
            find_shortcuts(Marked(), "body", (images, labels * 0 - 1), config=CONFIG)

    def test_labels_beyond_the_class_names_are_named(self):
        images, labels = make_images(40)
        with pytest.raises(ArgumentError, match=r"classes has 2 names, .* label 2"):
            find_shortcuts(Marked(), "body", (images, labels), classes=["a", "b"], config=CONFIG)

    def test_labels_that_the_model_has_no_logit_for_do_not_matter(self):
        images, labels = make_images(100)
        find_shortcuts(Marked(), "body", (images, labels + 50), config=CONFIG)

    def test_one_channel(self):
        class Gray(Marked):
            def forward(self, x):
                return super().forward(x.expand(-1, 3, -1, -1))

        images, _ = make_images(200)
        found = find_shortcuts(Gray(), "body", images[:, 2:], config=CONFIG)
        assert found[0].target_class == 2
        assert found[0].patch.shape[2] == 3
        assert (found[0].patch == found[0].patch[..., :1]).all()

    @pytest.mark.parametrize(
        ("head", "message"),
        [
            (nn.Linear(3 * SIDE**2, 1), r"a tensor of shape \(.*, 1\), not \(images, classes\)"),
            (nn.Unflatten(1, (3, SIDE, SIDE)), "not .images, classes."),
        ],
        ids=["regression", "maps"],
    )
    def test_models_without_logits_are_rejected(self, head, message):
        model = nn.Sequential(nn.Identity(), nn.Flatten(), head)
        with pytest.raises(ArgumentError, match=message):
            find_shortcuts(model, "0", make_images(8), config=CONFIG)

    def test_an_unknown_layer_is_reported_with_close_names(self):
        with pytest.raises(LayerError, match="closest: 'body'"):
            find_shortcuts(Marked(), "bodi", make_images(8), config=CONFIG)

    def test_a_patch_of_a_larger_image_is_rejected(self):
        one = find_shortcuts(Marked(), "body", make_images(), config=CONFIG)[0]
        small = torch.rand(20, 3, 8, 8)
        with pytest.raises(ArgumentError, match=r"shortcut has the box .* images are 8 x 8 px"):
            since_step(one, [(0, Marked())], small, config=CONFIG)

    @pytest.mark.parametrize("shortcut", [None, ()])
    def test_history_rejects_other_objects(self, shortcut):
        with pytest.raises(ArgumentError, match=r"^shortcut=.*find_shortcuts\(...\) returned"):
            since_step(shortcut, [(0, Marked())], make_images(8), config=CONFIG)

    @pytest.mark.parametrize(
        ("checkpoints", "message"),
        [
            (None, r"^checkpoints=None: pass \(step, state_dict\) pairs in a list"),
            ({0: Marked()}, r"(?s)^checkpoints=\{0: .*pass \(step, state_dict\) pairs in a list"),
            (Marked(), r"(?s)^checkpoints=Marked\(.*pass \(step, state_dict\) pairs in a list"),
            ([nn.Linear(2, 2).state_dict()], r"(?s)number 0 is OrderedDict.*pass \(step, state_"),
            ([nn.BatchNorm2d(2).state_dict()], r"(?s)number 0 is OrderedDict.*pass \(step, state_"),
            ([(0, Marked()), 7], r"^checkpoints: number 1 is 7; pass \(step, state_dict\)"),
            ([(0, "w.pt")], r"^checkpoints: step 0 has 'w.pt'; .* torch.load\(path\) returns"),
            ([("last", Marked())], r"number 0 has the step 'last'; pass a whole number"),
            ([(True, Marked())], r"number 0 has the step True; pass a whole number"),
        ],
        ids=["none", "mapping", "model", "two", "many", "number", "path", "name", "bool"],
    )
    def test_history_rejects_other_checkpoints(self, checkpoints, message):
        one = find_shortcuts(Marked(), "body", make_images(), config=CONFIG)[0]
        with pytest.raises(ArgumentError, match=message) as caught:
            since_step(one, checkpoints, make_images(), model=Marked(), config=CONFIG)
        assert len(str(caught.value)) < 250

    def test_steps_of_any_whole_type_come_back_as_plain_ints(self):
        one = find_shortcuts(Marked(), "body", make_images(), config=CONFIG)[0]
        history = since_step(one, [(np.int64(5), Marked())], make_images(), config=CONFIG)
        assert [type(step) for step in history.steps] == [int]
