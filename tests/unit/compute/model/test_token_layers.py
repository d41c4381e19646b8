# SPDX-License-Identifier: Apache-2.0
"""Class and register tokens of a transformer as layers of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from tensorboard_plugin_atlas import (
    AtlasConfig,
    AtlasWriter,
    compute_atlas,
    read_atlases,
)
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name, resolve_layer
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm, infer_output_form
from tensorboard_plugin_atlas.errors import LayerError

LAYER = "encoder.layers.encoder_layer_1"
CONFIG = AtlasConfig(samples=24, grids=(3,), icons="examples")


@pytest.fixture
def vit() -> nn.Module:
    torch.manual_seed(0)
    model = VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=5)
    nn.init.normal_(model.heads[0].weight)
    return model


def make_probe() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(24, 3, 32, 32, generator=generator), torch.arange(24) % 5


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (f"{LAYER}:cls", f"{LAYER}:cls"),
        (f"{LAYER}:token0", f"{LAYER}:cls"),
        (f"module.{LAYER}:token3", f"{LAYER}:token3"),
        (LAYER, LAYER),
    ],
)
def test_a_name_selects_a_token_of_a_module(vit: nn.Module, given: str, name: str) -> None:
    assert normalize_layer_name(vit, given) == name
    assert resolve_layer(vit, given) is vit.get_submodule(LAYER)


def test_an_unknown_suffix_is_no_layer(vit: nn.Module) -> None:
    with pytest.raises(LayerError, match=r"closest: .*encoder_layer_1"):
        resolve_layer(vit, f"{LAYER}:class")


def test_the_form_of_a_token() -> None:
    output = torch.arange(2 * 18 * 3).reshape(2, 18, 3)
    form = infer_output_form(output, batch=2, input_size=(32, 32), token=1)
    assert form == OutputForm("vector", (1, 1), prefix=2, token=1)
    rows, corner = torch.tensor([1, 0, 1]), torch.zeros(3, 2, dtype=torch.int64)
    assert torch.equal(form.gather(output, rows, corner), output[rows, 1])
    assert torch.equal(form.as_map(output)[:, :, 0, 0], output[:, 1])
    swapped = infer_output_form(
        output.transpose(0, 1), batch=2, input_size=(32, 32), sequence_first=True, token=1
    )
    assert torch.equal(swapped.as_map(output.transpose(0, 1))[:, :, 0, 0], output[:, 1])


@pytest.mark.parametrize(
    ("shape", "token"), [((2, 17, 3), 1), ((2, 16, 3), 0), ((2, 3, 4, 4), 0), ((2, 3), 0)]
)
def test_an_output_without_such_a_token_is_refused(shape: tuple[int, ...], token: int) -> None:
    with pytest.raises(LayerError, match=f"has no token {token} before the patches"):
        infer_output_form(torch.zeros(shape), batch=2, input_size=(32, 32), token=token)


def test_the_atlas_of_a_class_token(vit: nn.Module) -> None:
    images, labels = make_probe()
    atlas = compute_atlas(vit, "encoder.ln:cls", (images, labels), config=CONFIG)
    outputs: list[Tensor] = []
    handle = vit.get_submodule("encoder.ln").register_forward_hook(
        lambda _module, _inputs, output: outputs.append(output)
    )
    with torch.no_grad():
        logits = vit.eval()(images).numpy()
    handle.remove()
    expected = outputs[0][:, 0].numpy()[atlas.image_ids]
    assert np.allclose(atlas.activations, expected, atol=0.02)
    assert atlas.provenance.layer_info["kind"] == "vector"
    # The class token is all that the linear classifier reads.
    means = atlas.grids[0].attribution
    assert means is not None
    for cell, mean in enumerate(means):
        members = atlas.image_ids[atlas.grids[0].cell_of == cell]
        assert np.allclose(mean, logits[members].mean(0), atol=1e-3)


def test_other_tokens_get_no_attribution(vit: nn.Module) -> None:
    atlas = compute_atlas(vit, "encoder.ln", make_probe(), config=CONFIG)
    means = atlas.grids[0].attribution
    assert means is not None
    assert not means.any()


def test_icons_are_whole_images(vit: nn.Module) -> None:
    config = AtlasConfig(samples=24, grids=(2,), icons="inversion", icon_steps=2)
    atlas = compute_atlas(vit, f"{LAYER}:cls", make_probe(), config=config)
    assert atlas.grids[0].icons.shape[1:] == (32, 32, 3)
    assert set(atlas.grids[0].icon_kind) == {"inversion"}
    assert any("so its icons are whole images" in note for note in atlas.provenance.notes)


def test_it_is_logged_beside_the_map_of_its_module(tmp_path: Path, vit: nn.Module) -> None:
    layers = [LAYER, f"{LAYER}:cls"]
    with AtlasWriter(
        tmp_path, vit, layers, probe=make_probe(), config=CONFIG, worker="inline", strict=True
    ) as writer:
        writer.add_atlas(0)
        writer.add_atlas(1)
    assert writer.layers == tuple(layers)
    found = list(read_atlases(tmp_path, layer=f"{LAYER}:cls"))
    assert [atlas.step for atlas in found] == [0, 1]
    assert {atlas.layer for atlas in found} == {f"{LAYER}:cls"}
    whole = next(iter(read_atlases(tmp_path, layer=LAYER)))
    (note,) = [note for note in whole.provenance.notes if "tokens" in note]
    assert note.endswith('with ":cls" after the name')
