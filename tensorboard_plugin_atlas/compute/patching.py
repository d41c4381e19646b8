# SPDX-License-Identifier: Apache-2.0
"""Does a patch change what a network says? A causal test with controls, in rates of images.

A patch is pasted over images that the network takes for something else, and the share that it now
takes for the target class is the flip rate. The same is done with three controls at the same place:
noise of the patch's mean colour, natural patches of images of other classes, and natural patches
of images of the target class. What covers an image alone, or belongs to any picture of the class,
shows in them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import IntArray
from tensorboard_plugin_atlas.compute.outputs import describe, forward, logits_of
from tensorboard_plugin_atlas.compute.quiet import as_input
from tensorboard_plugin_atlas.errors import ArgumentError

Box = tuple[int, int, int, int]
"""y0, x0, y1, x1 in input pixels, end exclusive."""

_CONFIDENCE: Final = 0.95


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchTest:
    """What a patch does to images that the network takes for something else.

    Attributes:
        target: Class that the patch is tested for.
        box: Where it was pasted: y0, x0, y1, x1 in input pixels.
        area: Share of the image that it covers.
        images: Images that it was pasted on, none of them taken for the target before.
        flip_rate: Share of them that are taken for the target with the patch at `box`.
        anywhere_flip_rate: The same with the patch at places drawn at random.
        noise_flip_rate: The same with noise of the patch's mean colour at `box`.
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
    first: float, second: float, count: int, *, confidence: float = _CONFIDENCE
) -> tuple[float, float]:
    """Returns the interval of the difference of two rates, each of `count` trials.

    Newcombe (1998), "Interval estimation for the difference between independent proportions",
    method 10: the two Wilson intervals, put together by squares.
    """
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    (low1, high1), (low2, high2) = (_wilson(rate, count, z) for rate in (first, second))
    return (
        first - second - math.hypot(first - low1, high2 - second),
        first - second + math.hypot(high1 - first, second - low2),
    )


def _wilson(rate: float, count: int, z: float) -> tuple[float, float]:
    scale = 1 + z * z / count
    centre = (rate + z * z / (2 * count)) / scale
    reach = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count)) / scale
    return centre - reach, centre + reach


@dataclass(frozen=True, eq=False)
class PatchBench:
    """Images, what the model takes them for, and patches pasted on them.

    To be used inside `undisturbed`, with the model that it yields.

    Attributes:
        model: In evaluation mode.
        images: (I, C, H, W) as the model takes them.
        logits: (I, K) float32 of them, on the CPU.
        batch_size: Images per forward pass.
    """

    model: nn.Module
    images: Tensor
    logits: Tensor
    batch_size: int = 256

    @classmethod
    def prepare(cls, model: nn.Module, images: Tensor, batch_size: int = 256) -> PatchBench:
        """Asks the model what it takes the images for.

        Raises:
            ArgumentError: if it gives no (images, classes) logits.
        """
        return cls(model, images, _logits(model, images, batch_size), batch_size)

    @property
    def predictions(self) -> IntArray:
        """(I,) int32: what each image is taken for."""
        return self.logits.argmax(dim=1).numpy().astype(np.int32)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return int(self.images.shape[2]), int(self.images.shape[3])

    def cut(self, image: int, box: Box) -> Tensor:
        """Returns the (C, h, w) patch of an image in `box`."""
        y0, x0, y1, x1 = box
        return self.images[image, :, y0:y1, x0:x1]

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
        return float((logits.argmax(dim=1) == target).float().mean())


Cover = tuple[Tensor, int, int]
"""A (C, h, w) patch and the y and x of its corner."""


def measure_patch(
    bench: PatchBench,
    patch: Tensor,
    corner: tuple[int, int],
    target: int,
    rows: NDArray[np.intp],
    rng: np.random.Generator,
    *,
    hopeless: float = 0.0,
) -> PatchTest:
    """Measures what a patch does, and what its controls do.

    Args:
        bench: Images and model.
        patch: (C, h, w) as the model takes images.
        corner: y and x where it is pasted.
        target: The class.
        rows: Images to paste it on, none of them taken for `target`.
        rng: Draws places, noise and natural patches.
        hopeless: Below this flip rate the controls are not measured, and stand at 1.

    Returns:
        All rates. A control without images to draw from is 0.
    """
    y, x = corner
    height, width = int(patch.shape[1]), int(patch.shape[2])
    box = (y, x, y + height, x + width)
    rate = bench.rate(rows, target, lambda _: (patch, y, x))
    controls = (1.0, 1.0, 1.0, 1.0)
    if rate >= hopeless:
        predicted = bench.predictions
        controls = (
            bench.rate(rows, target, _anywhere(bench, patch, rng)),
            bench.rate(rows, target, _noise(bench, patch, corner, rng)),
            _natural(bench, box, rows, target, np.flatnonzero(predicted != target), rng),
            _natural(bench, box, rows, target, np.flatnonzero(predicted == target), rng),
        )
    anywhere, noise, other, same = controls
    return PatchTest(
        target=target,
        box=box,
        area=height * width / math.prod(bench.size),
        images=len(rows),
        flip_rate=rate,
        anywhere_flip_rate=anywhere,
        noise_flip_rate=noise,
        other_flip_rate=other,
        same_flip_rate=same,
        interval=difference_interval(rate, noise, len(rows)),
    )


def _anywhere(bench: PatchBench, patch: Tensor, rng: np.random.Generator) -> Callable[[int], Cover]:
    down, across = (
        limit - side + 1 for limit, side in zip(bench.size, patch.shape[1:], strict=True)
    )
    return lambda _: (patch, int(rng.integers(down)), int(rng.integers(across)))


def _noise(
    bench: PatchBench, patch: Tensor, corner: tuple[int, int], rng: np.random.Generator
) -> Callable[[int], Cover]:
    """Returns noise of the patch's mean colour and the *images'* spread.

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
    bench: PatchBench,
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


def _logits(model: nn.Module, images: Tensor, batch_size: int) -> Tensor:
    answers = []
    with torch.no_grad():
        for batch in torch.split(images, batch_size):
            output: Any = forward(model, as_input(batch, model))
            logits = logits_of(output)
            if logits is None:
                raise ArgumentError(
                    f"model gives {describe(output)}, not (images, classes) logits; patches are "
                    "tested by the class that an image is taken for, so pass a classifier"
                )
            answers.append(logits.float().cpu())
    return torch.cat(answers)
