# SPDX-License-Identifier: Apache-2.0
"""Finding shortcuts: small patches that make a network say a class, whatever else is to be seen.

The search looks where the network itself looks: at the place of each image that argues most for
the class it is taken for. Places that look alike to the layer form cells; the cells that argue
most, and most of one voice, are suspects. A suspect's patch is cut from one of its images, pasted
on others, and shrunk while it keeps its effect. What is left is tested on images that no choice has
seen (`patching`). A part of an object flips images too, but has to cover much of them: effect for
its area is what tells a shortcut from it, so that is what suspects rank by.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from tensorboard_plugin_atlas.analysis.cosine import unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.attribution.attribute import (
    StrongestPositions,
    find_strongest_positions,
)
from tensorboard_plugin_atlas.compute.layout.grid import GridCells, bin_samples
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.model.arguments import check_model_and_config
from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.model.logits import ReadLogits, check_output, select_logits
from tensorboard_plugin_atlas.compute.model.receptive_field import measure_receptive_field
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import (
    Box,
    PatchEvaluator,
    measure_patch,
)
from tensorboard_plugin_atlas.compute.shortcuts.significance import (
    FREE_AREA,
    LEAST_FLIPPED,
    SAME_PLACE,
    TESTED_ON,
    area_penalty,
    box_area,
    box_overlap,
    measure_significance,
    select_other_images,
    split_images,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

GRID: Final = 10
"""Most cells along each axis of the map of voices."""

_PER_CELL: Final = 10
"""Images for each cell of the grid, on average: fewer images have a coarser one."""
_SUSPECTS: Final = 20
_TESTED: Final = 8
_TESTED_OF_A_CLASS: Final = 3
_MEMBERS: Final = 4
_PROMISING: Final = 2
_SIZES: Final = (1 / 4, 1 / 8, 3 / 8)
"""Sides of the patches that suspects are screened by, as a share of the image's; the first shows
which members are worth the others."""
_SCREENED_ON, _SHRUNK_ON = 8, 12
"""Images that patches are compared on: few for the many, more for the few."""
_LARGEST: Final = 1 / 2
_SMALLEST_AREA: Final = 1 / 256
_STRIP: Final = 4
_PATIENCE: Final = 4
"""Strips that may be cut off in vain; they leave a third of the area."""
_SAME_EFFECT: Final = 0.9
_TESTED_FROM: Final = 500
"""Images that a test draws those from that it pastes patches on, and its natural patches."""
_PER_CLASS: Final = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Shortcut:
    """A patch that makes the network say a class, with the test that shows it.

    Attributes:
        target_class: Index of the class.
        patch: (h, w, 3) uint8, as people see it.
        box: y0, x0, y1, x1 in input pixels: where it was cut out, and where it was tested.
        area: Share of the image that it covers.
        flip_rate: Share of images of other predicted classes that it turns to the target, at `box`.
        anywhere_flip_rate: The same at places drawn at random, on at most 100 images.
        noise_flip_rate: The same with noise of its mean color at `box`.
        other_flip_rate: The same with what images of other classes show at `box`.
        same_flip_rate: The same with what images of the target class show at `box`.
        interval: 95 % interval of `flip_rate - noise_flip_rate`.
        strength: Lower bound of `flip_rate - other_flip_rate`, corrected for the number of
            suspects, over the root of area + 0.02.
        support: Images whose strongest place lies in the same cell, of the half of the probe that
            suspects are taken from.
        image_ids: (support,) int32: those images; the patch is of the first.
        grid_size: Cells along each axis of the map of strongest places.
        row: Row of the cell on it.
        col: Column of the cell on it.
        significant: Whether the test clears the stated margins: the patch beats noise, and its
            strength is at least 2.2, or at least 1.5 where the same place of other images of the
            class does it as well.
    """

    target_class: int
    patch: NDArray[np.uint8]
    box: Box
    area: float
    flip_rate: float
    anywhere_flip_rate: float
    noise_flip_rate: float
    other_flip_rate: float
    same_flip_rate: float
    interval: tuple[float, float]
    strength: float
    support: int
    image_ids: IntArray
    grid_size: int
    row: int
    col: int
    significant: bool


@dataclass(frozen=True, eq=False)
class _Suspect:
    """A cell of the map of voices, and a patch of one of its images.

    Attributes:
        cell: Index into the cells.
        target: The class that it argues for.
        members: (n,) images, the strongest voice first.
        image: The member whose patch it is.
        box: Where that lies.
        value: Its effect for its area.
    """

    cell: int
    target: int
    members: NDArray[np.intp]
    image: int
    box: Box
    value: float = -math.inf


def find_shortcuts(
    model: nn.Module,
    layer: str,
    probe: Any,
    *,
    classes: Sequence[str] | None = None,
    normalize: Any = None,
    config: AtlasConfig | None = None,
    top: int = 20,
    output: ReadLogits | None = None,
) -> tuple[Shortcut, ...]:
    """Looks for shortcuts that a classifier has learned, and tests each.

    Args:
        model: An image classifier on any device and in any mode; it is left as it was.
        layer: Dotted module name; layers in the middle find most.
        probe: Dataset, DataLoader, (images, labels) or images, as the model takes them; a thousand
            or more images like those that the network was trained on.
        classes: Class names; found in the data set when left out.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; found in the data
            set's transforms when left out.
        config: `samples`, `min_count`, `batch_size`, `seed` and what a layout needs are read; each
            image gives one sample.
        top: How many to return at most; no more than eight suspects are tested.
        output: As for `compute_atlas`.

    Returns:
        The suspects that turn a quarter of the images or more, the significant ones first, each
        group by strength; at most two of a class. Nothing significant, or nothing at all, is a
        finding too: no patch as small as a shortcut makes this model say a class.

    Raises:
        ArgumentError: if an argument cannot be used, or the model gives no (images, classes)
            logits.
        LayerError: if the layer does not exist or does not run.
    """
    if not isinstance(top, int) or top < 1:
        raise ArgumentError(f"top={top!r:.40}: pass a whole number of at least 1")
    recipe = check_model_and_config(model, config)
    built = (
        probe
        if isinstance(probe, Probe)
        else build_probe(probe, config=recipe, classes=classes, normalize=normalize)
    )
    name = normalize_layer_name(model, layer)
    seen, unseen = split_images(len(built.images), recipe.seed)
    if not len(unseen):
        return ()
    half = _part(built, seen)
    choice = check_output(output, built.classes)
    with select_logits(choice), optimize_for_inference(model, half.images, name) as quick:
        voices = find_strongest_positions(quick, name, half, batch_size=recipe.batch_size)
        centers = _centers(quick, name, half, voices)
        choices = PatchEvaluator(
            quick, half.images, voices.predictions, voices.attribution.shape[1]
        )
        tests = PatchEvaluator.prepare(quick, built.images[torch.from_numpy(unseen[:_TESTED_FROM])])
        return _Search(choices, tests, half, voices, centers, recipe).run(top)


def _part(probe: Probe, rows: NDArray[np.intp]) -> Probe:
    """Returns some of a probe's images, each with one sample."""
    return dataclasses.replace(
        probe,
        images=probe.images[torch.from_numpy(rows)],
        labels=None if probe.labels is None else probe.labels[rows],
        image_ids=probe.image_ids[rows],
        sample_image=np.arange(len(rows), dtype=np.int32),
        relative_positions=np.zeros((len(rows), 2), np.float32),
        digest="",
    )


def _centers(model: nn.Module, layer: str, probe: Probe, voices: StrongestPositions) -> FloatArray:
    """Returns (I, 2) centers, y and x in input pixels, of the strongest places."""
    field = measure_receptive_field(model, layer, probe, map_size=voices.map_size)
    return field.centers(voices.positions)


class _Search:
    """One search: its choices are made on one half of the images, its tests on the other.

    Args:
        choices: The half that choices are made on, I images.
        tests: The half that no choice sees.
        probe: Of the first half.
        voices: Where each image of that half argues most.
        centers: (I, 2) y and x of those places in input pixels.
        config: `min_count`, `seed` and what a layout reads.
    """

    def __init__(
        self,
        choices: PatchEvaluator,
        tests: PatchEvaluator,
        probe: Probe,
        voices: StrongestPositions,
        centers: FloatArray,
        config: AtlasConfig,
    ) -> None:
        self._choices, self._tests = choices, tests
        self._probe, self._voices, self._centers = probe, voices, centers
        self._rng = np.random.default_rng([config.seed, 2])
        layout = compute_layout(voices.activations, config=config)
        self._grid_size = int(np.clip(round(math.sqrt(len(centers) / _PER_CELL)), 2, GRID))
        self._cells: GridCells = bin_samples(
            layout, voices.activations, size=self._grid_size, min_count=config.min_count
        )

    def run(self, top: int) -> tuple[Shortcut, ...]:
        """Returns what was found, the most telling first."""
        screened = [found for one in self._suspects() if (found := self._screened(one)) is not None]
        screened.sort(key=lambda suspect: -suspect.value)
        chosen = _few_of_each(screened, _TESTED_OF_A_CLASS)[:_TESTED]
        shrunk: list[_Suspect] = []
        for suspect in chosen:
            if not any(self._bears(suspect, mark) for mark in shrunk):
                shrunk.append(self._shrunk(suspect))
        shrunk.sort(key=lambda suspect: -suspect.value)
        apart = _few_of_each(_apart(shrunk), _PER_CLASS)
        tested = [test for one in apart if (test := self._tested(one, len(chosen))) is not None]
        tested.sort(key=lambda found: (not found.significant, -found.strength))
        return tuple(tested[:top])

    def _suspects(self) -> list[_Suspect]:
        """Returns the cells that argue most, and of one voice."""
        said = self._voices.attribution
        centered = np.nan_to_num(said - said.mean(axis=1, keepdims=True))
        unit = unit_rows(np.nan_to_num(self._voices.activations))
        ranked: list[tuple[float, _Suspect]] = []
        for cell in range(len(self._cells)):
            members = np.flatnonzero(self._cells.cell_of == cell)
            mean = centered[members].mean(axis=0)
            target = int(mean.argmax())
            coherence = float(np.linalg.norm(unit[members].mean(axis=0)))
            loudest = members[np.argsort(-centered[members, target], kind="stable")]
            suspect = _Suspect(cell, target, loudest, int(loudest[0]), (0, 0, 0, 0))
            ranked.append((float(mean[target]) * coherence, suspect))
        ranked.sort(key=lambda pair: -pair[0])
        return [suspect for _, suspect in ranked[:_SUSPECTS]]

    def _screened(self, suspect: _Suspect) -> _Suspect | None:
        """Returns the suspect with its most telling image, or None if there is nothing to turn."""
        rows = select_other_images(self._choices, suspect.target, _SCREENED_ON)
        if not len(rows):
            return None
        first, *more = _SIZES
        members = suspect.members[:_MEMBERS]
        total, best = self._screening(suspect.target, rows, members, first)
        promising = np.argsort(-total, kind="stable")[:_PROMISING]
        members, total = members[promising], total[promising]
        for share in more:
            effects, value = self._screening(suspect.target, rows, members, share)
            total, best = total + effects, max(best, value)
        image = int(members[int(total.argmax())])
        box = self._box_around(image, _LARGEST)
        return dataclasses.replace(suspect, image=image, box=box, value=best)

    def _screening(
        self, target: int, rows: NDArray[np.intp], members: NDArray[np.intp], share: float
    ) -> tuple[NDArray[np.float64], float]:
        """Returns the effects of patches of one size, and their mean for its area."""
        boxes = [self._box_around(int(image), share) for image in members]
        effects = self._effects(target, rows, list(zip(members, boxes, strict=True)))
        return effects, float(effects.mean()) / area_penalty(boxes[0], self._choices.size)

    def _shrunk(self, suspect: _Suspect) -> _Suspect:
        """Returns the suspect with the box that does most for its area.

        Strips are cut off, always the one whose loss costs least, until next to nothing is left,
        some were cut off in vain, or so little effect is left that no smaller box could be worth
        more.
        """
        rows = select_other_images(self._choices, suspect.target, _SHRUNK_ON)
        image = suspect.image
        smallest = _SMALLEST_AREA * math.prod(self._choices.size)
        best = dataclasses.replace(suspect, value=-math.inf)
        box, in_vain = suspect.box, 0
        while options := [o for o in _without_a_strip(box) if box_area(o) >= smallest]:
            effects = self._effects(suspect.target, rows, [(image, o) for o in options])
            box = options[int(effects.argmax())]
            value = float(effects.max()) / area_penalty(box, self._choices.size)
            in_vain += 1
            if value > best.value:
                best, in_vain = dataclasses.replace(best, box=box, value=value), 0
            least = best.value * math.sqrt(_SMALLEST_AREA + FREE_AREA)
            if in_vain == _PATIENCE or float(effects.max()) < least:
                break
        return best

    def _bears(self, suspect: _Suspect, mark: _Suspect) -> bool:
        """Tells whether a mark that was found is what a suspect's image argues with.

        It lies at the image's strongest place, and does there nearly what it does in its own image.
        """
        around = self._box_around(suspect.image, _SIZES[0])
        if mark.target != suspect.target or box_overlap(mark.box, around) < SAME_PLACE:
            return False
        rows = select_other_images(self._choices, mark.target, _SHRUNK_ON)
        (effect,) = self._effects(mark.target, rows, [(suspect.image, mark.box)])
        return float(effect) >= _SAME_EFFECT * mark.value * area_penalty(
            mark.box, self._choices.size
        )

    def _tested(self, suspect: _Suspect, suspects: int) -> Shortcut | None:
        """Tests a suspect on images that no choice has seen."""
        rows = select_other_images(self._tests, suspect.target, TESTED_ON)
        if not len(rows):
            return None
        patch = self._choices.cut(suspect.image, suspect.box)
        corner = (suspect.box[0], suspect.box[1])
        test = measure_patch(
            self._tests, patch, corner, suspect.target, rows, self._rng, least=LEAST_FLIPPED
        )
        if test is None:
            return None
        strength, is_significant = measure_significance(test, suspects, self._tests.size)
        y0, x0, y1, x1 = suspect.box
        picture = self._probe.pictures(np.array([suspect.image]))[0, y0:y1, x0:x1]
        ids = [suspect.image, *(int(m) for m in suspect.members if m != suspect.image)]
        return Shortcut(
            target_class=suspect.target,
            patch=picture.copy(),
            box=suspect.box,
            area=test.area,
            flip_rate=test.flip_rate,
            anywhere_flip_rate=test.anywhere_flip_rate,
            noise_flip_rate=test.noise_flip_rate,
            other_flip_rate=test.other_flip_rate,
            same_flip_rate=test.same_flip_rate,
            interval=test.interval,
            strength=strength,
            support=len(ids),
            image_ids=self._probe.image_ids[ids],
            grid_size=self._grid_size,
            row=int(self._cells.rows[suspect.cell]),
            col=int(self._cells.cols[suspect.cell]),
            significant=is_significant,
        )

    def _box_around(self, image: int, share: float) -> Box:
        """Returns a square around the image's strongest place, inside the image."""
        side = max(1, round(share * min(self._choices.size)))
        y, x = (
            int(np.clip(round(float(center)) - side // 2, 0, limit - side))
            for center, limit in zip(self._centers[image], self._choices.size, strict=True)
        )
        return y, x, y + side, x + side

    def _effects(
        self, target: int, rows: NDArray[np.intp], patches: Sequence[tuple[int, Box]]
    ) -> NDArray[np.float64]:
        """Returns for each patch, at its own place, the mean of flip rate and probability."""
        cut = [(self._choices.cut(int(image), box), box[0], box[1]) for image, box in patches]
        logits = self._choices.pasted(cut, rows)
        flips = (logits.argmax(dim=2) == target).float()
        effects = (flips + logits.softmax(dim=2)[:, :, target]).mean(dim=1) / 2
        return effects.double().numpy()


def _few_of_each(found: Sequence[_Suspect], most: int) -> list[_Suspect]:
    """Keeps the first few of each class."""
    counts: Counter[int] = Counter()
    kept = []
    for one in found:
        counts[one.target] += 1
        if counts[one.target] <= most:
            kept.append(one)
    return kept


def _apart(found: Sequence[_Suspect]) -> list[_Suspect]:
    """Leaves out what lies where a stronger one of the same class lies: it is the same mark."""
    kept: list[_Suspect] = []
    for one in found:
        rivals = [other.box for other in kept if other.target == one.target]
        if not any(box_overlap(one.box, box) >= SAME_PLACE for box in rivals):
            kept.append(one)
    return kept


def _without_a_strip(box: Box) -> Iterator[Box]:
    """Yields the box less a quarter along each side, which takes the same area each time."""
    y0, x0, y1, x1 = box
    down, across = (max(1, side // _STRIP) for side in (y1 - y0, x1 - x0))
    if y1 - y0 > down:
        yield y0 + down, x0, y1, x1
        yield y0, x0, y1 - down, x1
    if x1 - x0 > across:
        yield y0, x0 + across, y1, x1
        yield y0, x0, y1, x1 - across
