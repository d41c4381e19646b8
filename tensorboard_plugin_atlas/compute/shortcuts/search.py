# SPDX-License-Identifier: Apache-2.0
"""Search for shortcuts: small patches that flip predictions to a class.

The search starts from the position of each image with the largest attribution to the predicted
class. Positions with similar activations form cells. Cells with large attribution and coherent
activations are candidates. The patch of a candidate is cropped from one of its images, pasted on
others, and shrunk as long as it keeps its effect. The remaining patches are tested on images that
the search does not use (`patch_test`). Parts of objects flip predictions, too, but they cover more
of the image, so candidates are ranked by effect relative to area.
"""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.argument_checks import check_model_and_config
from tensorboard_plugin_atlas.compute.attribution.attribute import (
    StrongestPositions,
    find_strongest_positions,
)
from tensorboard_plugin_atlas.compute.layout.grid import GridCells, bin_samples
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.model.model_interface import (
    Forward,
    check_interface,
    use_interface,
)
from tensorboard_plugin_atlas.compute.model.output_tensors import ReadOutput
from tensorboard_plugin_atlas.compute.model.receptive_field import measure_receptive_field
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.compute.shortcuts.image_memory_check import check_image_memory
from tensorboard_plugin_atlas.compute.shortcuts.patch_test import (
    Box,
    PatchEvaluator,
    measure_patch,
)
from tensorboard_plugin_atlas.compute.shortcuts.significance import (
    FREE_AREA,
    MAX_TEST_IMAGES,
    MIN_FLIP_RATE,
    SAME_POSITION,
    area_penalty,
    box_area,
    box_overlap,
    measure_significance,
    select_other_images,
    split_images,
)
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.short_repr import short_repr
from tensorboard_plugin_atlas.shortcut_cards import make_cards
from tensorboard_plugin_atlas.shortcut_record import TestedPatch, make_card

GRID: Final = 10
"""Largest number of cells along each axis of the map of strongest positions."""

_PER_CELL: Final = 10
"""Average number of images per cell, which sets the size of the grid."""
_MAX_CANDIDATES: Final = 20
_MAX_TESTED: Final = 8
_MAX_TESTED_PER_CLASS: Final = 3
_MEMBERS: Final = 4
_PROMISING: Final = 2
_SIZES: Final = (1 / 4, 1 / 8, 3 / 8)
"""Sizes of the screening patches as fractions of the image; the first one selects members."""
_SCREENED_ON, _SHRUNK_ON = 8, 12
"""Images that patches are compared on while screening and while shrinking."""
_LARGEST: Final = 1 / 2
_SMALLEST_AREA: Final = 1 / 256
_STRIP: Final = 4
_PATIENCE: Final = 4
"""Strips removed without improvement before shrinking stops; a third of the area is left then."""
_SAME_EFFECT: Final = 0.9
_TEST_POOL: Final = 500
"""Images that the tests sample from."""
_MAX_PER_CLASS: Final = 2


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class Shortcut(TestedPatch):
    """A patch that flips predictions to a class, with its test.

    Attributes:
        target_class: Index of the class.
        patch: (h, w, 3) uint8 RGB image.
        image_ids: (support,) int32: the images of its cell; the patch is cropped from the first.
        grid_size: Cells along each axis of the map of strongest positions.
        row: Row of the cell on this map.
        col: Column of the cell on this map.
    """

    target_class: int
    patch: NDArray[np.uint8]
    image_ids: IntArray
    grid_size: int
    row: int
    col: int


class FoundShortcuts(tuple[Shortcut, ...]):
    """The result of `find_shortcuts`: a tuple that notebooks show as cards.

    Attributes:
        classes: Class names, or None.
    """

    classes: tuple[str, ...] | None = None

    @classmethod
    def create(
        cls, shortcuts: Iterable[Shortcut], classes: tuple[str, ...] | None
    ) -> FoundShortcuts:
        """Returns shortcuts with the names of the classes."""
        found = cls(shortcuts)
        found.classes = classes
        return found

    def _repr_html_(self) -> str:
        return make_cards(make_card(one, one.patch, one.target_class, self.classes) for one in self)


@dataclass(frozen=True, eq=False)
class _Candidate:
    """A cell of the map of strongest positions, and a patch of one of its images.

    Attributes:
        cell: Index into the cells.
        target: The class with the largest mean attribution.
        members: (n,) images, largest attribution first.
        image: The member that the patch is cropped from.
        box: Box of the patch.
        value: Its effect relative to its area.
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
    output: ReadOutput | None = None,
    forward: Forward | None = None,
    prototypes: Tensor | NDArray[Any] | str | None = None,
) -> FoundShortcuts:
    """Finds patches that flip the predictions of a classifier, and tests them.

    Args:
        model: An image classifier on any device and in any mode; its state is not changed.
        layer: Dotted module name; layers in the middle of the network work best.
        probe: Dataset, DataLoader, (images, labels) or images, preprocessed as for the model; pass
            at least a thousand images of the training distribution.
        classes: Class names; taken from the dataset by default.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; taken from the
            dataset's transforms by default.
        config: `samples`, `min_count`, `batch_size`, `seed` and the layout settings are used; there
            is one sample per image.
        top: Largest number of results; at most eight candidates are tested.
        output: As for `compute_atlas`.
        forward: As for `compute_atlas`.
        prototypes: As for `compute_atlas`.

    Returns:
        Patches with a flip rate of at least 0.25, significant ones first, then by strength; at most
        two per class. Empty if no small patch flips predictions.

    Raises:
        ArgumentError: if an argument cannot be used, or the model has no (images, classes) logits.
        LayerError: if the layer does not exist or does not run.
    """
    if not isinstance(top, int) or top < 1:
        raise ArgumentError(f"top={top!r:.40}: pass a whole number of at least 1")
    settings = check_model_and_config(model, config)
    built = (
        probe
        if isinstance(probe, Probe)
        else build_probe(probe, config=settings, classes=classes, normalize=normalize)
    )
    name = normalize_layer_name(model, layer)
    with use_interface(
        check_interface(model, built, output=output, forward=forward, prototypes=prototypes)
    ):
        found = search_probe(model, name, built, settings)[:top]
    return FoundShortcuts.create(found, built.classes)


def search_probe(
    model: nn.Module, layer: str, probe: Probe, config: AtlasConfig
) -> tuple[Shortcut, ...]:
    """Finds the shortcuts in a probe with the current interface of the model.

    Args:
        model: As for `find_shortcuts`.
        layer: Dotted module name.
        probe: The images.
        config: The settings.

    Returns:
        As `find_shortcuts` does.

    Raises:
        ArgumentError: if the model has no (images, classes) logits.
        LayerError: if the layer does not exist or does not run.
    """
    check_image_memory(probe, "the search for shortcuts")
    seen, unseen = split_images(len(probe.images), config.seed)
    if not len(unseen):
        return ()
    half = _select_images(probe, seen)
    with optimize_for_inference(model, half.images, layer) as quick:
        strongest = find_strongest_positions(quick, layer, half, batch_size=config.batch_size)
        centers = _centers(quick, layer, half, strongest)
        choices = PatchEvaluator(
            quick, half.images[:], strongest.predictions, strongest.attribution.shape[1]
        )
        tests = PatchEvaluator.prepare(quick, probe.images[torch.from_numpy(unseen[:_TEST_POOL])])
        return _Search(choices, tests, half, strongest, centers, config).run()


def _select_images(probe: Probe, rows: NDArray[np.intp]) -> Probe:
    """Returns a probe of some of the images, with one sample each."""
    return dataclasses.replace(
        probe,
        images=probe.images.select(torch.from_numpy(rows)),
        labels=None if probe.labels is None else probe.labels[rows],
        class_maps=None if probe.class_maps is None else probe.class_maps[rows],
        label_sets=None if probe.label_sets is None else probe.label_sets[rows],
        image_ids=probe.image_ids[rows],
        sample_image=np.arange(len(rows), dtype=np.int32),
        relative_positions=np.zeros((len(rows), 2), np.float32),
        digest="",
    )


def _centers(
    model: nn.Module, layer: str, probe: Probe, strongest: StrongestPositions
) -> FloatArray:
    """Returns (I, 2) centers of the strongest positions, y and x in input pixels."""
    field = measure_receptive_field(model, layer, probe, map_size=strongest.map_size)
    return field.centers(strongest.positions)


class _Search:
    """A search for shortcuts on one half of the images, with tests on the other half.

    Args:
        choices: The half that is searched, I images.
        tests: The half for tests.
        probe: Probe of the first half.
        strongest: The strongest position of each image of that half.
        centers: (I, 2) y and x of those positions in input pixels.
        config: `min_count`, `seed` and the layout settings are used.
    """

    def __init__(
        self,
        choices: PatchEvaluator,
        tests: PatchEvaluator,
        probe: Probe,
        strongest: StrongestPositions,
        centers: FloatArray,
        config: AtlasConfig,
    ) -> None:
        self._choices, self._tests = choices, tests
        self._probe, self._strongest, self._centers = probe, strongest, centers
        self._rng = np.random.default_rng([config.seed, 2])
        layout = compute_layout(strongest.activations, config=config)
        self._grid_size = int(np.clip(round(math.sqrt(len(centers) / _PER_CELL)), 2, GRID))
        self._cells: GridCells = bin_samples(
            layout, strongest.activations, size=self._grid_size, min_count=config.min_count
        )

    def run(self) -> tuple[Shortcut, ...]:
        """Returns the shortcuts, significant ones first, then by strength."""
        screened = [found for one in self._rank_cells() if (found := self._screen(one)) is not None]
        screened.sort(key=lambda candidate: -candidate.value)
        chosen = _limit_per_class(screened, _MAX_TESTED_PER_CLASS)[:_MAX_TESTED]
        shrunk: list[_Candidate] = []
        for candidate in chosen:
            if not any(self._contains_mark(candidate, mark) for mark in shrunk):
                shrunk.append(self._shrink(candidate))
        shrunk.sort(key=lambda candidate: -candidate.value)
        apart = _limit_per_class(_remove_overlapping(shrunk), _MAX_PER_CLASS)
        tested = [test for one in apart if (test := self._test(one, len(chosen))) is not None]
        tested.sort(key=lambda found: (not found.significant, -found.strength))
        return tuple(tested)

    def _rank_cells(self) -> list[_Candidate]:
        """Returns the cells with the largest attribution and coherent activations."""
        attribution = self._strongest.attribution
        centered = np.nan_to_num(attribution - attribution.mean(axis=1, keepdims=True))
        unit = unit_rows(np.nan_to_num(self._strongest.activations))
        ranked: list[tuple[float, _Candidate]] = []
        for cell in range(len(self._cells)):
            members = np.flatnonzero(self._cells.cell_of == cell)
            mean = centered[members].mean(axis=0)
            target = int(mean.argmax())
            coherence = float(np.linalg.norm(unit[members].mean(axis=0)))
            ordered = members[np.argsort(-centered[members, target], kind="stable")]
            candidate = _Candidate(cell, target, ordered, int(ordered[0]), (0, 0, 0, 0))
            ranked.append((float(mean[target]) * coherence, candidate))
        ranked.sort(key=lambda pair: -pair[0])
        return [candidate for _, candidate in ranked[:_MAX_CANDIDATES]]

    def _screen(self, candidate: _Candidate) -> _Candidate | None:
        """Returns the candidate with its most effective image, or None without images to flip."""
        rows = select_other_images(self._choices, candidate.target, _SCREENED_ON)
        if not len(rows):
            return None
        first, *more = _SIZES
        members = candidate.members[:_MEMBERS]
        total, best = self._measure_effects_of_size(candidate.target, rows, members, first)
        promising = np.argsort(-total, kind="stable")[:_PROMISING]
        members, total = members[promising], total[promising]
        for share in more:
            effects, value = self._measure_effects_of_size(candidate.target, rows, members, share)
            total, best = total + effects, max(best, value)
        image = int(members[int(total.argmax())])
        box = self._box_around(image, _LARGEST)
        return dataclasses.replace(candidate, image=image, box=box, value=best)

    def _measure_effects_of_size(
        self, target: int, rows: NDArray[np.intp], members: NDArray[np.intp], share: float
    ) -> tuple[NDArray[np.float64], float]:
        """Returns the effects of patches of one size, and their mean relative to the area."""
        boxes = [self._box_around(int(image), share) for image in members]
        effects = self._effects(target, rows, list(zip(members, boxes, strict=True)))
        return effects, float(effects.mean()) / area_penalty(boxes[0], self._choices.size)

    def _shrink(self, candidate: _Candidate) -> _Candidate:
        """Returns the candidate with the box that has the largest effect relative to its area.

        Strips are removed, each time the one with the smallest loss of effect, until the box is
        tiny, several removals did not improve it, or no smaller box can be better.
        """
        rows = select_other_images(self._choices, candidate.target, _SHRUNK_ON)
        image = candidate.image
        smallest = _SMALLEST_AREA * math.prod(self._choices.size)
        best = dataclasses.replace(candidate, value=-math.inf)
        box, in_vain = candidate.box, 0
        while options := [o for o in _remove_strips(box) if box_area(o) >= smallest]:
            effects = self._effects(candidate.target, rows, [(image, o) for o in options])
            box = options[int(effects.argmax())]
            value = float(effects.max()) / area_penalty(box, self._choices.size)
            in_vain += 1
            if value > best.value:
                best, in_vain = dataclasses.replace(best, box=box, value=value), 0
            least = best.value * math.sqrt(_SMALLEST_AREA + FREE_AREA)
            if in_vain == _PATIENCE or float(effects.max()) < least:
                break
        return best

    def _contains_mark(self, candidate: _Candidate, mark: _Candidate) -> bool:
        """Returns whether the image of a candidate contains a mark that was already found.

        The mark's box must lie at the image's strongest position, and its crop of the image must
        have nearly the same effect.
        """
        around = self._box_around(candidate.image, _SIZES[0])
        if mark.target != candidate.target or box_overlap(mark.box, around) < SAME_POSITION:
            return False
        rows = select_other_images(self._choices, mark.target, _SHRUNK_ON)
        (effect,) = self._effects(mark.target, rows, [(candidate.image, mark.box)])
        return float(effect) >= _SAME_EFFECT * mark.value * area_penalty(
            mark.box, self._choices.size
        )

    def _test(self, candidate: _Candidate, candidates: int) -> Shortcut | None:
        """Tests a candidate on images that the search does not use."""
        rows = select_other_images(self._tests, candidate.target, MAX_TEST_IMAGES)
        if not len(rows):
            return None
        patch = self._choices.crop(candidate.image, candidate.box)
        corner = (candidate.box[0], candidate.box[1])
        test = measure_patch(
            self._tests, patch, corner, candidate.target, rows, self._rng, least=MIN_FLIP_RATE
        )
        if test is None:
            return None
        strength, is_significant = measure_significance(test, candidates, self._tests.size)
        y0, x0, y1, x1 = candidate.box
        picture = self._probe.pictures(np.array([candidate.image]))[0, y0:y1, x0:x1]
        ids = [candidate.image, *(int(m) for m in candidate.members if m != candidate.image)]
        return Shortcut(
            **test.get_rates(),
            target_class=candidate.target,
            patch=picture.copy(),
            strength=strength,
            support=len(ids),
            image_ids=self._probe.image_ids[ids],
            grid_size=self._grid_size,
            row=int(self._cells.rows[candidate.cell]),
            col=int(self._cells.cols[candidate.cell]),
            significant=is_significant,
        )

    def _box_around(self, image: int, share: float) -> Box:
        """Returns a square around the image's strongest position, inside the image."""
        side = max(1, round(share * min(self._choices.size)))
        y, x = (
            int(np.clip(round(float(center)) - side // 2, 0, limit - side))
            for center, limit in zip(self._centers[image], self._choices.size, strict=True)
        )
        return y, x, y + side, x + side

    def _effects(
        self, target: int, rows: NDArray[np.intp], patches: Sequence[tuple[int, Box]]
    ) -> NDArray[np.float64]:
        """Returns the mean of flip rate and target probability of each patch, at its own box."""
        crops = [(self._choices.crop(int(image), box), box[0], box[1]) for image, box in patches]
        logits = self._choices.paste(crops, rows)
        flips = (logits.argmax(dim=2) == target).float()
        effects = (flips + logits.softmax(dim=2)[:, :, target]).mean(dim=1) / 2
        return effects.double().numpy()


def _limit_per_class(found: Sequence[_Candidate], most: int) -> list[_Candidate]:
    """Keeps the first few of each class."""
    counts: Counter[int] = Counter()
    kept = []
    for one in found:
        counts[one.target] += 1
        if counts[one.target] <= most:
            kept.append(one)
    return kept


def _remove_overlapping(found: Sequence[_Candidate]) -> list[_Candidate]:
    """Removes candidates that overlap a stronger one of the same class: they are the same mark."""
    kept: list[_Candidate] = []
    for one in found:
        rivals = [other.box for other in kept if other.target == one.target]
        if not any(box_overlap(one.box, box) >= SAME_POSITION for box in rivals):
            kept.append(one)
    return kept


def _remove_strips(box: Box) -> Iterator[Box]:
    """Yields the box without a quarter of its size along each side."""
    y0, x0, y1, x1 = box
    down, across = (max(1, side // _STRIP) for side in (y1 - y0, x1 - x0))
    if y1 - y0 > down:
        yield y0 + down, x0, y1, x1
        yield y0, x0, y1 - down, x1
    if x1 - x0 > across:
        yield y0, x0 + across, y1, x1
        yield y0, x0, y1, x1 - across
