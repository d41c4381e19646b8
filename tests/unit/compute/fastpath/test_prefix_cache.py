# SPDX-License-Identifier: Apache-2.0
"""What comes before a layer runs once for each image, whatever shape the network has."""

from __future__ import annotations

import dataclasses
import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.attribution import attribute as attribution_room
from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.fastpath.prefix_cache import cache_prefix
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig

ran = 0


class Counted(nn.Conv2d):
    """A convolution, all copies of which count together how many images they see."""

    def forward(self, x):
        global ran
        ran += len(x)
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
    """What is far before the layer is read again behind it."""

    def forward(self, x):
        early = self.first(x)
        late = self.layer(torch.tanh(self.second(early)))
        return self.end(late) + early.mean((2, 3))[:, :4]


class InPlace(Chain):
    """What a module gave is written over before it is read."""

    def forward(self, x):
        x = self.second(self.first(x))
        return self.end(self.layer(x.mul_(2).tanh_()))


class Shared(Chain):
    """One rectifier runs before and behind the layer, and is not the same both times."""

    def __init__(self):
        super().__init__()
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        x = self.act(self.second(self.act(self.first(x))))
        return self.end(self.act(self.layer(x)))


class Twice(Chain):
    """The layer itself runs twice, and what lies between its runs comes before the last one."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(6, 6, 3, 1, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, x):
        return self.end(self.layer(torch.tanh(self.second(self.layer(self.first(x))))))


class Telling(nn.Module):
    def __init__(self):
        super().__init__()
        self.inside = nn.Conv2d(6, 6, 1)

    def forward(self, x):
        return {"map": self.inside(x)}


class Wrapped(Chain):
    """A module gives no tensor, but one inside it does."""

    def __init__(self):
        super().__init__()
        self.second = Telling()

    def forward(self, x):
        return self.end(self.layer(torch.tanh(self.second(self.first(x))["map"])))


class Half(Chain):
    """A network in half precision answers in it."""

    def __init__(self):
        super().__init__()
        self.to(torch.bfloat16)


def probe_of(count=6, each=5):
    torch.manual_seed(1)
    config = AtlasConfig(samples=count * each, positions_per_image=each)
    return build_probe(torch.rand(count, 3, 16, 16), config=config)


def attributed(network, probe, monkeypatch, *, whole):
    """Attributions and how many images the counted convolutions saw, with or without a tail."""
    global ran
    with monkeypatch.context() as patch:
        patch.setattr(attribution_room, "_pushed", lambda *_: None)
        patch.setattr(
            attribution_room, "optimize_for_inference", lambda model, *_: nullcontext(model)
        )
        if whole:
            patch.setattr(attribution_room, "cache_prefix", lambda *_: None)
        ran = 0
        values = compute_attribution(network, "layer", probe, batch_size=8).values
    return values, ran


@pytest.mark.parametrize("kind", [Chain, Skipping, InPlace, Shared, Twice, Wrapped, Half])
def test_the_answers_are_those_of_the_whole_network(kind, monkeypatch):
    network, probe = kind().eval(), probe_of()
    values, fewer = attributed(network, probe, monkeypatch, whole=False)
    wanted, more = attributed(network, probe, monkeypatch, whole=True)
    np.testing.assert_allclose(values, wanted, rtol=1e-5, atol=1e-6)
    assert np.abs(values).max() > 0
    # 30 samples of 6 images; a batch of 8 has 2 or 3 images, and two are looked at beforehand.
    assert more >= 30
    assert fewer < 30


def test_samples_in_any_order_get_their_own_answers(monkeypatch):
    probe = probe_of()
    order = np.random.default_rng(0).permutation(len(probe.sample_image))
    mixed = dataclasses.replace(
        probe,
        sample_image=probe.sample_image[order],
        relative_positions=probe.relative_positions[order],
    )
    network = Chain().eval()
    straight = compute_attribution(network, "layer", probe, batch_size=8).values
    np.testing.assert_allclose(
        compute_attribution(network, "layer", mixed, batch_size=8).values,
        straight[order],
        rtol=1e-5,
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
    """The images of a batch change each other's answers."""

    def __init__(self):
        super().__init__()
        self.second = Centered()


class Unsure(Chain):
    """Has no number for the first images, and may have one for others."""

    def forward(self, x):
        return super().forward(x) * torch.nan


@pytest.mark.parametrize("kind", [Locked, RandomNoise, Together, Unsure])
def test_where_it_would_not_be_the_same_the_network_itself_is_asked(kind):
    assert cache_prefix(kind().eval(), "layer", probe_of().images) is None


def test_no_memory_is_made_where_each_image_is_asked_about_once(monkeypatch):
    monkeypatch.setattr(attribution_room, "cache_prefix", lambda *_: pytest.fail("copied"))
    assert compute_attribution(Chain().eval(), "layer", probe_of(each=1)).values is not None


def test_nothing_ends_before_the_first_layer():
    assert cache_prefix(Chain().eval(), "first", probe_of().images) is None


def test_only_what_is_read_is_kept():
    images = probe_of().images
    chain, skipping = (cache_prefix(kind().eval(), "layer", images) for kind in (Chain, Skipping))
    assert [part.is_read for part in chain._parts] == [False, True]
    assert [part.is_read for part in skipping._parts] == [True, True]


def test_the_model_is_left_as_it_was():
    network = Chain().eval()
    before = {name: dict(module.__dict__) for name, module in network.named_modules()}
    tail = cache_prefix(network, "layer", probe_of().images)
    with tail.replay(probe_of().images, np.arange(6)):
        tail.network(probe_of().images)
    assert {name: dict(module.__dict__) for name, module in network.named_modules()} == before
    assert all(part.kept is None for part in tail._parts)
