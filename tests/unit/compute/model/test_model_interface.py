# SPDX-License-Identifier: Apache-2.0
"""Models that are called by `forward`: everywhere, in the same way, and in the worker."""

from __future__ import annotations

import pickle
import threading
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_training import CLASSES, TINY, Net, make_images
from torch import nn

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    compute_atlas,
    find_shortcuts,
    patch_test,
    read_atlases,
    render_icons,
    since_step,
)
from tensorboard_plugin_atlas.compute.model.model_interface import (
    ModelInterface,
    call_model,
    use_interface,
)
from tensorboard_plugin_atlas.compute.model.truncate import truncate
from tensorboard_plugin_atlas.errors import ArgumentError

WITH_ICONS = AtlasConfig(
    samples=16, grids=(2,), min_count=1, neighbors=2, epochs=5, icons="preview", icon_size=8
)
TOKENS = torch.tensor([3, 1])


class OfKeywords(Net):
    """Takes its images by name, and returns a dictionary, as the models of transformers do."""

    def forward(self, *, pixel_values, return_dict):
        assert return_dict
        return {"pred": super().forward(pixel_values)}


class OfTwo(Net):
    """Takes text tokens, too."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(5, 6)

    def forward(self, inputs):
        images, tokens = inputs
        maps = self.body(self.stem(images) + self.words(tokens).mean(0)[:, None, None])
        return self.head(self.drop(maps).mean((2, 3))), maps


def call_by_keyword(model, images):
    return model(pixel_values=images, return_dict=True)


def call_with_tokens(model, images):
    return model((images, TOKENS.to(images.device)))


CALLS = {"keyword": (OfKeywords, call_by_keyword), "tokens": (OfTwo, call_with_tokens)}


class Plain(Net):
    """Takes images only; has the weights and outputs of another model, called by `forward`."""

    def __init__(self, model):
        super().__init__()
        self.load_state_dict(model.state_dict(), strict=False)
        if isinstance(model, OfTwo):
            self.stem.append(AddConstant(model.words(TOKENS).mean(0).detach()))


class AddConstant(nn.Module):
    def __init__(self, values):
        super().__init__()
        self.values = values[:, None, None]

    def forward(self, x):
        return x + self.values


@pytest.fixture(params=CALLS)
def called(request):
    """A model, its `forward`, and a model of images alone with the same outputs."""
    torch.manual_seed(0)
    kind, call = CALLS[request.param]
    model = kind()
    return SimpleNamespace(model=model, call=call, plain=Plain(model))


def test_an_atlas_is_that_of_a_model_of_images_alone(called):
    made, expected = (
        compute_atlas(model, "body", make_images(16), config=WITH_ICONS, forward=forward)
        for model, forward in ((called.model, called.call), (called.plain, None))
    )
    np.testing.assert_array_equal(made.predictions, expected.predictions)
    np.testing.assert_allclose(made.activations, expected.activations, rtol=1e-2, atol=1e-4)
    np.testing.assert_array_equal(made.boxes, expected.boxes)
    grid, other = made.grids[0], expected.grids[0]
    assert np.abs(other.attribution).max() > 1e-4
    np.testing.assert_allclose(grid.attribution, other.attribution, rtol=1e-2, atol=1e-5)
    np.testing.assert_array_equal(grid.kind_codes, other.kind_codes)
    np.testing.assert_allclose(grid.icon_cosine, other.icon_cosine, atol=0.05)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("worker", ["process", "inline"])
def test_a_writer_chooses_layers_and_logs_with_forward(tmp_path, called, worker):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        writer = AtlasWriter(
            tmp_path,
            called.model,
            probe=make_images(16),
            classes=CLASSES,
            config=WITH_ICONS,
            forward=called.call,
            class_atlases=[1],
            shortcuts=True,
            worker=worker,
            strict=True,
        )
        with writer:
            writer.add_atlas(1)
    assert type(writer._recorder).__name__.lower().startswith(worker.replace("process", "backgr"))
    atlases = {atlas.layer: atlas for atlas in read_atlases(tmp_path)}
    assert len(atlases) == len(writer.layers) + 1
    layer = writer.layers[-1]
    own = compute_atlas(called.plain, layer, make_images(16), classes=CLASSES, config=WITH_ICONS)
    np.testing.assert_array_equal(atlases[layer].predictions, own.predictions)


def test_a_lambda_of_a_tensor_is_sent_to_the_worker(tmp_path):
    tokens = torch.tensor([3, 1])
    with AtlasWriter(
        tmp_path,
        OfTwo(),
        ["body"],
        probe=make_images(),
        config=TINY,
        forward=lambda model, images: model((images, tokens)),
        strict=True,
    ) as writer:
        writer.add_atlas(1)
        writer.flush()
        assert type(writer._recorder).__name__ == "BackgroundRecorder"
    assert [atlas.step for atlas in read_atlases(tmp_path)] == [1]


def test_shortcuts_patches_and_icons_use_forward(called):
    options = {"forward": called.call}
    config = AtlasConfig(samples=40, epochs=5)
    images, patch = make_images(40), torch.full((3, 4, 4), 2.0)
    found = find_shortcuts(called.model, "body", images, config=config, **options)
    same = find_shortcuts(called.plain, "body", images, config=config)
    assert [one.box for one in found] == [one.box for one in same]
    target = int(compute_atlas(called.plain, "body", images, config=TINY).predictions[0])
    other = (target + 1) % 4
    tested = patch_test(called.model, patch, images, other, **options)
    expected = patch_test(called.plain, patch, images, other)
    np.testing.assert_allclose(tested.rates, expected.rates)
    for shortcut in found[:1]:
        history = since_step(shortcut, [(1, called.model)], images, config=config, **options)
        assert history.steps == (1,)
    icons = render_icons(called.model, "body", [0, 1], images[0], kind="examples", **options)
    plain = render_icons(called.plain, "body", [0, 1], images[0], kind="examples")
    np.testing.assert_array_equal(icons.images, plain.images)


def test_a_network_for_icons_runs_in_the_threads_of_autograd():
    """A thread has the default interface, with which this model does not run."""
    inputs, outputs = torch.rand(2, 3, 12, 12), []
    with use_interface(ModelInterface(forward=call_by_keyword)):
        network = truncate(OfKeywords().eval(), "body", inputs)
    thread = threading.Thread(target=lambda: outputs.append(network(inputs)))
    thread.start()
    thread.join()
    assert outputs[0].shape == (2, 8, 6, 6)


def test_an_interface_ends_with_its_block_and_can_be_pickled():
    interface = ModelInterface(forward=lambda model, images: model(images) + 1)
    copy = pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(interface))))
    model, images = nn.Identity(), torch.zeros(1)
    for one in (interface, copy):
        with use_interface(one):
            assert call_model(model, images).item() == 1
        assert call_model(model, images).item() == 0


def in_closure(model):
    return lambda _, images: model(pixel_values=images, return_dict=True)


def in_method(model):
    class Trainer:
        def __init__(self):
            self.model = model

        def predict(self, _, images):
            return self.model(pixel_values=images, return_dict=True)

    return Trainer().predict


@pytest.mark.parametrize("make", [in_closure, in_method])
@pytest.mark.parametrize("wrap", [lambda model: model, nn.DataParallel])
def test_a_forward_that_holds_the_model_raises(make, wrap):
    """Its snapshots are copies, which such a function would not use."""
    model = OfKeywords()
    with pytest.raises(ArgumentError, match=r"contains the model itself.*; use its first argument"):
        compute_atlas(wrap(model), "body", make_images(), config=TINY, forward=make(model))


def test_another_model_in_forward_is_allowed():
    """Such as a frozen encoder in front of a head."""
    front = nn.Conv2d(3, 3, 1)
    atlas = compute_atlas(
        Net(), "body", make_images(), config=TINY, forward=lambda model, x: model(front(x))
    )
    assert atlas.predictions is not None


class TwoTowers(nn.Module):
    """Like CLIPModel of transformers: the first positional argument are tokens."""

    def __init__(self):
        super().__init__()
        self.vision_model, self.text_model = Net(), nn.Embedding(5, 4)

    def get_image_features(self, pixel_values):
        return self.vision_model(pixel_values)

    def forward(self, input_ids=None, pixel_values=None):
        if pixel_values is None:
            raise ValueError("You have to specify pixel_values")
        return self.get_image_features(pixel_values) @ self.text_model(input_ids).T


def test_a_model_of_images_and_texts_is_refused_with_what_to_pass():
    model = TwoTowers()
    with pytest.raises(
        ArgumentError, match=r"pass model\.vision_model, or forward=.*get_image_fea"
    ):
        compute_atlas(model, "vision_model.body", make_images(), config=TINY)
    for tower, layer, options in (
        (model.vision_model, "body", {}),
        (
            model,
            "vision_model.body",
            {"forward": lambda model, images: model.get_image_features(images)},
        ),
    ):
        atlas = compute_atlas(tower, layer, make_images(), config=TINY, **options)
        assert atlas.predictions is not None


@pytest.mark.parametrize(
    ("forward", "message"),
    [
        (3, r"forward=3: pass a function of a model and images .*pixel_values=images"),
        (lambda model, images: model(images), r"fails on the probe's images .*forward="),
    ],
    ids=["number", "fails"],
)
def test_an_invalid_forward_raises_at_construction(tmp_path, forward, message):
    with pytest.raises(ArgumentError, match=message):
        AtlasWriter(
            tmp_path, OfKeywords(), ["body"], probe=make_images(), config=TINY, forward=forward
        )
