# SPDX-License-Identifier: Apache-2.0
"""Feature inversion: optimizes images until a layer's activation points in a given direction.

The method is normalized gradient ascent on Fourier coefficients in units of natural images
(`fourier_image`). Only the direction of each image's gradient counts, so all images of a batch use
one step size. Coefficients never exceed natural energy, images start small and are enlarged, and
high frequencies are added late.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.compute.icons.fourier_image import (
    get_color_matrix,
    get_frequencies,
    to_coefficients,
    to_gradient,
    to_latent,
    to_latent_of_coefficients,
    to_pixels,
)
from tensorboard_plugin_atlas.compute.icons.icon_network import Views
from tensorboard_plugin_atlas.compute.icons.image_operations import shift_images
from tensorboard_plugin_atlas.compute.icons.post_processing import PostProcessing
from tensorboard_plugin_atlas.compute.probe.patches import Shape

FIDELITIES = ("preview", "inversion", "poster")
"""Kinds of optimized icons, the cheapest first."""

_TINY = 1e-12
_MARGIN, _SMALL_FIELD = 4 / 3, 48
# Above this stride one position covers objects rather than parts, and needs larger tiles.
_DEEP_STRIDE = 16
_DEEP_SIDE, _SIDE, _SMALLEST_ZOOMED = 128, 96, 64
# Up to this side 0.7 of it would hold no more than an edge, and all steps are cheap.
_TINY_SIDE = 16


@dataclass(frozen=True)
class _Plan:
    """Optimization steps at each fraction of the final side, for each kind of layer.

    Attributes:
        full_size: Steps where the image has the model's input size, or is no larger than 16 px.
        small: Shares and steps for larger tiles below 64 px.
        zoomed: Shares and steps for strides up to 16.
        deep: Shares and steps for larger strides.
        side: Largest side of an image for strides up to 16, before the shares.
        skipped_share: Share of the residual branches that each step skips, for larger strides. It
            helps only with many steps.
        averaged_steps: Number of last steps whose mean is the image, for larger strides.
        finish: Post-processing for larger strides.
    """

    full_size: int
    small: tuple[tuple[float, int], ...]
    zoomed: tuple[tuple[float, int], ...]
    deep: tuple[tuple[float, int], ...]
    side: int = _SIDE
    skipped_share: float = 0.0
    averaged_steps: int = 1
    finish: PostProcessing = field(
        default_factory=lambda: PostProcessing(
            least_gain=1.0, most_gain=1.4, chroma=1.2, sharpen=0.4
        )
    )


# Each was measured on a whole atlas. A preview costs about a quarter of an inversion. A poster
# costs six times as much in the middle of a network and 2.5 times as much at its end.
_PLANS = {
    "preview": _Plan(5, ((0.7, 4),), ((0.5, 6),), ((0.5, 8), (0.75, 2))),
    "inversion": _Plan(
        16,
        ((0.7, 8), (1.0, 4)),
        ((0.5, 9), (1.0, 4)),
        ((0.5, 14), (0.75, 10), (1.0, 6)),
    ),
    "poster": _Plan(
        32,
        ((0.7, 12), (1.0, 16)),
        ((0.5, 12), (0.75, 12), (1.0, 16)),
        ((0.5, 20), (0.75, 34), (1.0, 18)),
        side=_DEEP_SIDE,
        skipped_share=0.22,
        averaged_steps=13,
        # After more steps the image needs less post-processing.
        finish=PostProcessing(least_gain=1.0, most_gain=1.2, chroma=1.1, sharpen=0.25),
    ),
}


# Side of a window in patches, and steps. Measured on DINOv2-S/14 at 224 px: 7 x 7 patches have a
# higher cosine in the whole network than a whole image, at a fifth of the cost.
_WINDOWS: Final = {"preview": (5, 12), "inversion": (7, 12), "poster": (7, 24)}


@dataclass(frozen=True)
class Stage:
    """Optimization steps at one size of the image.

    Attributes:
        shape: Height and width in pixels.
        steps: Number of steps.
    """

    shape: Shape
    steps: int


@dataclass(frozen=True, kw_only=True)
class InversionSettings:
    """The hyperparameters of feature inversion; `choose_settings` chooses them for a layer.

    Attributes:
        stages: Sizes and steps, smallest first.
        rate: Length of the first step per pixel of the image's side, in natural coefficients.
        decay: The step length falls as the share of remaining steps to this power.
        power: The objective is dot product x cosine^power, as in "Activation Atlas" (Carter et al.
            2019), with both norms.
        cosine_floor: Below this cosine the objective is the dot product alone.
        energy_cap: Largest root mean square coefficient, relative to a natural image.
        gradient_exponent: Each gradient coefficient G becomes G |G|^-exponent, which equalizes
            frequencies.
        constant_gradient: Factor on the gradient of the mean color.
        start_members: Number of members whose mean patch is the starting image, at most `NEAREST`
            of `targets`. With more the start is gray, with fewer it is a photograph.
        start_detail: Factor on everything but the mean color of the starting image, so that the
            icon keeps no trace of a photograph.
        start_constant: Factor on the mean color of the starting image.
        start_noise: Standard deviation of the noise added at the start, in natural coefficients.
        views: Which positions of the layer's map to read.
        damping: Factor on the gradient of residual branches.
        skipped_share: Share of the residual branches that each step skips; see `StochasticDepth`.
        averaged_steps: Number of last steps whose mean is the image, at most those of the last
            stage. It averages over the branches that the steps skipped.
        jitter: Largest random shift of a step, as a share of the side.
        first_frequency: Cut-off of the gradient's low-pass filter in the first step, cycles per px.
        last_frequency: The cut-off after `frequency_ramp`.
        frequency_ramp: Share of all steps over which the cut-off rises geometrically.
        warm_share: Steps after a warm start, as a share of all steps; see `warm_steps`.
        warm_from: The first step after a warm start is as long as the step with this share of all
            steps remaining.
        isotropy: Of the natural spectrum; see `fourier_image.measure_spectrum`.
        batch: Images optimized at once.
        finish: Post-processing.
    """

    stages: tuple[Stage, ...]
    rate: float = 0.1
    decay: float = 1.0
    power: int = 4
    cosine_floor: float = 0.1
    energy_cap: float = 1.0
    gradient_exponent: float = 0.5
    constant_gradient: float = 0.6
    start_members: int = 6
    start_detail: float = 0.35
    start_constant: float = 0.8
    start_noise: float = 0.05
    views: Views = field(default_factory=Views)
    damping: float = 0.7
    skipped_share: float = 0.0
    averaged_steps: int = 1
    jitter: float = 0.02
    first_frequency: float = 0.25
    last_frequency: float = 0.5
    frequency_ramp: float = 0.3
    warm_share: float = 0.25
    warm_from: float = 0.5
    isotropy: float = 1.0
    batch: int = 16
    finish: PostProcessing = field(default_factory=PostProcessing)

    @property
    def shape(self) -> Shape:
        """Height and width of the final image."""
        return self.stages[-1].shape

    @property
    def steps(self) -> int:
        """Number of steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def warm_steps(self) -> int:
        """Number of steps after a warm start from the icon of an earlier atlas.

        Fewer than three do not follow a network that learns fast. Larger images take at most the
        steps of the last stage, which cost most.
        """
        count = max(3, math.ceil(self.warm_share * self.steps))
        return min(count, self.steps if self._is_small else self.stages[-1].steps)

    @property
    def _is_small(self) -> bool:
        return max(self.shape) < _SMALLEST_ZOOMED


def choose_settings(
    *,
    stride: int,
    side: int,
    input_shape: Shape,
    is_full_size: bool,
    fidelity: str = "inversion",
    steps: int | None = None,
) -> InversionSettings:
    """Chooses the hyperparameters for a layer.

    Args:
        stride: Input pixels per position of the layer's map.
        side: Side of a tile that holds the receptive field; see `choose_tile_side`.
        input_shape: Height and width of the model's input.
        is_full_size: Whether the network runs on full-size inputs only.
        fidelity: One of `FIDELITIES`.
        steps: Number of steps, or None for the measured default.

    Returns:
        One stage for full-size inputs and tiny tiles, else several of growing size. An inversion
        ends at 96 px where the tile is that large, and at 128 px for strides above 16, as a poster
        always does. A preview stops after the first sizes.
    """
    plan = _PLANS[fidelity]
    deep = stride > _DEEP_STRIDE and side >= _SMALLEST_ZOOMED
    if is_full_size:
        deep = max(input_shape) >= _DEEP_SIDE
        stages: tuple[Stage, ...] = (Stage(input_shape, plan.full_size),)
    else:
        stages = _make_stages(plan, side, stride=stride, deep=deep)
    if steps is not None:
        stages = _distribute_steps(stages, steps)
    # The maps of more images at once do not fit into the cache.
    batch = 16 if max(stages[-1].shape) >= _SIDE else 32
    if deep:
        return InversionSettings(
            stages=stages,
            rate=0.06,
            decay=0.5,
            gradient_exponent=0.4,
            views=Views(separately=True, surround=1.0),
            damping=0.4,
            skipped_share=plan.skipped_share,
            averaged_steps=plan.averaged_steps,
            constant_gradient=0.4,
            # With tiles, the icon keeps no trace of the patches; full-size images were not tested.
            start_members=6 if is_full_size else 3,
            start_detail=0.35 if is_full_size else 0.7,
            start_constant=0.7,
            start_noise=0.08,
            first_frequency=0.15,
            isotropy=0.5,
            batch=batch,
            finish=plan.finish,
        )
    # A few pixels hold no texture that could look gray, and post-processing lowers the cosine more.
    # There is no room to shift, either: a tile is just as large as the receptive field.
    if (max(input_shape) if is_full_size else side) < _SMALLEST_ZOOMED:
        finish = PostProcessing(most_gain=1.3, chroma=1.15, sharpen=0.25)
        one_size = is_full_size or side <= _TINY_SIDE
        rate, jitter = (0.125, 1 / 24) if one_size else (0.15, 0.0)
        # The layer sees a small part of a tile, so steps are cheap (see `crop_program`). With this
        # many, an icon has the same cosine after a warm start as after a cold start.
        warm_share, warm_from = (0.25, 0.5) if is_full_size else (0.55, 0.65)
        return InversionSettings(
            stages=stages,
            rate=rate,
            jitter=jitter,
            warm_share=warm_share,
            warm_from=warm_from,
            batch=batch,
            finish=finish,
        )
    return InversionSettings(stages=stages, views=Views(surround=0.5), batch=batch)


def choose_window_settings(
    *, patch: int, grid: Shape, fidelity: str = "inversion", steps: int | None = None
) -> InversionSettings:
    """Chooses the hyperparameters for a window of a transformer's patches.

    Args:
        patch: Side of a patch in pixels.
        grid: Rows and columns of patches in an image.
        fidelity: One of `FIDELITIES`.
        steps: Number of steps, or None for the measured default.

    Returns:
        One stage with a window of 7 x 7 patches, or 5 x 5 for a preview; at most about half of the
        image's side. Otherwise they are the settings of a whole image.
    """
    whole = choose_settings(
        stride=patch,
        side=min(grid) * patch,
        input_shape=(grid[0] * patch, grid[1] * patch),
        is_full_size=True,
    )
    patches, default = _WINDOWS[fidelity]
    # An odd number, so that one patch is in the center.
    side = min(patches, (min(grid) + 2) // 4 * 2 + 1) * patch
    return dataclasses.replace(whole, stages=(Stage((side, side), steps or default),), batch=16)


def choose_tile_side(*, stride: int, receptive_size: int, input_shape: Shape) -> int:
    """Returns the side of a square tile around the receptive field, a multiple of the stride.

    It is never larger than the input's shorter side, and at least three strides and 8 px where that
    fits. A small effective field is enlarged by a third, since it leaves out a tenth of the
    gradient.
    """
    limit = min(input_shape)
    field = receptive_size * (_MARGIN if receptive_size < _SMALL_FIELD else 1)
    side = math.ceil(max(field, 3 * stride, 8) / stride) * stride
    largest = limit // stride * stride or limit
    return min(side, largest)


def _make_stages(plan: _Plan, side: int, *, stride: int, deep: bool) -> tuple[Stage, ...]:
    shares = plan.deep if deep else plan.zoomed
    if side <= _TINY_SIDE:
        shares = ((1.0, plan.full_size),)
    elif side < _SMALLEST_ZOOMED:
        shares = plan.small
    largest = min(side, _DEEP_SIDE if deep else plan.side)
    return tuple(
        Stage((s, s), steps)
        for share, steps in shares
        for s in [math.ceil(largest * share / stride) * stride]
    )


def _distribute_steps(stages: tuple[Stage, ...], steps: int) -> tuple[Stage, ...]:
    """Distributes `steps` over the stages in proportion; leaves out early stages that get none."""
    total, done = sum(stage.steps for stage in stages), 0
    shared: list[Stage] = []
    for stage in reversed(stages):
        share = math.ceil(stage.steps * steps / total)
        share = steps - done if stage is stages[0] else min(share, steps - done)
        shared.append(Stage(stage.shape, share))
        done += share
    return tuple(stage for stage in reversed(shared) if stage.steps)


@dataclass(frozen=True, eq=False)
class ViewTargets:
    """The target directions of a batch of images, one per view.

    Attributes:
        directions: (B, P, F) float32 of length 1 or 0: the target in each of P views.
        weights: (P, 1) float32: weight of each view.
    """

    directions: Tensor
    weights: Tensor

    @classmethod
    def from_vectors(cls, vectors: Tensor, weights: Tensor | None = None) -> ViewTargets:
        """Normalizes vectors of any length, (B, P, F); without weights all views have weight 1."""
        if weights is None:
            weights = vectors.new_ones(vectors.shape[1], 1)
        return cls(F.normalize(vectors, dim=2, eps=_TINY), weights)

    def to(self, device: torch.device) -> ViewTargets:
        """Returns the targets on a device."""
        return ViewTargets(self.directions.to(device), self.weights.to(device))


@dataclass(frozen=True, eq=False)
class Inverter:
    """Optimizes batches of images for one layer.

    Attributes:
        compute_activations: Takes pixels (B, C, h, w) in [0, 1] and the number of the step; returns
            the layer's centered activations in P views, (B, P, F).
        spectra: Natural spectrum for the shape of each stage.
        settings: The hyperparameters.
        seed: Seed of the shifts, which all images of a step share.
    """

    compute_activations: Callable[[Tensor, int], Tensor]
    spectra: Mapping[Shape, Tensor]
    settings: InversionSettings
    seed: int = 0

    def invert(self, targets: Mapping[Shape, ViewTargets], starts: Tensor, noise: Tensor) -> Tensor:
        """Returns images whose activations point in the target directions, before post-processing.

        Args:
            targets: The targets of B images at the shape of each stage.
            starts: (B, C, h, w) pixels of the first stage's shape.
            noise: (B, C, h, w) standard normal.

        Returns:
            (B, C, H, W) float32 in (0, 1), of the last stage's shape. An image without a gradient,
            as in a dead layer, becomes noise with a natural spectrum.
        """
        color = get_color_matrix(starts.shape[1]).to(starts.device)
        shifts = torch.Generator().manual_seed(self.seed)
        coefficients = self._make_start(to_latent(starts, color), noise)
        shape, left = self.settings.stages[0].shape, self.settings.steps
        averaged = min(self.settings.averaged_steps, self.settings.stages[-1].steps)
        mean = coefficients
        for stage in self.settings.stages:
            if stage.shape != shape:
                coefficients = self._enlarge(coefficients, shape, stage.shape)
                shape = stage.shape
            for _ in range(stage.steps):
                done = self.settings.steps - left
                coefficients = self._step(coefficients, shape, targets[shape], color, done, shifts)
                left -= 1
                if left >= averaged - 1:
                    mean = coefficients
                else:
                    mean = mean + (coefficients - mean) / (averaged - left)
        return self._to_images(mean, shape, color)

    def continue_from(self, images: Tensor, targets: Mapping[Shape, ViewTargets]) -> Tensor:
        """Optimizes earlier results of `invert` for targets that changed a little.

        Args:
            images: (B, C, H, W) pixels, as `invert` returned them for the same cells in an
                earlier atlas.
            targets: As for `invert`; only those of the last stage are used.

        Returns:
            The images after `settings.warm_steps` steps. The steps are as long as the last steps of
            `invert`, from `settings.warm_from` on: longer ones destroy more than so few can
            restore.
        """
        shape, steps, count = self.settings.shape, self.settings.steps, self.settings.warm_steps
        color = get_color_matrix(images.shape[1]).to(images.device)
        shifts = torch.Generator().manual_seed(self.seed)
        coefficients = to_coefficients(to_latent(images, color), self.spectra[shape])
        left = (self.settings.warm_from * steps * k / count for k in range(count, 0, -1))
        for done in (steps - max(1, round(remaining)) for remaining in left):
            coefficients = self._step(coefficients, shape, targets[shape], color, done, shifts)
        return self._to_images(coefficients, shape, color)

    def _to_images(self, coefficients: Tensor, shape: Shape, color: Tensor) -> Tensor:
        latent = to_latent_of_coefficients(coefficients, self.spectra[shape], shape)
        return to_pixels(latent, color)

    def _make_start(self, latent: Tensor, noise: Tensor) -> Tensor:
        settings = self.settings
        spectrum = self.spectra[settings.stages[0].shape]
        coefficients = to_coefficients(latent, spectrum)
        constant = coefficients[:, :, 0, 0].clone()
        coefficients = coefficients * settings.start_detail
        coefficients[:, :, 0, 0] = constant
        coefficients += settings.start_noise * torch.fft.rfft2(noise, norm="ortho")
        coefficients[:, :, 0, 0] *= settings.start_constant
        return coefficients

    def _enlarge(self, coefficients: Tensor, old: Shape, new: Shape) -> Tensor:
        latent = to_latent_of_coefficients(coefficients, self.spectra[old], old)
        latent = F.interpolate(latent, size=new, mode="bicubic", align_corners=False)
        return to_coefficients(latent, self.spectra[new])

    def _step(
        self,
        coefficients: Tensor,
        shape: Shape,
        targets: ViewTargets,
        color: Tensor,
        done: int,
        shifts: torch.Generator,
    ) -> Tensor:
        settings, spectrum = self.settings, self.spectra[shape]
        pixels = self._to_images(coefficients, shape, color).requires_grad_()
        reach = [round(side * settings.jitter) for side in shape]
        down, right = (
            int(torch.randint(-r, r + 1, (), generator=shifts, device="cpu")) for r in reach
        )
        activations = self.compute_activations(shift_images(pixels, down, right), done)
        ascent = _get_ascent_direction(
            activations.detach(), targets.directions, settings.power, settings.cosine_floor
        )
        slope = _compute_gradient(activations, ascent * targets.weights, pixels)
        gradient = to_gradient(slope, pixels.detach(), color, spectrum)
        # An image that activates no ReLU has no gradient; it gets a random step of full length.
        stuck = (slope.flatten(1) == 0).all(1).view(-1, 1, 1, 1)
        left: Tensor | float = (1 - done / settings.steps) ** settings.decay
        if stuck.any():
            gradient = torch.where(stuck, self._make_random_step(coefficients, done), gradient)
            left = torch.where(stuck, 1.0, left).float()
        gradient = self._condition(gradient, shape, done / settings.steps)
        moved = coefficients + settings.rate * max(shape) * left * gradient
        capped: Tensor = moved * (settings.energy_cap / (_get_energy(moved) + _TINY)).clamp(max=1.0)
        return capped

    def _make_random_step(self, coefficients: Tensor, done: int) -> Tensor:
        """Returns a random direction (1, C, h, w // 2 + 1), the same for every image."""
        # A separate generator, so that the other images of a batch do not depend on it.
        generator = torch.Generator().manual_seed(self.seed + done)
        size = (*coefficients.shape[1:], 2)
        parts = torch.randn(size, generator=generator, dtype=torch.float32, device="cpu")
        return torch.view_as_complex(parts)[None].to(coefficients.device)

    def _condition(self, gradient: Tensor, shape: Shape, time: float) -> Tensor:
        """Equalizes, low-passes and normalizes the gradient of each image."""
        settings = self.settings
        power = _get_power(gradient)
        power /= power.amax((1, 2, 3), keepdim=True) + _TINY
        low, high = settings.first_frequency, settings.last_frequency
        limit = low * (high / low) ** min(1.0, time / settings.frequency_ramp)
        kept = 1 / (1 + (get_frequencies(shape).to(power) / limit) ** 4)
        kept[0, 0] *= settings.constant_gradient
        gradient = gradient * _equalize(power, settings.gradient_exponent).mul_(kept)
        return gradient / (_get_length(gradient) + _TINY)


def _get_ascent_direction(
    activations: Tensor, directions: Tensor, power: int, floor: float
) -> Tensor:
    """Returns the direction of steepest ascent of dot x max(floor, cosine)^power, up to scale.

    With h the unit activation and c its cosine to the target t, the gradient of dot x c^p is
    proportional to (p + 1) t - p c h. Below the floor it is t. Features are on the last axis.
    """
    units = F.normalize(activations, dim=-1, eps=_TINY)
    cosine = (units * directions).sum(-1, keepdim=True)
    angular = (power + 1) * directions - power * cosine * units
    return torch.where(cosine > floor, angular, directions)


def _compute_gradient(activations: Tensor, cotangent: Tensor, pixels: Tensor) -> Tensor:
    """Returns the VJP of `activations`, scaled to at most 1; zero where there is no gradient.

    Values that are not finite count as zero.
    """
    if not activations.requires_grad:
        return torch.zeros_like(pixels)
    (found,) = torch.autograd.grad(activations, pixels, cotangent, materialize_grads=True)
    scale = found.abs().amax((1, 2, 3), keepdim=True)
    if not scale.isfinite().all():
        found = torch.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
        scale = found.abs().amax((1, 2, 3), keepdim=True)
    return found / (scale + (scale == 0).to(scale))


def _equalize(power: Tensor, exponent: float) -> Tensor:
    """Returns |G|^-exponent from squared magnitudes, which are overwritten."""
    power += _TINY
    # Square roots are several times as fast as powers.
    return power.sqrt_().rsqrt_() if exponent == 0.5 else power.pow_(-exponent / 2)


def _get_energy(coefficients: Tensor) -> Tensor:
    """Returns the root mean square coefficient of each image, (B, 1, 1, 1)."""
    return _get_length(coefficients) / math.sqrt(coefficients[0].numel())


def _get_length(coefficients: Tensor) -> Tensor:
    """Returns the L2 norm of the coefficients of each image, (B, 1, 1, 1)."""
    parts = torch.view_as_real(coefficients).flatten(1)
    lengths: Tensor = torch.linalg.vector_norm(parts, dim=1)
    return lengths.view(-1, 1, 1, 1)


def _get_power(coefficients: Tensor) -> Tensor:
    """Returns squared magnitudes; several times as fast as squaring the magnitudes."""
    real, imaginary = torch.view_as_real(coefficients).unbind(-1)
    return torch.addcmul(real * real, imaginary, imaginary)
