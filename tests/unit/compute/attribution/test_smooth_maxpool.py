# SPDX-License-Identifier: Apache-2.0
"""The smoother derivative of max pooling: hand-computed values, both modes, and its benefit."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.nn import functional

from tensorboard_plugin_atlas.compute.attribution import attribute as attribution_room
from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.attribution.smooth_maxpool import RelaxedPooling
from tensorboard_plugin_atlas.compute.pipeline import compute_atlas
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

WINDOW = torch.tensor([[[[1.0, 2.0], [3.0, 2.0]]]])
# Squares sum to 18 and magnitudes to 8, so that the smoother pool is 4.5 / 2.01 here, and its
# derivative along x is (2x / 4 - sign(x) / 4 * 4.5 / 2.01) / 2.01.
BY_HAND = (WINDOW / 2 - 4.5 / 2.01 / 4) / 2.01


class Pooled(nn.Module):
    """A convolution, a max pool of two by two, another convolution, the mean and four logits."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.pool = nn.MaxPool2d(2)
        self.deep = nn.Conv2d(6, 8, 3, padding=1)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        deep = torch.relu(self.deep(self.pool(torch.relu(self.stem(x)))))
        return self.head(deep.mean(dim=(2, 3)))


def probe_of(images: torch.Tensor):
    return build_probe(images, config=AtlasConfig(samples=len(images)))


def test_the_derivative_matches_hand_computed_values():
    leaf = WINDOW.clone().requires_grad_()
    with RelaxedPooling() as pooling:
        pooled = functional.max_pool2d(leaf, 2)
    (gradient,) = torch.autograd.grad(pooled.sum(), leaf)
    torch.testing.assert_close(gradient, BY_HAND)
    assert pooled.item() == 3.0
    assert pooling.count == 1


# torch scripts its own derivatives the first time, and warns about it.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), lambda x: torch.max_pool2d(x, 2)])
def test_forward_mode_is_the_same_for_modules_and_functions(pool):
    with forward_ad.dual_level(), torch.no_grad(), RelaxedPooling():
        pooled = pool(forward_ad.make_dual(WINDOW, torch.tensor([[[[0.0, 1.0], [0.0, 0.0]]]])))
        value, slope = forward_ad.unpack_dual(pooled)
    assert value.item() == 3.0
    assert slope.item() == pytest.approx(BY_HAND[0, 0, 0, 1].item())


def test_stride_padding_and_ceil_mode_are_respected():
    pixels = torch.rand(2, 3, 7, 7).requires_grad_()
    with RelaxedPooling():
        pooled = functional.max_pool2d(pixels, 3, stride=2, padding=1, ceil_mode=True)
    assert torch.equal(
        pooled, functional.max_pool2d(pixels, 3, stride=2, padding=1, ceil_mode=True)
    )
    (gradient,) = torch.autograd.grad(pooled.sum(), pixels)
    assert gradient.ne(0).float().mean() > 0.9


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(2, dilation=2),
        nn.AdaptiveMaxPool2d(1),
        lambda x: functional.max_pool2d(x, 2, return_indices=True)[0],
    ],
)
def test_other_maxima_are_unchanged(pool):
    pixels = torch.rand(1, 1, 6, 6).requires_grad_()
    with RelaxedPooling() as pooling:
        (gradient,) = torch.autograd.grad(pool(pixels).sum(), pixels)
    (plain,) = torch.autograd.grad(pool(pixels).sum(), pixels)
    assert torch.equal(gradient, plain)
    assert pooling.count == 0


def test_forward_mode_and_double_backward_agree(monkeypatch):
    probe = probe_of(torch.rand(12, 3, 16, 16))
    forward = compute_attribution(Pooled(), "stem", probe, is_relaxed=True)
    monkeypatch.setattr(attribution_room, "_forward_mode", attribution_room._double_backward)
    backward = compute_attribution(Pooled(), "stem", probe, is_relaxed=True)
    np.testing.assert_allclose(forward.values, backward.values, rtol=1e-4, atol=1e-7)
    plain = compute_attribution(Pooled(), "stem", probe)
    assert np.abs(forward.values - plain.values).max() > 1e-4
    assert "smoother derivative" in forward.notes[0]


def test_attribution_is_robust_to_tiny_changes_of_flat_images():
    """In flat images a change of 0.1 % decides the maximum of each pooling window."""
    torch.manual_seed(1)
    plain = torch.rand(64, 3, 1, 1).expand(-1, -1, 16, 16)
    images, perturbed = (plain + 1e-3 * torch.rand(64, 3, 16, 16) for _ in range(2))

    def change(*, is_relaxed: bool) -> float:
        first, second = (
            compute_attribution(Pooled(), "stem", probe_of(some), is_relaxed=is_relaxed).values
            for some in (images, perturbed)
        )
        return float(np.abs(first - second).sum() / np.abs(first).sum())

    assert change(is_relaxed=True) < 0.05
    assert change(is_relaxed=False) > 0.5


def test_a_setting_enables_it_and_a_note_reports_it():
    config = AtlasConfig(samples=32, grids=(3,), min_count=1, icons="none", attribution="relaxed")
    atlas = compute_atlas(Pooled(), "stem", torch.rand(32, 3, 16, 16), config=config)
    assert atlas.grids[0].attribution is not None
    assert any("smoother derivative" in note for note in atlas.provenance.notes)
    no_pool = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 14 * 14, 3))
    bare = compute_atlas(no_pool, "0", torch.rand(32, 3, 16, 16), config=config)
    assert any("no max_pool2d" in note for note in bare.provenance.notes)


@pytest.mark.parametrize("value", ["smooth", 1, None, np.ones(2)])
def test_other_values_are_rejected(value):
    with pytest.raises(ArgumentError, match=r"attribution=.*pass True, False or 'relaxed'"):
        AtlasConfig(attribution=value)
