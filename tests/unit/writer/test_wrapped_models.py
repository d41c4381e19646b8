# SPDX-License-Identifier: Apache-2.0
"""Models in wrappers of training loops: layers by their outer or inner names."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from model_wrappers import CHANGES_FORWARD, WRAPPERS, create_process_group
from tiny_training import TINY, Net, make_images
from torch.optim.swa_utils import AveragedModel

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, compute_atlas, read_atlases
from tensorboard_plugin_atlas.compute.shortcuts.search import find_shortcuts

ICONS = AtlasConfig(**{**TINY.as_dict(), "icons": "examples", "attribution": True})


@pytest.fixture(params=WRAPPERS)
def wrapped(request, tmp_path):
    """A wrapped model, its inner model, the prefix of its names, and whether it negates logits."""
    make, prefix = WRAPPERS[request.param]
    inner = Net()
    with create_process_group(tmp_path):
        yield make(inner), inner, prefix, request.param in CHANGES_FORWARD


def test_layers_go_by_both_names_with_icons_and_attribution(tmp_path, wrapped):
    model, inner, prefix, is_negated = wrapped
    settings = {"probe": make_images(), "config": ICONS, "worker": "inline", "strict": True}
    with AtlasWriter(tmp_path / "run", model, [f"{prefix}body", "stem"], **settings) as atlas:
        assert atlas.layers == ("body", "stem")
        atlas.add_atlas(1)
    found = {one.layer: one for one in read_atlases(tmp_path / "run")}
    assert all(one.grids[0].attribution is not None for one in found.values())
    for name in ("body", f"{prefix}body"):
        again = compute_atlas(model, name, make_images(), config=TINY)
        np.testing.assert_array_equal(again.activations, found["body"].activations)
        assert again.layer == "body"
    alone = compute_atlas(copy.deepcopy(inner), "body", make_images(), config=TINY)
    np.testing.assert_array_equal(found["body"].activations, alone.activations)
    with torch.no_grad():
        logits = inner.eval()(make_images()[0])
    wanted = (-logits if is_negated else logits).argmax(1).numpy()
    samples = found["body"].samples
    np.testing.assert_array_equal(samples.predictions, wanted[samples.image_ids])
    assert any(parameter.requires_grad for parameter in inner.parameters())


def test_shortcuts_are_looked_for_in_wrapped_models(wrapped):
    model, inner, prefix, is_negated = wrapped
    config = AtlasConfig(samples=40, epochs=5)
    found = find_shortcuts(model, f"{prefix}body", make_images(40), config=config)
    if not is_negated:
        assert found == find_shortcuts(inner, "body", make_images(40), config=config)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("kind", ["AveragedModel", "DistributedDataParallel", "compile", "Plain"])
def test_the_worker_makes_atlases_of_wrapped_models(tmp_path, recwarn, kind):
    make, prefix = WRAPPERS[kind]
    with create_process_group(tmp_path):
        model = make(Net())
        settings = {"probe": make_images(), "config": ICONS, "strict": True}
        with AtlasWriter(tmp_path / "run", model, [f"{prefix}body"], **settings) as atlas:
            atlas.add_atlas(1)
        wanted = compute_atlas(model, "body", make_images(), config=TINY)
    (found,) = read_atlases(tmp_path / "run")
    np.testing.assert_array_equal(found.activations, wanted.activations)
    np.testing.assert_array_equal(found.samples.predictions, wanted.samples.predictions)
    assert not [w for w in recwarn if "AtlasWriter" in str(w.message)]


@pytest.mark.parametrize("worker", ["inline", "process"])
def test_an_average_is_shown_with_its_own_weights(tmp_path, worker):
    model = Net()
    average = AveragedModel(model)
    average.update_parameters(model)
    settings = {"probe": make_images(), "config": TINY, "strict": True, "worker": worker}
    with AtlasWriter(tmp_path / "run", average, ["module.body"], **settings) as atlas:
        atlas.add_atlas(1)
        for parameter in model.parameters():
            parameter.data.mul_(3)
        atlas.add_atlas(2)
        average.update_parameters(model)
        atlas.add_atlas(3)
    first, second, third = (one.activations for one in read_atlases(tmp_path / "run"))
    np.testing.assert_array_equal(first, second)
    wanted = compute_atlas(average.module, "body", make_images(), config=TINY).activations
    np.testing.assert_array_equal(third, wanted)
    current = compute_atlas(model, "body", make_images(), config=TINY).activations
    assert not np.allclose(third, first)
    assert not np.allclose(third, current)
