# SPDX-License-Identifier: Apache-2.0
"""What the log keeps of the shortcuts of one layer at one step: frozen, with numpy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ShortcutTest:
    """The test of a patch at one checkpoint.

    Attributes:
        step: Global step of the checkpoint.
        flip_rate: Share of images of other predicted classes that the patch turned to its target;
            None where the network took all images for the target anyhow.
        noise_flip_rate: The same with noise of its mean color.
        significant: Whether it cleared the margins; see `Shortcut.significant`.
    """

    step: int
    flip_rate: float | None
    noise_flip_rate: float | None
    significant: bool


@dataclass(frozen=True, kw_only=True)
class PastedImage:
    """An image that a patch was tested on, before and after.

    Attributes:
        image: Index of the image in the probe data set.
        before: Class that it is taken for.
        after: Class that it is taken for with the patch in its place.
        probability_before: Probability of the patch's target before.
        probability_after: The same with the patch.
    """

    image: int
    before: int
    after: int
    probability_before: float
    probability_after: float


@dataclass(frozen=True, kw_only=True)
class LoggedShortcut:
    """A patch that made the network say a class at this step or an earlier one, as it is now.

    Rates are of images that the network takes for another class than the target, of the half of
    the probe that no choice has seen; see `Shortcut` for each.

    Attributes:
        id: Number of the place and class, the same at every step of a log.
        target: Index of the class.
        box: y0, x0, y1, x1 in input pixels: where it was cut out, and where it is tested.
        area: Share of the image that it covers.
        flip_rate: Share of images that it turns to the target.
        anywhere_flip_rate: The same at places drawn at random.
        noise_flip_rate: The same with noise of its mean color.
        other_flip_rate: The same with what images of other classes show there.
        same_flip_rate: The same with what images of the target class show there.
        interval: 95 % interval of `flip_rate - noise_flip_rate`.
        strength: Lower bound of `flip_rate - other_flip_rate` over the root of area + 0.02.
        support: Images of the cell that it was found in.
        significant: Whether the test clears the margins at this step.
        since: First step at which the test at this place cleared them, or None.
        image: Index in the probe data set of the image that the patch was cut from.
        history: Its tests so far, by rising step.
        samples: Rows of the layer's atlas of this step whose activations are nearest to what the
            patch makes the layer answer, the nearest first; none where that cannot be told.
        similarity: Cosine with the nearest, both relative to the mean of the atlas; or None.
        examples: Images that it was tested on: as many turned ones as its rate says, those first.
    """

    id: int
    target: int
    box: tuple[int, int, int, int]
    area: float
    flip_rate: float
    anywhere_flip_rate: float
    noise_flip_rate: float
    other_flip_rate: float
    same_flip_rate: float
    interval: tuple[float, float]
    strength: float
    support: int
    significant: bool
    since: int | None
    image: int
    history: tuple[ShortcutTest, ...] = ()
    samples: tuple[int, ...] = ()
    similarity: float | None = None
    examples: tuple[PastedImage, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class ShortcutRecord:
    """The tested shortcuts of one layer at one step.

    Attributes:
        layer: Dotted module name.
        step: Global step of the checkpoint.
        wall_time: Seconds since the epoch.
        probe: The probe's hash, equal to `Provenance.probe` of the atlas of that step.
        input_size: Height and width of the images as the model takes them.
        images: Images of the probe that were searched, one half of them for the tests alone.
        found: The patches, the most telling first.
        patches: `patches[i]` is what `found[i]` looks like, (h, w, 3) uint8, as large as its box.
        classes: Class names, or None.
        run: TensorBoard run it was read from, "" before it was logged.
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
