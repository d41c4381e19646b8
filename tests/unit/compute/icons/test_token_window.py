# SPDX-License-Identifier: Apache-2.0
"""Icons of plain vision transformers, optimized on a window of their tokens."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from icon_inputs import make_blurred_noise, make_source
from torch import Tensor, nn
from torchvision.models import SwinTransformer, VisionTransformer

from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.icons.inversion import choose_window_settings
from tensorboard_plugin_atlas.compute.icons.targets import Targets
from tensorboard_plugin_atlas.compute.icons.token_window import TokenWindow
from tensorboard_plugin_atlas.compute.model.outputs import OutputForm, infer_output_form
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.model.truncate import truncate

SIDE, PATCH, GRID, WIDTH = 64, 8, 8, 32
LAYER = "encoder.layers.encoder_layer_1"


class PatchTokens(nn.Module):
    """Cuts patches and adds position embeddings and `prefix` tokens."""

    def __init__(self, prefix: int) -> None:
        super().__init__()
        self.cut = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.positions = nn.Parameter(torch.randn(1, GRID * GRID, WIDTH))
        self.own = nn.Parameter(torch.randn(1, prefix, WIDTH))

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[2:] != (SIDE, SIDE):
            raise ValueError(f"images of {SIDE} px are needed")
        patches = self.cut(images).flatten(2).transpose(1, 2) + self.positions
        return torch.cat([self.own.expand(len(images), -1, -1), patches], dim=1)


class Block(nn.Module):
    """A transformer block that takes its tokens by keyword, with a position table if `table`."""

    def __init__(self, tokens: int, *, table: bool) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH) for _ in range(4))
        self.table = nn.Parameter(torch.randn(tokens, tokens)) if table else None

    def forward(self, *, tokens: Tensor) -> Tensor:
        scores = self.query(tokens) @ self.key(tokens).transpose(1, 2) / WIDTH**0.5
        if self.table is not None:
            scores = scores + self.table
        return tokens + self.out(scores.softmax(2) @ self.value(tokens))


class KeywordTransformer(nn.Module):
    """Two blocks that are called by keyword, as in Hugging Face's models."""

    def __init__(self, prefix: int, *, table: bool = False) -> None:
        super().__init__()
        self.embed = PatchTokens(prefix)
        self.blocks = nn.ModuleList([Block(prefix + GRID * GRID, table=table) for _ in range(2)])

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.embed(images)
        for block in self.blocks:
            tokens = block(tokens=tokens)
        return tokens.mean(1)


def make_vit() -> nn.Module:
    torch.manual_seed(0)
    vit = VisionTransformer(SIDE, PATCH, 2, 4, WIDTH, 2 * WIDTH)
    nn.init.normal_(vit.heads[0].weight)
    return vit.eval()


def make_images(count: int = 2) -> Tensor:
    return 4 * (make_blurred_noise(count, 3, SIDE) - 0.5)


def find(model: nn.Module, layer: str) -> TokenWindow | None:
    images = make_images()
    network = truncate(model.eval(), layer, images)
    form = infer_output_form(network(images), batch=2, input_size=(SIDE, SIDE))
    return TokenWindow.find(network, form, images, make_images(4)[2:])


@pytest.fixture
def window() -> TokenWindow:
    found = find(make_vit(), LAYER)
    assert found is not None
    return found


class TestFind:
    def test_a_plain_transformer(self, window: TokenWindow) -> None:
        assert (window.stem, window.entry) == ("conv_proj", "encoder.layers")
        assert (window.patch, window.grid, window.prefix) == (PATCH, (GRID, GRID), 1)

    @pytest.mark.parametrize("prefix", [0, 1, 5])
    def test_tokens_passed_by_keyword(self, prefix: int) -> None:
        torch.manual_seed(0)
        found = find(KeywordTransformer(prefix), "blocks.1")
        assert found is not None
        assert (found.entry, found.prefix) == ("blocks.0", prefix)

    def test_a_position_table_in_the_blocks_is_refused(self) -> None:
        torch.manual_seed(0)
        assert find(KeywordTransformer(1, table=True), "blocks.1") is None

    def test_a_network_of_maps_is_refused(self) -> None:
        swin = SwinTransformer([4, 4], 16, [1, 1], [2, 2], [4, 4])
        assert find(swin, "features.3") is None

    def test_a_layer_before_the_blocks_is_refused(self) -> None:
        assert find(KeywordTransformer(1), "embed") is None

    def test_a_map_of_few_patches_is_refused(self) -> None:
        images = make_images()
        network = truncate(make_vit(), LAYER, images)
        few = OutputForm("tokens", (4, 4), 1)
        assert TokenWindow.find(network, few, images, images[:1]) is None

    def test_no_hook_remains(self, window: TokenWindow) -> None:
        window.run(make_images()[:, :, : 3 * PATCH, : 3 * PATCH])
        for module in window.network.network.modules():
            assert not module._forward_hooks
            assert not module._forward_pre_hooks


class TestRun:
    def test_a_window_of_all_tokens_is_the_whole_network(self, window: TokenWindow) -> None:
        images = make_images(3)
        expected = window.network(images)
        error = (window.run(images, (0, 0)) - expected).abs().max()
        assert error <= 1e-4 * expected.std()

    def test_only_the_tokens_of_the_window_are_computed(self, window: TokenWindow) -> None:
        seen: list[tuple[int, ...]] = []
        block = window.network.network.get_submodule("encoder.layers.encoder_layer_0")
        handle = block.register_forward_hook(lambda _m, _a, out: seen.append(tuple(out.shape)))
        window.run(make_images()[:, :, : 3 * PATCH, : 5 * PATCH])
        handle.remove()
        assert seen == [(2, 1 + 3 * 5, WIDTH)]

    def test_the_place_decides_the_position_embeddings(self, window: TokenWindow) -> None:
        tiles = make_images()[:, :, : 3 * PATCH, : 3 * PATCH]
        here, there = window.run(tiles, (0, 0)), window.run(tiles, (5, 2))
        assert not torch.allclose(here, there, atol=1e-3)
        assert torch.equal(window.run(tiles), window.run(tiles, (2, 2)))

    def test_the_gradient_reaches_the_tile(self, window: TokenWindow) -> None:
        tiles = make_images()[:, :, : 3 * PATCH, : 3 * PATCH].requires_grad_()
        (gradient,) = torch.autograd.grad(window.run(tiles)[:, 5].sum(), tiles)
        assert (gradient.abs().amax((1, 2, 3)) > 0).all()

    def test_the_place_is_random_and_inside(self, window: TokenWindow) -> None:
        corners = [window.choose_corner((3 * PATCH, 5 * PATCH), (0, k)) for k in range(200)]
        assert {row for row, _ in corners} == set(range(GRID - 3 + 1))
        assert {column for _, column in corners} == set(range(GRID - 5 + 1))
        assert corners[7] == window.choose_corner((3 * PATCH, 5 * PATCH), (0, 7))

    @pytest.mark.parametrize("side", [PATCH + 1, SIDE + PATCH, 0])
    def test_other_sizes_are_refused(self, window: TokenWindow, side: int) -> None:
        with pytest.raises(ValueError, match="no window of patches"):
            window.run(torch.zeros(1, 3, side, side))


class TestRunInContext:
    @pytest.mark.parametrize("which", [None, torch.tensor([1, 0])])
    def test_a_tile_is_shown_in_the_middle(self, window: TokenWindow, which: Tensor | None) -> None:
        tiles = make_images()[:, :, : 4 * PATCH, : 4 * PATCH]
        whole = window.contexts[[0, 0] if which is None else which].clone()
        whole[:, :, 16:48, 16:48] = tiles
        tokens = window.network(whole)
        expected = tokens[:, 1:].reshape(2, GRID, GRID, WIDTH)[:, 2:6, 2:6].flatten(1, 2)
        found = window.run_in_context(tiles, which)
        assert torch.equal(found, torch.cat([tokens[:, :1], expected], dim=1))

    def test_a_whole_image_is_passed_on(self, window: TokenWindow) -> None:
        images = make_images()
        assert torch.equal(window.run_in_context(images), window.network(images))


@pytest.fixture(scope="module")
def engine() -> IconEngine:
    field = ReceptiveField((24, 24), (PATCH, PATCH), ((PATCH - 1) / 2, (PATCH - 1) / 2))
    source = make_source(make_blurred_noise(30, 3, SIDE))
    return IconEngine.prepare(make_vit(), LAYER, source, field)


@pytest.fixture(scope="module")
def targets(engine: IconEngine) -> Targets:
    """Returns four positions in the middle of an image as targets."""
    images = engine.activation.source.images
    with engine.activation.evaluation_mode(), torch.no_grad():
        tokens = engine.activation.network(images)[:, 1:].reshape(-1, GRID, GRID, WIDTH)
    rows = torch.tensor([3, 9, 0, 20])
    values = tokens[rows, 4, 4]
    return Targets(
        directions=values,
        center=tokens.mean((0, 1, 2)),
        rows=rows[:, None],
        centers=torch.full((4, 1, 2), 4.5 * PATCH - 0.5),
        keys=np.arange(4),
    )


class TestIcons:
    def test_an_icon_is_a_window(self, engine: IconEngine, targets: Targets) -> None:
        assert not engine.is_full_size
        assert engine.get_settings("inversion").shape == (5 * PATCH, 5 * PATCH)
        icons = engine.render(targets)
        assert icons.images.shape == (4, 5 * PATCH, 5 * PATCH, 3)
        assert any("optimized on 5 x 5 patches" in note for note in icons.notes)

    def test_the_cosine_is_that_of_the_whole_network(
        self, engine: IconEngine, targets: Targets
    ) -> None:
        icons = engine.render(targets)
        source = engine.activation.source
        # Rows 0, 4, 8, 12, ... of the source surround icons; none is a member of its cell.
        contexts = [0 if row != 0 else 4 for row in targets.rows[:, 0]]
        assert contexts == [0, 0, 4, 0]
        whole = source.normalize.to_pixels(source.images[contexts])
        tiles = torch.from_numpy(icons.images).permute(0, 3, 1, 2).float() / 255
        whole[:, :, PATCH : 6 * PATCH, PATCH : 6 * PATCH] = tiles
        with engine.activation.evaluation_mode(), torch.no_grad():
            tokens = engine.activation.network(source.normalize.to_input(whole))
        found = tokens[:, 1 + 3 * GRID + 3] - targets.center
        cosine = nn.functional.cosine_similarity(found, targets.get_relative_directions())
        assert np.allclose(cosine.numpy(), engine.score(icons.images, targets), atol=1e-4)
        assert np.allclose(cosine.numpy(), icons.cosine, atol=0.02)  # before rounding to uint8

    def test_optimization_raises_the_cosine(self, engine: IconEngine, targets: Targets) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (4, 40, 40, 3), np.uint8)
        assert (engine.render(targets).cosine > engine.score(noise, targets) + 0.1).all()

    def test_an_icon_depends_on_its_own_cell_only(
        self, engine: IconEngine, targets: Targets
    ) -> None:
        together = engine.render(targets)
        alone = engine.render(targets.select(np.array([2])))
        difference = together.images[2].astype(int) - alone.images[0]
        assert np.abs(difference).max() <= 2

    def test_bfloat16_changes_little(self, engine: IconEngine, targets: Targets) -> None:
        activation = dataclasses.replace(engine.activation, bfloat16=None)
        exact = dataclasses.replace(engine, activation=activation).render(targets)
        window = activation.window
        assert window is not None
        quick = dataclasses.replace(activation, bfloat16=window.run)
        rounded = dataclasses.replace(engine, activation=quick).render(targets)
        assert np.allclose(exact.cosine, rounded.cosine, atol=0.05)
        assert not np.array_equal(exact.images, rounded.images)


@pytest.mark.parametrize(
    ("patches", "sides"),
    [(5, (3, 3, 3)), (8, (5, 5, 5)), (9, (5, 5, 5)), (10, (5, 7, 7)), (16, (5, 7, 7))],
)
def test_a_window_has_about_half_of_the_side_at_most(
    patches: int, sides: tuple[int, int, int]
) -> None:
    for kind, side in zip(("preview", "inversion", "poster"), sides, strict=True):
        settings = choose_window_settings(patch=14, grid=(patches, patches + 3), fidelity=kind)
        assert settings.shape == (side * 14, side * 14)
    assert choose_window_settings(patch=14, grid=(16, 16), steps=5).steps == 5
