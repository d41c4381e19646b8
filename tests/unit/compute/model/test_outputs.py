# SPDX-License-Identifier: Apache-2.0
"""Forms of layer outputs: maps, tokens, vectors, and logits."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from tensorboard_plugin_atlas.compute.model.model_interface import call_model, get_logits
from tensorboard_plugin_atlas.compute.model.outputs import (
    OutputForm,
    find_main_tensor,
    infer_output_form,
    is_sequence_first,
)
from tensorboard_plugin_atlas.errors import ArgumentError, LayerError

Pair = namedtuple("Pair", ["logits", "extra"])


@pytest.mark.parametrize(
    ("shape", "input_size", "form"),
    [
        ((2, 8, 7, 7), (224, 224), OutputForm("map", (7, 7))),
        ((2, 8, 4, 8), (64, 128), OutputForm("map", (4, 8))),
        ((2, 7, 7, 768), (224, 224), OutputForm("map", (7, 7), channels_last=True)),
        ((2, 4, 8, 8), (64, 128), OutputForm("map", (4, 8), channels_last=True)),
        ((2, 16, 16, 16), (64, 64), OutputForm("map", (16, 16))),
        ((2, 5), (64, 64), OutputForm("vector", (1, 1))),
        ((2, 49, 8), (224, 224), OutputForm("tokens", (7, 7))),
        ((2, 50, 8), (224, 224), OutputForm("tokens", (7, 7), prefix=1)),
        ((2, 198, 8), (224, 224), OutputForm("tokens", (14, 14), prefix=2)),
        ((2, 261, 8), (224, 224), OutputForm("tokens", (16, 16), prefix=5)),
        ((2, 8 * 16 + 1, 8), (128, 256), OutputForm("tokens", (8, 16), prefix=1)),
        ((2, 26, 8), (33, 33), OutputForm("tokens", (5, 5), prefix=1)),
        ((2, 7, 8), (32, 32), OutputForm("tokens", (1, 7))),
        ((2, 1, 8), (32, 32), OutputForm("tokens", (1, 1))),
    ],
)
def test_forms(shape, input_size, form):
    assert infer_output_form(torch.zeros(shape), batch=2, input_size=input_size) == form


def test_tokens_with_the_sequence_first():
    form = infer_output_form(
        torch.zeros(17, 2, 8), batch=2, input_size=(32, 32), sequence_first=True
    )
    assert form == OutputForm("tokens", (4, 4), prefix=1, sequence_first=True)
    assert is_sequence_first(nn.TransformerEncoderLayer(8, 2))
    assert not is_sequence_first(nn.TransformerEncoderLayer(8, 2, batch_first=True))


@pytest.mark.parametrize("shape", [(2,), (), (4, 8, 7, 7), (2, 8, 2, 7, 7), (2, 0, 4, 4), (16, 4)])
def test_other_shapes_raise(shape):
    with pytest.raises(LayerError, match="pick a layer"):
        infer_output_form(torch.zeros(shape), batch=2, input_size=(32, 32))


def test_gather_reads_the_given_positions():
    grid = torch.arange(2 * 3 * 4 * 5).view(2, 3, 4, 5)
    images, positions = torch.tensor([1, 0]), torch.tensor([[2, 3], [0, 4]])
    expected = torch.stack([grid[1, :, 2, 3], grid[0, :, 0, 4]])
    tokens = torch.cat([torch.zeros(2, 2, 3), grid.flatten(2).transpose(1, 2)], dim=1)
    for form, output in [
        (OutputForm("map", (4, 5)), grid),
        (OutputForm("map", (4, 5)), grid.to(memory_format=torch.channels_last)),
        (OutputForm("map", (4, 5), channels_last=True), grid.permute(0, 2, 3, 1)),
        (OutputForm("tokens", (4, 5), prefix=2), tokens),
        (OutputForm("tokens", (4, 5), prefix=2, sequence_first=True), tokens.transpose(0, 1)),
    ]:
        assert torch.equal(form.gather(output, images, positions).long(), expected)
    vectors = torch.rand(2, 7)
    gathered = OutputForm("vector", (1, 1)).gather(vectors, images, positions)
    assert torch.equal(gathered, vectors[[1, 0]])


def test_every_assumption_is_noted():
    assert not list(OutputForm("map", (4, 4)).notes())
    form = OutputForm("tokens", (1, 6), prefix=1, sequence_first=True)
    assert len(list(form.notes())) == 3
    assert len(list(OutputForm("map", (4, 4), channels_last=True).notes())) == 1


def test_the_first_tensor_is_found_inside_containers():
    tensor = torch.zeros(1)
    for output in (tensor, (tensor, 1), [None, {"a": 3, "b": (tensor,)}], OrderedDict(x=tensor)):
        assert find_main_tensor(output, 2) is tensor
    assert find_main_tensor((None, 3, "x", {}), 2) is None


@pytest.mark.parametrize("batch", [1, 2, 16])
def test_a_stream_of_parts_of_images_is_skipped(batch):
    """As in TNT, whose blocks return the pixels of all patches, and the patches."""
    pixels, patches = torch.zeros(batch * 49, 16, 6), torch.zeros(batch, 50, 24)
    assert find_main_tensor((pixels, patches), batch) is patches
    assert find_main_tensor((patches, pixels), batch) is patches
    assert find_main_tensor((pixels,), batch) is pixels


def test_attention_weights_are_not_taken_for_the_output():
    sequence_first, weights = torch.zeros(48, 2, 24), torch.zeros(2, 48, 48)
    assert find_main_tensor((sequence_first, weights), 2) is sequence_first


def test_logits_are_found_by_name():
    logits = torch.zeros(2, 5)
    for output in (logits, {"logits": logits}, Pair(logits, 1), SimpleNamespace(logits=logits)):
        assert get_logits(output, 2) is logits
    for output in (torch.zeros(2, 1), torch.zeros(2, 5, 4, 4), torch.zeros(3, 5), None, "text"):
        assert get_logits(output, 2) is None


def test_only_errors_on_the_number_of_channels_get_another_message():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(1, 2))
    with pytest.raises(ArgumentError, match=r"have 1 channels.*takes 3; pass images with 3"):
        call_model(model, torch.zeros(2, 1, 8, 8))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        call_model(model, torch.zeros(2, 3, 8, 8))
