# SPDX-License-Identifier: Apache-2.0
"""Patches and their controls on networks with known predictions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import (
    POSITIONS,
    PatchEvaluator,
    as_patch,
    difference_interval,
    measure_patch,
    patch_test,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

SCALE = ((0.5,) * 3, (0.25,) * 3)


class Reddest(nn.Module):
    """Class 1 if the red of all pixels sums to more than `least`, else class 0 or 2.

    Class 2 is the greener. A 4 x 4 patch of red 1 on black adds exactly 16.
    """

    def __init__(self, least=8.0):
        super().__init__()
        self.least = least
        self.body = nn.Identity()

    def forward(self, x):
        red, green = self.body(x)[:, :2].sum((2, 3)).unbind(1)
        return torch.stack([torch.full_like(red, self.least), red, green], dim=1)


class Corner(nn.Module):
    """Class 1 if the pixel in the lower right corner is white, else class 0."""

    def forward(self, x):
        return torch.stack([torch.full_like(x[:, 0, 0, 0], 0.9), x[:, :3, -1, -1].amin(1)], 1)


def make_evaluator(model, images):
    return PatchEvaluator.prepare(model.eval(), images)


class TestInterval:
    @pytest.mark.parametrize(
        ("first", "second", "wanted"),
        [
            ((56, 70), (48, 80), (0.0524, 0.3339)),
            ((9, 10), (3, 10), (0.1705, 0.8090)),
            ((0, 10), (0, 10), (-0.2775, 0.2775)),
            ((10, 10), (0, 10), (0.6075, 1.0)),
        ],
    )
    def test_published_values(self, first, second, wanted):
        # Newcombe 1998, table II, method 10.
        rates = [hits / count for hits, count in (first, second)]
        found = difference_interval(*rates, first[1], second[1])
        assert found == pytest.approx(wanted, abs=5e-5)

    def test_hand_computed_values(self):
        # 8 and 4 of 10: Wilson (.4902, .9433) and (.1682, .6873); by squares:
        # .4 - sqrt(.3098^2 + .2873^2) and .4 + sqrt(.1433^2 + .2318^2).
        low, high = difference_interval(0.8, 0.4, 10)
        assert low == pytest.approx(0.4 - math.hypot(0.8 - 0.49016, 0.68733 - 0.4), abs=1e-4)
        assert high == pytest.approx(0.4 + math.hypot(0.94331 - 0.8, 0.4 - 0.16818), abs=1e-4)

    def test_swapping_the_rates_negates_the_interval(self):
        low, high = difference_interval(0.7, 0.2, 50)
        assert difference_interval(0.2, 0.7, 50) == pytest.approx((-high, -low))

    def test_more_confidence_and_fewer_images_are_wider(self):
        usual = np.ptp(difference_interval(0.7, 0.2, 50))
        assert np.ptp(difference_interval(0.7, 0.2, 50, confidence=0.995)) > usual
        assert np.ptp(difference_interval(0.7, 0.2, 20)) > usual

    def test_the_coverage_is_95_percent(self):
        random, hits = np.random.default_rng(0), 0
        for _ in range(2000):
            first, second = random.binomial(40, [0.6, 0.3]) / 40
            low, high = difference_interval(first, second, 40)
            hits += low <= 0.3 <= high
        assert 0.93 < hits / 2000 < 0.975


class TestEvaluator:
    def test_predictions_classes_and_size(self):
        images = torch.zeros(3, 3, 8, 8)
        images[1, 0] = 1
        images[2, 1] = 1
        evaluator = make_evaluator(Reddest(), images)
        assert evaluator.predictions.tolist() == [0, 1, 2]
        assert evaluator.classes == 3
        assert evaluator.size == (8, 8)

    def test_a_patch_only_changes_its_box(self):
        seen = []
        model = Reddest()
        model.body.register_forward_hook(lambda _m, _i, out: seen.append(out.clone()))
        images = torch.rand(4, 3, 8, 8)
        evaluator = make_evaluator(model, images)
        seen.clear()
        patch = torch.full((3, 2, 3), 7.0)
        logits = evaluator.paste([(patch, 1, 4), (patch, 0, 0)], np.array([2, 0]))
        assert logits.shape == (2, 2, 3)
        wanted = images[[2, 0]].clone()
        wanted[:, :, 1:3, 4:7] = 7
        torch.testing.assert_close(seen[0][:2], wanted)
        wanted = images[[2, 0]].clone()
        wanted[:, :, :2, :3] = 7
        torch.testing.assert_close(seen[0][2:], wanted)
        torch.testing.assert_close(evaluator.images, images)

    def test_a_hand_computed_rate(self):
        images = torch.zeros(4, 3, 8, 8)
        images[:, 0, 7, 7] = torch.tensor([0.0, 1.0, 4.0, 5.0])
        evaluator = make_evaluator(Reddest(least=8.0), images)
        # Four pixels of red 1 reach more than 8 only on top of more than 4.
        patch = torch.zeros(3, 2, 2)
        patch[0] = 1
        assert evaluator.rate(np.arange(4), 1, lambda _: (patch, 0, 0)) == 0.25
        # The patch covers the red that was there.
        assert evaluator.rate(np.arange(4), 1, lambda _: (patch, 6, 6)) == 0

    def test_batches_do_not_matter(self):
        images = torch.rand(7, 3, 8, 8)
        whole, cut = (PatchEvaluator.prepare(Reddest(32), images, size) for size in (100, 2))
        patch = torch.rand(3, 3, 3)
        rows = np.arange(7)
        torch.testing.assert_close(
            whole.paste([(patch, 1, 1)], rows), cut.paste([(patch, 1, 1)], rows)
        )


class TestControls:
    def test_crops_of_red_images_flip_like_a_red_patch(self):
        # Half of the images are red; their crops flip the black ones like a red patch.
        images = torch.zeros(40, 3, 8, 8)
        images[20:, 0] = 1
        evaluator = make_evaluator(Reddest(least=8.5), images)
        patch = torch.zeros(3, 3, 3)
        patch[0] = 1
        rows = np.arange(20)
        found = measure_patch(evaluator, patch, (2, 3), 1, rows, np.random.default_rng(0))
        assert found.flip_rate == 1
        assert found.anywhere_flip_rate == 1
        assert found.same_flip_rate == 1
        assert found.other_flip_rate == 0
        assert found.box == (2, 3, 5, 6)
        assert found.area == 9 / 64
        assert found.images == 20
        # 9 pixels of mean 1, clipped at the brightest red of the images, 1: always below 8.5 + 1.
        assert found.noise_flip_rate < 0.2
        assert found.interval == difference_interval(1.0, found.noise_flip_rate, 20)

    def test_a_mark_has_little_effect_at_other_positions(self):
        images = torch.rand(50, 3, 8, 8) * 0.5
        evaluator = make_evaluator(Corner(), images)
        found = measure_patch(
            evaluator, torch.ones(3, 2, 2), (6, 6), 1, np.arange(50), np.random.default_rng(0)
        )
        # One of 7 x 7 positions covers the corner.
        assert found.flip_rate == 1
        assert found.anywhere_flip_rate < 0.15

    def test_noise_has_the_mean_of_the_patch_and_the_spread_of_the_images(self):
        seen = []
        model = Reddest(1e9)
        images = torch.randn(300, 3, 16, 16) * torch.tensor([1.0, 2.0, 0.5]).view(1, 3, 1, 1)
        evaluator = make_evaluator(model, images)
        model.body.register_forward_hook(lambda _m, _i, out: seen.append(out.clone()))
        patch = torch.tensor([0.5, -1.0, 0.2]).view(3, 1, 1).expand(3, 8, 8).contiguous()
        measure_patch(evaluator, patch, (0, 8), 1, np.arange(300), np.random.default_rng(0))
        # The flip on 300 images comes first, then the noise.
        noise = torch.cat(seen)[300:600, :, :8, 8:]
        torch.testing.assert_close(
            noise.mean((0, 2, 3)), torch.tensor([0.5, -1, 0.2]), atol=0.03, rtol=0
        )
        torch.testing.assert_close(
            noise.std((0, 2, 3)), torch.tensor([1.0, 2.0, 0.5]), atol=0.03, rtol=0
        )
        assert noise.amin() >= images.amin()

    def test_below_the_least_rate_controls_are_not_measured(self):
        evaluator = make_evaluator(Corner(), torch.zeros(10, 3, 8, 8))
        random = np.random.default_rng(0)
        rows, patch = np.arange(10), torch.ones(3, 2, 2)
        assert measure_patch(evaluator, patch, (0, 0), 1, rows, random, least=0.25) is None
        found = measure_patch(evaluator, patch, (0, 0), 1, rows, random)
        assert (found.flip_rate, found.same_flip_rate) == (0, 0)

    def test_screening_changes_no_rate(self):
        images = torch.rand(180, 3, 8, 8)
        evaluator = make_evaluator(Reddest(34), images)
        patch, rows = torch.rand(3, 4, 4) + 0.4, np.flatnonzero(evaluator.predictions != 1)
        assert len(rows) > 100
        whole, screened = (
            measure_patch(evaluator, patch, (2, 2), 1, rows, np.random.default_rng(0), least=least)
            for least in (0.0, 0.1)
        )
        assert 0.1 < whole.flip_rate < 0.9
        assert screened.flip_rate == pytest.approx(whole.flip_rate)
        assert screened.other_flip_rate == whole.other_flip_rate

    def test_equal_seeds_give_equal_rates(self):
        images = torch.rand(60, 3, 8, 8)
        evaluator = make_evaluator(Reddest(34), images)
        patch, rows = torch.rand(3, 4, 4) + 0.4, np.flatnonzero(evaluator.predictions != 1)
        first, second, other = (
            vars(measure_patch(evaluator, patch, (2, 2), 1, rows, np.random.default_rng(seed)))
            for seed in (0, 0, 1)
        )
        assert first == second
        assert first != other


class TestPatchTest:
    def test_the_best_size_and_position(self):
        white = np.full((2, 2, 3), 255, np.uint8)
        images = torch.rand(60, 3, 8, 8) * 0.5
        found = patch_test(Corner(), white, images, 1)
        assert found.sizes == (0.5, 1.0, 1.5, 2.0)
        assert found.positions == POSITIONS
        wanted = np.zeros((4, 5), np.float32)
        wanted[:, POSITIONS.index("bottom right")] = 1
        np.testing.assert_array_equal(found.rates, wanted)
        assert (found.size, found.position, found.box) == (0.5, "bottom right", (7, 7, 8, 8))
        assert found.area == 1 / 64
        assert found.images == 30
        assert (found.flip_rate, found.other_flip_rate, found.same_flip_rate) == (1, 0, 0)
        assert found.interval[0] > 0.5

    def test_a_float_patch_is_not_normalized(self):
        images = (torch.rand(40, 3, 8, 8) * 0.5 - 0.5) / 0.25
        found = patch_test(Corner(), torch.full((3, 2, 2), 2.0), images, 1, at=(6, 6), sizes=[1])
        assert found.positions == ("6, 6",)
        assert found.rates.tolist() == [[1.0]]

    def test_pixels_are_normalized_like_the_images(self):
        images = (torch.rand(40, 3, 8, 8) * 0.5 - 0.5) / 0.25
        white = np.full((2, 2, 3), 255, np.uint8)
        gray = np.full((2, 2, 3), 150, np.uint8)  # (150 / 255 - .5) / .25 = .35, below .9
        rates = [
            patch_test(Corner(), one, images, 1, at=(6, 6), sizes=[1], normalize=SCALE).flip_rate
            for one in (white, gray)
        ]
        assert rates == [1, 0]

    def test_a_pil_image_is_a_patch(self):
        picture = Image.new("RGB", (3, 2), "white")
        found = patch_test(Corner(), picture, torch.rand(40, 3, 8, 8) * 0.5, 1, sizes=[1])
        assert found.box == (6, 5, 8, 8)

    def test_images_of_one_channel_get_the_mean_of_the_patch(self):
        class Gray(nn.Module):
            def forward(self, x):
                return torch.cat([torch.full_like(x[:, 0, :1, 0], 0.4), x[:, 0, :1, 0]], 1)

        orange = np.array([[[255, 128, 0]]], np.uint8)  # mean .5
        found = patch_test(Gray(), orange, torch.zeros(20, 1, 8, 8), 1, sizes=[1])
        assert found.position == "top left"
        assert found.flip_rate == 1

    def test_sizes_that_do_not_fit_are_skipped(self):
        white = np.full((8, 8, 3), 255, np.uint8)
        found = patch_test(Corner(), white, torch.rand(20, 3, 8, 8) * 0.5, 1)
        assert found.sizes == (0.5, 1.0)

    def test_without_flips_the_rates_are_zero(self):
        found = patch_test(Reddest(1e9), np.zeros((2, 2, 3), np.uint8), torch.rand(9, 3, 8, 8), 1)
        assert not found.rates.any()
        assert found.flip_rate == 0
        assert found.interval[0] < 0 < found.interval[1]

    def test_equal_seeds_give_equal_results_and_the_model_is_unchanged(self):
        model = nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.Dropout(), nn.Flatten(), nn.Linear(216, 3)
        )
        model[1].eval()
        before = {name: value.clone() for name, value in model.state_dict().items()}
        images, patch = torch.rand(80, 3, 8, 8), (torch.rand(4, 4, 3) * 255).byte()
        torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
        first, second = (patch_test(model, patch, images, 1, seed=5) for _ in range(2))
        assert first.interval == second.interval
        np.testing.assert_array_equal(first.rates, second.rates)
        assert [part.training for part in model] == [True, False, True, True, True]
        assert all(parameter.grad is None for parameter in model.parameters())
        assert torch.equal(torch.get_rng_state(), torch_state)
        np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)
        for name, value in model.state_dict().items():
            assert torch.equal(value, before[name])


WHITE = np.full((2, 2, 3), 255, np.uint8)


class TestBadInput:
    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"target": 7}, r"target=7: the model has 2 classes; .* from 0 to 1"),
            ({"target": -1}, r"target=-1"),
            ({"target": True}, r"target=True"),
            ({"target": "cat"}, r"target='cat'"),
            ({"patch": np.zeros((9, 2, 3), np.uint8)}, r"9 x 2 px .* larger .*at most 0.89"),
            ({"sizes": (1, 5)}, r"at size 5 is larger than the images \(8 x 8 px\)"),
            ({"sizes": (0,)}, r"sizes=\(0,\): pass positive"),
            ({"sizes": ()}, r"sizes=\(\)"),
            ({"sizes": (math.nan,)}, r"sizes=\(nan,\)"),
            ({"sizes": 1}, r"^sizes=1: pass positive multiples, such as \(0.5, 1, 2\)$"),
            ({"sizes": "12"}, r"^sizes='12': pass positive multiples"),
            ({"sizes": (None,)}, r"^sizes=\(None,\): pass positive multiples"),
            ({"sizes": (10**400,)}, r"^sizes=\(1000.*: pass positive multiples"),
            ({"positions": ("up",)}, r"positions=\('up',\): pass some of \('top left'"),
            ({"positions": "middle"}, r"positions='middle'"),
            ({"at": (7, 7)}, r"at=\(7, 7\).*y up to 6 and x up to 6"),
            ({"at": (-1, 0)}, r"at=\(-1, 0\)"),
            ({"at": "x"}, r"^at='x': pass y and x of the patch's upper left corner as whole"),
            ({"at": 3}, r"^at=3: pass y and x"),
            ({"at": (1, 2, 3)}, r"^at=\(1, 2, 3\): pass y and x"),
            ({"at": (0.5, 1)}, r"^at=\(0.5, 1\): pass y and x"),
            (
                {"patch": None},
                r"^patch=None: pass an RGB image of shape \(height, width, 3\) .* \(3, height",
            ),
            ({"patch": [[1], [2, 3]]}, r"^patch=\[\[1\], \[2, 3\]\]: pass"),
            ({"seed": -1}, r"^seed=-1: pass a whole number from 0 to"),
            ({"patch": np.zeros((2, 2), np.uint8)}, r"shape \(2, 2\).*\(3, height, width\)"),
            ({"patch": np.zeros((0, 2, 3), np.uint8)}, r"shape \(0, 2, 3\)"),
            ({"patch": np.zeros((2, 2, 4), np.uint8)}, r"uint8 of shape \(2, 2, 4\)"),
            ({"patch": np.zeros((2, 2, 3), np.int64)}, r"int64 of shape"),
            ({"patch": torch.zeros(2, 2, 3)}, r"float tensor of shape \(2, 2, 3\)"),
            ({"patch": torch.full((3, 2, 2), math.nan)}, r"all finite: False"),
            (
                {"images": torch.ones(5, 3, 8, 8)},
                r"predicts it for 5 of 5 images; pass at least two",
            ),
            ({"images": torch.full((5, 3, 8, 8), 3.0)}, r"pass normalize="),
            ({"images": torch.zeros(5, 2, 8, 8)}, r"the images have 2 channels"),
        ],
    )
    def test_unusable_arguments_are_reported(self, arguments, message):
        arguments = {"patch": WHITE, "images": torch.zeros(6, 3, 8, 8), "target": 1, **arguments}
        with pytest.raises(ArgumentError, match=message):
            patch_test(
                Corner(),
                arguments.pop("patch"),
                arguments.pop("images"),
                arguments.pop("target"),
                **arguments,
            )

    @pytest.mark.parametrize(
        ("head", "message"),
        [
            (nn.Linear(192, 1), r"tensor of shape \(6, 1\)"),
            (nn.Sequential(nn.Linear(192, 4), nn.Unflatten(1, (2, 2))), r"shape \(6, 2, 2\)"),
        ],
        ids=["regression", "maps"],
    )
    def test_models_without_logits_are_rejected_with_advice(self, head, message):
        model = nn.Sequential(nn.Flatten(), head)
        with pytest.raises(ArgumentError, match=message + ".*wrap the model"):
            patch_test(model, WHITE, torch.zeros(6, 3, 8, 8), 0)

    def test_a_patch_is_copied(self):
        probe = build_probe(torch.rand(3, 3, 8, 8), config=AtlasConfig(samples=3))
        pixels = np.full((2, 2, 3), 255, np.uint8)
        pixels.setflags(write=False)
        torch.testing.assert_close(as_patch(pixels, probe), torch.ones(3, 2, 2))
