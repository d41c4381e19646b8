# SPDX-License-Identifier: Apache-2.0
"""Networks without a gradient: the atlas has real patches, and a note with the reason."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from tiny_training import TINY, Net, make_images
from torch import nn
from torch.nn import functional

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, compute_atlas, read_atlases
from tensorboard_plugin_atlas.compute.icons.rerendered_icons import refine_icons
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.probe.probe import build_probe

INVERTED = AtlasConfig(
    **{**TINY.as_dict(), "icons": "inversion", "icon_steps": 2, "attribution": True}
)


class NoBackward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()


class Failing(torch.autograd.Function):
    """Its backward raises another exception than RuntimeError."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        raise ValueError("backward was never written\nsecond line")


class FailingLater(torch.autograd.Function):
    """Its backward accepts only single images, as some kernels do."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        if len(gradient) > 1:
            raise TypeError("one at a time")
        return gradient


class Custom(Net):
    """Runs an operation before the logged layer, after it, or both."""

    def __init__(self, operation, *, before=False, after=False):
        super().__init__()
        self.operation, self.before, self.after = operation, before, after

    def forward(self, x):
        x = self.operation(x) if self.before else x
        x = self.body(self.stem(x))
        x = self.operation(x) if self.after else x
        return self.head(self.drop(x).mean((2, 3)))


def argmax(x):
    """One-hot encoding of the largest channel, without a gradient."""
    return functional.one_hot(x.argmax(1), x.shape[1]).movedim(-1, 1).to(x.dtype)


@torch.inference_mode()
def in_inference_mode(x):
    return x * 1.5


BEFORE = {
    "no backward": (NoBackward.apply, "NotImplementedError: You must implement"),
    "backward that fails": (Failing.apply, "(ValueError: backward was never written)"),
    "backward for one": (FailingLater.apply, "(TypeError: one at a time)"),
    "argmax": (argmax, "an operation that has no gradient"),
    "inference mode": (in_inference_mode, "a forward pass under no_grad"),
}


def list_notes(atlas, about):
    return [note for note in atlas.provenance.notes if note.startswith(about)]


def assert_real_patches(atlas, reason):
    (note,) = list_notes(atlas, "icons")
    assert note.startswith("icons: no gradient of layer body can be computed (")
    assert reason in note
    for grid in atlas.grids:
        assert set(grid.icon_kind) == {"examples"}
        assert np.asarray(grid.icons).std() > 0


@pytest.mark.parametrize("name", BEFORE)
def test_without_a_gradient_of_the_image_icons_are_real_patches(name):
    operation, reason = BEFORE[name]
    atlas = compute_atlas(Custom(operation, before=True), "body", make_images(), config=INVERTED)
    assert_real_patches(atlas, reason)
    assert list_notes(atlas, "patches")[0].startswith("patches: receptive field not measured")
    assert atlas.grids[0].attribution is not None


@pytest.mark.parametrize(
    "operation", [torch.round, lambda x: (8 * x).floor()], ids=["round", "floor"]
)
def test_with_a_gradient_of_zero_icons_are_real_patches(operation):
    atlas = compute_atlas(Custom(operation, before=True), "body", make_images(), config=INVERTED)
    (note,) = list_notes(atlas, "icons")
    assert "keep the nearest real patch: the layer has no gradient for their images" in note


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (NoBackward.apply, "no derivative after layer body (NotImplementedError"),
        (Failing.apply, "no derivative after layer body (ValueError: backward was never written)"),
        (argmax, "the logits do not depend on layer 'body'"),
        (in_inference_mode, "the logits do not depend on layer 'body'"),
    ],
    ids=["no backward", "backward that fails", "argmax", "inference mode"],
)
@pytest.mark.parametrize("attribution", [True, "relaxed"])
def test_without_a_gradient_after_the_layer_there_is_no_attribution(operation, reason, attribution):
    config = AtlasConfig(**{**INVERTED.as_dict(), "attribution": attribution})
    atlas = compute_atlas(Custom(operation, after=True), "body", make_images(), config=config)
    assert atlas.grids[0].attribution is None
    assert list_notes(atlas, "attribution")[0].startswith(f"attribution: left out, {reason}")
    assert "inversion" in set(atlas.grids[0].icon_kind)


@pytest.mark.parametrize("worker", ["process", "inline"])
def test_the_writer_logs_the_atlas_with_both_notes(tmp_path, worker):
    model = Custom(Failing.apply, before=True, after=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with AtlasWriter(
            tmp_path,
            model,
            ["body"],
            probe=make_images(),
            config=INVERTED,
            worker=worker,
            strict=True,
        ) as writer:
            writer.add_atlas(1)
            writer.flush()
            kind = type(writer._recorder).__name__
    assert kind == {"process": "BackgroundRecorder", "inline": "InlineRecorder"}[worker]
    (atlas,) = read_atlases(tmp_path)
    assert_real_patches(atlas, "ValueError: backward was never written")
    assert list_notes(atlas, "attribution")


def test_refining_keeps_real_patches_with_a_note():
    model = Custom(Failing.apply, before=True)
    probe = build_probe(make_images(), config=INVERTED)
    atlas = compute_atlas(model, "body", probe, config=TINY)
    activations = collect_activations(model, ["body"], probe, surround=True).layers["body"]
    refined = refine_icons(
        model, atlas, probe, activations, kind="poster", config=INVERTED, progress=False
    )
    assert_real_patches(refined, "ValueError: backward was never written")


def test_the_model_does_not_change():
    model = Custom(NoBackward.apply, before=True, after=True)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    compute_atlas(model, "body", make_images(), config=INVERTED)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(
        not isinstance(part, nn.Module) or not part._forward_hooks for part in model.modules()
    )
