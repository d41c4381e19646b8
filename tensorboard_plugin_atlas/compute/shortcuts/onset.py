# SPDX-License-Identifier: Apache-2.0
"""Since which step of a training a patch is a shortcut: the same test, on each checkpoint."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, SupportsIndex

import numpy as np
import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference
from tensorboard_plugin_atlas.compute.model.logits import ReadLogits, check_output, select_logits
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import (
    PatchEvaluator,
    PatchRates,
    as_patch,
    measure_patch,
)
from tensorboard_plugin_atlas.compute.shortcuts.search import Shortcut
from tensorboard_plugin_atlas.compute.shortcuts.significance import (
    TESTED_ON,
    measure_significance,
    select_other_images,
    split_images,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

_TRACED_ON: Final = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class ShortcutHistory:
    """One patch, tested on earlier and later checkpoints.

    Attributes:
        steps: (n,) steps of the checkpoints, ascending.
        flip_rates: (n,) share of images of other predicted classes that the patch turned; NaN where
            the network took all images for the target anyhow.
        noise_flip_rates: (n,) the same with noise of its mean color.
        significant: (n,) whether the test cleared the margins of `Shortcut.significant`.
    """

    steps: tuple[int, ...]
    flip_rates: tuple[float, ...]
    noise_flip_rates: tuple[float, ...]
    significant: tuple[bool, ...]

    @property
    def since(self) -> int | None:
        """The first step at which the patch was a shortcut, or None."""
        return next((s for s, told in zip(self.steps, self.significant, strict=True) if told), None)


def since_step(
    shortcut: Shortcut,
    checkpoints: Iterable[tuple[int, nn.Module | Mapping[str, Tensor]]],
    probe: Any,
    *,
    model: nn.Module | None = None,
    normalize: Any = None,
    config: AtlasConfig | None = None,
    output: ReadLogits | None = None,
) -> ShortcutHistory:
    """Tests a shortcut on the checkpoints of a training: since which step is it one?

    Args:
        shortcut: What `find_shortcuts` returned for one of them.
        checkpoints: (step, model) or (step, state_dict), in any order.
        probe: As for `find_shortcuts`; the same one, for a fair test.
        model: Takes the state dicts, in a copy; needed for them alone.
        normalize: As for `find_shortcuts`.
        config: As for `find_shortcuts`.
        output: As for `compute_atlas`.

    Raises:
        ArgumentError: if an argument cannot be used; of checkpoints that are made as they are
            asked for, when the first that cannot be used comes.
    """
    if not isinstance(shortcut, Shortcut):
        raise ArgumentError(
            f"shortcut={shortcut!r:.80}: pass one of those that find_shortcuts(...) returns"
        )
    recipe = config or AtlasConfig()
    built = (
        probe
        if isinstance(probe, Probe)
        else build_probe(probe, config=recipe, normalize=normalize)
    )
    height, width = built.input_size
    if shortcut.box[2] > height or shortcut.box[3] > width:
        raise ArgumentError(
            f"shortcut lies at {shortcut.box}, the probe's images are {height} x {width} px; pass "
            "the probe that it was found in"
        )
    _, unseen = split_images(len(built.images), recipe.seed)
    images = built.images[torch.from_numpy(unseen[:_TRACED_ON])]
    patch = as_patch(shortcut.patch, built)
    own = None if model is None else copy.deepcopy(model)
    with select_logits(check_output(output, built.classes)):
        found = [
            (step, _traced(_loaded(weights, own), patch, shortcut, images, recipe.seed))
            for step, weights in _pairs(checkpoints)
        ]
    found.sort(key=lambda pair: pair[0])
    rates = [test for _, test in found]
    return ShortcutHistory(
        steps=tuple(step for step, _ in found),
        flip_rates=tuple(math.nan if test is None else test.flip_rate for test in rates),
        noise_flip_rates=tuple(
            math.nan if test is None else test.noise_flip_rate for test in rates
        ),
        significant=tuple(
            test is not None and measure_significance(test, 1, built.input_size)[1]
            for test in rates
        ),
    )


def _pairs(checkpoints: object) -> Iterator[tuple[int, nn.Module | Mapping[str, Tensor]]]:
    """Yields (step, weights) as they are asked for.

    Raises:
        ArgumentError: if something else comes.
    """
    # A mapping would give its keys, and a model its parts.
    if isinstance(checkpoints, (str, bytes, Mapping, nn.Module)) or not isinstance(
        checkpoints, Iterable
    ):
        raise ArgumentError(
            f"checkpoints={checkpoints!r:.80}: pass (step, state_dict) pairs in a list, such as "
            "[(100, model.state_dict())]"
        )
    for number, pair in enumerate(checkpoints):
        # Of a state dict with two entries the names would pass for a pair.
        if not isinstance(pair, (tuple, list)) or len(pair) != 2:
            raise ArgumentError(
                f"checkpoints: number {number} is {pair!r:.80}; pass (step, state_dict) pairs, "
                "such as (100, model.state_dict())"
            )
        step, weights = pair
        if isinstance(step, bool) or not isinstance(step, SupportsIndex):
            raise ArgumentError(
                f"checkpoints: number {number} has the step {step!r:.80}; pass a whole number"
            )
        if not isinstance(weights, (nn.Module, Mapping)):
            raise ArgumentError(
                f"checkpoints: step {step!s:.80} comes with {weights!r:.80}; pass a model or a "
                "state dict, such as torch.load(path) gives"
            )
        yield operator.index(step), weights


def _loaded(weights: nn.Module | Mapping[str, Tensor], model: nn.Module | None) -> nn.Module:
    if isinstance(weights, nn.Module):
        return weights
    if model is None:
        raise ArgumentError("checkpoints hold state dicts; pass model= to load them into")
    model.load_state_dict(weights)
    return model


def _traced(
    model: nn.Module, patch: Tensor, shortcut: Shortcut, images: Tensor, seed: int
) -> PatchRates | None:
    """Returns the rates at one checkpoint, or None where all images are taken for the target."""
    with optimize_for_inference(model, images) as quick:
        bench = PatchEvaluator.prepare(quick, images)
        rows = select_other_images(bench, shortcut.target_class, TESTED_ON)
        if not len(rows):
            return None
        corner = (shortcut.box[0], shortcut.box[1])
        rng = np.random.default_rng([seed, 5])
        return measure_patch(bench, patch, corner, shortcut.target_class, rows, rng)
