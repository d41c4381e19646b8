# SPDX-License-Identifier: Apache-2.0
"""What a layer is asked, in which format, and how much of it is reckoned for the answer."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from icon_inputs import EDGE_FIELD, blurred_noise, edge_net, source_of
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath.program import Program
from tensorboard_plugin_atlas.compute.icons.layer_objective import Observer, Views

SHAPE = (16, 16)


def observer_of(network):
    """The second module of a network, as a program."""
    source = source_of(blurred_noise(8))
    found = Observer.prepare(network, "1", source, EDGE_FIELD).compiled(SHAPE, damping=1.0)
    assert isinstance(found.program, Program)
    return found


def pictures():
    return blurred_noise(3, side=SHAPE[0], seed=1).requires_grad_()


def passes_of(observer, monkeypatch):
    """Rows of the maps of the layer's first operation, one for each pass."""
    rows = []
    run = Program.run

    def counted(program, *arguments, **named):
        output, kept = run(program, *arguments, **named)
        rows.append(output.shape[2])
        return output, kept

    monkeypatch.setattr(Program, "run", counted)
    return rows


@pytest.mark.parametrize(("views", "rows"), [(Views(), 2), (Views(surround=0.5), 4)])
def test_no_more_than_what_counts_is_reckoned(views, rows, monkeypatch):
    observer, pixels = observer_of(edge_net()), pictures()
    with observer.running():
        whole = dataclasses.replace(observer, program=None).watch(pixels, views)
        passes = passes_of(observer, monkeypatch)
        found = observer.watch(pixels, views)
        own, slope = (
            torch.autograd.grad(answers.square().sum(), pixels)[0] for answers in (found, whole)
        )
    assert passes == [rows]
    assert torch.allclose(found, whole, atol=1e-5)
    assert slope.abs().max() > 0
    assert torch.allclose(own, slope, atol=1e-5)


def test_a_picture_that_wakes_nothing_gets_a_gradient_from_the_part_as_from_the_whole():
    network = edge_net()
    network[0].bias = nn.Parameter(torch.full((4,), -100.0))
    observer, pixels = observer_of(network), pictures()
    # The four maps are edges and their opposites: of their plain sum only rounding has a gradient.
    weights = torch.tensor([1.0, 2.0, 3.0, 5.0])
    with observer.running():
        slopes = [
            torch.autograd.grad((one.watch(pixels, Views()) @ weights).sum(), pixels)[0]
            for one in (observer, dataclasses.replace(observer, program=None))
        ]
    assert slopes[0].abs().max() > 1e-3
    assert torch.allclose(*slopes, atol=1e-6)


def test_what_a_cosine_is_made_of_is_asked_in_float32():
    observer, pixels = observer_of(edge_net()), pictures()

    def coarse(inputs):
        return observer.network(inputs).bfloat16().float() + 1

    quick = dataclasses.replace(observer, quick=coarse)
    with observer.running():
        exact = observer.watch(pixels, Views())[:, 0]
        assert torch.allclose(quick.watch(pixels, Views())[:, 0], exact + 1, atol=0.02)
        assert torch.equal(quick.answers(pixels), exact)
