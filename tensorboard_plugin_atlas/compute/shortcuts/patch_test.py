# SPDX-License-Identifier: Apache-2.0
"""Causal tests of patches: flip rates of pasted patches and of controls.

A patch is pasted on images with another predicted class. The flip rate is the fraction of them that
is then predicted as the target class. Three controls are pasted at the same position: noise of the
patch's mean color, crops of images of other classes, and crops of images of the target class. They
show the effects of occlusion and of natural parts of the class. `patch_test` tests a patch of the
user, `measure_patch` a patch that was found.
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
from tensorboard_plugin_atlas.compute.model.model_interface import (
    Forward,
    call_model,
    check_interface,
    explain_missing_logits,
    get_logits,
    use_interface,
)
from tensorboard_plugin_atlas.compute.model.output_tensors import ReadOutput
from tensorboard_plugin_atlas.compute.model.preserve_state import as_input, limit_batch_size
from tensorboard_plugin_atlas.compute.probe.normalize import IDENTITY
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig, check_setting
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.short_repr import short_repr
from tensorboard_plugin_atlas.shortcut_record import FlipRates

Box = tuple[int, int, int, int]
"""y0, x0, y1, x1 in input pixels, end exclusive."""

POSITIONS: Final = ("top left", "top right", "bottom left", "bottom right", "middle")
"""Default positions of `patch_test`."""

_SIZES: Final = (0.5, 1.0, 1.5, 2.0)
_CONFIDENCE: Final = 0.95
_MAX_IMAGES: Final = 200
"""Largest number of images for one rate."""
_RANDOM_POSITION_IMAGES: Final = 100
_SCREENED_IMAGES: Final = 50
"""Images of a first screening, which rejects patches with far too low flip rates."""
_SCREENED_RATE: Final = 0.07
"""A patch with a flip rate of .25 is below this in one of 2,000 screenings."""


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class PatchRates(FlipRates):
    """Flip rates of a patch and of its controls, for a class.

    Attributes:
        target: Class that the patch is tested for.
        images: Number of images that it was pasted on; none was predicted as the target before.
    """

    target: int
    images: int


def difference_interval(
    first: float,
    second: float,
    count: int,
    second_count: int | None = None,
    *,
    confidence: float = _CONFIDENCE,
) -> tuple[float, float]:
    """Returns the confidence interval of the difference of two rates.

    Newcombe (1998), "Interval estimation for the difference between independent proportions",
    method 10: combines two Wilson intervals.

    Args:
        first: First rate.
        second: Second rate.
        count: Number of trials of the first rate.
        second_count: Number of trials of the second rate; `count` by default.
        confidence: Confidence level, between 0 and 1.
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
    """Evaluates a model on images with pasted patches.

    Use it inside `optimize_for_inference`, with the model that it yields.

    Attributes:
        model: In evaluation mode.
        images: (I, C, H, W) model inputs.
        predictions: (I,) int32: predicted class of each image.
        classes: K, the number of classes of the model.
        batch_size: Images per forward pass, fewer on the CPU if they are large.
    """

    model: nn.Module
    images: Tensor
    predictions: IntArray
    classes: int
    batch_size: int = 64

    @classmethod
    def prepare(cls, model: nn.Module, images: Tensor, batch_size: int = 64) -> PatchEvaluator:
        """Computes the predictions for the images.

        Raises:
            ArgumentError: if the model has no (images, classes) logits.
        """
        logits = _logits(model, images, batch_size)
        predictions = logits.argmax(dim=1).numpy().astype(np.int32)
        return cls(model, images, predictions, logits.shape[1], batch_size)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return int(self.images.shape[2]), int(self.images.shape[3])

    def crop(self, image: int, box: Box) -> Tensor:
        """Returns the (C, h, w) patch of an image in `box`."""
        y0, x0, y1, x1 = box
        return self.images[image, :, y0:y1, x0:x1]

    def logits(self, rows: NDArray[np.intp]) -> Tensor:
        """Returns the (n, K) logits of the images `rows` without a patch."""
        return _logits(self.model, self.images[torch.from_numpy(rows)], self.batch_size)

    def paste(self, patches: list[tuple[Tensor, int, int]], rows: NDArray[np.intp]) -> Tensor:
        """Returns the (P, n, K) logits of the images `rows` with each of P (patch, y, x)."""
        base = self.images[torch.from_numpy(rows)]
        batches = []
        for patch, y, x in patches:
            covered = base.clone()
            covered[:, :, y : y + patch.shape[1], x : x + patch.shape[2]] = patch
            batches.append(covered)
        logits = _logits(self.model, torch.cat(batches), self.batch_size)
        return logits.view(len(patches), len(rows), -1)

    def rate(self, rows: NDArray[np.intp], target: int, cover: Callable[[int], Cover]) -> float:
        """Returns the fraction of the images `rows` predicted as `target`, each with its own patch.

        Args:
            rows: Images.
            target: Index of the class.
            cover: Maps an index into `rows` to (patch, y, x).
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
    evaluator: PatchEvaluator,
    patch: Tensor,
    corner: tuple[int, int],
    target: int,
    rows: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    least: float = 0.0,
) -> PatchRates | None:
    """Measures the flip rates of a patch and of its controls.

    Args:
        evaluator: Model and images.
        patch: (C, h, w) model input.
        corner: y and x of its upper left corner.
        target: Index of the class.
        rows: Images to paste it on, none of them predicted as `target`.
        rng: Random generator for positions, noise and crops.
        least: Smallest flip rate of interest; below it, controls are not measured.

    Returns:
        All rates, or None below `least`. A control without images has the rate 0.
    """
    y, x = corner
    height, width = int(patch.shape[1]), int(patch.shape[2])
    box = (y, x, y + height, x + width)
    cover = _place_at(patch, corner)
    first = rows[: _SCREENED_IMAGES if least else len(rows)]
    rate = evaluator.rate(first, target, cover)
    if rate < min(least, _SCREENED_RATE):
        return None
    if rest := len(rows) - len(first):
        other = evaluator.rate(rows[len(first) :], target, cover)
        rate = (rate * len(first) + other * rest) / len(rows)
    if rate < least:
        return None
    is_target = evaluator.predictions == target
    noise = evaluator.rate(rows, target, _make_noise(evaluator, patch, corner, rng))
    return PatchRates(
        target=target,
        box=box,
        area=height * width / math.prod(evaluator.size),
        images=len(rows),
        flip_rate=rate,
        anywhere_flip_rate=evaluator.rate(
            rows[:_RANDOM_POSITION_IMAGES], target, _place_randomly(evaluator, patch, rng)
        ),
        noise_flip_rate=noise,
        other_flip_rate=_measure_crops(
            evaluator, box, rows, target, np.flatnonzero(~is_target), rng
        ),
        same_flip_rate=_measure_crops(evaluator, box, rows, target, np.flatnonzero(is_target), rng),
        interval=difference_interval(rate, noise, len(rows)),
    )


def _place_randomly(
    evaluator: PatchEvaluator, patch: Tensor, rng: np.random.Generator
) -> Callable[[int], Cover]:
    down, across = (
        limit - side + 1 for limit, side in zip(evaluator.size, patch.shape[1:], strict=True)
    )
    return lambda _: (patch, int(rng.integers(down)), int(rng.integers(across)))


def _make_noise(
    evaluator: PatchEvaluator, patch: Tensor, corner: tuple[int, int], rng: np.random.Generator
) -> Callable[[int], Cover]:
    """Returns noise with the mean color of the patch and the standard deviation of the images.

    With its own standard deviation, a flat patch would be copied exactly.
    """
    some = evaluator.images[:: max(1, len(evaluator.images) // 200)]
    spread = some.std(dim=(0, 2, 3)).view(-1, 1, 1)
    low, high = some.amin(dim=(0, 2, 3)).view(-1, 1, 1), some.amax(dim=(0, 2, 3)).view(-1, 1, 1)
    mean = patch.mean(dim=(1, 2), keepdim=True)

    def cover(_number: int) -> Cover:
        sampled = torch.from_numpy(rng.standard_normal(tuple(patch.shape), np.float32))
        return (mean + sampled * spread).clamp(low, high), *corner

    return cover


def _measure_crops(
    evaluator: PatchEvaluator,
    box: Box,
    rows: NDArray[np.intp],
    target: int,
    pool: NDArray[np.intp],
    rng: np.random.Generator,
) -> float:
    if not len(pool):
        return 0.0
    sampled = rng.choice(pool, len(rows))
    return evaluator.rate(
        rows, target, lambda number: (evaluator.crop(int(sampled[number]), box), *box[:2])
    )


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class PatchTest(PatchRates):
    """Flip rates of a user's patch by size and position, and of its controls.

    `rates` is measured on one half of the images. The best size and position are measured again on
    the other half, because the maximum of many rates is biased; the other rates are from there.

    Attributes:
        sizes: (S,) sizes that were tried, as multiples of the patch's own size.
        positions: (P,) names of the positions that were tried.
        rates: (S, P) float32: fraction of images predicted as the target.
        size: The best size.
        position: The best position.
    """

    sizes: tuple[float, ...]
    positions: tuple[str, ...]
    rates: FloatArray
    size: float
    position: str


def patch_test(
    model: nn.Module,
    patch: Any,
    images: Any,
    target: int,
    *,
    at: tuple[int, int] | None = None,
    sizes: Sequence[float] | None = None,
    positions: Sequence[str] = POSITIONS,
    normalize: Any = None,
    seed: int = 0,
    output: ReadOutput | None = None,
    forward: Forward | None = None,
    prototypes: Tensor | NDArray[Any] | str | None = None,
) -> PatchTest:
    """Pastes a patch on images and measures how many the model then predicts as a class.

    Only images with another predicted class are used: at most 200 to find the best size and
    position, and 200 others to measure these.

    Args:
        model: An image classifier on any device and in any mode; its state is not changed.
        patch: (h, w, 3) uint8 RGB image, or (C, h, w) float model input.
        images: Dataset, DataLoader, (images, labels) or images, preprocessed as for the model; at
            most 1,000 are sampled. Labels are not used.
        target: Index of the class.
        at: y and x of the patch's upper left corner; replaces `positions`.
        sizes: Multiples of the patch's own size. By default 0.5, 1, 1.5 and 2, as far as they fit
            into the images.
        positions: Some of "top left", "top right", "bottom left", "bottom right" and "middle".
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; taken from the
            dataset's transforms by default.
        seed: Seed of the sampled images, random positions and noise.
        output: As for `compute_atlas`.
        forward: As for `compute_atlas`.
        prototypes: As for `compute_atlas`.

    Raises:
        ArgumentError: if an argument cannot be used, the patch is larger than the images, the model
            has no (images, classes) logits, or fewer than two images have another prediction.
    """
    seed = check_setting("seed", seed, "seed")
    is_pixels = not (isinstance(patch, Tensor) and patch.is_floating_point())
    known = IDENTITY if normalize is None and not is_pixels else normalize
    probe = build_probe(images, config=AtlasConfig(samples=1000, seed=seed), normalize=known)
    pasted = as_patch(patch, probe)
    scaled = _scale_patch(pasted, sizes, probe.input_size)
    interface = check_interface(
        model, probe, output=output, forward=forward, prototypes=prototypes
    ).without_labels()
    with use_interface(interface), optimize_for_inference(model, probe.images) as quick:
        evaluator = PatchEvaluator.prepare(quick, probe.images[:])
        _check_target(target, evaluator.classes)
        corners = [_corners(at, positions, one, evaluator.size) for one in scaled.values()]
        rng = np.random.default_rng([seed, 3])
        others = rng.permutation(np.flatnonzero(evaluator.predictions != target))
        first, second = (half[:_MAX_IMAGES] for half in np.array_split(others, 2))
        if not len(second):
            raise ArgumentError(
                f"target={target}: the model predicts it for {len(probe.images) - len(others)} of "
                f"{len(probe.images)} images; pass at least two images of other classes"
            )
        found = [
            [
                evaluator.rate(first, target, _place_at(one, corner))
                for corner in corners_of_size.values()
            ]
            for one, corners_of_size in zip(scaled.values(), corners, strict=True)
        ]
        rates = np.array(found, np.float32)
        row, col = np.unravel_index(int(rates.argmax()), rates.shape)
        size, position = list(scaled)[row], list(corners[row])[col]
        best = measure_patch(evaluator, scaled[size], corners[row][position], target, second, rng)
    assert best is not None  # noqa: S101 - no rate is below 0
    names = tuple(corners[row])
    return PatchTest(
        **vars(best),
        sizes=tuple(scaled),
        positions=names,
        rates=rates,
        size=size,
        position=position,
    )


def as_patch(patch: Any, probe: Probe) -> Tensor:
    """Returns a patch as model input, (C, h, w) float32.

    Args:
        patch: (h, w, 3) uint8 RGB image, or (C, h, w) float model input.
        probe: Images that it will be pasted on.

    Raises:
        ArgumentError: if it is neither, or its channels do not match the images.
    """
    channels = int(probe.images.shape[1])
    wanted = (
        f"pass an RGB image of shape (height, width, 3) and dtype uint8, or a float tensor of "
        f"shape ({channels}, height, width), normalized like the images"
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
    except (TypeError, ValueError):  # not numbers, or a ragged array
        raise ArgumentError(f"patch={patch!r:.80}: {wanted}") from None


def _scale_patch(
    patch: Tensor, sizes: Sequence[float] | None, limits: tuple[int, int]
) -> dict[float, Tensor]:
    """Returns the patch at each size."""
    own = (int(patch.shape[1]), int(patch.shape[2]))
    found: dict[float, Tensor] = {}
    for size in _SIZES if sizes is None else _check_sizes(sizes):
        sides = [max(1, round(side * size)) for side in own]
        if sides[0] <= limits[0] and sides[1] <= limits[1]:
            found[size] = patch if size == 1 else _resize_patch(patch, sides)
        elif sizes is not None or size == 1:
            largest = min(limit / side for limit, side in zip(limits, own, strict=True))
            raise ArgumentError(
                f"patch of {own[0]} x {own[1]} px at size {size:g} is larger than the images "
                f"({limits[0]} x {limits[1]} px); pass sizes of at most {largest:.2g}"
            )
    return found


def _check_sizes(sizes: Any) -> tuple[float, ...]:
    try:
        # A str has no __float__: "12" does not mean two sizes.
        found = tuple(size.__float__() for size in sizes)
    except (
        AttributeError,
        TypeError,
        ValueError,
        OverflowError,
    ):  # a single number, or not a number
        found = ()
    if not found or not all(math.isfinite(size) and size > 0 for size in found):
        raise ArgumentError(f"sizes={sizes!r:.80}: pass positive multiples, such as (0.5, 1, 2)")
    return found


def _resize_patch(patch: Tensor, sides: list[int]) -> Tensor:
    return F.interpolate(patch[None], sides, mode="bilinear", antialias=True)[0]


def _corners(
    at: tuple[int, int] | None, positions: Sequence[str], patch: Tensor, limits: tuple[int, int]
) -> dict[str, tuple[int, int]]:
    """Returns y and x of the patch's upper left corner for each position."""
    down, across = (limit - side for limit, side in zip(limits, patch.shape[1:], strict=True))
    if at is not None:
        y, x = _check_corner(at)
        if not (0 <= y <= down and 0 <= x <= across):
            raise ArgumentError(
                f"at={at!r}: a patch of {patch.shape[1]} x {patch.shape[2]} px does not fit there; "
                f"pass y up to {down} and x up to {across}, or smaller sizes"
            )
        return {f"{y}, {x}": (y, x)}
    known = dict(
        zip(
            POSITIONS,
            [(0, 0), (0, across), (down, 0), (down, across), (down // 2, across // 2)],
            strict=True,
        )
    )
    if isinstance(positions, str) or not positions or not set(positions) <= set(POSITIONS):
        raise ArgumentError(f"positions={positions!r:.80}: pass some of {POSITIONS}, or at=(y, x)")
    return {position: known[position] for position in positions}


def _check_corner(at: Any) -> tuple[int, int]:
    try:
        y, x = map(operator.index, at)
    except (TypeError, ValueError):  # not two numbers, or not integers
        raise ArgumentError(
            f"at={at!r:.80}: pass y and x of the patch's upper left corner as whole numbers, such "
            "as (0, 0)"
        ) from None
    return y, x


def _check_target(target: object, classes: int) -> None:
    whole = isinstance(target, (int, np.integer)) and not isinstance(target, bool)
    if not whole or not 0 <= target < classes:  # type: ignore[operator]
        raise ArgumentError(
            f"target={target!r:.40}: the model has {classes} classes; pass a whole number "
            f"from 0 to {classes - 1}"
        )


def _place_at(patch: Tensor, corner: tuple[int, int]) -> Callable[[int], Cover]:
    return lambda _: (patch, *corner)


def _logits(model: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    found = []
    with torch.no_grad():
        for batch in torch.split(images, limit_batch_size(batch_size, images, model)):
            output: Any = call_model(model, as_input(batch, model))
            logits = get_logits(output, len(batch))
            if logits is None:
                raise ArgumentError(
                    f"{explain_missing_logits(output)}; a patch test needs predicted classes: "
                    "pass a classifier, or wrap the model in a module that returns one score "
                    "per class"
                )
            found.append(logits.float().cpu())
    return torch.cat(found)
