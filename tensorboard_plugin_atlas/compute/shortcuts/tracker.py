# SPDX-License-Identifier: Apache-2.0
"""Shortcuts of a training, checkpoint after checkpoint: what is found is tested from then on.

Each checkpoint is searched anew, and every patch that an earlier one had is tested again at its own
place, on the half of the probe that no choice has seen. Patches of one class that overlap by half
are one mark: the stronger is kept, and the history of both goes on under the older number.
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
from tensorboard_plugin_atlas.compute.model.logits import explain_missing_logits, get_logits
from tensorboard_plugin_atlas.compute.model.outputs import forward
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
from tensorboard_plugin_atlas.compute.shortcuts.search import Shortcut, find_shortcuts
from tensorboard_plugin_atlas.compute.shortcuts.significance import (
    LEAST_FLIPPED,
    SAME_PLACE,
    TESTED_ON,
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
from tensorboard_plugin_atlas.wire.shortcut_codec import fitting
from tensorboard_plugin_atlas.wire.shortcut_manifest import MAX_EXAMPLES, MAX_FOUND, MAX_HISTORY

_NEVER_SIGNIFICANT: Final = 8
"""Patches kept that never cleared the margins: as many as one search tests."""

_ANSWERED_ON: Final = 24
"""Images that the layer's answer to a patch is averaged over."""


def find_incompatibility(model: nn.Module, probe: Probe) -> str | None:
    """Returns why no shortcuts can be looked for in a model, or None where they can."""
    channels = int(probe.images.shape[1])
    if channels not in (1, 3):
        return f"the images have {channels} channels, and a patch is kept as a picture of 1 or 3"
    with preserve_model_state(model) as inner, torch.no_grad():
        images = as_input(probe.images[:2], inner)
        output = forward(inner, images)
    return explain_missing_logits(output) if get_logits(output, len(images)) is None else None


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A patch at this checkpoint, tested.

    Attributes:
        now: What is logged of it, but for its answers and examples; `id` -1 for a new one.
        patch: (h, w, 3) uint8.
    """

    now: LoggedShortcut
    patch: NDArray[np.uint8]

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """The most telling first: what is a shortcut, what once was one, what never was.

        So a mark that a network unlearns is not taken for the part of an object around it.
        """
        return not self.now.significant, self.now.since is None, -self.now.strength


class ShortcutTracker:
    """Looks for shortcuts at each checkpoint, and follows those that it has found.

    Args:
        probe: Its images; a half of them is searched, on the others patches are tested.
        layer: Dotted module name.
        config: As for `find_shortcuts`.
        previous: The last record of a log that is continued; left out where its probe is another.
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

    def look(
        self, model: nn.Module, step: int, wall_time: float, atlas: Atlas | None
    ) -> ShortcutRecord:
        """Searches a checkpoint, and tests again what earlier ones had.

        Args:
            model: The model; it is left as it was.
            step: Global step, above that of the call before.
            wall_time: Seconds since the epoch.
            atlas: The layer's atlas of that step, or None where there is none.

        Raises:
            ArgumentError: if the model gives no (images, classes) logits.
        """
        found = find_shortcuts(model, self._layer, self._probe, config=self._config)
        _, unseen = split_images(len(self._probe.images), self._config.seed)
        kept: tuple[_Candidate, ...] = ()
        if len(unseen):
            images = self._probe.images[torch.from_numpy(unseen)]
            with (
                preserve_model_state(model) as inner,
                optimize_for_inference(inner, images) as quick,
            ):
                bench = PatchEvaluator.prepare(quick, images)
                again = [self._tested_again(bench, one, step) for one in self._known]
                kept = self._kept([*again, *(_candidate(one, step) for one in found)])
                kept = tuple(self._shown(inner, bench, unseen, one, atlas) for one in kept)
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

    def _tested_again(self, bench: PatchEvaluator, known: _Candidate, step: int) -> _Candidate:
        """Returns a patch of an earlier checkpoint as it does at this one."""
        one = known.now
        rows = select_other_images(bench, one.target, TESTED_ON)
        if not len(rows):
            # All images are taken for the target anyhow: nothing can be told.
            rates: dict[str, Any] = dict.fromkeys(_RATES, 0.0)
            return _followed(known, step, rates, (-1.0, 1.0), 0.0, significant=False, told=False)
        patch = as_patch(known.patch, self._probe)
        rng = np.random.default_rng([self._config.seed, 5])
        test = measure_patch(bench, patch, (one.box[0], one.box[1]), one.target, rows, rng)
        assert test is not None  # noqa: S101 - nothing is below the least of 0
        # The bounds hold for all patches that one checkpoint tests.
        suspects = max(_NEVER_SIGNIFICANT, len(self._known))
        strength, is_significant = measure_significance(test, suspects, bench.size)
        rates = {name: getattr(test, name) for name in _RATES}
        return _followed(known, step, rates, test.interval, strength, significant=is_significant)

    def _kept(self, candidates: Iterable[_Candidate]) -> tuple[_Candidate, ...]:
        """Returns one patch for each mark, the most telling first, with numbers of their own."""
        marks: list[_Candidate] = []
        for one in sorted(candidates, key=lambda one: one.rank):
            for place, mark in enumerate(marks):
                if _is_same(one, mark):
                    marks[place] = _merged(mark, one)
                    break
            else:
                marks.append(one)
        few = list(_without_the_weakest(marks))[:MAX_FOUND]
        few = few[: fitting([max(one.patch.shape[:2]) for one in few])]
        return tuple(self._numbered(one) for one in few)

    def _numbered(self, one: _Candidate) -> _Candidate:
        if one.now.id >= 0:
            return one
        self._next_id += 1
        return dataclasses.replace(one, now=dataclasses.replace(one.now, id=self._next_id - 1))

    def _shown(
        self,
        model: nn.Module,
        bench: PatchEvaluator,
        unseen: NDArray[np.intp],
        one: _Candidate,
        atlas: Atlas | None,
    ) -> _Candidate:
        """Returns a patch with what it does to some images, and where on the map that lies."""
        now, patch = one.now, as_patch(one.patch, self._probe)
        rows = select_other_images(bench, now.target, TESTED_ON)
        corner = (now.box[0], now.box[1])
        examples: tuple[PastedImage, ...] = ()
        samples: tuple[int, ...] = ()
        similarity: float | None = None
        if len(rows):
            after = bench.pasted([(patch, *corner)], rows)[0]
            ids = self._probe.image_ids[unseen[rows]]
            examples = tuple(_examples(bench, rows, ids, after, now.target))
        if atlas is not None:
            some = rows if len(rows) else np.arange(len(bench.images))
            images = bench.images[torch.from_numpy(some[:_ANSWERED_ON])]
            answer = PatchActivations(model, self._layer).answer(images, patch, corner)
            if answer is not None:
                samples, similarity = nearest_samples(atlas.activations, answer)
        told = dataclasses.replace(now, examples=examples, samples=samples, similarity=similarity)
        return dataclasses.replace(one, now=told)


_RATES: Final = (
    "flip_rate",
    "anywhere_flip_rate",
    "noise_flip_rate",
    "other_flip_rate",
    "same_flip_rate",
)


def _candidate(found: Shortcut, step: int) -> _Candidate:
    """Returns what a search has found, tested by it."""
    test = ShortcutTest(
        step=step,
        flip_rate=found.flip_rate,
        noise_flip_rate=found.noise_flip_rate,
        significant=found.significant,
    )
    now = LoggedShortcut(
        **{name: getattr(found, name) for name in _RATES},
        id=-1,
        target=found.target_class,
        box=found.box,
        area=found.area,
        interval=_within(found.interval),
        strength=found.strength,
        support=found.support,
        significant=found.significant,
        since=step if found.significant else None,
        image=int(found.image_ids[0]),
        history=(test,),
    )
    return _Candidate(now, found.patch)


def _followed(
    known: _Candidate,
    step: int,
    rates: dict[str, Any],
    interval: tuple[float, float],
    strength: float,
    *,
    significant: bool,
    told: bool = True,
) -> _Candidate:
    """Returns a known patch with the test of this step, which is `told` unless there was none."""
    test = ShortcutTest(
        step=step,
        flip_rate=rates["flip_rate"] if told else None,
        noise_flip_rate=rates["noise_flip_rate"] if told else None,
        significant=significant,
    )
    since = known.now.since
    now = dataclasses.replace(
        known.now,
        **rates,
        interval=_within(interval),
        strength=strength,
        significant=significant,
        since=step if since is None and significant else since,
        history=(*known.now.history, test)[-MAX_HISTORY:],
    )
    return dataclasses.replace(known, now=now)


def _within(interval: tuple[float, float]) -> tuple[float, float]:
    """Takes back what rounding put beyond -1 and 1."""
    return max(interval[0], -1.0), min(interval[1], 1.0)


def _is_same(first: _Candidate, second: _Candidate) -> bool:
    a, b = first.now, second.now
    return a.target == b.target and box_overlap(a.box, b.box) >= SAME_PLACE


def _merged(stronger: _Candidate, weaker: _Candidate) -> _Candidate:
    """Returns the stronger patch under the older number, with the history of the mark."""
    known = [one.now for one in (stronger, weaker) if one.now.id >= 0]
    older = min(known, key=lambda one: one.id, default=stronger.now)
    # This step's test is that of the patch which is shown.
    earlier = [test for test in older.history if test.step < stronger.now.history[-1].step]
    history = (*earlier, stronger.now.history[-1])[-MAX_HISTORY:]
    since = [one.now.since for one in (stronger, weaker) if one.now.since is not None]
    now = dataclasses.replace(
        stronger.now, id=older.id, history=history, since=min(since, default=None)
    )
    return dataclasses.replace(stronger, now=now)


def _without_the_weakest(marks: Sequence[_Candidate]) -> Iterator[_Candidate]:
    """Yields what ever was a shortcut, and a few of what never was: tests of all would add up.

    What never was one is let go as soon as it turns too few images to be listed.
    """
    others_left = _NEVER_SIGNIFICANT
    for one in marks:
        if one.now.since is not None:
            yield one
        elif others_left and (one.now.history[-1].flip_rate or 0) >= LEAST_FLIPPED:
            others_left -= 1
            yield one


def _examples(
    bench: PatchEvaluator,
    rows: NDArray[np.intp],
    ids: NDArray[np.int32],
    after: torch.Tensor,
    target: int,
) -> Iterator[PastedImage]:
    """Yields images that were turned and such that were not, in the proportion of all."""
    classes = after.argmax(dim=1).numpy()
    turned = np.flatnonzero(classes == target)
    rest = np.flatnonzero(classes != target)
    share = round(MAX_EXAMPLES * len(turned) / len(rows))
    most = max(share, min(1, len(turned)))
    chosen = np.concatenate([turned[:most], rest[: MAX_EXAMPLES - most]])
    before = bench.answers(rows[chosen]).softmax(dim=1)[:, target].tolist()
    now = after.softmax(dim=1)[:, target].tolist()
    for number, one in enumerate(chosen):
        yield PastedImage(
            image=int(ids[one]),
            before=int(bench.predictions[rows[one]]),
            after=int(classes[one]),
            probability_before=_probability(before[number]),
            probability_after=_probability(now[one]),
        )


def _probability(value: float) -> float:
    """Returns a probability; that of logits with NaN is 0."""
    return float(np.clip(np.nan_to_num(value), 0, 1))
