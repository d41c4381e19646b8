# SPDX-License-Identifier: Apache-2.0
"""Does a patch change what a network says? A causal test with controls, in rates of images.

A patch is pasted over images that the network takes for something else, and the share that it now
takes for the target class is the flip rate. The same is done with three controls at the same place:
noise of the patch's mean color, natural patches of images of other classes, and natural patches of
images of the target class. What covers an image alone, or belongs to any picture of the class,
shows in them. `patch_test` does this for a patch of one's own, `measure_patch` for one that was
found.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.model.frozen_copy import optimize_for_inference
from tensorboard_plugin_atlas.compute.model.logits import (
    ReadLogits,
    check_output,
    explain_missing_logits,
    get_logits,
    select_logits,
)
from tensorboard_plugin_atlas.compute.model.outputs import forward
from tensorboard_plugin_atlas.compute.model.preserve_state import as_input, limit_batch_size
from tensorboard_plugin_atlas.compute.probe.normalize import IDENTITY
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig, check_setting
from tensorboard_plugin_atlas.errors import ArgumentError

Box = tuple[int, int, int, int]
"""y0, x0, y1, x1 in input pixels, end exclusive."""

PLACES: Final = ("top left", "top right", "bottom left", "bottom right", "middle")
"""Where `patch_test` pastes a patch by default."""

_SIZES: Final = (0.5, 1.0, 1.5, 2.0)
_CONFIDENCE: Final = 0.95
_MOST_IMAGES: Final = 200
"""Images that one rate is measured on at most."""
_ANYWHERE_IMAGES: Final = 100
_GLANCE: Final = 50
"""Images that show what flips far too few."""
_HOPELESS: Final = 0.07
"""Of a patch that flips .25, so few of a glance are flipped once in 2,000 times."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchRates:
    """What a patch does to images that the network takes for something else.

    Attributes:
        target: Class that the patch is tested for.
        box: Where it was pasted: y0, x0, y1, x1 in input pixels.
        area: Share of the image that it covers.
        images: Images that it was pasted on, none of them taken for the target before.
        flip_rate: Share of them that are taken for the target with the patch at `box`.
        anywhere_flip_rate: The same with the patch at places drawn at random.
        noise_flip_rate: The same with noise of the patch's mean color at `box`.
        other_flip_rate: With what images of other classes show at `box`.
        same_flip_rate: With what images of the target class show at `box`.
        interval: 95 % interval of `flip_rate - noise_flip_rate` (Newcombe 1998, method 10).
    """

    target: int
    box: Box
    area: float
    images: int
    flip_rate: float
    anywhere_flip_rate: float
    noise_flip_rate: float
    other_flip_rate: float
    same_flip_rate: float
    interval: tuple[float, float]


def difference_interval(
    first: float,
    second: float,
    count: int,
    second_count: int | None = None,
    *,
    confidence: float = _CONFIDENCE,
) -> tuple[float, float]:
    """Returns the interval of the difference of two rates.

    Newcombe (1998), "Interval estimation for the difference between independent proportions",
    method 10: the two Wilson intervals, put together by squares.

    Args:
        first: Share of `count` trials.
        second: Share of `second_count` trials, or of as many.
        count: Trials.
        second_count: Trials of the second.
        confidence: Of the interval.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    low1, high1 = _wilson(first, count, z)
    low2, high2 = _wilson(second, count if second_count is None else second_count, z)
    return (
        first - second - math.hypot(first - low1, high2 - second),
        first - second + math.hypot(high1 - first, second - low2),
    )


def _wilson(rate: float, count: int, z: float) -> tuple[float, float]:
    scale = 1 + z * z / count
    center = (rate + z * z / (2 * count)) / scale
    reach = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count)) / scale
    return center - reach, center + reach


@dataclass(frozen=True, eq=False)
class PatchEvaluator:
    """Images, what the model takes them for, and patches pasted on them.

    To be used inside `optimize_for_inference`, with the model that it yields.

    Attributes:
        model: In evaluation mode.
        images: (I, C, H, W) as the model takes them.
        predictions: (I,) int32: what each image is taken for.
        classes: K, how many classes the model tells apart.
        batch_size: Images per forward pass, fewer on the CPU where they are large.
    """

    model: nn.Module
    images: Tensor
    predictions: IntArray
    classes: int
    batch_size: int = 64

    @classmethod
    def prepare(cls, model: nn.Module, images: Tensor, batch_size: int = 64) -> PatchEvaluator:
        """Asks the model what it takes the images for.

        Raises:
            ArgumentError: if it gives no (images, classes) logits.
        """
        logits = _logits(model, images, batch_size)
        predictions = logits.argmax(dim=1).numpy().astype(np.int32)
        return cls(model, images, predictions, logits.shape[1], batch_size)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return int(self.images.shape[2]), int(self.images.shape[3])

    def cut(self, image: int, box: Box) -> Tensor:
        """Returns the (C, h, w) patch of an image in `box`."""
        y0, x0, y1, x1 = box
        return self.images[image, :, y0:y1, x0:x1]

    def answers(self, rows: NDArray[np.intp]) -> Tensor:
        """Returns the (n, K) logits of `rows` as they are."""
        return _logits(self.model, self.images[torch.from_numpy(rows)], self.batch_size)

    def pasted(self, patches: list[tuple[Tensor, int, int]], rows: NDArray[np.intp]) -> Tensor:
        """Returns the (P, n, K) logits of `rows` under each of P patches, given with y and x."""
        base = self.images[torch.from_numpy(rows)]
        answers = []
        for patch, y, x in patches:
            covered = base.clone()
            covered[:, :, y : y + patch.shape[1], x : x + patch.shape[2]] = patch
            answers.append(covered)
        logits = _logits(self.model, torch.cat(answers), self.batch_size)
        return logits.view(len(patches), len(rows), -1)

    def rate(self, rows: NDArray[np.intp], target: int, cover: Callable[[int], Cover]) -> float:
        """Returns the share of `rows` taken for `target` when each is covered by its own patch.

        Args:
            rows: Images.
            target: The class.
            cover: Number of the image among `rows` to the patch, its y and its x.
        """
        covered = self.images[torch.from_numpy(rows)].clone()
        for number in range(len(rows)):
            patch, y, x = cover(number)
            covered[number, :, y : y + patch.shape[1], x : x + patch.shape[2]] = patch
        logits = _logits(self.model, covered, self.batch_size)
        return float((logits.argmax(dim=1) == target).double().mean())


Cover = tuple[Tensor, int, int]
"""A (C, h, w) patch and the y and x of its corner."""


def measure_patch(
    bench: PatchEvaluator,
    patch: Tensor,
    corner: tuple[int, int],
    target: int,
    rows: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    least: float = 0.0,
) -> PatchRates | None:
    """Measures what a patch does, and what its controls do.

    Args:
        bench: Images and model.
        patch: (C, h, w) as the model takes images.
        corner: y and x where it is pasted.
        target: The class.
        rows: Images to paste it on, none of them taken for `target`.
        rng: Draws places, noise and natural patches.
        least: A patch that flips fewer than this share is not looked at any further.

    Returns:
        All rates, or None below `least`. A control without images to draw from is 0.
    """
    y, x = corner
    height, width = int(patch.shape[1]), int(patch.shape[2])
    box = (y, x, y + height, x + width)
    cover = _still(patch, corner)
    first = rows[: _GLANCE if least else len(rows)]
    rate = bench.rate(first, target, cover)
    if rate < min(least, _HOPELESS):
        return None
    if rest := len(rows) - len(first):
        other = bench.rate(rows[len(first) :], target, cover)
        rate = (rate * len(first) + other * rest) / len(rows)
    if rate < least:
        return None
    is_target = bench.predictions == target
    noise = bench.rate(rows, target, _noise(bench, patch, corner, rng))
    return PatchRates(
        target=target,
        box=box,
        area=height * width / math.prod(bench.size),
        images=len(rows),
        flip_rate=rate,
        anywhere_flip_rate=bench.rate(
            rows[:_ANYWHERE_IMAGES], target, _anywhere(bench, patch, rng)
        ),
        noise_flip_rate=noise,
        other_flip_rate=_natural(bench, box, rows, target, np.flatnonzero(~is_target), rng),
        same_flip_rate=_natural(bench, box, rows, target, np.flatnonzero(is_target), rng),
        interval=difference_interval(rate, noise, len(rows)),
    )


def _anywhere(
    bench: PatchEvaluator, patch: Tensor, rng: np.random.Generator
) -> Callable[[int], Cover]:
    down, across = (
        limit - side + 1 for limit, side in zip(bench.size, patch.shape[1:], strict=True)
    )
    return lambda _: (patch, int(rng.integers(down)), int(rng.integers(across)))


def _noise(
    bench: PatchEvaluator, patch: Tensor, corner: tuple[int, int], rng: np.random.Generator
) -> Callable[[int], Cover]:
    """Returns noise of the patch's mean color and the *images'* spread.

    With its own spread, a flat patch would be copied exactly.
    """
    some = bench.images[:: max(1, len(bench.images) // 200)]
    spread = some.std(dim=(0, 2, 3)).view(-1, 1, 1)
    low, high = some.amin(dim=(0, 2, 3)).view(-1, 1, 1), some.amax(dim=(0, 2, 3)).view(-1, 1, 1)
    mean = patch.mean(dim=(1, 2), keepdim=True)

    def cover(_number: int) -> Cover:
        drawn = torch.from_numpy(rng.standard_normal(tuple(patch.shape), np.float32))
        return (mean + drawn * spread).clamp(low, high), *corner

    return cover


def _natural(
    bench: PatchEvaluator,
    box: Box,
    rows: NDArray[np.intp],
    target: int,
    pool: NDArray[np.intp],
    rng: np.random.Generator,
) -> float:
    if not len(pool):
        return 0.0
    drawn = rng.choice(pool, len(rows))
    return bench.rate(rows, target, lambda number: (bench.cut(int(drawn[number]), box), *box[:2]))


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchTest:
    """What a patch of one's own does, by size and by place, and what its controls do.

    The table is measured on one half of the images. Its best entry is measured once more on the
    other half, for the best of many numbers is too good; that and the controls are the rates below.

    Attributes:
        target: Class that the patch is tested for.
        sizes: (S,) sizes that were tried, as multiples of the patch's own.
        places: (P,) names of the places that were tried.
        rates: (S, P) float32: share of images that are taken for the target.
        size: The best of the sizes.
        place: The best of the places.
        box: The two in input pixels: y0, x0, y1, x1.
        area: Share of the image that `box` covers.
        images: Images of the second half, none of them taken for the target before.
        flip_rate: Share of them that are taken for the target with the patch at `box`.
        anywhere_flip_rate: The same at places drawn at random, on at most 100 images.
        noise_flip_rate: The same with noise of the patch's mean color at `box`.
        other_flip_rate: The same with what images of other classes show at `box`.
        same_flip_rate: The same with what images of the target class show at `box`.
        interval: 95 % interval of `flip_rate - noise_flip_rate` (Newcombe 1998, method 10).
    """

    target: int
    sizes: tuple[float, ...]
    places: tuple[str, ...]
    rates: FloatArray
    size: float
    place: str
    box: Box
    area: float
    images: int
    flip_rate: float
    anywhere_flip_rate: float
    noise_flip_rate: float
    other_flip_rate: float
    same_flip_rate: float
    interval: tuple[float, float]


def patch_test(
    model: nn.Module,
    patch: Any,
    images: Any,
    target: int,
    *,
    at: tuple[int, int] | None = None,
    sizes: Sequence[float] | None = None,
    places: Sequence[str] = PLACES,
    normalize: Any = None,
    seed: int = 0,
    output: ReadLogits | None = None,
) -> PatchTest:
    """Pastes a patch on images, and counts how many the model then takes for a class.

    Only images that it takes for another class are used: at most 200 to find the best size and
    place, and 200 others to measure that.

    Args:
        model: An image classifier on any device and in any mode; it is left as it was.
        patch: (h, w, 3) uint8 as people see it, or (C, h, w) floats as the model takes images.
        images: Dataset, DataLoader, (images, labels) or images, as the model takes them; at most
            1,000 are drawn. Labels are not used.
        target: Index of the class.
        at: y and x of the patch's upper left corner; replaces `places`.
        sizes: As multiples of the patch's own size; half, once, one and a half times and twice, as
            far as they fit in, when left out.
        places: Some of the corners "top left", "top right", "bottom left", "bottom right", and
            "middle".
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; found in the data
            set's transforms when left out.
        seed: Of the images, places and noise that are drawn.
        output: As for `compute_atlas`.

    Raises:
        ArgumentError: if an argument cannot be used, the patch is larger than the images, the model
            gives no (images, classes) logits, or takes all images but one for the target.
    """
    seed = check_setting("seed", seed, "seed")
    is_pixels = not (isinstance(patch, Tensor) and patch.is_floating_point())
    known = IDENTITY if normalize is None and not is_pixels else normalize
    probe = build_probe(images, config=AtlasConfig(samples=1000, seed=seed), normalize=known)
    pasted = as_patch(patch, probe)
    scaled = _scaled(pasted, sizes, probe.input_size)
    choice = check_output(output, None)
    with select_logits(choice), optimize_for_inference(model, probe.images) as quick:
        bench = PatchEvaluator.prepare(quick, probe.images)
        _check_target(target, bench.classes)
        corners = [_corners(at, places, one, bench.size) for one in scaled.values()]
        rng = np.random.default_rng([seed, 3])
        others = rng.permutation(np.flatnonzero(bench.predictions != target))
        first, second = (half[:_MOST_IMAGES] for half in np.array_split(others, 2))
        if not len(second):
            raise ArgumentError(
                f"target={target}: the model takes {len(probe.images) - len(others)} of "
                f"{len(probe.images)} images for it; pass at least two images of other classes"
            )
        found = [
            [bench.rate(first, target, _still(one, spot)) for spot in spots.values()]
            for one, spots in zip(scaled.values(), corners, strict=True)
        ]
        rates = np.array(found, np.float32)
        row, col = np.unravel_index(int(rates.argmax()), rates.shape)
        size, place = list(scaled)[row], list(corners[row])[col]
        best = measure_patch(bench, scaled[size], corners[row][place], target, second, rng)
    assert best is not None  # noqa: S101 - nothing is below the least of 0
    same = {name: getattr(best, name) for name in PatchRates.__dataclass_fields__}
    names = tuple(corners[row])
    return PatchTest(sizes=tuple(scaled), places=names, rates=rates, size=size, place=place, **same)


def as_patch(patch: Any, probe: Probe) -> Tensor:
    """Returns a patch as the model takes images, (C, h, w) float32.

    Args:
        patch: (h, w, 3) uint8 as people see it, or (C, h, w) floats as the model takes images.
        probe: Images that it is to be pasted on.

    Raises:
        ArgumentError: if it is neither, or its channels cannot be made the images'.
    """
    channels = int(probe.images.shape[1])
    wanted = (
        f"pass (height, width, 3) uint8, or a ({channels}, height, width) float tensor as the "
        "model takes images"
    )
    whole = _as_tensor(patch, wanted)
    if whole.ndim != 3 or 0 in whole.shape:
        raise ArgumentError(f"patch has shape {tuple(whole.shape)}; {wanted}")
    if whole.is_floating_point():
        if whole.shape[0] != channels or not whole.isfinite().all():
            raise ArgumentError(
                f"patch is a float tensor of shape {tuple(whole.shape)}, all finite: "
                f"{bool(whole.isfinite().all())}; {wanted}"
            )
        return whole.detach().float().cpu()
    if whole.dtype != torch.uint8 or whole.shape[2] != 3 or channels not in (1, 3):
        raise ArgumentError(
            f"patch is {whole.dtype} of shape {tuple(whole.shape)}, the images have {channels} "
            f"channels; {wanted}"
        )
    pixels = whole.permute(2, 0, 1).float().cpu() / 255
    if channels == 1:
        pixels = pixels.mean(dim=0, keepdim=True)
    return probe.normalize.to_input(pixels)


def _as_tensor(patch: Any, wanted: str) -> Tensor:
    if isinstance(patch, Tensor):
        return patch
    try:
        return torch.from_numpy(np.array(patch, copy=True))
    except (TypeError, ValueError):  # no numbers, or rows of different lengths
        raise ArgumentError(f"patch={patch!r:.80}: {wanted}") from None


def _scaled(
    patch: Tensor, sizes: Sequence[float] | None, limits: tuple[int, int]
) -> dict[float, Tensor]:
    """Returns the patch at each size."""
    own = (int(patch.shape[1]), int(patch.shape[2]))
    found: dict[float, Tensor] = {}
    for size in _SIZES if sizes is None else _checked_sizes(sizes):
        sides = [max(1, round(side * size)) for side in own]
        if sides[0] <= limits[0] and sides[1] <= limits[1]:
            found[size] = patch if size == 1 else _resized(patch, sides)
        elif sizes is not None or size == 1:
            largest = min(limit / side for limit, side in zip(limits, own, strict=True))
            raise ArgumentError(
                f"patch of {own[0]} x {own[1]} px at size {size:g} is larger than the images "
                f"({limits[0]} x {limits[1]} px); pass sizes of at most {largest:.2g}"
            )
    return found


def _checked_sizes(sizes: Any) -> tuple[float, ...]:
    try:
        # A text has no float() of its own: "12" are no two sizes.
        found = tuple(size.__float__() for size in sizes)
    except (AttributeError, TypeError, ValueError, OverflowError):  # one number, or no number
        found = ()
    if not found or not all(math.isfinite(size) and size > 0 for size in found):
        raise ArgumentError(f"sizes={sizes!r:.80}: pass positive multiples, such as (0.5, 1, 2)")
    return found


def _resized(patch: Tensor, sides: list[int]) -> Tensor:
    return F.interpolate(patch[None], sides, mode="bilinear", antialias=True)[0]


def _corners(
    at: tuple[int, int] | None, places: Sequence[str], patch: Tensor, limits: tuple[int, int]
) -> dict[str, tuple[int, int]]:
    """Returns y and x of a patch's corner for each place."""
    down, across = (limit - side for limit, side in zip(limits, patch.shape[1:], strict=True))
    if at is not None:
        y, x = _checked_corner(at)
        if not (0 <= y <= down and 0 <= x <= across):
            raise ArgumentError(
                f"at={at!r}: a patch of {patch.shape[1]} x {patch.shape[2]} px lies outside of the "
                f"images there; pass y up to {down} and x up to {across}, or smaller sizes"
            )
        return {f"{y}, {x}": (y, x)}
    known = dict(
        zip(
            PLACES,
            [(0, 0), (0, across), (down, 0), (down, across), (down // 2, across // 2)],
            strict=True,
        )
    )
    if isinstance(places, str) or not places or not set(places) <= set(PLACES):
        raise ArgumentError(f"places={places!r:.80}: pass some of {PLACES}, or at=(y, x)")
    return {place: known[place] for place in places}


def _checked_corner(at: Any) -> tuple[int, int]:
    try:
        y, x = map(operator.index, at)
    except (TypeError, ValueError):  # not two, or no whole numbers
        raise ArgumentError(
            f"at={at!r:.80}: pass y and x of the patch's upper left corner as whole numbers, such "
            "as (0, 0)"
        ) from None
    return y, x


def _check_target(target: object, classes: int) -> None:
    whole = isinstance(target, (int, np.integer)) and not isinstance(target, bool)
    if not whole or not 0 <= target < classes:  # type: ignore[operator]
        raise ArgumentError(
            f"target={target!r:.40}: the model tells {classes} classes apart; pass a whole number "
            f"from 0 to {classes - 1}"
        )


def _still(patch: Tensor, corner: tuple[int, int]) -> Callable[[int], Cover]:
    return lambda _: (patch, *corner)


def _logits(model: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    answers = []
    with torch.no_grad():
        for batch in torch.split(images, limit_batch_size(batch_size, images, model)):
            output: Any = forward(model, as_input(batch, model))
            logits = get_logits(output, len(batch))
            if logits is None:
                raise ArgumentError(
                    f"{explain_missing_logits(output)}; patches are tested by the class that an "
                    "image is taken for, so pass a classifier, or wrap the model in a module that "
                    "gives one score for each class"
                )
            answers.append(logits.float().cpu())
    return torch.cat(answers)
