# SPDX-License-Identifier: Apache-2.0
"""`render_icons` for channels and directions whose best images are known."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from icon_inputs import make_blurred_noise, make_edge_net
from torch import nn

from tensorboard_plugin_atlas import RenderedIcons, render_icons
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

SIDE = 16


def make_patterns() -> torch.Tensor:
    """Orthogonal patterns (3, SIDE * SIDE): top minus bottom, left minus right, their product."""
    down = torch.ones(SIDE, SIDE)
    down[SIDE // 2 :] = -1
    return torch.stack([down, down.T, down * down.T]).flatten(1) / SIDE


def make_linear_net(channels: int = 1) -> nn.Sequential:
    """Correlates the mean of all channels with each pattern."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(channels * SIDE * SIDE, 3, bias=False))
    net[1].weight.data = make_patterns().repeat(1, channels) / channels
    return net


def correlate(images: np.ndarray) -> np.ndarray:
    """Correlation of images with the patterns, (M, 3)."""
    gray = torch.from_numpy(images).float().mean(3).flatten(1)
    return np.array(
        [[np.corrcoef(one, pattern)[0, 1] for pattern in make_patterns()] for one in gray.numpy()]
    )


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("with_images", [True, False])
def test_the_icons_of_a_linear_layer_show_its_weights(channels, with_images):
    given = {"images": make_blurred_noise(40, channels, SIDE)}
    source = given if with_images else {"input_size": (channels, SIDE, SIDE)}
    icons = render_icons(make_linear_net(channels), "1", [0, 1, 2], **source)
    assert isinstance(icons, RenderedIcons)
    assert icons.images.shape == (3, SIDE, SIDE, 3)
    assert (icons.images.dtype, icons.cosine.dtype) == (np.uint8, np.float32)
    assert (icons.kind, icons.steps) == ("inversion", 16)
    assert icons.cosine.min() > 0.95
    found = correlate(icons.images)
    assert np.diag(found).min() > 0.6
    assert np.abs(found - np.diag(np.diag(found))).max() < 0.2


def test_a_direction_shows_positive_and_inverted_negative_patterns():
    probe = np.array([1.0, -1.0, 0.0])
    icons = render_icons(make_linear_net(), "1", probe, make_blurred_noise(40, 1, SIDE))
    ((positive, negative, unused),) = correlate(icons.images)
    assert positive > 0.4
    assert negative < -0.4
    assert abs(unused) < 0.2


def test_the_length_and_type_of_a_direction_do_not_matter():
    images = make_blurred_noise(20, 1, SIDE)
    expected = render_icons(make_linear_net(), "1", [1], images).images
    for form in (
        torch.tensor([[0.0, 1, 0]]),
        np.array([0, 1e-3, 0]),
        [[0.0, 5e6, 0]],
        torch.tensor([0, 1, 0], dtype=torch.bfloat16),
        torch.tensor([1]),
        np.int64(1),
    ):
        assert np.array_equal(render_icons(make_linear_net(), "1", form, images).images, expected)


def test_an_icon_does_not_depend_on_the_other_directions():
    images = make_blurred_noise(20)
    together = render_icons(make_edge_net(), "1", [0, 1, 2, 3], images).images.astype(int)
    for channel in range(4):
        alone = render_icons(make_edge_net(), "1", [channel], images).images
        assert np.abs(alone - together[channel]).max() <= 1


def test_each_kind_takes_more_steps_and_has_a_higher_cosine():
    kinds = ("examples", "preview", "inversion", "poster")
    rendered = [
        render_icons(make_edge_net(), "1", range(4), make_blurred_noise(30), kind=k) for k in kinds
    ]
    assert [icons.kind for icons in rendered] == list(kinds)
    assert [set(icons.kinds) for icons in rendered] == [{k} for k in kinds]
    assert [icons.steps for icons in rendered] == [0, 5, 16, 32]
    examples, preview, inversion, poster = (icons.cosine.mean() for icons in rendered)
    assert examples < preview < inversion
    assert poster > inversion - 1e-3


def test_examples_show_the_patch_with_the_largest_cosine():
    images = make_blurred_noise(12) * 0.1 + 0.4
    images[7, :, 12:16, 10:20] = 0.9
    images[7, :, 16:20, 10:20] = 0.1
    icons = render_icons(make_edge_net(), "1", [0], images, kind="examples", seed=3)
    gray = icons.images[0].astype(float).mean(2)
    assert gray.max() - gray.min() > 100
    assert gray[: len(gray) // 2].mean() > gray[len(gray) // 2 :].mean() + 20


def test_size_and_steps_can_be_chosen():
    icons = render_icons(make_edge_net(), "1", [0], make_blurred_noise(4), size=40, steps=3)
    assert icons.images.shape == (1, 40, 40, 3)
    assert icons.steps == 3


def test_notes_on_synthetic_images_and_low_cosines():
    net = nn.Sequential(make_edge_net(), nn.Conv2d(4, 2, 1))
    net[1].weight.data[1] = 0
    icons = render_icons(net, "1", [0, 1], input_size=32, steps=4)
    assert icons.cosine[0] > 0.3
    assert not icons.cosine[1] > 0.3
    no_images, no_normalize, weak = icons.notes
    assert no_images.startswith("icons: no images were given")
    assert no_normalize.startswith("icons: no normalize was given")
    assert weak == "icons: 1 of 2 have a cosine below 0.3 and show their direction poorly"
    scaled = render_icons(net, "1", [0], input_size=32, steps=4, normalize=((0.5,), (0.25,)))
    assert not any("normalize" in note for note in scaled.notes)


def test_an_icon_that_cannot_be_optimized_shows_a_real_patch_or_gray(monkeypatch):
    render = IconEngine.render
    monkeypatch.setattr(
        IconEngine, "render", lambda *arguments: render(*arguments, limit=TimeLimit(0.0))
    )
    images = make_blurred_noise(10)
    real = render_icons(make_edge_net(), "1", [0, 1], images)
    assert real.kind == "inversion"
    assert real.kinds.tolist() == ["examples"] * 2
    assert real.images.std() > 5
    blank = render_icons(make_edge_net(), "1", [0, 1], input_size=32)
    assert blank.kinds.tolist() == ["none"] * 2
    assert (blank.images == 128).all()
    assert np.isnan(blank.cosine).all()
    assert blank.notes[-1] == "icons: 2 of 2 could not be rendered and are gray"


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_models_of_other_dtypes_have_the_same_cosines(dtype):
    images = make_blurred_noise(20)
    plain = render_icons(make_edge_net(), "1", [0, 2], images)
    other = render_icons(make_edge_net().to(dtype), "1", [0, 2], images)
    np.testing.assert_allclose(other.cosine, plain.cosine, atol=0.03)


def test_the_model_does_not_change():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.ReLU()).train()
    before, random_state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    render_icons(model, "3", [0], make_blurred_noise(8), steps=2)
    assert model.training
    assert model[1].training
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert torch.equal(random_state, torch.get_rng_state())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": make_edge_net}, "model=.*: pass a torch.nn.Module"),
        ({"kind": "sketch"}, "kind='sketch': pass one of 'examples', 'preview'"),
        ({"kind": "examples", "images": None}, "kind='examples' shows real patches: pass images"),
        ({"images": None}, "input_size=None: without images pass the size"),
        ({"images": None, "input_size": (3, 0)}, r"input_size=\(3, 0\)"),
        ({"images": None, "input_size": (1, 3, 8, 8)}, r"input_size=\(1, 3, 8, 8\)"),
        ({"images": None, "input_size": 8.5}, "input_size=8.5"),
        ({"directions": [0, 4]}, "layer '1' has no channel 4; pass channel numbers from 0 to 3"),
        ({"directions": [-1]}, "layer '1' has no channel -1"),
        ({"directions": torch.rand(2, 5)}, r"shape \(2, 5\) and layer '1' has 4 channels"),
        ({"directions": torch.rand(2, 2, 4)}, r"shape \(2, 2, 4\)"),
        ({"directions": []}, r"shape \(0,\)"),
        ({"directions": "first"}, "directions='first': pass channel numbers from 0 to 3"),
        ({"directions": [[0.0, 1], [1.0]]}, r"directions=.*: pass channel numbers"),
        ({"directions": [True, False]}, "pass channel numbers"),
        ({"directions": [[1.0, 0, 0, 0], [0.0] * 4]}, r"directions\[1\] is zero"),
        ({"directions": [float("nan"), 0, 0, 1]}, r"directions\[0\] is not finite"),
        ({"size": 3}, "^size=3: pass None or a whole number from 8 to 256$"),
        ({"steps": 0}, "^steps=0: pass None or a whole number from 1 to"),
        ({"seed": -1}, "^seed=-1: pass a whole number from 0 to"),
        ({"normalize": 3}, "normalize=3"),
    ],
)
def test_arguments_that_cannot_be_used_are_named(change, message):
    arguments = {
        "model": make_edge_net(),
        "layer": "1",
        "directions": [0],
        "images": make_blurred_noise(4),
        **change,
    }
    with pytest.raises(ArgumentError, match=message):
        render_icons(**arguments)


def test_an_unknown_layer_raises():
    with pytest.raises(LayerError, match="layer 'body' is not a module of Sequential"):
        render_icons(make_edge_net(), "body", [0], make_blurred_noise(4))


@pytest.mark.parametrize("size", [(1, 20, 20), (3, 16, 16)])
def test_the_error_for_an_input_size_lists_sizes_that_the_network_accepts(size):
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Flatten(), nn.Linear(2 * 28 * 28, 4))
    with pytest.raises(ArgumentError, match=r"input_size: .*; it runs on \(1, 28, 28\)$"):
        render_icons(net, "0", [0], input_size=size)


def test_the_error_for_a_network_without_usual_sizes_requests_its_size():
    with pytest.raises(ArgumentError, match="pass the size that it was trained with"):
        render_icons(nn.Sequential(nn.Flatten(), nn.Linear(50, 4)), "1", [0], input_size=8)
