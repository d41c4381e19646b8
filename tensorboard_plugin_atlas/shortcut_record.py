# SPDX-License-Identifier: Apache-2.0
"""Data classes of logged shortcuts: frozen, with numpy arrays."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.short_repr import short_repr
from tensorboard_plugin_atlas.shortcut_cards import ShortcutCard, make_cards

Evidence: TypeAlias = Literal["beyond color", "mostly color", "object-sized"]
"""What a significant patch shows; see `TestedPatch.evidence`."""

OBJECT_AREA: Final = 1 / 16
"""Patches that cover a larger fraction of the image can be parts of objects."""

_COLOR_SHARE: Final = 0.5

_RESULTS: Final = {
    None: "not significant",
    "beyond color": "significant beyond color",
    "mostly color": "significant, mostly color",
    "object-sized": "significant, object-sized",
}


@dataclass(frozen=True, kw_only=True)
class FlipRates:
    """Flip rates of a patch and of its controls.

    They are measured on images with another predicted class than the target.

    Attributes:
        box: y0, x0, y1, x1 of the pasted patch in input pixels.
        area: Fraction of the image that it covers.
        flip_rate: Fraction of images that is predicted as the target with the patch at `box`.
        anywhere_flip_rate: The same at random positions, on at most 100 images.
        noise_flip_rate: The same with noise of the patch's mean color at `box`.
        other_flip_rate: The same with crops at `box` of images of other classes.
        same_flip_rate: The same with crops at `box` of images of the target class.
        interval: 95 % interval of `flip_rate - noise_flip_rate` (Newcombe 1998, method 10).
    """

    box: tuple[int, int, int, int]
    area: float
    flip_rate: float
    anywhere_flip_rate: float
    noise_flip_rate: float
    other_flip_rate: float
    same_flip_rate: float
    interval: tuple[float, float]

    def get_rates(self) -> dict[str, Any]:
        """Returns the fields of `FlipRates` by name, also of a subclass."""
        return {one.name: getattr(self, one.name) for one in dataclasses.fields(FlipRates)}


@dataclass(frozen=True, kw_only=True)
class TestedPatch(FlipRates):
    """A patch and its test, on the half of the probe that the search does not use.

    Attributes:
        strength: Lower bound of `flip_rate - other_flip_rate`, corrected for the number of
            candidates, over the square root of area + 0.02.
        support: Number of images with their strongest position in the cell that it was found in, in
            the half of the probe that is searched.
        significant: Result of the test; see `measure_significance`.
    """

    __test__ = False  # not a class of tests, for pytest

    strength: float
    support: int
    significant: bool

    @property
    def evidence(self) -> Evidence | None:
        """What the patch shows if it is significant, or None.

        "mostly color": noise of its mean color may explain half of its effect or more.
        "object-sized": it covers more than `OBJECT_AREA` of the image, so that it may be a part of
        an object. "beyond color": all others. The tab computes the same (`shortcut_evidence.ts`).
        """
        if not self.significant:
            return None
        if self.interval[0] <= _COLOR_SHARE * self.flip_rate:
            return "mostly color"
        return "object-sized" if self.area > OBJECT_AREA else "beyond color"


def make_card(
    tested: TestedPatch, patch: NDArray[np.uint8], target: int, classes: tuple[str, ...] | None
) -> ShortcutCard:
    """Returns the card of a patch for notebooks.

    Args:
        tested: Its test.
        patch: (h, w, 3) uint8 RGB image.
        target: Index of the class.
        classes: Class names, or None.
    """
    return ShortcutCard(
        target=f"class {target}" if classes is None else classes[target],
        result=describe_result(tested.evidence),
        patch=patch,
        area=tested.area,
        rates=(
            ("Patch here", tested.flip_rate),
            ("Patch anywhere", tested.anywhere_flip_rate),
            ("Noise here", tested.noise_flip_rate),
            ("Other classes here", tested.other_flip_rate),
            ("Same class here", tested.same_flip_rate),
        ),
    )


def describe_result(evidence: Evidence | None) -> str:
    """Returns the result of a test in words, such as "significant, mostly color"."""
    return _RESULTS[evidence]


@dataclass(frozen=True, kw_only=True)
class ShortcutTest:
    """The test of a patch at one step.

    Attributes:
        step: Global step.
        flip_rate: Fraction of images of other predicted classes that the patch flips to its target;
            None if the network already predicts the target for all images.
        noise_flip_rate: The same with noise of the patch's mean color.
        significant: Result of the significance test; see `Shortcut.significant`.
    """

    step: int
    flip_rate: float | None
    noise_flip_rate: float | None
    significant: bool


@dataclass(frozen=True, kw_only=True)
class PastedImage:
    """An image that a patch was tested on, with predictions before and after.

    Attributes:
        image: Index of the image in the probe dataset.
        before: Predicted class without the patch.
        after: Predicted class with the patch.
        probability_before: Probability of the patch's target without the patch.
        probability_after: Probability of the patch's target with the patch.
    """

    image: int
    before: int
    after: int
    probability_before: float
    probability_after: float


@short_repr
@dataclass(frozen=True, kw_only=True)
class LoggedShortcut(TestedPatch):
    """A patch that flipped predictions to a class at this step or an earlier one, tested now.

    Attributes:
        id: Id of the position and class, the same at every step of a log.
        target: Index of the class.
        since: First step at which the test at this position was significant, or None.
        image: Index in the probe dataset of the image that the patch was cropped from.
        history: Its tests so far, by rising step.
        samples: Rows of the layer's atlas of this step with activations nearest to those of the
            patch, nearest first; empty if they are unknown.
        similarity: Centered cosine with the nearest of these, or None.
        examples: Images that it was tested on; flipped ones first, in proportion to `flip_rate`.
    """

    id: int
    target: int
    since: int | None
    image: int
    history: tuple[ShortcutTest, ...] = ()
    samples: tuple[int, ...] = ()
    similarity: float | None = None
    examples: tuple[PastedImage, ...] = ()


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class ShortcutRecord:
    """The tested shortcuts of one layer at one step.

    Attributes:
        layer: Dotted module name.
        step: Global step.
        wall_time: Seconds since the epoch.
        probe: The probe's hash, equal to `Provenance.probe` of the atlas of that step.
        input_size: Height and width of the model's input images.
        images: Number of images of the probe; one half is searched, the other used for tests.
        found: The patches, significant and strong ones first.
        patches: `patches[i]` is the image of `found[i]`, (h, w, 3) uint8, as large as its box.
        classes: Class names, or None.
        run: TensorBoard run that it was read from, "" if it was not logged.
    """

    layer: str
    step: int
    wall_time: float
    probe: str
    input_size: tuple[int, int]
    images: int
    found: tuple[LoggedShortcut, ...]
    patches: tuple[NDArray[np.uint8], ...]
    classes: tuple[str, ...] | None = None
    run: str = ""

    def _repr_html_(self) -> str:
        pairs = zip(self.found, self.patches, strict=True)
        return make_cards(make_card(one, patch, one.target, self.classes) for one, patch in pairs)
