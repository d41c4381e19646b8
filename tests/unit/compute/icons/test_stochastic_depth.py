# SPDX-License-Identifier: Apache-2.0
"""Residual branches that are left out of some passes."""

from __future__ import annotations

from tensorboard_plugin_atlas.compute.icons.inversion import FIDELITIES, choose_settings
from tensorboard_plugin_atlas.compute.icons.layer_objective import StochasticDepth


def test_so_many_are_left_out_as_the_share_says_and_others_in_each_pass() -> None:
    passes = [StochasticDepth(0.22, (0, step)).of(9) for step in range(40)]
    assert all(len(set(one)) == 2 and set(one) <= set(range(9)) for one in passes)
    assert passes == [StochasticDepth(0.22, (0, step)).of(9) for step in range(40)]
    assert {branch for one in passes for branch in one} == set(range(9))


def test_few_or_no_branches_are_left_alone() -> None:
    assert StochasticDepth(0.22, (0, 0)).of(0) == ()
    assert StochasticDepth(0.22, (0, 0)).of(2) == ()
    assert StochasticDepth(0.22, (0, 0)).of(4) != ()


def test_only_posters_of_deep_tiles_leave_branches_out() -> None:
    for fidelity in FIDELITIES:
        shape = (224, 224)
        deep = choose_settings(
            stride=32, side=224, input_shape=shape, whole=False, fidelity=fidelity
        )
        middle = choose_settings(
            stride=16, side=128, input_shape=shape, whole=False, fidelity=fidelity
        )
        assert (deep.left_out > 0) == (fidelity == "poster")
        assert middle.left_out == 0
