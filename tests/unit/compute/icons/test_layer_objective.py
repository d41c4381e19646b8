# SPDX-License-Identifier: Apache-2.0
"""What a layer is asked, in which format, and how much of it is reckoned for the answer."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from icon_inputs import EDGE_FIELD, make_blurred_noise, make_edge_net, make_source
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath.program import Program
from tensorboard_plugin_atlas.compute.icons.layer_objective import LayerObjective, Views

SHAPE = (16, 16)


def observer_of(network):
    """The second module of a network, as a program."""
    source = make_source(make_blurred_noise(8))
    found = LayerObjective.prepare(network, "1", source, EDGE_FIELD).compile(SHAPE, damping=1.0)
    assert isinstance(found.program, Program)
    return found


def pictures():
    return make_blurred_noise(3, side=SHAPE[0], seed=1).requires_grad_()


def passes_of(objective, monkeypatch):
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
    objective, pixels = observer_of(make_edge_net()), pictures()
    with objective.evaluation_mode():
        whole = dataclasses.replace(objective, program=None).compute_views(pixels, views)
        passes = passes_of(objective, monkeypatch)
        found = objective.compute_views(pixels, views)
        own, slope = (
            torch.autograd.grad(answers.square().sum(), pixels)[0] for answers in (found, whole)
        )
    assert passes == [rows]
    assert torch.allclose(found, whole, atol=1e-5)
    assert slope.abs().max() > 0
    assert torch.allclose(own, slope, atol=1e-5)


def test_a_picture_that_wakes_nothing_gets_a_gradient_from_the_part_as_from_the_whole():
    network = make_edge_net()
    network[0].bias = nn.Parameter(torch.full((4,), -100.0))
    objective, pixels = observer_of(network), pictures()
    # The four maps are edges and their opposites: of their plain sum only rounding has a gradient.
    weights = torch.tensor([1.0, 2.0, 3.0, 5.0])
    with objective.evaluation_mode():
        slopes = [
            torch.autograd.grad((one.compute_views(pixels, Views()) @ weights).sum(), pixels)[0]
            for one in (objective, dataclasses.replace(objective, program=None))
        ]
    assert slopes[0].abs().max() > 1e-3
    assert torch.allclose(*slopes, atol=1e-6)


def test_what_a_cosine_is_made_of_is_asked_in_float32():
    objective, pixels = observer_of(make_edge_net()), pictures()

    def coarse(inputs):
        return objective.network(inputs).bfloat16().float() + 1

    quick = dataclasses.replace(objective, quick=coarse)
    with objective.evaluation_mode():
        exact = objective.compute_views(pixels, Views())[:, 0]
        assert torch.allclose(quick.compute_views(pixels, Views())[:, 0], exact + 1, atol=0.02)
        assert torch.equal(quick.compute_center(pixels), exact)
