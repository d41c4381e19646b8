# SPDX-License-Identifier: Apache-2.0
"""The parameters of icons: Fourier coefficients in units of the spectrum of the user's images.

An image is `sigmoid(color @ irfft2(coefficients * spectrum))`. With the spectrum measured on the
user's images, every coefficient of a natural patch has a magnitude near 1 at any frequency, so one
step length works for all (Olah et al. 2017, "Feature Visualization", with measured magnitudes in
place of 1/f). The channels of color images are decorrelated with Lucid's matrix; other numbers of
channels are used as they are.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from tensorboard_plugin_atlas.compute.probe.patches import PatchSource, Shape

_LUCID_COLOR = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
_SPECTRUM_CROPS = 300
_CROPS_AT_ONCE = 50
# Keeps the logits of black and white finite.
_PIXEL_MARGIN = 0.02
_SMALLEST_MAGNITUDE = 1e-3
_TINY = 1e-12
# Results in a pixel standard deviation near .19, as in photographs.
_LOGIT_DEVIATION = 0.9

# A probe is used for many atlases, and measuring takes as long as rendering ten icons.
_spectra: WeakKeyDictionary[PatchSource, dict[tuple[Shape, float], Tensor]] = WeakKeyDictionary()


def get_color_matrix(channels: int) -> Tensor:
    """Returns the (C, C) matrix from decorrelated channels to logits; identity unless C is 3."""
    if channels != 3:
        return torch.eye(channels, dtype=torch.float32, device="cpu")
    matrix = torch.tensor(_LUCID_COLOR, dtype=torch.float32, device="cpu")
    lengths: Tensor = torch.linalg.vector_norm(matrix, dim=0)
    return matrix / lengths.max()


def to_latent(pixels: Tensor, color: Tensor) -> Tensor:
    """Returns decorrelated logits (B, C, h, w) of `pixels` (B, C, h, w) in [0, 1]."""
    logits = torch.logit(pixels.clamp(_PIXEL_MARGIN, 1 - _PIXEL_MARGIN))
    decorrelated: Tensor = torch.einsum("dc,bchw->bdhw", torch.linalg.inv(color), logits)
    return decorrelated


def to_pixels(latent: Tensor, color: Tensor) -> Tensor:
    """Returns pixels in (0, 1), (B, C, h, w): the inverse of `to_latent`."""
    return torch.sigmoid(torch.einsum("dc,bchw->bdhw", color, latent))


def to_coefficients(latent: Tensor, spectrum: Tensor) -> Tensor:
    """Returns complex half-spectrum coefficients (B, C, h, w // 2 + 1) in units of `spectrum`."""
    transform: Tensor = torch.fft.rfft2(latent, norm="ortho")
    return transform / spectrum


def to_latent_of_coefficients(coefficients: Tensor, spectrum: Tensor, shape: Shape) -> Tensor:
    """Returns the latent (B, C, *shape): the inverse of `to_coefficients`."""
    latent: Tensor = torch.fft.irfft2(coefficients * spectrum, s=shape, norm="ortho")
    return latent


def to_gradient(slope: Tensor, pixels: Tensor, color: Tensor, spectrum: Tensor) -> Tensor:
    """Converts the gradient for the pixels to the gradient for the coefficients.

    Args:
        slope: (B, C, h, w): gradient of the objective with respect to the pixels.
        pixels: (B, C, h, w) in (0, 1): computed from the coefficients.
        color: As for `to_pixels`.
        spectrum: As for `to_latent_of_coefficients`.

    Returns:
        Complex (B, C, h, w // 2 + 1). A coefficient that also represents its mirror image counts
        twice: all but those of the first column, and of the last where the width is even.
    """
    logits = slope * pixels * (1 - pixels)
    latent = torch.einsum("dc,bdhw->bchw", color, logits)
    twice = torch.full_like(spectrum, 2)
    twice[..., 0] = 1
    if pixels.shape[3] % 2 == 0:
        twice[..., -1] = 1
    transform: Tensor = torch.fft.rfft2(latent, norm="ortho")
    return transform * (spectrum * twice)


def get_frequencies(shape: Shape) -> Tensor:
    """Returns the frequency of each half-spectrum coefficient, (h, w // 2 + 1), in cycles/px."""
    vertical: Tensor = torch.fft.fftfreq(shape[0], dtype=torch.float32, device="cpu")[:, None]
    horizontal: Tensor = torch.fft.rfftfreq(shape[1], dtype=torch.float32, device="cpu")[None, :]
    return (vertical**2 + horizontal**2).sqrt()


def measure_spectrum(source: PatchSource, shape: Shape, *, isotropy: float = 1.0) -> Tensor:
    """Returns the mean magnitude of each coefficient over random crops of the user's images.

    Crops are multiplied by a Hann window, and magnitudes are averaged over all orientations. The
    plain transform of a crop puts the jump between opposite borders on the axes, and icons would
    then show a woven texture.

    Args:
        source: The user's images.
        shape: Height and width of a tile.
        isotropy: 1 for the windowed, orientation-free spectrum, 0 for the plain one; values in
            between for their weighted geometric mean.

    Returns:
        (C, h, w // 2 + 1) float32, at least 1e-3, on the device of the images. It is measured once
        for each source and shape.
    """
    known = _spectra.setdefault(source, {})
    if (shape, isotropy) not in known:
        known[shape, isotropy] = _measure_spectrum(source, shape, isotropy)
    return known[shape, isotropy]


def make_natural_images(count: int, shape: tuple[int, int, int], *, seed: int = 0) -> Tensor:
    """Returns random images with the average spectrum and colors of photographs.

    Magnitudes fall as 1/f (Field 1987, "Relations between the statistics of natural images and the
    response properties of cortical cells"), in decorrelated channels.

    Args:
        count: B.
        shape: Channels, height and width.
        seed: Seed of the phases.

    Returns:
        (B, C, h, w) float32 in (0, 1), on the CPU.
    """
    channels, *sides = shape
    size = (sides[0], sides[1])
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(count, *shape, generator=generator, dtype=torch.float32, device="cpu")
    falloff = 1 / get_frequencies(size).clamp(min=1 / max(size))
    latent = torch.fft.irfft2(torch.fft.rfft2(noise) * falloff, s=size)
    logits = torch.einsum("dc,bchw->bdhw", get_color_matrix(channels), latent)
    return torch.sigmoid(logits * (_LOGIT_DEVIATION / logits.std(correction=0).clamp(min=_TINY)))


def _measure_spectrum(source: PatchSource, shape: Shape, isotropy: float) -> Tensor:
    device = torch.device("cpu")
    color = get_color_matrix(source.channels).to(device)
    window = _make_window(shape).to(device)
    rows, centers = _choose_random_crops(len(source.images), source.shape, shape)
    plain = windowed = torch.zeros((), device=device)
    for first in range(0, len(rows), _CROPS_AT_ONCE):
        chunk = slice(first, first + _CROPS_AT_ONCE)
        latent = to_latent(source.crop(rows[chunk], centers[chunk], shape), color)
        mean = (latent * window).mean((2, 3), keepdim=True) / window.mean()
        plain = plain + torch.fft.rfft2(latent, norm="ortho").abs().sum(0)
        windowed = windowed + torch.fft.rfft2((latent - mean) * window, norm="ortho").abs().sum(0)
    plain = (plain / len(rows)).clamp(min=_SMALLEST_MAGNITUDE)
    isotropic = _average_over_angle(windowed / len(rows), shape).clamp(min=_SMALLEST_MAGNITUDE)
    mixed = plain ** (1 - isotropy) * isotropic**isotropy
    mixed[:, 0, 0] = plain[:, 0, 0]
    return mixed


def _make_window(shape: Shape) -> Tensor:
    """Returns a Hann window with a mean square of 1, (h, w)."""
    # Two more samples than needed, so that the zeros at both ends are outside the tile.
    vertical, horizontal = (
        torch.hann_window(n + 2, periodic=False, dtype=torch.float32, device="cpu")[1:-1]
        for n in shape
    )
    window = vertical[:, None] * horizontal
    return window / window.pow(2).mean().sqrt()


def _choose_random_crops(count: int, image: Shape, shape: Shape) -> tuple[Tensor, Tensor]:
    """Returns image indices (n,) and centers (n, 2) of crops, inside the images where they fit."""
    generator = torch.Generator().manual_seed(0)
    size = (_SPECTRUM_CROPS,)
    rows = torch.randint(count, size, generator=generator, device="cpu")
    spans = [max(1, total - side + 1) for total, side in zip(image, shape, strict=True)]
    tops = [torch.randint(span, size, generator=generator, device="cpu") for span in spans]
    centers = [top.float() + (side - 1) / 2 for top, side in zip(tops, shape, strict=True)]
    return rows, torch.stack(centers, dim=1)


def _average_over_angle(magnitudes: Tensor, shape: Shape) -> Tensor:
    """Replaces each magnitude by the mean over its frequency, whatever the orientation."""
    ring = (get_frequencies(shape) * max(shape)).round().long().flatten().to(magnitudes.device)
    counts = torch.bincount(ring).clamp(min=1)
    sums = magnitudes.new_zeros(len(magnitudes), len(counts))
    sums.index_add_(1, ring, magnitudes.flatten(1))
    return (sums / counts)[:, ring].view_as(magnitudes)
