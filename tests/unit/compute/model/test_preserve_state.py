# SPDX-License-Identifier: Apache-2.0
"""The state of a model is restored: modes, buffers, random states and hooks."""

from __future__ import annotations

import random
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from model_wrappers import AverageOfNegated, Engine, Fabric, NewEma, OldEma, Plain
from model_wrappers import compile_eagerly as Compiled  # noqa: N812 - it is listed with classes
from torch import nn
from torch.optim.swa_utils import AveragedModel

from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    preserve_model_state,
    preserve_random_state,
    unwrap,
)
from tensorboard_plugin_atlas.compute.model.sparse_buffers import get_strided_parts


class WritesBuffers(nn.Module):
    """Writes to its buffers in every forward pass, in place and by replacement."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3, track_running_stats=True)
        self.drop = nn.Dropout(0.5)
        self.register_buffer("calls", torch.zeros(1))
        self.register_buffer("last", torch.zeros(1))

    def forward(self, x):
        self.calls += 1
        self.last = x.mean().detach().reshape(1)
        nn.functional.batch_norm(
            x, self.norm.running_mean, self.norm.running_var, training=True, momentum=0.5
        )
        return self.drop(self.norm(x)) + torch.rand(()) + random.random() + np.random.rand()


def get_state(model):
    """Everything that must not change."""
    return (
        [module.training for module in model.modules()],
        {name: value.tolist() for name, value in model.state_dict().items()},
        [(name, id(value)) for name, value in model.named_buffers()],
        [p.requires_grad for p in model.parameters()],
        random.getstate(),
        np.random.get_state()[1].tolist(),
        torch.get_rng_state().tolist(),
        torch.is_autocast_enabled("cpu"),
        torch.backends.cudnn.benchmark,
    )


@pytest.mark.parametrize("end", [None, RuntimeError, KeyboardInterrupt])
def test_everything_is_restored(end):
    model = nn.Sequential(WritesBuffers(), nn.Sequential(nn.Dropout(), WritesBuffers()))
    model[1][0].eval()
    model[1][1].norm.eval()
    before = get_state(model)
    with pytest.raises(end) if end else nullcontext(), preserve_model_state(model) as inner:
        assert not any(module.training for module in inner.modules())
        inner(torch.rand(2, 3, 4, 4))
        if end is not None:
            raise end
    assert get_state(model) == before


def test_a_later_backward_pass_still_works():
    model = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3))
    loss = model(torch.rand(2, 3, 4, 4)).square().sum()
    with preserve_model_state(model) as inner, torch.no_grad():
        inner(torch.rand(2, 3, 4, 4))
    loss.backward()
    assert model[0].weight.grad is not None


def test_modes_are_set_without_calling_train_or_eval():
    class Merging(nn.Linear):
        def train(self, mode=True):
            raise AssertionError("would merge weights")

    with preserve_model_state(nn.Sequential(Merging(2, 2))) as inner:
        assert not inner[0].training


def test_autocast_is_off_inside_the_block():
    model = nn.Linear(4, 4)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with preserve_model_state(model) as inner:
            assert inner(torch.rand(1, 4)).dtype == torch.float32
        assert model(torch.rand(1, 4)).dtype == torch.bfloat16


def test_the_seed_applies_inside_the_block_only():
    torch.manual_seed(1)
    with preserve_random_state(seed=3):
        inside = torch.rand(2), random.random(), np.random.rand()
    outside = torch.rand(2)
    torch.manual_seed(1)
    assert torch.equal(outside, torch.rand(2))
    with preserve_random_state(seed=3):
        assert torch.equal(inside[0], torch.rand(2))
        assert inside[1:] == (random.random(), np.random.rand())


def test_hooks_are_removed_even_when_they_raise():
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())

    def on_output(name, output):
        raise KeyboardInterrupt

    with (
        pytest.raises(KeyboardInterrupt),
        add_forward_hooks(dict(model.named_children()), on_output),
    ):
        model(torch.rand(1, 2))
    assert not any(module._forward_hooks for module in model.modules())


def test_wrappers_are_removed():
    model = nn.Linear(2, 2)
    wrapped = torch.compile(nn.DataParallel(torch.compile(model, backend="eager")), backend="eager")
    assert unwrap(wrapped) is model
    has_child_called_module = nn.Module()
    has_child_called_module.module = model
    assert unwrap(has_child_called_module) is has_child_called_module


@pytest.mark.parametrize("kind", [AveragedModel, OldEma, NewEma, Engine, Fabric, Compiled])
def test_wrappers_of_other_libraries_are_removed(kind):
    wrapped = kind(nn.Linear(2, 2))
    inner = wrapped._orig_mod if kind is Compiled else wrapped.module
    assert unwrap(nn.DataParallel(wrapped)) is inner


@pytest.mark.parametrize("kind", [Plain, AverageOfNegated])
def test_a_wrapper_with_its_own_forward_pass_is_kept(kind):
    wrapped = kind(nn.Linear(2, 2))
    assert unwrap(wrapped) is wrapped


@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr, torch.sparse_csc])
@pytest.mark.filterwarnings("ignore:Sparse")
def test_a_sparse_buffer_is_restored(layout):
    class ReadsGraph(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("graph", torch.eye(3).to_sparse(layout=layout))

        def forward(self, x):
            get_strided_parts(self.graph)[-1].add_(1)  # the values, in place
            found = x @ self.graph.to_dense()
            if layout is torch.sparse_coo:
                self.graph.zero_()  # it has no entries now
            return found

    model = ReadsGraph()
    graph = model.graph
    with preserve_model_state(model) as inner:
        assert inner(torch.ones(1, 3)).tolist() == [[2.0] * 3]
    assert model.graph is graph
    assert torch.equal(graph.to_dense(), torch.eye(3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_the_input_is_a_copy_with_the_dtype_of_the_model(dtype):
    images = torch.rand(1, 2)
    given = as_input(images, nn.Linear(2, 2).to(dtype))
    assert given.dtype == dtype
    assert given.data_ptr() != images.data_ptr()
    assert as_input(images, nn.ReLU()).dtype == torch.float32
