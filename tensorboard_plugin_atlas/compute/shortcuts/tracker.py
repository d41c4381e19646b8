# SPDX-License-Identifier: Apache-2.0
"""Shortcuts followed through a training run.

Each logged step is searched, and the patches of earlier steps are tested again at their own
positions, on the half of the probe that the search does not use. Patches of one class that overlap
by half are the same shortcut: the stronger patch is kept, under the older id and with its history.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference
from tensorboard_plugin_atlas.compute.model.model_interface import (
    call_model,
    explain_missing_logits,
    get_logits,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import as_input, preserve_model_state
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.shortcuts.patch_activations import (
    PatchActivations,
    nearest_samples,
)
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import (
    PatchEvaluator,
    as_patch,
    measure_patch,
)
from tensorboard_plugin_atlas.compute.shortcuts.search import Shortcut, search_probe
from tensorboard_plugin_atlas.compute.shortcuts.significance import (
    MAX_TEST_IMAGES,
    MIN_FLIP_RATE,
    SAME_POSITION,
    box_overlap,
    measure_significance,
    select_other_images,
    split_images,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.shortcut_record import (
    LoggedShortcut,
    PastedImage,
    ShortcutRecord,
    ShortcutTest,
)
from tensorboard_plugin_atlas.wire.limits import (
    MAX_SHORTCUT_EXAMPLES,
    MAX_SHORTCUT_TESTS,
    MAX_SHORTCUTS,
)
from tensorboard_plugin_atlas.wire.shortcut_codec import count_fitting_patches

_NEVER_SIGNIFICANT: Final = 8
"""Patches kept that were never significant: as many as one search tests."""

_ACTIVATION_IMAGES: Final = 24
"""Images over which the activation of a patch is averaged."""


def find_incompatibility(model: nn.Module, probe: Probe) -> str | None:
    """Returns why a model cannot be searched for shortcuts, or None if it can.

    Args:
        model: The model; its state is not changed.
        probe: The images to search.
    """
    channels = int(probe.images.shape[1])
    if channels not in (1, 3):
        return f"the images have {channels} channels, and patches are stored with 1 or 3"
    with preserve_model_state(model) as inner, torch.no_grad():
        images = as_input(probe.images[:2], inner)
        output = call_model(inner, images)
    return explain_missing_logits(output) if get_logits(output, len(images)) is None else None


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A patch and its test at this step.

    Attributes:
        now: Its log entry, without samples and examples; `id` is -1 for a new patch.
        patch: (h, w, 3) uint8.
    """

    now: LoggedShortcut
    patch: NDArray[np.uint8]

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Sort key: significant patches, then once significant ones, then others; by strength.

        So a shortcut that is unlearned is not replaced by the part of an object around it.
        """
        return not self.now.significant, self.now.since is None, -self.now.strength


class ShortcutTracker:
    """Searches for shortcuts at each logged step, and follows those that were found.

    Args:
        probe: The images; one half is searched, the other used for tests.
        layer: Dotted module name.
        config: As for `find_shortcuts`.
        previous: The last record of a log to continue; ignored if its probe differs.
    """

    def __init__(
        self,
        probe: Probe,
        layer: str,
        config: AtlasConfig,
        previous: ShortcutRecord | None = None,
    ) -> None:
        self._probe, self._layer, self._config = probe, layer, config
        self._known: tuple[_Candidate, ...] = ()
        self._next_id = 0
        if previous is not None and previous.probe == probe.digest:
            pairs = zip(previous.found, previous.patches, strict=True)
            self._known = tuple(_Candidate(one, patch) for one, patch in pairs)
            self._next_id = 1 + max((one.id for one in previous.found), default=-1)

    def update(
        self, model: nn.Module, step: int, wall_time: float, atlas: Atlas | None
    ) -> ShortcutRecord:
        """Searches a step and tests the patches of earlier steps.

        Args:
            model: The model; its state is not changed.
            step: Global step, larger than at the last call.
            wall_time: Seconds since the epoch.
            atlas: The layer's atlas of that step, or None.

        Raises:
            ArgumentError: if the model has no (images, classes) logits.
        """
        found = search_probe(model, self._layer, self._probe, self._config)
        _, unseen = split_images(len(self._probe.images), self._config.seed)
        kept: tuple[_Candidate, ...] = ()
        if len(unseen):
            images = self._probe.images[torch.from_numpy(unseen)]
            with (
                preserve_model_state(model) as inner,
                optimize_for_inference(inner, images) as quick,
            ):
                evaluator = PatchEvaluator.prepare(quick, images)
                again = [self._test_again(evaluator, one, step) for one in self._known]
                kept = self._select([*again, *(_make_candidate(one, step) for one in found)])
                kept = tuple(
                    self._add_examples(inner, evaluator, unseen, one, atlas) for one in kept
                )
        self._known = kept
        return ShortcutRecord(
            layer=self._layer,
            step=step,
            wall_time=wall_time,
            probe=self._probe.digest,
            input_size=self._probe.input_size,
            images=len(self._probe.images),
            found=tuple(one.now for one in kept),
            patches=tuple(one.patch for one in kept),
            classes=self._probe.classes,
        )

    def _test_again(self, evaluator: PatchEvaluator, known: _Candidate, step: int) -> _Candidate:
        """Returns a patch of an earlier step with its test at this one."""
        one = known.now
        rows = select_other_images(evaluator, one.target, MAX_TEST_IMAGES)
        if not len(rows):
            # All images are predicted as the target: there is nothing to flip.
            rates: dict[str, Any] = dict.fromkeys(_RATES, 0.0)
            return _update_candidate(
                known, step, rates, (-1.0, 1.0), 0.0, significant=False, has_test=False
            )
        patch = as_patch(known.patch, self._probe)
        rng = np.random.default_rng([self._config.seed, 5])
        test = measure_patch(evaluator, patch, (one.box[0], one.box[1]), one.target, rows, rng)
        assert test is not None  # noqa: S101 - no rate is below 0
        # The bounds hold for all patches tested at one step.
        candidates = max(_NEVER_SIGNIFICANT, len(self._known))
        strength, is_significant = measure_significance(test, candidates, evaluator.size)
        rates = {name: getattr(test, name) for name in _RATES}
        return _update_candidate(
            known, step, rates, test.interval, strength, significant=is_significant
        )

    def _select(self, candidates: Iterable[_Candidate]) -> tuple[_Candidate, ...]:
        """Returns one patch per shortcut, sorted by rank, with ids."""
        kept: list[_Candidate] = []
        for one in sorted(candidates, key=lambda one: one.rank):
            for index, other in enumerate(kept):
                if _is_same(one, other):
                    kept[index] = _merge(other, one)
                    break
            else:
                kept.append(one)
        few = list(_remove_weak(kept))[:MAX_SHORTCUTS]
        few = few[: count_fitting_patches([max(one.patch.shape[:2]) for one in few])]
        return tuple(self._assign_id(one) for one in few)

    def _assign_id(self, one: _Candidate) -> _Candidate:
        if one.now.id >= 0:
            return one
        self._next_id += 1
        return dataclasses.replace(one, now=dataclasses.replace(one.now, id=self._next_id - 1))

    def _add_examples(
        self,
        model: nn.Module,
        evaluator: PatchEvaluator,
        unseen: NDArray[np.intp],
        one: _Candidate,
        atlas: Atlas | None,
    ) -> _Candidate:
        """Returns a patch with example images and the nearest samples of the atlas."""
        now, patch = one.now, as_patch(one.patch, self._probe)
        rows = select_other_images(evaluator, now.target, MAX_TEST_IMAGES)
        corner = (now.box[0], now.box[1])
        examples: tuple[PastedImage, ...] = ()
        samples: tuple[int, ...] = ()
        similarity: float | None = None
        if len(rows):
            after = evaluator.paste([(patch, *corner)], rows)[0]
            ids = self._probe.image_ids[unseen[rows]]
            examples = tuple(_select_examples(evaluator, rows, ids, after, now.target))
        if atlas is not None:
            some = rows if len(rows) else np.arange(len(evaluator.images))
            images = evaluator.images[torch.from_numpy(some[:_ACTIVATION_IMAGES])]
            activation = PatchActivations(model, self._layer).measure(images, patch, corner)
            if activation is not None:
                samples, similarity = nearest_samples(atlas.activations, activation)
        has_test = dataclasses.replace(
            now, examples=examples, samples=samples, similarity=similarity
        )
        return dataclasses.replace(one, now=has_test)


_RATES: Final = (
    "flip_rate",
    "anywhere_flip_rate",
    "noise_flip_rate",
    "other_flip_rate",
    "same_flip_rate",
)


def _make_candidate(found: Shortcut, step: int) -> _Candidate:
    """Returns a candidate for a result of the search."""
    test = ShortcutTest(
        step=step,
        flip_rate=found.flip_rate,
        noise_flip_rate=found.noise_flip_rate,
        significant=found.significant,
    )
    now = LoggedShortcut(
        **found.get_rates() | {"interval": _clip_interval(found.interval)},
        id=-1,
        target=found.target_class,
        strength=found.strength,
        support=found.support,
        significant=found.significant,
        since=step if found.significant else None,
        image=int(found.image_ids[0]),
        history=(test,),
    )
    return _Candidate(now, found.patch)


def _update_candidate(
    known: _Candidate,
    step: int,
    rates: dict[str, Any],
    interval: tuple[float, float],
    strength: float,
    *,
    significant: bool,
    has_test: bool = True,
) -> _Candidate:
    """Returns a known patch with the test of this step, or without rates if not `has_test`."""
    test = ShortcutTest(
        step=step,
        flip_rate=rates["flip_rate"] if has_test else None,
        noise_flip_rate=rates["noise_flip_rate"] if has_test else None,
        significant=significant,
    )
    since = known.now.since
    now = dataclasses.replace(
        known.now,
        **rates,
        interval=_clip_interval(interval),
        strength=strength,
        significant=significant,
        since=step if since is None and significant else since,
        history=(*known.now.history, test)[-MAX_SHORTCUT_TESTS:],
    )
    return dataclasses.replace(known, now=now)


def _clip_interval(interval: tuple[float, float]) -> tuple[float, float]:
    """Clips an interval to [-1, 1], which rounding can exceed."""
    return max(interval[0], -1.0), min(interval[1], 1.0)


def _is_same(first: _Candidate, second: _Candidate) -> bool:
    a, b = first.now, second.now
    return a.target == b.target and box_overlap(a.box, b.box) >= SAME_POSITION


def _merge(stronger: _Candidate, weaker: _Candidate) -> _Candidate:
    """Returns the stronger patch with the older id and its history."""
    known = [one.now for one in (stronger, weaker) if one.now.id >= 0]
    older = min(known, key=lambda one: one.id, default=stronger.now)
    # The test of the stronger patch is the test of this step.
    earlier = [test for test in older.history if test.step < stronger.now.history[-1].step]
    history = (*earlier, stronger.now.history[-1])[-MAX_SHORTCUT_TESTS:]
    since = [one.now.since for one in (stronger, weaker) if one.now.since is not None]
    now = dataclasses.replace(
        stronger.now, id=older.id, history=history, since=min(since, default=None)
    )
    return dataclasses.replace(stronger, now=now)


def _remove_weak(kept: Sequence[_Candidate]) -> Iterator[_Candidate]:
    """Yields patches that were ever significant, and a few others, which limits the tests.

    Other patches are removed as soon as their flip rate is below `MIN_FLIP_RATE`.
    """
    others_left = _NEVER_SIGNIFICANT
    for one in kept:
        if one.now.since is not None:
            yield one
        elif others_left and (one.now.history[-1].flip_rate or 0) >= MIN_FLIP_RATE:
            others_left -= 1
            yield one


def _select_examples(
    evaluator: PatchEvaluator,
    rows: NDArray[np.intp],
    ids: NDArray[np.int32],
    after: torch.Tensor,
    target: int,
) -> Iterator[PastedImage]:
    """Yields flipped and other images, in proportion to all images."""
    classes = after.argmax(dim=1).numpy()
    flipped = np.flatnonzero(classes == target)
    rest = np.flatnonzero(classes != target)
    share = round(MAX_SHORTCUT_EXAMPLES * len(flipped) / len(rows))
    most = max(share, min(1, len(flipped)))
    chosen = np.concatenate([flipped[:most], rest[: MAX_SHORTCUT_EXAMPLES - most]])
    before = evaluator.logits(rows[chosen]).softmax(dim=1)[:, target].tolist()
    now = after.softmax(dim=1)[:, target].tolist()
    for number, one in enumerate(chosen):
        yield PastedImage(
            image=int(ids[one]),
            before=int(evaluator.predictions[rows[one]]),
            after=int(classes[one]),
            probability_before=_clip_probability(before[number]),
            probability_after=_clip_probability(now[one]),
        )


def _clip_probability(value: float) -> float:
    """Returns a value clipped to [0, 1]; 0 for NaN."""
    return float(np.clip(np.nan_to_num(value), 0, 1))
