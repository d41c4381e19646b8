# SPDX-License-Identifier: Apache-2.0
"""Real patches in place of icons that cannot be rendered: the atlas is not lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, compute_atlas, read_atlases
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine

CONFIG = AtlasConfig(samples=60, positions_per_image=3, grids=(3, 5), icons="inversion")
REASON = "icons: those of layer body cannot be rendered (RuntimeError: odd input), so icons are"


class Net(nn.Module):
    """A network that runs on images of the probe only, as one with a table by size and batch."""

    def __init__(self, known: int | None = None) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 6, 3, 2, 1), nn.ReLU())
        self.head = nn.Linear(6, 3)
        self.known = known

    def forward(self, images: Tensor) -> Tensor:
        if self.known is not None and len(images) != self.known:
            raise RuntimeError("odd input\nof the second line")
        return self.head(self.body(images).mean((2, 3)))


def make_probe() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(20, 3, 16, 16, generator=generator), torch.arange(20) % 3


def compute(monkeypatch: pytest.MonkeyPatch | None, config: AtlasConfig = CONFIG) -> Atlas:
    if monkeypatch is not None:

        def fail(*_: object, **__: object) -> None:
            raise RuntimeError("odd input\nof the second line")

        monkeypatch.setattr(IconEngine, "prepare", fail)
    torch.manual_seed(0)
    return compute_atlas(Net(), "body", make_probe(), config=config)


def test_icons_are_the_patches_that_examples_show(monkeypatch: pytest.MonkeyPatch) -> None:
    examples = compute(None, AtlasConfig(**{**CONFIG.as_dict(), "icons": "examples"}))
    atlas = compute(monkeypatch)
    assert np.array_equal(atlas.xy, examples.xy)
    for grid, wanted in zip(atlas.grids, examples.grids, strict=True):
        assert set(grid.icon_kind) == {"examples"}
        assert np.isnan(grid.icon_cosine).all()
        assert np.array_equal(grid.icons, wanted.icons)


def test_a_note_names_the_layer_and_the_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    atlas = compute(monkeypatch)
    (note,) = [note for note in atlas.provenance.notes if note.startswith("icons")]
    assert note.startswith(REASON)
    assert "\n" not in note
    assert atlas.provenance.layer_info["fastpath"] == {"used": False, "reason": note}


def test_all_else_is_as_without_the_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = compute(None)
    atlas = compute(monkeypatch)
    assert np.array_equal(atlas.predictions, whole.predictions)
    for grid, other in zip(atlas.grids, whole.grids, strict=True):
        assert np.array_equal(grid.cell_of, other.cell_of)
        assert np.array_equal(grid.attribution, other.attribution, equal_nan=True)


def test_a_network_that_takes_one_batch_size_loses_no_atlas() -> None:
    torch.manual_seed(0)
    atlas = compute_atlas(Net(known=20), "body", make_probe(), config=CONFIG)
    assert atlas.activations.any()
    assert atlas.predictions is not None
    assert all(grid.attribution is None for grid in atlas.grids)
    assert {kind for grid in atlas.grids for kind in grid.icon_kind} == {"examples"}
    notes = atlas.provenance.notes
    for part in ("attribution: left out for layer body", "icons: those of layer body"):
        assert any(note.startswith(part) and "odd input" in note for note in notes)


class _FullSizeNet(Net):
    """Takes two small images at most, as a network with a table for each size would."""

    def forward(self, images: Tensor) -> Tensor:
        if images.shape[2] < 16 and len(images) > 2:
            raise RuntimeError("odd input")
        return super().forward(images)


class _FullSizeGradient(torch.autograd.Function):
    """The identity, whose backward pass takes images of 16 px only."""

    @staticmethod
    def forward(ctx: Any, images: Tensor) -> Tensor:
        return images.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        if gradient.shape[2] < 16:
            raise RuntimeError("odd gradient")
        return gradient


class _FullSizeGradientNet(Net):
    def forward(self, images: Tensor) -> Tensor:
        return super().forward(_FullSizeGradient.apply(images))


@pytest.mark.parametrize(
    ("net", "cause"), [(_FullSizeNet, "odd input"), (_FullSizeGradientNet, "odd gradient")]
)
def test_icons_that_fail_as_tiles_are_optimized_at_full_size(net: type[Net], cause: str) -> None:
    torch.manual_seed(0)
    atlas = compute_atlas(net(), "body", make_probe(), config=CONFIG)
    assert {kind for grid in atlas.grids for kind in grid.icon_kind} == {"inversion"}
    assert all(np.isfinite(grid.icon_cosine).all() for grid in atlas.grids)
    (note,) = [note for note in atlas.provenance.notes if note.startswith("icons")]
    assert cause in note
    assert note.endswith("so icons are optimized at full size")


def test_the_size_of_icons_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    config = AtlasConfig(**{**CONFIG.as_dict(), "icon_size": 24})
    assert compute(monkeypatch, config).grids[0].icons.shape[1:3] == (24, 24)


def test_the_writer_logs_the_atlas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("odd input")

    monkeypatch.setattr(IconEngine, "prepare", fail)
    with AtlasWriter(
        tmp_path,
        Net(),
        ["body"],
        probe=make_probe(),
        normalize=(0, 1),
        config=CONFIG,
        worker="inline",
        strict=True,
    ) as writer:
        writer.add_atlas(0)
        writer.add_atlas(1)
    first, second = read_atlases(tmp_path)
    assert [one.step for one in (first, second)] == [0, 1]
    assert all(note.startswith(REASON) for note in second.provenance.notes if "icons" in note)
