# SPDX-License-Identifier: Apache-2.0
"""The effective receptive field of a layer, measured by gradients.

The theoretical receptive field of a deep layer is often larger than the image, but most of the
influence comes from a small central part (Luo et al. 2016, "Understanding the effective receptive
field in deep convolutional neural networks"). A patch shows that part.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.model.layers import infer_layer_form, resolve_layer
from tensorboard_plugin_atlas.compute.model.model_interface import call_model
from tensorboard_plugin_atlas.compute.model.outputs import (
    find_main_tensor,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    preserve_model_state,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import summarize_error

FIELD_SHARE: Final = 0.9
"""Share of the gradient magnitude inside the effective receptive field."""

SMALLEST_FIELD: Final = 8
"""Smallest side of a field in pixels; a smaller patch shows nothing."""

TOKEN_FIELD: Final = 3
"""Largest side of the field of a token, in patches. Through attention its gradient reaches the
whole image, but a reader recognizes the patch and its neighbors."""

FALLBACK_FIELD: Final = 3
"""Side of a field in strides, where no gradient could be computed."""

_STRIDE_TOLERANCE: Final = 0.3

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReceptiveField:
    """The receptive fields of the positions of a layer's map, in input pixels.

    Attributes:
        size: Height and width of the effective field.
        stride: Vertical and horizontal distance between neighboring positions.
        offset: y and x of the center of the field of position (0, 0); pixel k is centered on k.
        measured: Whether it was measured by gradients; False where it follows from the map size.
    """

    size: tuple[int, int]
    stride: tuple[float, float]
    offset: tuple[float, float]
    measured: bool = True

    @property
    def notes(self) -> tuple[str, ...]:
        """A note if it was not measured."""
        if self.measured:
            return ()
        return ("patches: receptive field not measured, estimated from the map size",)

    def centers(self, positions: IntArray) -> FloatArray:
        """Returns y and x of the center of each position's field, (N, 2) float32.

        Args:
            positions: (N, 2) row and column on the layer's map.
        """
        exact = np.asarray(self.offset) + np.asarray(self.stride) * positions
        return np.asarray(exact, np.float32)

    def boxes(self, positions: IntArray, input_size: tuple[int, int]) -> IntArray:
        """Returns the field of each position as y0, x0, y1, x1, (N, 4) int32.

        Ends are exclusive. Boxes are clipped to the image and have at least one pixel.

        Args:
            positions: (N, 2) row and column on the layer's map.
            input_size: Height and width of the image.
        """
        size, limit = np.asarray(self.size), np.asarray(input_size)
        starts = np.ceil(self.centers(positions) - size / 2).astype(np.int64)
        low = np.clip(starts, 0, limit - 1)
        high = np.clip(starts + size, low + 1, limit)
        return np.concatenate([low, high], axis=1).astype(np.int32)


def measure_receptive_field(
    model: nn.Module,
    layer: str,
    probe: Probe,
    *,
    map_size: tuple[int, int],
    images: int = 8,
    smallest: int = SMALLEST_FIELD,
) -> ReceptiveField:
    """Measures the effective receptive field of a layer.

    The magnitude of the input gradient, of a random-sign sum over channels at one position, is
    averaged over several probe images. The field is the smallest square that holds `FIELD_SHARE` of
    it for the center position, at least `smallest` pixels and a stride, at most the image. Stride
    and offset follow from the medians of the gradient at three positions on the diagonal. The field
    of a vector is the whole image; that of a token has at most `TOKEN_FIELD` patches.

    The model does not change, and no parameter gets a gradient.

    Args:
        model: A module that takes (B, C, H, W).
        layer: Name of a submodule that ran in `collect_activations`.
        probe: Its first images are used.
        map_size: Height and width of the layer's map.
        images: Number of images to average over.
        smallest: Smallest side of the field in pixels.

    Returns:
        The field. `measured` is False where autograd cannot differentiate the model, or the
        gradient is zero.

    Raises:
        LayerError: if the name does not resolve.
    """
    height, width = probe.input_size
    if map_size == (1, 1):
        return ReceptiveField((height, width), (height, width), ((height - 1) / 2, (width - 1) / 2))
    positions = _get_diagonal(map_size)
    try:
        kind, magnitudes = _measure_gradients(model, layer, probe, positions, images)
    except Exception as error:  # differentiation runs the user's code
        _logger.warning(
            "layer %s: receptive field not measured (%s)", layer, summarize_error(error)
        )
        return _assume_field(probe.input_size, map_size, smallest)
    if kind == "tokens":
        return _measure_token_field(magnitudes[1], probe.input_size, map_size, smallest)
    if not all(magnitude.sum() > 0 for magnitude in magnitudes):
        return _assume_field(probe.input_size, map_size, smallest)
    centers = np.stack([_find_median(magnitude) for magnitude in magnitudes])
    stride, offset = zip(
        *_fit_stride_and_offset(centers, positions, probe.input_size, map_size), strict=True
    )
    size = _measure_side(magnitudes[1])
    return ReceptiveField(_bound_size(size, stride, probe.input_size, smallest), stride, offset)


def _measure_gradients(
    model: nn.Module, layer: str, probe: Probe, positions: NDArray[np.int64], images: int
) -> tuple[str, list[NDArray[np.float64]]]:
    """Returns the kind of the layer, and the mean gradient magnitude (H, W) for each position."""
    module = resolve_layer(model, layer)
    outputs: list[Tensor] = []

    def on_output(_name: str, output: object) -> None:
        tensor = find_main_tensor(output, images)
        if tensor is not None:
            outputs[:] = [tensor]

    with (
        preserve_model_state(model) as inner,
        torch.inference_mode(False),
        torch.enable_grad(),
        add_forward_hooks({layer: module}, on_output),
    ):
        inputs = as_input(probe.images[:images], inner).requires_grad_()
        call_model(inner, inputs)
        form = infer_layer_form(
            outputs[0], layer, module, batch=len(inputs), input_size=probe.input_size
        )
        rows = torch.arange(len(inputs), device="cpu")
        signs = np.random.default_rng(0)
        magnitudes = []
        for position in positions:
            here = torch.from_numpy(position).expand(len(inputs), 2)
            values = form.gather(outputs[0], rows, here)
            sign = torch.from_numpy(signs.choice([-1.0, 1.0], tuple(values.shape)))
            (gradient,) = torch.autograd.grad(
                (values * sign.to(values)).sum(), inputs, retain_graph=True
            )
            mean = gradient.detach().double().abs().nan_to_num(posinf=0.0).mean(dim=(0, 1))
            magnitudes.append(mean.cpu().numpy())
    return form.kind, magnitudes


def _get_diagonal(map_size: tuple[int, int]) -> NDArray[np.int64]:
    """Returns three positions (3, 2): at one quarter, the center, and at three quarters."""
    size = np.asarray(map_size)
    return np.stack([size // 4, size // 2, size - 1 - size // 4])


def _find_median(magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns y and x of the medians of both marginals; they are robust to long tails."""
    return (
        np.array(
            [_find_halving_point(magnitude.sum(axis=1)), _find_halving_point(magnitude.sum(axis=0))]
        )
        - 0.5
    )


def _find_halving_point(mass: NDArray[np.float64]) -> float:
    """Returns the median of a histogram, where bin k covers [k, k + 1)."""
    edges = np.concatenate([[0.0], np.cumsum(mass)])
    half = edges[-1] / 2
    # The middle of the interval where exactly half is on either side, if there is one.
    low = np.searchsorted(edges, half * (1 - 1e-9), side="left")
    high = np.searchsorted(edges, half * (1 + 1e-9), side="right") - 1
    if low <= high:
        return float(low + high) / 2
    return float(np.interp(half, edges, np.arange(len(edges))))


def _fit_stride_and_offset(
    centers: NDArray[np.float64],
    positions: NDArray[np.int64],
    input_size: tuple[int, int],
    map_size: tuple[int, int],
) -> Iterator[tuple[float, float]]:
    """Yields stride and offset for each axis, from centers (3, 2) measured at positions (3, 2)."""
    for axis in (0, 1):
        nominal = input_size[axis] / map_size[axis]
        steps = positions[-1, axis] - positions[0, axis]
        measured = (centers[-1, axis] - centers[0, axis]) / steps if steps else nominal
        # Strides are integers, so an integer ratio is the stride. The gradient is noisy and cut off
        # at the border; it is better only where unpadded convolutions give a fractional ratio.
        close = abs(measured - nominal) <= _STRIDE_TOLERANCE * nominal
        stride = measured if close and nominal % 1 else nominal
        yield float(stride), float(np.mean(centers[:, axis] - stride * positions[:, axis]))


def _measure_side(magnitude: NDArray[np.float64]) -> int:
    """Returns the side of the smallest square that holds `FIELD_SHARE` of the mass."""
    table = np.pad(magnitude, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    target = FIELD_SHARE * table[-1, -1] * (1 - 1e-9)
    low, high = 1, max(magnitude.shape)
    while low < high:
        side = (low + high) // 2
        down, right = min(side, magnitude.shape[0]), min(side, magnitude.shape[1])
        sums = table[down:, right:] - table[:-down, right:]
        sums = sums - (table[down:, :-right] - table[:-down, :-right])
        low, high = (low, side) if sums.max() >= target else (side + 1, high)
    return low


def _bound_size(
    side: int, stride: tuple[float, ...], input_size: tuple[int, int], smallest: int
) -> tuple[int, int]:
    sides = [
        min(limit, max(side, smallest, round(step)))
        for step, limit in zip(stride, input_size, strict=True)
    ]
    return sides[0], sides[1]


def _measure_token_field(
    magnitude: NDArray[np.float64],
    input_size: tuple[int, int],
    map_size: tuple[int, int],
    smallest: int,
) -> ReceptiveField:
    assumed = _assume_field(input_size, map_size, smallest)
    if magnitude.sum() <= 0:
        return assumed
    side = min(_measure_side(magnitude), round(TOKEN_FIELD * max(assumed.stride)))
    size = _bound_size(side, assumed.stride, input_size, smallest)
    return ReceptiveField(size, assumed.stride, assumed.offset)


def _assume_field(
    input_size: tuple[int, int], map_size: tuple[int, int], smallest: int
) -> ReceptiveField:
    """Returns the field for positions that are evenly spaced over the image."""
    stride = (input_size[0] / map_size[0], input_size[1] / map_size[1])
    size = _bound_size(round(FALLBACK_FIELD * max(stride)), stride, input_size, smallest)
    return ReceptiveField(size, stride, ((stride[0] - 1) / 2, (stride[1] - 1) / 2), measured=False)
