# SPDX-License-Identifier: Apache-2.0
"""Conversion between pixels and coefficients, and the spectrum of known images."""

from __future__ import annotations

import gc

import pytest
import torch
from icon_inputs import make_blurred_noise, make_source

from tensorboard_plugin_atlas.compute.icons import fourier_image
from tensorboard_plugin_atlas.compute.icons.fourier_image import (
    get_color_matrix,
    get_frequencies,
    make_natural_images,
    measure_spectrum,
    to_coefficients,
    to_gradient,
    to_latent,
    to_latent_of_coefficients,
    to_pixels,
)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(8, 8), (9, 12), (7, 5)])
def test_pixels_survive_the_conversion_to_coefficients_and_back(channels, shape):
    pixels = 0.1 + 0.8 * torch.rand(2, channels, *shape)
    color = get_color_matrix(channels)
    scale = 0.5 + torch.rand(channels, shape[0], shape[1] // 2 + 1)
    coefficients = to_coefficients(to_latent(pixels, color), scale)
    latent = to_latent_of_coefficients(coefficients, scale, shape)
    assert torch.allclose(to_pixels(latent, color), pixels, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("shape", [(8, 8), (9, 12), (6, 7), (4, 1), (5, 2)])
def test_the_gradient_of_coefficients_equals_that_of_autograd(channels, shape):
    torch.manual_seed(0)
    color = get_color_matrix(channels)
    scale = 0.5 + torch.rand(channels, shape[0], shape[1] // 2 + 1)
    start = torch.fft.rfft2(torch.randn(2, channels, *shape), norm="ortho").requires_grad_()
    slope = torch.randn(2, channels, *shape)
    pixels = to_pixels(to_latent_of_coefficients(start, scale, shape), color)
    (expected,) = torch.autograd.grad(pixels, start, slope)
    found = to_gradient(slope, pixels.detach(), color, scale)
    assert torch.allclose(found, expected, atol=1e-5)


def test_gray_uses_one_decorrelated_channel_only():
    latent = to_latent(torch.full((1, 3, 2, 2), 0.8), get_color_matrix(3))
    assert latent[0, 0].abs().min() > 1
    assert latent[0, 1:].abs().max() < 0.2 * latent[0, 0].abs().max()


def test_frequencies_are_cycles_per_pixel():
    table = get_frequencies((4, 6))
    assert table.shape == (4, 4)
    assert table[0].tolist() == pytest.approx([0, 1 / 6, 1 / 3, 1 / 2])
    assert table[2, 0] == 0.5
    assert table[1, 1] == pytest.approx((1 / 16 + 1 / 36) ** 0.5)


def test_the_spectrum_of_blurred_noise_falls_with_frequency_and_is_isotropic():
    measured = measure_spectrum(make_source(make_blurred_noise(20, side=32)), (16, 16))
    assert measured.shape == (3, 16, 9)
    low, high = measured[0, 0, 2], measured[0, 0, 7]
    assert low > 3 * high
    assert measured[0, 3, 0] == measured[0, 0, 3]
    assert measured[0, 3, 4] == pytest.approx(float(measured[0, 4, 3]))


def test_the_plain_spectrum_keeps_the_orientation_of_stripes():
    stripes = (torch.arange(32) // 4 % 2).float() * 0.6 + 0.2
    source = make_source(stripes.expand(4, 1, 32, 32))
    plain = measure_spectrum(source, (16, 16), isotropy=0.0)
    isotropic = measure_spectrum(source, (16, 16), isotropy=1.0)
    assert plain[0, 0, 2] > 50 * plain[0, 2, 0]
    assert isotropic[0, 0, 2] == isotropic[0, 2, 0]


def test_coefficients_of_natural_patches_are_near_one():
    source = make_source(make_blurred_noise(40))
    rows = torch.arange(40)
    patches = source.crop(rows, torch.full((40, 2), 15.5), (16, 16))
    measured = measure_spectrum(source, (16, 16))
    coefficients = to_coefficients(to_latent(patches, get_color_matrix(3)), measured)
    assert 0.7 < coefficients[:, :, 1:, 1:].abs().pow(2).mean().sqrt() < 1.6


@pytest.mark.parametrize("shape", [(8, 8), (4, 4), (2, 3), (1, 1)])
def test_the_spectrum_of_constant_and_tiny_images_is_above_zero(shape):
    measured = measure_spectrum(make_source(torch.full((1, 3, 8, 8), 0.5)), shape)
    assert torch.isfinite(measured).all()
    assert (measured >= 1e-3).all()


def test_the_spectrum_is_measured_once_and_freed_with_its_images():
    source = make_source(make_blurred_noise(3))
    assert measure_spectrum(source, (8, 8)) is measure_spectrum(source, (8, 8))
    gc.collect()  # sources of earlier tests that are in reference cycles
    before = len(fourier_image._spectra)
    del source
    gc.collect()
    assert len(fourier_image._spectra) == before - 1


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_natural_images_have_the_spectrum_and_contrast_of_photographs(channels):
    images = make_natural_images(60, (channels, 48, 64), seed=2)
    assert images.shape == (60, channels, 48, 64)
    assert torch.equal(images, make_natural_images(60, (channels, 48, 64), seed=2))
    assert not torch.equal(images, make_natural_images(60, (channels, 48, 64), seed=3))
    assert 0.12 < images.std((2, 3)).mean() < 0.25
    # Twice the frequency, half the magnitude.
    magnitudes = torch.fft.rfft2(torch.logit(images)).abs().mean((0, 1))
    ring = get_frequencies((48, 64))
    low = magnitudes[(ring > 0.08) & (ring < 0.12)].mean()
    high = magnitudes[(ring > 0.17) & (ring < 0.23)].mean()
    assert 1.8 < low / high < 2.2
