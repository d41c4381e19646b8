# SPDX-License-Identifier: Apache-2.0
"""Layers that are chosen where none are named: the blocks that a person would name."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torchvision import models

from tensorboard_plugin_atlas.compute.model.layer_choice import choose_layers, find_layers
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import LayerError


def make_probe(size: int, channels: int = 3) -> Probe:
    return build_probe(torch.rand(2, channels, size, size), config=AtlasConfig(samples=2))


def make_small_net(stride: int = 1) -> nn.Sequential:
    """Maps of side 16, 16, 8, 4 and 1 for an image of side 16 and a stride of 1."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3, stride, 1),
        nn.ReLU(),
        nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU()),
        nn.Dropout(),
        nn.Sequential(nn.Conv2d(4, 4, 3, 2, 1), nn.ReLU()),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(4, 2),
    )


@pytest.mark.parametrize(
    ("make", "size", "names"),
    [
        (models.resnet18, 64, ("layer1", "layer2", "layer3", "layer4")),
        (models.vgg11, 64, ("features.4", "features.9", "features.14", "features.19")),
        (models.mobilenet_v2, 96, ("features.3", "features.6", "features.13", "features.17")),
        (models.efficientnet_b0, 64, ("features.2", "features.3", "features.5", "features.7")),
        (models.convnext_tiny, 64, ("features.1", "features.3", "features.5", "features.7")),
        (models.swin_t, 64, ("features.1", "features.3", "features.5", "features.7")),
        (models.swin_v2_t, 64, ("features.1", "features.3", "features.5", "features.7")),
        (models.vit_b_32, 224, tuple(f"encoder.layers.encoder_layer_{i}" for i in (2, 5, 8, 11))),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_stages_and_blocks_are_chosen(make, size: int, names: tuple[str, ...]) -> None:
    assert choose_layers(make(weights=None), make_probe(size)) == names


class Attention(nn.Module):
    """Attention with projections, a softmax that is a module, and a table of relative positions."""

    def __init__(self, width: int, tokens: int, reduce: int = 1) -> None:
        super().__init__()
        self.qkv = nn.Sequential(nn.Linear(width, 3 * width))
        self.softmax = nn.Softmax(-1)
        self.reduce = nn.Sequential(nn.AvgPool1d(reduce), nn.Identity())
        self.table = Table(tokens)
        self.out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).chunk(3, -1)
        key, value = (self.reduce(one.mT).mT for one in (key, value))
        scores = query @ key.mT
        weights = self.softmax(scores + self.table(x)[:, :, : scores.shape[-1]])
        return self.out(weights @ value)


class Table(nn.Module):
    """A learned table that has the form of a map of the batch, but does not depend on it."""

    def __init__(self, tokens: int) -> None:
        super().__init__()
        self.values = nn.Parameter(torch.randn(tokens, tokens))
        self.norm = nn.LayerNorm(tokens)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.values).expand(len(x), -1, -1)


class Block(nn.Module):
    """A transformer block; `wrap` is what it returns besides the tokens."""

    def __init__(self, width: int, tokens: int, wrap: bool, reduce: int = 1) -> None:
        super().__init__()
        self.attention = Attention(width, tokens, reduce)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )
        self.wrap = wrap

    def forward(self, x: Tensor | tuple[Tensor, ...]) -> Tensor | tuple[Tensor, ...]:
        tokens = x[0] if isinstance(x, tuple) else x
        tokens = tokens + self.attention(tokens)
        tokens = tokens + self.mlp(tokens)
        return (tokens, tokens.mean()) if self.wrap else tokens


class Patches(nn.Module):
    """Patch embedding: (B, C, H, W) or (B, T, C) to (B, T, C)."""

    def __init__(self, width: int, before: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(before, width, patch, patch)
        self.norm = nn.Sequential(nn.LayerNorm(width))

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() == 3:
            side = round(x.shape[1] ** 0.5)
            x = x.mT.unflatten(2, (side, side))
        return self.norm(self.proj(x).flatten(2).mT)


class PlainTransformer(nn.Module):
    """One resolution: a stem, a list or a sequence of blocks, and a head."""

    def __init__(self, depth: int, wrap: bool = False) -> None:
        super().__init__()
        self.patch_embed = Patches(8, 3, 4)
        self.blocks = nn.ModuleList(Block(8, 64, wrap) for _ in range(depth))
        self.head = nn.Sequential(nn.Linear(8, 2))

    def forward(self, images: Tensor) -> Tensor:
        x = self.patch_embed(images)
        for block in self.blocks:
            x = block(x)
        tokens = x[0] if isinstance(x, tuple) else x
        return self.head(tokens.mean(1))


class Pyramid(nn.Module):
    """Four resolutions: lists of blocks inside a list, as in Segformer and Twins."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 4, 6, 8, 10)
        self.patch_embeds = nn.ModuleList(
            Patches(wide, before, 2) for before, wide in itertools.pairwise(widths)
        )
        self.block = nn.ModuleList(
            nn.ModuleList(Block(wide, 4 ** (4 - i), True, reduce=4) for _ in range(2))
            for i, wide in enumerate(widths[1:])
        )

    def forward(self, images: Tensor) -> Tensor:
        x: Tensor = images
        for embed, blocks in zip(self.patch_embeds, self.block, strict=True):
            x = embed(x)
            for block in blocks:  # type: ignore[attr-defined]
                x = block(x)[0]
        return x.mean(1)


@pytest.mark.parametrize("wrap", [False, True], ids=["tensors", "tuples"])
@pytest.mark.parametrize(
    ("depth", "chosen"),
    [(12, (2, 5, 8, 11)), (4, (0, 1, 2, 3)), (3, (0, 1, 2)), (2, (0, 1)), (24, (5, 11, 17, 23))],
)
def test_blocks_of_a_transformer_are_evenly_deep(
    depth: int, chosen: Sequence[int], wrap: bool
) -> None:
    choice = find_layers(PlainTransformer(depth, wrap), make_probe(32))
    assert choice.names == tuple(f"blocks.{index}" for index in chosen)
    assert [one.name for one in choice.candidates] == [f"blocks.{i}" for i in range(depth)]
    assert {one.shape for one in choice.candidates} == {(64, 8)}
    assert {one.map_size for one in choice.candidates} == {(8, 8)}


def make_convolutions(*channels: int, stride: int = 1) -> nn.Sequential:
    """Convolutions between these numbers of channels, each with an activation."""
    parts = [
        nn.Sequential(nn.Conv2d(a, b, 3, stride if first else 1, 1), nn.Tanh())
        for first, (a, b) in zip((True, *[False] * 99), itertools.pairwise(channels), strict=False)
    ]
    return nn.Sequential(*parts)


def test_many_stems_and_embeddings_between_stages_are_not_chosen() -> None:
    """As in Visformer, where they are more than the stages."""
    model = nn.Sequential(
        OrderedDict(
            stem=make_convolutions(3, 4, stride=2),
            embed1=make_convolutions(4, 8, stride=2),
            stage1=make_convolutions(*[8] * 8),
            embed2=make_convolutions(8, 8, stride=2),
            stage2=make_convolutions(*[8] * 8),
            embed3=make_convolutions(8, 8, stride=2),
            stage3=make_convolutions(*[8] * 8),
        )
    )
    assert choose_layers(model, make_probe(64)) == ("stage1", "stage2", "stage3")


def test_small_stages_are_chosen_beside_two_large_ones() -> None:
    """As in MobileNetV4."""
    model = nn.Sequential(
        make_convolutions(3, 4, 4, stride=2),
        make_convolutions(4, 4, 4, stride=2),
        make_convolutions(*[4] * 9, stride=2),
        make_convolutions(*[4] * 9, stride=2),
    )
    assert choose_layers(model, make_probe(64)) == ("0", "1", "2", "3")


def test_a_head_of_few_large_matrices_is_not_chosen() -> None:
    """As in SelecSLS, whose last four convolutions have most of the parameters."""
    model = nn.Sequential(
        OrderedDict(
            features=nn.Sequential(*[make_convolutions(3, *[3] * 4, stride=2) for _ in range(4)]),
            head=nn.Sequential(
                make_convolutions(3, 64), make_convolutions(64, 64), make_convolutions(64, 64)
            ),
        )
    )
    assert choose_layers(model, make_probe(64)) == tuple(f"features.{i}" for i in range(4))


class TwoStreams(nn.Module):
    """A block that returns the pixels of all patches and the patches, as in TNT."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = make_convolutions(3, 3, 3, 3)
        self.outer = Block(12, 16, wrap=False)

    def forward(self, streams: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        pixels, patches = streams
        return self.inner(pixels), self.outer(patches)


class NestedTransformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = Patches(12, 3, 8)
        self.blocks = nn.Sequential(*[TwoStreams() for _ in range(4)])

    def forward(self, images: Tensor) -> Tensor:
        parts = images.unfold(2, 8, 8).unfold(3, 8, 8).permute(0, 2, 3, 1, 4, 5)
        _, patches = self.blocks((parts.reshape(-1, 3, 8, 8), self.embed(images)))
        return patches.mean(dim=1)


def test_blocks_with_a_stream_of_parts_of_images_are_chosen() -> None:
    model = NestedTransformer()
    assert choose_layers(model, make_probe(32)) == tuple(f"blocks.{i}" for i in range(4))


def test_the_reason_is_stated() -> None:
    reason = find_layers(PlainTransformer(12), make_probe(32)).reason
    assert reason == "evenly deep among the 12 blocks of 'blocks'"
    reason = find_layers(models.resnet18(weights=None), make_probe(64)).reason
    assert reason == "the last of the blocks at each resolution"
    reason = find_layers(models.vgg11(weights=None), make_probe(64)).reason
    assert reason == "the last of the operations of 'features' at each resolution"


def test_the_last_blocks_of_stages_that_are_lists_are_chosen() -> None:
    choice = find_layers(Pyramid(), make_probe(32))
    assert choice.names == ("block.0.1", "block.1.1", "block.2.1", "block.3.1")


def test_fewer_layers_can_be_requested() -> None:
    probe = make_probe(32)
    assert choose_layers(PlainTransformer(12), probe, limit=2) == ("blocks.5", "blocks.11")
    assert choose_layers(PlainTransformer(12), probe, limit=1) == ("blocks.11",)
    assert choose_layers(PlainTransformer(12), probe, limit=20) == tuple(
        f"blocks.{index}" for index in range(12)
    )


def test_a_dilated_network_has_more_layers_than_resolutions() -> None:
    model = models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None)
    names = choose_layers(model, make_probe(64))
    assert names == tuple(f"backbone.layer{i}" for i in (1, 2, 3, 4))


def test_the_choice_does_not_change_the_model_or_the_random_state() -> None:
    model = PlainTransformer(3).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    probe = make_probe(32)
    state = torch.get_rng_state()
    find_layers(model, probe)
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())


def test_the_choice_is_explained_and_limited() -> None:
    choice = find_layers(make_small_net(), make_probe(16), limit=1)
    assert choice.names == ("4",)
    assert choice.reason == "the last of the blocks at each resolution"


def test_the_resolution_of_the_input_is_skipped_unless_it_is_the_only_one() -> None:
    assert choose_layers(make_small_net(stride=1), make_probe(16)) == ("2", "4")
    assert choose_layers(make_small_net(stride=2), make_probe(32)) == ("2", "4")
    flat = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert choose_layers(flat, make_probe(8)) == ("1",)


def test_chosen_names_have_no_prefixes_of_wrappers() -> None:
    model = make_small_net()
    model[4] = torch.compile(model[4], backend="eager")
    assert choose_layers(nn.DataParallel(model), make_probe(16)) == ("2", "4")


def test_a_network_without_maps_raises() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(48, 8), nn.ReLU(), nn.Linear(8, 2))
    with pytest.raises(LayerError, match=r"pass layers=\[\.\.\.\]"):
        choose_layers(model, make_probe(4))
