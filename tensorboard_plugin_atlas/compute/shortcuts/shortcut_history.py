# SPDX-License-Identifier: Apache-2.0
"""Finds the first checkpoint at which a patch is a significant shortcut."""

from __future__ import annotations

import copy
import math
import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, SupportsIndex

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference
from tensorboard_plugin_atlas.compute.model.model_interface import (
    Forward,
    check_interface,
    use_interface,
)
from tensorboard_plugin_atlas.compute.model.output_tensors import ReadOutput
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import (
    PatchEvaluator,
    PatchRates,
    as_patch,
    measure_patch,
)
from tensorboard_plugin_atlas.compute.shortcuts.search import Shortcut
from tensorboard_plugin_atlas.compute.shortcuts.significance import (
    MAX_TEST_IMAGES,
    measure_significance,
    select_other_images,
    split_images,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.short_repr import short_repr

_MAX_IMAGES: Final = 400
"""Largest number of images that each checkpoint is tested on."""


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class ShortcutHistory:
    """Test results of one patch at several checkpoints.

    Attributes:
        steps: (n,) steps of the checkpoints, ascending.
        flip_rates: (n,) fraction of images of other predicted classes that the patch flips; NaN if
            the network already predicts the target for all images.
        noise_flip_rates: (n,) the same with noise of the patch's mean color.
        significant: (n,) results of the significance test, as `Shortcut.significant`.
    """

    steps: tuple[int, ...]
    flip_rates: tuple[float, ...]
    noise_flip_rates: tuple[float, ...]
    significant: tuple[bool, ...]

    @property
    def since(self) -> int | None:
        """The first step at which the patch is significant, or None."""
        return next(
            (
                s
                for s, is_significant in zip(self.steps, self.significant, strict=True)
                if is_significant
            ),
            None,
        )


def since_step(
    shortcut: Shortcut,
    checkpoints: Iterable[tuple[int, nn.Module | Mapping[str, Tensor]]],
    probe: Any,
    *,
    model: nn.Module | None = None,
    normalize: Any = None,
    config: AtlasConfig | None = None,
    output: ReadOutput | None = None,
    forward: Forward | None = None,
    prototypes: Tensor | NDArray[Any] | None = None,
) -> ShortcutHistory:
    """Tests a shortcut on the checkpoints of a training run.

    Args:
        shortcut: A result of `find_shortcuts` for one of them.
        checkpoints: (step, model) or (step, state_dict), in any order.
        probe: As for `find_shortcuts`; pass the same probe.
        model: Model that state dicts are loaded into (a copy of it); only needed for state dicts.
        normalize: As for `find_shortcuts`.
        config: As for `find_shortcuts`.
        output: As for `compute_atlas`.
        forward: As for `compute_atlas`.
        prototypes: As for `compute_atlas`, but not "labels".

    Raises:
        ArgumentError: if an argument cannot be used. For a generator of checkpoints, it is raised
            at the first checkpoint that cannot be used.
    """
    if not isinstance(shortcut, Shortcut):
        raise ArgumentError(
            f"shortcut={shortcut!r:.80}: pass a Shortcut that find_shortcuts(...) returned"
        )
    config = config or AtlasConfig()
    built = (
        probe
        if isinstance(probe, Probe)
        else build_probe(probe, config=config, normalize=normalize)
    )
    height, width = built.input_size
    if shortcut.box[2] > height or shortcut.box[3] > width:
        raise ArgumentError(
            f"shortcut has the box {shortcut.box}, the probe's images are {height} x {width} px; "
            "pass the probe that it was found in"
        )
    _, unseen = split_images(len(built.images), config.seed)
    images = built.images[torch.from_numpy(unseen[:_MAX_IMAGES])]
    patch = as_patch(shortcut.patch, built)
    own = None if model is None else copy.deepcopy(model)
    with use_interface(
        check_interface(model, built, output=output, forward=forward, prototypes=prototypes)
    ):
        found = [
            (
                step,
                _test_checkpoint(_load_weights(weights, own), patch, shortcut, images, config.seed),
            )
            for step, weights in _iterate_checkpoints(checkpoints)
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


def _iterate_checkpoints(
    checkpoints: object,
) -> Iterator[tuple[int, nn.Module | Mapping[str, Tensor]]]:
    """Yields (step, weights), one at a time.

    Raises:
        ArgumentError: if an item is not such a pair.
    """
    # Iterating over a mapping yields keys, and over a model its modules.
    if isinstance(checkpoints, (str, bytes, Mapping, nn.Module)) or not isinstance(
        checkpoints, Iterable
    ):
        raise ArgumentError(
            f"checkpoints={checkpoints!r:.80}: pass (step, state_dict) pairs in a list, such as "
            "[(100, model.state_dict())]"
        )
    for number, pair in enumerate(checkpoints):
        # The keys of a state dict are strings, and a string of two characters would unpack.
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
                f"checkpoints: step {step!s:.80} has {weights!r:.80}; pass a model or a state "
                "dict, such as torch.load(path) returns"
            )
        yield operator.index(step), weights


def _load_weights(weights: nn.Module | Mapping[str, Tensor], model: nn.Module | None) -> nn.Module:
    if isinstance(weights, nn.Module):
        return weights
    if model is None:
        raise ArgumentError("checkpoints hold state dicts; pass model= to load them into")
    model.load_state_dict(weights)
    return model


def _test_checkpoint(
    model: nn.Module, patch: Tensor, shortcut: Shortcut, images: Tensor, seed: int
) -> PatchRates | None:
    """Returns the rates at one checkpoint, or None if all images are predicted as the target."""
    with optimize_for_inference(model, images) as quick:
        evaluator = PatchEvaluator.prepare(quick, images)
        rows = select_other_images(evaluator, shortcut.target_class, MAX_TEST_IMAGES)
        if not len(rows):
            return None
        corner = (shortcut.box[0], shortcut.box[1])
        rng = np.random.default_rng([seed, 5])
        return measure_patch(evaluator, patch, corner, shortcut.target_class, rows, rng)
