# SPDX-License-Identifier: Apache-2.0
"""What a layer answers to a patch, and which samples of an atlas it answers to alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.analysis.cosine import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.model.layers import resolve_layer
from tensorboard_plugin_atlas.compute.model.outputs import (
    find_first_tensor,
    forward,
    infer_output_form,
    is_sequence_first,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import add_forward_hooks, as_input

NEAREST: Final = 64
"""Samples that are named at most."""

_NEAR: Final = 0.8
"""Samples are named whose cosine is at least this share of the nearest one's: a mark that few bear
has few, and with any number of others it would seem to lie where most samples are."""

_HALF_MAX: Final = float(np.finfo(np.float16).max)


class PatchActivations:
    """Asks one layer what it answers to images; to be used inside `preserve_model_state`.

    Args:
        model: The model that `preserve_model_state` yields.
        layer: Dotted module name.
    """

    def __init__(self, model: nn.Module, layer: str) -> None:
        self._model = model
        self._layer = layer
        self._module = resolve_layer(model, layer)

    def answer(self, images: Tensor, patch: Tensor, corner: tuple[int, int]) -> FloatArray | None:
        """Returns what the layer answers to a patch, (C,), where the patch changes it most.

        That is the mean over the images, at the place of the layer's map where the patch moves the
        answers furthest.

        Args:
            images: (n, C, H, W) as the model takes them; n at least 1.
            patch: (C, h, w) likewise.
            corner: y and x where it is pasted.

        Returns:
            The answer, or None where it is not finite.
        """
        y, x = corner
        covered = images.clone()
        covered[:, :, y : y + patch.shape[1], x : x + patch.shape[2]] = patch
        before, after = (self._map(batch) for batch in (images, covered))
        moved = (after - before).norm(dim=1).mean(dim=0)
        place = int(moved.flatten().argmax())
        found = after.mean(dim=0).flatten(1)[:, place]
        return found.numpy() if bool(found.isfinite().all()) else None

    def _map(self, images: Tensor) -> Tensor:
        """Returns the layer's map, (n, C, H, W) float32."""
        with self._heard() as heard, torch.no_grad():
            forward(self._model, as_input(images, self._model))
        form = infer_output_form(
            heard[-1],
            batch=len(images),
            input_size=(int(images.shape[2]), int(images.shape[3])),
            sequence_first=is_sequence_first(self._module),
        )
        return form.as_map(heard[-1]).detach().to("cpu", torch.float32)

    @contextmanager
    def _heard(self) -> Iterator[list[Tensor]]:
        heard: list[Tensor] = []

        def listen(_name: str, output: object) -> None:
            tensor = find_first_tensor(output)
            if tensor is not None:
                heard.append(tensor)

        with add_forward_hooks({self._layer: self._module}, listen):
            yield heard


def nearest_samples(
    activations: NDArray[np.float16], answer: FloatArray
) -> tuple[tuple[int, ...], float | None]:
    """Returns the samples whose activations are nearest to `answer`, and how near the first is.

    Nearness is cosine, both relative to the mean of the samples.

    Args:
        activations: (N, C); rows with NaN or infinity are never near.
        answer: (C,) finite.

    Returns:
        At most `NEAREST` rows that are all but as near as the nearest, which comes first, and its
        cosine; no rows and None where no sample has a direction.
    """
    rows = np.flatnonzero(finite_rows(activations))
    if not len(rows):
        return (), None
    values = activations[rows].astype(np.float32)
    mean = values.mean(axis=0)
    asked = np.clip(answer, -_HALF_MAX, _HALF_MAX) - mean
    centered = values - mean
    if not asked.any() or not centered.any():
        return (), None
    unit = unit_rows(np.concatenate([asked[None], centered]))
    cosine = np.clip(unit[1:] @ unit[0], -1, 1)
    order = np.argsort(-cosine, kind="stable")[:NEAREST]
    nearest = float(cosine[order[0]])
    near = order[cosine[order] >= nearest - (1 - _NEAR) * abs(nearest)]
    return tuple(int(row) for row in rows[near]), nearest
