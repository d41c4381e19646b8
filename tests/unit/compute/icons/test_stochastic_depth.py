# SPDX-License-Identifier: Apache-2.0
"""The random choice of residual branches that a pass skips."""

from __future__ import annotations

from tensorboard_plugin_atlas.compute.icons.icon_network import StochasticDepth
from tensorboard_plugin_atlas.compute.icons.inversion import FIDELITIES, choose_settings


def test_each_pass_skips_the_given_share_and_other_branches() -> None:
    passes = [StochasticDepth(0.22, (0, step)).choose(9) for step in range(40)]
    assert all(len(set(one)) == 2 and set(one) <= set(range(9)) for one in passes)
    assert passes == [StochasticDepth(0.22, (0, step)).choose(9) for step in range(40)]
    assert {branch for one in passes for branch in one} == set(range(9))


def test_of_few_branches_none_is_skipped() -> None:
    assert StochasticDepth(0.22, (0, 0)).choose(0) == ()
    assert StochasticDepth(0.22, (0, 0)).choose(2) == ()
    assert StochasticDepth(0.22, (0, 0)).choose(4) != ()


def test_only_posters_of_deep_tiles_skip_branches() -> None:
    for fidelity in FIDELITIES:
        shape = (224, 224)
        deep = choose_settings(
            stride=32, side=224, input_shape=shape, is_full_size=False, fidelity=fidelity
        )
        middle = choose_settings(
            stride=16, side=128, input_shape=shape, is_full_size=False, fidelity=fidelity
        )
        assert (deep.skipped_share > 0) == (fidelity == "poster")
        assert middle.skipped_share == 0
