# SPDX-License-Identifier: Apache-2.0
"""Models with parametrized weights, whose classes are made at run time and refuse to be pickled."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from background_writers import close_all, make_writer
from tiny_training import Net
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize

from tensorboard_plugin_atlas import read_atlases
from tensorboard_plugin_atlas.writer.background_recorder import BackgroundRecorder

__all__ = ["close_all"]


class LowRankUpdate(nn.Module):
    """Adds a trained product of two small matrices to a fixed weight, as LoRA does."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.down = nn.Parameter(torch.randn(1, weight[0].numel()))
        self.up = nn.Parameter(torch.randn(len(weight), 1))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.up @ self.down).view_as(weight)


def add_low_rank_update(layer: nn.Module) -> None:
    parametrize.register_parametrization(layer, "weight", LowRankUpdate(layer.weight))


def add_two(layer: nn.Module) -> None:
    parametrizations.weight_norm(layer)
    parametrize.register_parametrization(layer, "bias", nn.Tanh())


CHANGES = {
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "low rank": add_low_rank_update,
    "two tensors": add_two,
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("change", CHANGES)
def test_the_worker_shows_the_parametrized_weights(tmp_path: Path, change: str) -> None:
    torch.manual_seed(0)
    model = Net()
    apply: Callable[[nn.Module], object] = CHANGES[change]
    apply(next(part for part in model.modules() if isinstance(part, nn.Conv2d)))
    for worker in ("process", "inline"):
        torch.manual_seed(1)
        atlas = make_writer(tmp_path / worker, model, worker=worker)
        assert isinstance(atlas._recorder, BackgroundRecorder) == (worker == "process")
        state = {name: value.clone() for name, value in model.state_dict().items()}
        atlas.add_atlas(0)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(1.5).add_(0.1)
        atlas.add_atlas(1)
        atlas.flush()
        model.load_state_dict(state)
    pairs = zip(
        *(read_atlases(tmp_path / worker, layer="body") for worker in ("process", "inline")),
        strict=True,
    )
    found = [(one.activations, other.activations) for one, other in pairs]
    assert len(found) == 2
    for one, other in found:
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(found[0][0], found[1][0])


def test_a_forward_pass_under_autocast_is_sent(tmp_path: Path) -> None:
    model = Net()
    forward = torch.autocast("cpu", torch.bfloat16)(type(model).forward)
    model.forward = types.MethodType(forward, model)
    atlas = make_writer(tmp_path, model)
    assert isinstance(atlas._recorder, BackgroundRecorder)
    atlas.add_atlas(0)
    atlas.flush()
    assert [one.step for one in read_atlases(tmp_path, layer="body")] == [0]
