# SPDX-License-Identifier: Apache-2.0
"""The activation of icons: which positions are computed, and in which dtype."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from icon_inputs import EDGE_FIELD, make_blurred_noise, make_edge_net, make_source
from torch import nn

from tensorboard_plugin_atlas.compute.fastpath import Program
from tensorboard_plugin_atlas.compute.icons.icon_network import IconNetwork, Views

SHAPE = (16, 16)


def make_objective(network):
    """The activation of the second module of a network, as a program."""
    source = make_source(make_blurred_noise(8))
    found = IconNetwork.prepare(network, "1", source, EDGE_FIELD).compile(SHAPE, damping=1.0)
    assert isinstance(found.program, Program)
    return found


def make_images():
    return make_blurred_noise(3, side=SHAPE[0], seed=1).requires_grad_()


def record_rows(monkeypatch):
    """A list that collects the rows of the output of each pass."""
    rows = []
    run = Program.run

    def run_and_record(program, *arguments, **options):
        output, saved = run(program, *arguments, **options)
        rows.append(output.shape[2])
        return output, saved

    monkeypatch.setattr(Program, "run", run_and_record)
    return rows


@pytest.mark.parametrize(("views", "rows"), [(Views(), 2), (Views(surround=0.5), 4)])
def test_only_the_positions_of_the_views_are_computed(views, rows, monkeypatch):
    activation, pixels = make_objective(make_edge_net()), make_images()
    with activation.evaluation_mode():
        whole = dataclasses.replace(activation, program=None).compute_views(pixels, views)
        passes = record_rows(monkeypatch)
        found = activation.compute_views(pixels, views)
        gradient, expected = (
            torch.autograd.grad(values.square().sum(), pixels)[0] for values in (found, whole)
        )
    assert passes == [rows]
    assert torch.allclose(found, whole, atol=1e-5)
    assert expected.abs().max() > 0
    assert torch.allclose(gradient, expected, atol=1e-5)


def test_an_image_without_active_units_gets_a_redirected_gradient():
    network = make_edge_net()
    network[0].bias = nn.Parameter(torch.full((4,), -100.0))
    activation, pixels = make_objective(network), make_images()
    # The four channels are edges and their negatives: the gradient of their plain sum is rounding.
    weights = torch.tensor([1.0, 2.0, 3.0, 5.0])
    with activation.evaluation_mode():
        gradients = [
            torch.autograd.grad((one.compute_views(pixels, Views()) @ weights).sum(), pixels)[0]
            for one in (activation, dataclasses.replace(activation, program=None))
        ]
    assert gradients[0].abs().max() > 1e-3
    assert torch.allclose(*gradients, atol=1e-6)


def test_the_activations_of_a_cosine_are_computed_in_float32():
    activation, pixels = make_objective(make_edge_net()), make_images()

    def run_in_bfloat16(inputs):
        return activation.network(inputs).bfloat16().float() + 1

    quick = dataclasses.replace(activation, bfloat16=run_in_bfloat16)
    with activation.evaluation_mode():
        exact = activation.compute_views(pixels, Views())[:, 0]
        assert torch.allclose(quick.compute_views(pixels, Views())[:, 0], exact + 1, atol=0.02)
        assert torch.equal(quick.compute_center(pixels), exact)


def test_the_provenance_of_a_compiled_objective():
    assert make_objective(make_edge_net()).describe_fastpath() == {"used": True, "reason": None}


def test_the_provenance_of_a_fallback_names_the_operation():
    network = nn.Sequential(make_edge_net()[0], nn.Softplus())
    activation = IconNetwork.prepare(network, "1", make_source(make_blurred_noise(8)), EDGE_FIELD)
    found = activation.compile(SHAPE, damping=1.0)
    expected = {"used": False, "reason": "operation aten.softplus.default"}
    assert found.describe_fastpath() == expected
