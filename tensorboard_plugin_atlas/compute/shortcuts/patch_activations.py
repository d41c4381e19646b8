# SPDX-License-Identifier: Apache-2.0
"""Activation of a layer under a pasted patch, and the nearest samples of an atlas."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.analysis.directions import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.model.layers import infer_layer_form, resolve_layer
from tensorboard_plugin_atlas.compute.model.model_interface import call_model
from tensorboard_plugin_atlas.compute.model.outputs import find_main_tensor
from tensorboard_plugin_atlas.compute.model.preserve_state import add_forward_hooks, as_input

MAX_NEAREST: Final = 64
"""Largest number of samples returned."""

_MIN_RELATIVE_COSINE: Final = 0.8
"""Smallest cosine of a returned sample, as a fraction of the cosine of the nearest one.

A mark that only few images have has only few near samples; more distant ones would mislead."""

_HALF_MAX: Final = float(np.finfo(np.float16).max)


class PatchActivations:
    """Measures the activation of a layer under a patch; use it inside `preserve_model_state`.

    Args:
        model: The model that `preserve_model_state` yields.
        layer: Dotted module name.
    """

    def __init__(self, model: nn.Module, layer: str) -> None:
        self._model = model
        self._layer = layer
        self._module = resolve_layer(model, layer)

    def measure(self, images: Tensor, patch: Tensor, corner: tuple[int, int]) -> FloatArray | None:
        """Returns the mean activation where the patch changes the feature map most, (C,).

        Args:
            images: (n, C, H, W) model inputs; n at least 1.
            patch: (C, h, w) model input.
            corner: y and x of its upper left corner.

        Returns:
            The activation, or None if it is not finite.
        """
        y, x = corner
        covered = images.clone()
        covered[:, :, y : y + patch.shape[1], x : x + patch.shape[2]] = patch
        before, after = (self._map(batch) for batch in (images, covered))
        change = (after - before).norm(dim=1).mean(dim=0)
        position = int(change.flatten().argmax())
        mean = after.mean(dim=0).flatten(1)[:, position]
        return mean.numpy() if bool(mean.isfinite().all()) else None

    def _map(self, images: Tensor) -> Tensor:
        """Returns the layer's feature map, (n, C, H, W) float32."""
        with self._capture_output(len(images)) as captured, torch.no_grad():
            call_model(self._model, as_input(images, self._model))
        form = infer_layer_form(
            captured[-1],
            self._layer,
            self._module,
            batch=len(images),
            input_size=(int(images.shape[2]), int(images.shape[3])),
        )
        return form.as_map(captured[-1]).detach().to("cpu", torch.float32)

    @contextmanager
    def _capture_output(self, batch: int) -> Iterator[list[Tensor]]:
        captured: list[Tensor] = []

        def capture(_name: str, output: object) -> None:
            tensor = find_main_tensor(output, batch)
            if tensor is not None:
                captured.append(tensor)

        with add_forward_hooks({self._layer: self._module}, capture):
            yield captured


def nearest_samples(
    activations: NDArray[np.float16], activation: FloatArray
) -> tuple[tuple[int, ...], float | None]:
    """Returns the samples with the largest centered cosine to an activation.

    Args:
        activations: (N, C); rows with NaN or infinity are ignored.
        activation: (C,) finite.

    Returns:
        At most `MAX_NEAREST` rows with nearly the largest cosine, nearest first, and the largest
        cosine; no rows and None if all samples are equal.
    """
    rows = np.flatnonzero(finite_rows(activations))
    if not len(rows):
        return (), None
    values = activations[rows].astype(np.float32)
    mean = values.mean(axis=0)
    direction = np.clip(activation, -_HALF_MAX, _HALF_MAX) - mean
    centered = values - mean
    if not direction.any() or not centered.any():
        return (), None
    unit = unit_rows(np.concatenate([direction[None], centered]))
    cosine = np.clip(unit[1:] @ unit[0], -1, 1)
    order = np.argsort(-cosine, kind="stable")[:MAX_NEAREST]
    nearest = float(cosine[order[0]])
    near = order[cosine[order] >= nearest - (1 - _MIN_RELATIVE_COSINE) * abs(nearest)]
    return tuple(int(row) for row in rows[near]), nearest
