# SPDX-License-Identifier: Apache-2.0
"""The modules before a layer run once for each image, for networks of any structure."""

from __future__ import annotations

import dataclasses
import logging
import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.attribution import attribute as attribute_module
from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.fastpath.prefix_cache import cache_prefix
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig

images_seen = 0


class Counted(nn.Conv2d):
    """A convolution; all copies together count the images that they process."""

    def forward(self, x):
        global images_seen
        images_seen += len(x)
        return super().forward(x)


class Chain(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = Counted(3, 6, 3, 2, padding=1)
        self.second = nn.Conv2d(6, 6, 3, 1, padding=1)
        self.layer = nn.Conv2d(6, 8, 3, 2, padding=1)
        self.head = nn.Linear(8, 4)

    def end(self, x):
        return self.head(torch.tanh(x).mean((2, 3)))

    def forward(self, x):
        return self.end(self.layer(torch.tanh(self.second(self.first(x)))))


class Skipping(Chain):
    """An early output is read again after the layer."""

    def forward(self, x):
        early = self.first(x)
        late = self.layer(torch.tanh(self.second(early)))
        return self.end(late) + early.mean((2, 3))[:, :4]


class InPlace(Chain):
    """The output of a module is overwritten before it is read."""

    def forward(self, x):
        x = self.second(self.first(x))
        return self.end(self.layer(x.mul_(2).tanh_()))


class Shared(Chain):
    """One in-place ReLU module runs before and after the layer."""

    def __init__(self):
        super().__init__()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.act(self.second(self.act(self.first(x))))
        return self.end(self.act(self.layer(x)))


class Twice(Chain):
    """The layer runs twice; the modules between its runs come before the last one."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(6, 6, 3, 1, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        return self.end(self.layer(torch.tanh(self.second(self.layer(self.first(x))))))


class ReturnsDict(nn.Module):
    def __init__(self):
        super().__init__()
        self.inside = nn.Conv2d(6, 6, 1)

    def forward(self, x):
        return {"map": self.inside(x)}


class Wrapped(Chain):
    """A module returns no tensor, but a module inside it does."""

    def __init__(self):
        super().__init__()
        self.second = ReturnsDict()

    def forward(self, x):
        return self.end(self.layer(torch.tanh(self.second(self.first(x))["map"])))


class Half(Chain):
    """A network in half precision, with logits in half precision."""

    def __init__(self):
        super().__init__()
        self.to(torch.bfloat16)


def make_probe(count=6, each=5):
    torch.manual_seed(1)
    config = AtlasConfig(samples=count * each, positions_per_image=each)
    return build_probe(torch.rand(count, 3, 16, 16), config=config)


def count_images(network, probe, monkeypatch, *, has_cache):
    """Attributions, and the number of images that the convolutions process."""
    global images_seen
    with monkeypatch.context() as patch:
        patch.setattr(attribute_module, "_compute_by_traced_jvp", lambda *_: None)
        patch.setattr(
            attribute_module, "optimize_for_inference", lambda model, *_: nullcontext(model)
        )
        if not has_cache:
            patch.setattr(attribute_module, "cache_prefix", lambda *_: None)
        images_seen = 0
        values = compute_attribution(network, "layer", probe, batch_size=8).values
    return values, images_seen


@pytest.mark.parametrize("kind", [Chain, Skipping, InPlace, Shared, Twice, Wrapped, Half])
def test_attributions_equal_those_of_the_whole_network(kind, monkeypatch):
    network, probe = kind().eval(), make_probe()
    values, fewer = count_images(network, probe, monkeypatch, has_cache=True)
    expected, more = count_images(network, probe, monkeypatch, has_cache=False)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    assert np.abs(values).max() > 0
    # 30 samples of 6 images: a batch of 8 samples has 2 or 3 images, and a check runs on two.
    assert more >= 30
    assert fewer < 30


def test_samples_in_any_order_get_their_own_attributions(monkeypatch):
    probe = make_probe()
    order = np.random.default_rng(0).permutation(len(probe.sample_image))
    mixed = dataclasses.replace(
        probe,
        sample_image=probe.sample_image[order],
        relative_positions=probe.relative_positions[order],
    )
    network = Chain().eval()
    ordered = compute_attribution(network, "layer", probe, batch_size=8).values
    np.testing.assert_allclose(
        compute_attribution(network, "layer", mixed, batch_size=8).values, ordered[order], rtol=1e-5
    )


class Locked(Chain):
    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()


class RandomNoise(Chain):
    def forward(self, x):
        return super().forward(x) + torch.rand(len(x), 1)


class Centered(nn.Module):
    def forward(self, x):
        return x - x.mean()


class Together(Chain):
    """The images of a batch change each other's logits."""

    def __init__(self):
        super().__init__()
        self.second = Centered()


class ReturnsNan(Chain):
    """Its logits are NaN."""

    def forward(self, x):
        return super().forward(x) * torch.nan


@pytest.mark.parametrize("kind", [Locked, RandomNoise, Together, ReturnsNan])
def test_a_network_with_other_logits_is_not_cached(kind):
    assert cache_prefix(kind().eval(), "layer", make_probe().images) is None


def test_nothing_is_cached_with_one_sample_per_image(monkeypatch):
    monkeypatch.setattr(attribute_module, "cache_prefix", lambda *_: pytest.fail("copied"))
    assert compute_attribution(Chain().eval(), "layer", make_probe(each=1)).values is not None


def test_a_model_that_cannot_be_copied_is_logged(caplog):
    with caplog.at_level(logging.INFO, "tensorboard_plugin_atlas"):
        assert cache_prefix(Locked().eval(), "layer", make_probe().images) is None
    assert "attribution of layer 'layer': plain autograd runs instead" in caplog.text
    assert "TypeError" in caplog.text


def test_nothing_is_cached_before_the_first_layer():
    assert cache_prefix(Chain().eval(), "first", make_probe().images) is None


def test_only_outputs_that_are_read_are_cached():
    images = make_probe().images
    chain, skipping = (cache_prefix(kind().eval(), "layer", images) for kind in (Chain, Skipping))
    assert [one.is_read for one in chain._cached] == [False, True]
    assert [one.is_read for one in skipping._cached] == [True, True]


def test_the_model_does_not_change():
    network = Chain().eval()
    before = {name: dict(module.__dict__) for name, module in network.named_modules()}
    cache = cache_prefix(network, "layer", make_probe().images)
    with cache.replay(make_probe().images[:], np.arange(6)):
        cache.network(make_probe().images[:])
    assert {name: dict(module.__dict__) for name, module in network.named_modules()} == before
    assert all(one.output is None for one in cache._cached)
