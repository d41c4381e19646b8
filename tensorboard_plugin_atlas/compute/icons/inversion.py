# SPDX-License-Identifier: Apache-2.0
"""Feature inversion: pictures optimized until a layer answers with given directions.

The method is normalized gradient ascent on Fourier coefficients in units of natural pictures
(`spectrum`): of each picture's gradient only the direction counts, so none outruns another and none
needs a step length of its own. Coefficients never grow beyond natural energy, pictures start small
and are magnified, and fine detail enters late.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from tensorboard_plugin_atlas.compute.icons.fourier_image import (
    color_matrix,
    frequencies,
    to_coefficients,
    to_gradient,
    to_latent,
    to_latent_of_coefficients,
    to_pixels,
)
from tensorboard_plugin_atlas.compute.icons.layer_objective import Views
from tensorboard_plugin_atlas.compute.probe.patches import PostProcessing, Shape, shift_images

FIDELITIES = ("preview", "inversion", "poster")
"""How much work goes into a picture, least first."""

_TINY = 1e-12
_MARGIN, _SMALL_FIELD = 4 / 3, 48
# Deeper than this, one position covers objects and not parts, and wants larger tiles.
_DEEP_STRIDE = 16
_DEEP_SIDE, _SIDE, _SMALLEST_ZOOMED = 128, 96, 64
# Up to this side seven tenths would hold no more than an edge, and all steps are cheap.
_TINY_SIDE = 16


@dataclass(frozen=True)
class _Plan:
    """Steps at each share of the side, smallest first, by the kind of layer.

    Attributes:
        whole: Steps where the picture has the model's full size, or is no larger than 16 px.
        small: Shares and steps of larger tiles below 64 px.
        zoomed: Shares and steps of strides up to 16.
        deep: Shares and steps of larger strides.
        side: Largest side of a picture of strides up to 16, before the shares.
        left_out: Share of residual branches that steps of larger strides leave out. It pays where
            there are many steps.
        averaged: Last steps of larger strides whose mean is the picture.
        finish: The last touch of larger strides.
    """

    whole: int
    small: tuple[tuple[float, int], ...]
    zoomed: tuple[tuple[float, int], ...]
    deep: tuple[tuple[float, int], ...]
    side: int = _SIDE
    left_out: float = 0.0
    averaged: int = 1
    finish: PostProcessing = field(
        default_factory=lambda: PostProcessing(
            least_gain=1.0, most_gain=1.4, chroma=1.2, sharpen=0.4
        )
    )


# Each was measured on a whole atlas; a preview costs about a quarter of an inversion, a poster six
# times as much in the middle of a network and two and a half times as much at its end.
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
        left_out=0.22,
        averaged=13,
        # More steps leave less to be touched up.
        finish=PostProcessing(least_gain=1.0, most_gain=1.2, chroma=1.1, sharpen=0.25),
    ),
}


@dataclass(frozen=True)
class Stage:
    """Steps at one size of the picture, in pixels."""

    shape: Shape
    steps: int


@dataclass(frozen=True, kw_only=True)
class InversionSettings:
    """Every number of the method; `choose_settings` chooses them for a layer.

    Attributes:
        stages: Sizes and steps, smallest first.
        rate: Length of the first step per pixel of the tile's side, in natural coefficients.
        decay: The length falls as the share of steps left to this power.
        power: The objective is dot x cosine to this power, "Activation Atlas" (Carter et al. 2019)
            with both norms.
        cosine_floor: Below it the objective is the dot product alone.
        energy_cap: Largest root mean square coefficient; 1 is that of a natural picture.
        gradient_exponent: Each gradient coefficient G becomes G |G|^-exponent, which evens out
            frequencies.
        constant_gradient: Factor on the gradient of mean color.
        start_members: Members of a cell whose mean patch it starts from, at most `NEAREST` of
            `targets`: with more the start is gray, with fewer a photo.
        start_detail: Factor on everything but the mean color of the starting picture, so that no
            ghost of a photograph remains.
        start_constant: Factor on the starting picture's mean color.
        start_noise: Standard deviation of the noise added at the start, in natural coefficients.
        views: Where on the layer's map to look.
        damping: Factor on the gradient of residual branches.
        left_out: Share of the residual branches that each step skips, see `StochasticDepth`.
        averaged: How many last steps the picture is the mean of, at most those of the last stage:
            each of them met another network.
        jitter: Largest random shift of a step, as a share of the side.
        first_frequency: Cycles per px above which the gradient is held back at first.
        last_frequency: The same once `opening` is over.
        opening: Share of all steps over which the limit rises, geometrically.
        touched: Share of all steps that bring a picture of the checkpoint before up to date, see
            `touches`.
        touched_from: The first of those steps is as long as the one with this share of all still to
            come.
        isotropy: Of the natural spectrum, see `spectrum.natural_spectrum`.
        batch: Pictures optimized at once.
        finish: The last touch.
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
    left_out: float = 0.0
    averaged: int = 1
    jitter: float = 0.02
    first_frequency: float = 0.25
    last_frequency: float = 0.5
    opening: float = 0.3
    touched: float = 0.25
    touched_from: float = 0.5
    isotropy: float = 1.0
    batch: int = 16
    finish: PostProcessing = field(default_factory=PostProcessing)

    @property
    def shape(self) -> Shape:
        """Height and width of the finished picture."""
        return self.stages[-1].shape

    @property
    def steps(self) -> int:
        """Steps of all stages."""
        return sum(stage.steps for stage in self.stages)

    @property
    def touches(self) -> int:
        """Steps that bring a picture of the checkpoint before up to date.

        Fewer than three do not follow a network that learns fast. Larger pictures take no more
        than they have steps of the last size, which cost most.
        """
        wanted = max(3, math.ceil(self.touched * self.steps))
        return min(wanted, self.steps if self._is_small else self.stages[-1].steps)

    @property
    def _is_small(self) -> bool:
        return max(self.shape) < _SMALLEST_ZOOMED


def choose_settings(
    *,
    stride: int,
    side: int,
    input_shape: Shape,
    whole: bool,
    fidelity: str = "inversion",
    steps: int | None = None,
) -> InversionSettings:
    """Chooses size, steps and strengths for a layer.

    Args:
        stride: Input pixels per position of the layer's map.
        side: Side of a tile that holds the receptive field, see `choose_tile_side`.
        input_shape: Height and width of the model's input.
        whole: Whether the network runs on full-size inputs only.
        fidelity: One of `FIDELITIES`.
        steps: Steps in all, or None for the measured default.

    Returns:
        One stage for whole inputs and tiny tiles, else several, none smaller than the one before.
        An inversion ends at 96 px where the tile is that large, and at 128 px for strides above 16
        as a poster always does; a preview is left at the first sizes.
    """
    plan = _PLANS[fidelity]
    deep = stride > _DEEP_STRIDE and side >= _SMALLEST_ZOOMED
    if whole:
        deep = max(input_shape) >= _DEEP_SIDE
        stages: tuple[Stage, ...] = (Stage(input_shape, plan.whole),)
    else:
        stages = _stages(plan, side, stride=stride, deep=deep)
    if steps is not None:
        stages = _with_steps(stages, steps)
    # With more pictures at once, their maps no longer fit into the cache.
    batch = 16 if max(stages[-1].shape) >= _SIDE else 32
    if deep:
        return InversionSettings(
            stages=stages,
            rate=0.06,
            decay=0.5,
            gradient_exponent=0.4,
            views=Views(separately=True, surround=1.0),
            damping=0.4,
            left_out=plan.left_out,
            averaged=plan.averaged,
            constant_gradient=0.4,
            # Of tiles the steps leave no ghost; of whole pictures it is not known.
            start_members=6 if whole else 3,
            start_detail=0.35 if whole else 0.7,
            start_constant=0.7,
            start_noise=0.08,
            first_frequency=0.15,
            isotropy=0.5,
            batch=batch,
            finish=plan.finish,
        )
    # A few pixels hold no texture that could look gray, and the layer minds the change more. Nor
    # is there room to be shifted: a tile was chosen to hold what the layer sees and no more.
    if (max(input_shape) if whole else side) < _SMALLEST_ZOOMED:
        finish = PostProcessing(most_gain=1.3, chroma=1.15, sharpen=0.25)
        one_size = whole or side <= _TINY_SIDE
        rate, jitter = (0.125, 1 / 24) if one_size else (0.15, 0.0)
        # What the layer sees of a tile is little, so that a step costs little (`narrowing`), and
        # with so many a picture that went on is as true as one drawn anew.
        touched, touched_from = (0.25, 0.5) if whole else (0.55, 0.65)
        return InversionSettings(
            stages=stages,
            rate=rate,
            jitter=jitter,
            touched=touched,
            touched_from=touched_from,
            batch=batch,
            finish=finish,
        )
    return InversionSettings(stages=stages, views=Views(surround=0.5), batch=batch)


def choose_tile_side(*, stride: int, receptive_size: int, input_shape: Shape) -> int:
    """Returns the side of a square tile around the receptive field, a multiple of the stride.

    Never larger than the input's shorter side, and at least three strides and 8 px where that fits.
    A small effective field is widened by a third, for it leaves out a tenth of what the layer sees.
    """
    limit = min(input_shape)
    field = receptive_size * (_MARGIN if receptive_size < _SMALL_FIELD else 1)
    side = math.ceil(max(field, 3 * stride, 8) / stride) * stride
    largest = limit // stride * stride or limit
    return min(side, largest)


def _stages(plan: _Plan, side: int, *, stride: int, deep: bool) -> tuple[Stage, ...]:
    shares = plan.deep if deep else plan.zoomed
    if side <= _TINY_SIDE:
        shares = ((1.0, plan.whole),)
    elif side < _SMALLEST_ZOOMED:
        shares = plan.small
    largest = min(side, _DEEP_SIDE if deep else plan.side)
    return tuple(
        Stage((s, s), steps)
        for share, steps in shares
        for s in [math.ceil(largest * share / stride) * stride]
    )


def _with_steps(stages: tuple[Stage, ...], steps: int) -> tuple[Stage, ...]:
    """Spreads `steps` over the stages in proportion, dropping first stages that get none."""
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
    """What a batch of pictures shall be answered.

    Attributes:
        units: (B, P, F) float32 of length 1 or 0: the answer of each of P views.
        strengths: (P, 1) float32: how much each view counts.
    """

    units: Tensor
    strengths: Tensor

    @classmethod
    def along(cls, directions: Tensor, strengths: Tensor | None = None) -> ViewTargets:
        """Takes directions of any length, (B, P, F); all views count alike without strengths."""
        if strengths is None:
            strengths = directions.new_ones(directions.shape[1], 1)
        return cls(F.normalize(directions, dim=2, eps=_TINY), strengths)

    def to(self, device: torch.device) -> ViewTargets:
        """Returns the same on a device."""
        return ViewTargets(self.units.to(device), self.strengths.to(device))


@dataclass(frozen=True, eq=False)
class Inverter:
    """Optimizes batches of pictures for one layer.

    Attributes:
        answer: Takes pixels (B, C, h, w) in [0, 1] and the number of the step, returns the layer's
            centered activations in P views, (B, P, F).
        spectra: Natural spectrum of each stage's shape.
        settings: The method's numbers.
        seed: Seeds the shifts, which all pictures of a step share.
    """

    answer: Callable[[Tensor, int], Tensor]
    spectra: Mapping[Shape, Tensor]
    settings: InversionSettings
    seed: int = 0

    def invert(self, wishes: Mapping[Shape, ViewTargets], starts: Tensor, noise: Tensor) -> Tensor:
        """Returns unfinished pictures whose answers point along what is wished for.

        Args:
            wishes: What B pictures of each stage's shape shall be answered.
            starts: (B, C, h, w) pixels of the first stage's shape.
            noise: (B, C, h, w) standard normal.

        Returns:
            (B, C, H, W) float32 in (0, 1), of the last stage's shape. A picture without a gradient,
            as in a dead layer, becomes noise with a natural spectrum.
        """
        color = color_matrix(starts.shape[1]).to(starts.device)
        shifts = torch.Generator().manual_seed(self.seed)
        coefficients = self._start(to_latent(starts, color), noise)
        shape, left = self.settings.stages[0].shape, self.settings.steps
        averaged = min(self.settings.averaged, self.settings.stages[-1].steps)
        mean = coefficients
        for stage in self.settings.stages:
            if stage.shape != shape:
                coefficients = self._magnified(coefficients, shape, stage.shape)
                shape = stage.shape
            for _ in range(stage.steps):
                done = self.settings.steps - left
                coefficients = self._step(coefficients, shape, wishes[shape], color, done, shifts)
                left -= 1
                if left >= averaged - 1:
                    mean = coefficients
                else:
                    mean = mean + (coefficients - mean) / (averaged - left)
        return self._pictures(mean, shape, color)

    def touch_up(self, wishes: Mapping[Shape, ViewTargets], pictures: Tensor) -> Tensor:
        """Brings unfinished pictures to wishes that are near those they were made for.

        Args:
            wishes: As for `invert`; the last stage's are read.
            pictures: (B, C, H, W) pixels, as `invert` gave them for the same cells of a network
                that has learned on since.

        Returns:
            The pictures after `settings.touches` steps, as long as the last of all from
            `settings.touched_from` on: longer ones undo more than so few can draw again.
        """
        shape, steps, touches = self.settings.shape, self.settings.steps, self.settings.touches
        color = color_matrix(pictures.shape[1]).to(pictures.device)
        shifts = torch.Generator().manual_seed(self.seed)
        coefficients = to_coefficients(to_latent(pictures, color), self.spectra[shape])
        left = (self.settings.touched_from * steps * k / touches for k in range(touches, 0, -1))
        for done in (steps - max(1, round(count)) for count in left):
            coefficients = self._step(coefficients, shape, wishes[shape], color, done, shifts)
        return self._pictures(coefficients, shape, color)

    def _pictures(self, coefficients: Tensor, shape: Shape, color: Tensor) -> Tensor:
        latent = to_latent_of_coefficients(coefficients, self.spectra[shape], shape)
        return to_pixels(latent, color)

    def _start(self, latent: Tensor, noise: Tensor) -> Tensor:
        settings = self.settings
        spectrum = self.spectra[settings.stages[0].shape]
        coefficients = to_coefficients(latent, spectrum)
        constant = coefficients[:, :, 0, 0].clone()
        coefficients = coefficients * settings.start_detail
        coefficients[:, :, 0, 0] = constant
        coefficients += settings.start_noise * torch.fft.rfft2(noise, norm="ortho")
        coefficients[:, :, 0, 0] *= settings.start_constant
        return coefficients

    def _magnified(self, coefficients: Tensor, old: Shape, new: Shape) -> Tensor:
        latent = to_latent_of_coefficients(coefficients, self.spectra[old], old)
        latent = F.interpolate(latent, size=new, mode="bicubic", align_corners=False)
        return to_coefficients(latent, self.spectra[new])

    def _step(
        self,
        coefficients: Tensor,
        shape: Shape,
        wish: ViewTargets,
        color: Tensor,
        done: int,
        shifts: torch.Generator,
    ) -> Tensor:
        settings, spectrum = self.settings, self.spectra[shape]
        pixels = self._pictures(coefficients, shape, color).requires_grad_()
        reach = [round(side * settings.jitter) for side in shape]
        down, right = (
            int(torch.randint(-r, r + 1, (), generator=shifts, device="cpu")) for r in reach
        )
        answers = self.answer(shift_images(pixels, down, right), done)
        toward = _ascent(answers.detach(), wish.units, settings.power, settings.cosine_floor)
        slope = _gradient(answers, toward * wish.strengths, pixels)
        gradient = to_gradient(slope, pixels.detach(), color, spectrum)
        # Behind a ReLU a picture may wake nothing; it is then shaken, at full strength.
        stuck = (slope.flatten(1) == 0).all(1).view(-1, 1, 1, 1)
        left: Tensor | float = (1 - done / settings.steps) ** settings.decay
        if stuck.any():
            gradient = torch.where(stuck, self._shake(coefficients, done), gradient)
            left = torch.where(stuck, 1.0, left).float()
        gradient = self._conditioned(gradient, shape, done / settings.steps)
        moved = coefficients + settings.rate * max(shape) * left * gradient
        capped: Tensor = moved * (settings.energy_cap / (_energy(moved) + _TINY)).clamp(max=1.0)
        return capped

    def _shake(self, coefficients: Tensor, done: int) -> Tensor:
        """Returns a random direction (1, C, h, w // 2 + 1), the same for every picture."""
        # A generator of its own, so that the other pictures of a batch notice nothing.
        generator = torch.Generator().manual_seed(self.seed + done)
        size = (*coefficients.shape[1:], 2)
        parts = torch.randn(size, generator=generator, dtype=torch.float32, device="cpu")
        return torch.view_as_complex(parts)[None].to(coefficients.device)

    def _conditioned(self, gradient: Tensor, shape: Shape, time: float) -> Tensor:
        """Evens out, low-passes and normalizes each picture's gradient."""
        settings = self.settings
        power = _power(gradient)
        power /= power.amax((1, 2, 3), keepdim=True) + _TINY
        low, high = settings.first_frequency, settings.last_frequency
        limit = low * (high / low) ** min(1.0, time / settings.opening)
        kept = 1 / (1 + (frequencies(shape).to(power) / limit) ** 4)
        kept[0, 0] *= settings.constant_gradient
        gradient = gradient * _evened(power, settings.gradient_exponent).mul_(kept)
        return gradient / (_length(gradient) + _TINY)


def _ascent(answers: Tensor, units: Tensor, power: int, floor: float) -> Tensor:
    """Returns the direction in which dot x max(floor, cosine)^power grows fastest, scale-free.

    With h the unit answer and c its cosine to t, the gradient of dot x c^p is proportional to
    (p + 1) t - p c h. Below the floor it is t. Features lie along the last axis.
    """
    unit_answers = F.normalize(answers, dim=-1, eps=_TINY)
    cosine = (unit_answers * units).sum(-1, keepdim=True)
    angled = (power + 1) * units - power * cosine * unit_answers
    return torch.where(cosine > floor, angled, units)


def _gradient(answers: Tensor, toward: Tensor, pixels: Tensor) -> Tensor:
    """Returns the gradient of `compute_center` along `toward`, at most 1; zero where there is none.

    What is not finite is none either.
    """
    if not answers.requires_grad:
        return torch.zeros_like(pixels)
    (found,) = torch.autograd.grad(answers, pixels, toward, materialize_grads=True)
    scale = found.abs().amax((1, 2, 3), keepdim=True)
    if not scale.isfinite().all():
        found = torch.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0)
        scale = found.abs().amax((1, 2, 3), keepdim=True)
    return found / (scale + (scale == 0).to(scale))


def _evened(power: Tensor, exponent: float) -> Tensor:
    """Returns |G|^-exponent of squared magnitudes, which are overwritten."""
    power += _TINY
    # Roots are several times as fast as powers.
    return power.sqrt_().rsqrt_() if exponent == 0.5 else power.pow_(-exponent / 2)


def _energy(coefficients: Tensor) -> Tensor:
    """Returns each picture's root mean square coefficient, (B, 1, 1, 1)."""
    return _length(coefficients) / math.sqrt(coefficients[0].numel())


def _length(coefficients: Tensor) -> Tensor:
    """Returns each picture's root of summed squares, (B, 1, 1, 1)."""
    parts = torch.view_as_real(coefficients).flatten(1)
    lengths: Tensor = torch.linalg.vector_norm(parts, dim=1)
    return lengths.view(-1, 1, 1, 1)


def _power(coefficients: Tensor) -> Tensor:
    """Returns squared magnitudes; several times as fast as through the magnitudes themselves."""
    real, imaginary = torch.view_as_real(coefficients).unbind(-1)
    return torch.addcmul(real * real, imaginary, imaginary)
