# SPDX-License-Identifier: Apache-2.0
"""How much of the image a layer's position sees, measured by gradient.

The theoretical receptive field of a deep layer is often larger than the image, yet most of its
influence comes from a small middle part (Luo et al. 2016, "Understanding the effective receptive
field in deep convolutional neural networks"). That part is what a patch should show.
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
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.outputs import (
    find_first_tensor,
    forward,
    infer_output_form,
    is_sequence_first,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    add_forward_hooks,
    as_input,
    preserve_model_state,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import summarize_error

FIELD_SHARE: Final = 0.9
"""Share of the gradient's magnitude that the effective field holds."""

SMALLEST_FIELD: Final = 8
"""Pixels a field is shown with at least: less is no picture."""

TOKEN_FIELD: Final = 3
"""Patches along each side that a token is shown with at most: through attention its gradient
reaches the whole image, but the patch and its neighbors are what a reader can recognize."""

FALLBACK_FIELD: Final = 3
"""Strides along each side that a field is shown with where no gradient could be had."""

_STRIDE_TOLERANCE: Final = 0.3

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReceptiveField:
    """Where the positions of a layer's map look, in input pixels.

    Attributes:
        size: Height and width of the effective field.
        stride: Distance between neighboring positions, down and right.
        offset: y and x of the center of the field of position (0, 0); pixel k is centered on k.
        measured: By gradient; False where the numbers follow from the map's size alone.
    """

    size: tuple[int, int]
    stride: tuple[float, float]
    offset: tuple[float, float]
    measured: bool = True

    def centers(self, positions: IntArray) -> FloatArray:
        """Returns y and x of the center of each position's field, (N, 2) float32.

        Args:
            positions: (N, 2) row and column on the layer's map.
        """
        exact = np.asarray(self.offset) + np.asarray(self.stride) * positions
        return np.asarray(exact, np.float32)

    def boxes(self, positions: IntArray, input_size: tuple[int, int]) -> IntArray:
        """Returns the field of each position as y0, x0, y1, x1, (N, 4) int32.

        Ends are exclusive. Boxes are cut at the image's border, and keep at least one pixel.

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

    The gradient of a random-sign sum over channels, at one position, with respect to the input is
    averaged in magnitude over several probe images. The field is the smallest square that holds
    `FIELD_SHARE` of it at the middle position, at least `smallest` pixels and a stride, at most the
    image. Stride and offset come from the medians of the gradient at three positions along the
    diagonal. Vectors see the whole image; the fields of tokens have at most `TOKEN_FIELD` patches.

    The model is left as it was; no parameter receives a gradient.

    Args:
        model: A module that takes (B, C, H, W).
        layer: Name of a submodule that ran in `collect_activations`.
        probe: Its first images are used.
        map_size: Height and width of the layer's map.
        images: Images averaged over.
        smallest: Pixels a field has at least.

    Returns:
        The field; `measured` is False where autograd cannot follow the model, or where the gradient
        is zero.

    Raises:
        LayerError: if the name does not resolve.
    """
    height, width = probe.input_size
    if map_size == (1, 1):
        return ReceptiveField((height, width), (height, width), ((height - 1) / 2, (width - 1) / 2))
    places = _diagonal(map_size)
    try:
        kind, magnitudes = _gradients(model, layer, probe, places, images)
    except Exception as error:  # whatever the user's code raises under differentiation
        _logger.warning(
            "layer %s: receptive field not measured (%s)", layer, summarize_error(error)
        )
        return _nominal(probe.input_size, map_size, smallest)
    if kind == "tokens":
        return _of_tokens(magnitudes[1], probe.input_size, map_size, smallest)
    if not all(magnitude.sum() > 0 for magnitude in magnitudes):
        return _nominal(probe.input_size, map_size, smallest)
    centers = np.stack([_median(magnitude) for magnitude in magnitudes])
    stride, offset = zip(*_lines(centers, places, probe.input_size, map_size), strict=True)
    size = _field_size(magnitudes[1])
    return ReceptiveField(_bounded(size, stride, probe.input_size, smallest), stride, offset)


def _gradients(
    model: nn.Module, layer: str, probe: Probe, places: NDArray[np.int64], images: int
) -> tuple[str, list[NDArray[np.float64]]]:
    """Returns the layer's kind, and for each place the mean gradient magnitude (H, W)."""
    module = resolve_layer(model, layer)
    outputs: list[Tensor] = []

    def on_output(_name: str, output: object) -> None:
        tensor = find_first_tensor(output)
        if tensor is not None:
            outputs[:] = [tensor]

    with (
        preserve_model_state(model) as inner,
        torch.inference_mode(False),
        torch.enable_grad(),
        add_forward_hooks({layer: module}, on_output),
    ):
        inputs = as_input(probe.images[:images], inner).requires_grad_()
        forward(inner, inputs)
        form = infer_output_form(
            outputs[0],
            batch=len(inputs),
            input_size=probe.input_size,
            sequence_first=is_sequence_first(module),
        )
        rows = torch.arange(len(inputs), device="cpu")
        signs = np.random.default_rng(0)
        magnitudes = []
        for place in places:
            here = torch.from_numpy(place).expand(len(inputs), 2)
            values = form.gather(outputs[0], rows, here)
            sign = torch.from_numpy(signs.choice([-1.0, 1.0], tuple(values.shape)))
            (gradient,) = torch.autograd.grad(
                (values * sign.to(values)).sum(), inputs, retain_graph=True
            )
            mean = gradient.detach().double().abs().nan_to_num(posinf=0.0).mean(dim=(0, 1))
            magnitudes.append(mean.cpu().numpy())
    return form.kind, magnitudes


def _diagonal(map_size: tuple[int, int]) -> NDArray[np.int64]:
    """Returns three positions (3, 2): a quarter in, the middle, a quarter before the end."""
    size = np.asarray(map_size)
    return np.stack([size // 4, size // 2, size - 1 - size // 4])


def _median(magnitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Returns y and x that halve the mass of each margin: robust to thin, wide tails."""
    return np.array([_halving(magnitude.sum(axis=1)), _halving(magnitude.sum(axis=0))]) - 0.5


def _halving(mass: NDArray[np.float64]) -> float:
    """Returns where half of the mass lies on either side, bin k spanning [k, k + 1)."""
    edges = np.concatenate([[0.0], np.cumsum(mass)])
    half = edges[-1] / 2
    # The middle of the stretch where exactly half lies on either side, if there is one.
    low = np.searchsorted(edges, half * (1 - 1e-9), side="left")
    high = np.searchsorted(edges, half * (1 + 1e-9), side="right") - 1
    if low <= high:
        return float(low + high) / 2
    return float(np.interp(half, edges, np.arange(len(edges))))


def _lines(
    centers: NDArray[np.float64],
    places: NDArray[np.int64],
    input_size: tuple[int, int],
    map_size: tuple[int, int],
) -> Iterator[tuple[float, float]]:
    """Yields stride and offset for each axis, from centers (3, 2) measured at places (3, 2)."""
    for axis in (0, 1):
        nominal = input_size[axis] / map_size[axis]
        steps = places[-1, axis] - places[0, axis]
        measured = (centers[-1, axis] - centers[0, axis]) / steps if steps else nominal
        # Strides are whole numbers, so a whole ratio is the stride; the gradient, noisy and cut at
        # the border, knows better only where unpadded convolutions made the ratio a fraction.
        close = abs(measured - nominal) <= _STRIDE_TOLERANCE * nominal
        stride = measured if close and nominal % 1 else nominal
        yield float(stride), float(np.mean(centers[:, axis] - stride * places[:, axis]))


def _field_size(magnitude: NDArray[np.float64]) -> int:
    """Returns the side of the smallest square that holds `FIELD_SHARE` of the mass."""
    table = np.pad(magnitude, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    wanted = FIELD_SHARE * table[-1, -1] * (1 - 1e-9)
    low, high = 1, max(magnitude.shape)
    while low < high:
        side = (low + high) // 2
        down, right = min(side, magnitude.shape[0]), min(side, magnitude.shape[1])
        sums = table[down:, right:] - table[:-down, right:]
        sums = sums - (table[down:, :-right] - table[:-down, :-right])
        low, high = (low, side) if sums.max() >= wanted else (side + 1, high)
    return low


def _bounded(
    side: int, stride: tuple[float, ...], input_size: tuple[int, int], smallest: int
) -> tuple[int, int]:
    sides = [
        min(limit, max(side, smallest, round(step)))
        for step, limit in zip(stride, input_size, strict=True)
    ]
    return sides[0], sides[1]


def _of_tokens(
    magnitude: NDArray[np.float64],
    input_size: tuple[int, int],
    map_size: tuple[int, int],
    smallest: int,
) -> ReceptiveField:
    plain = _nominal(input_size, map_size, smallest)
    if magnitude.sum() <= 0:
        return plain
    side = min(_field_size(magnitude), round(TOKEN_FIELD * max(plain.stride)))
    size = _bounded(side, plain.stride, input_size, smallest)
    return ReceptiveField(size, plain.stride, plain.offset)


def _nominal(
    input_size: tuple[int, int], map_size: tuple[int, int], smallest: int
) -> ReceptiveField:
    """Returns what the map's size alone says: positions spread evenly over the image."""
    stride = (input_size[0] / map_size[0], input_size[1] / map_size[1])
    size = _bounded(round(FALLBACK_FIELD * max(stride)), stride, input_size, smallest)
    return ReceptiveField(size, stride, ((stride[0] - 1) / 2, (stride[1] - 1) / 2), measured=False)
