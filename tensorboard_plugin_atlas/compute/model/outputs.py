# SPDX-License-Identifier: Apache-2.0
"""The output of a layer as a map, tokens or a vector, and activations at its positions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

from tensorboard_plugin_atlas.errors import LayerError

MAX_PREFIX: Final = 8
"""Largest number of tokens before the patches: class token, distillation token, registers."""

_ASPECT_TOLERANCE: Final = math.log(1.5)


@dataclass(frozen=True)
class OutputForm:
    """The form of a layer's output.

    Attributes:
        kind: "map" (B, C, H, W), "tokens" (B, T, C) or "vector" (B, C). One of the tokens before
            the patches is a vector, too.
        map_size: Height and width of the layer's map. Tokens that form no grid are one row, and a
            vector is 1 x 1.
        prefix: Number of tokens before the patches; the first of them is the class token.
        channels_last: Whether the map is (B, H, W, C).
        sequence_first: Whether the tokens are (T, B, C).
        token: Index of the token that a vector is, or None where the output is the vector.
    """

    kind: str
    map_size: tuple[int, int]
    prefix: int = 0
    channels_last: bool = False
    sequence_first: bool = False
    token: int | None = None

    def gather(self, output: Tensor, images: Tensor, positions: Tensor) -> Tensor:
        """Returns the activations at `positions` of `images`, (n, C), differentiable.

        Args:
            output: The layer's output for a batch.
            images: (n,) int64: indices in the batch.
            positions: (n, 2) int64: row and column on the map.
        """
        images, positions = images.to(output.device), positions.to(output.device)
        rows, columns = positions.unbind(1)
        if self.kind == "vector":
            return self._as_vector(output)[images]
        if self.kind == "tokens":
            tokens = self.prefix + rows * self.map_size[1] + columns
            return output[tokens, images] if self.sequence_first else output[images, tokens]
        if self.channels_last:
            return output[images, rows, columns]
        return output[images, :, rows, columns]

    def as_map(self, output: Tensor) -> Tensor:
        """Returns the output as a map (B, C, H, W), differentiable; a view where possible."""
        if self.kind == "map":
            return output.permute(0, 3, 1, 2) if self.channels_last else output
        if self.kind == "vector":
            return self._as_vector(output)[:, :, None, None]
        tokens = output.transpose(0, 1) if self.sequence_first else output
        patches = tokens[:, self.prefix :].transpose(1, 2)
        return patches.reshape(*patches.shape[:2], *self.map_size)

    def _as_vector(self, output: Tensor) -> Tensor:
        if self.token is None:
            return output
        return output[self.token] if self.sequence_first else output[:, self.token]

    def notes(self) -> Iterator[str]:
        """Yields unusual assumptions about the output."""
        if self.channels_last:
            yield "its output was read as (batch, height, width, channels)"
        if self.sequence_first:
            yield "its output was read as (tokens, batch, channels)"
        if self.kind == "tokens" and self.prefix:
            yield (
                f"{self.prefix} of its tokens come before the patches and are not sampled; the "
                'first of them is a layer of its own, with ":cls" after the name'
            )
        if self.kind == "tokens" and self.map_size[0] == 1 and self.map_size[1] > 1:
            yield f"its {self.map_size[1]} tokens form no grid and were read as one row"


def find_main_tensor(output: object, batch: int) -> Tensor | None:
    """Returns the tensor in an output of a layer whose activations are sampled, or None.

    It is the first tensor, also inside tuples, lists and mappings. If parts of images are folded
    into its batch, as in the inner stream of TNT, it is the next one with a row for each image;
    square ones are attention weights.

    Args:
        output: The output for `batch` images.
        batch: B.
    """
    tensors = list(_iterate_tensors(output))
    if not tensors or not _is_folded(tensors[0], batch):
        return tensors[0] if tensors else None
    others = (one for one in tensors[1:] if one.ndim > 2 and one.shape[-1] != one.shape[-2])
    return next((one for one in others if len(one) == batch), tensors[0])


def _iterate_tensors(output: object) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        yield from _iterate_tensors(tuple(output.values()))
    elif isinstance(output, (tuple, list)):
        for one in output:
            yield from _iterate_tensors(one)


def _is_folded(output: Tensor, batch: int) -> bool:
    return output.ndim > 2 and len(output) > batch and len(output) % batch == 0


def infer_output_form(
    output: Tensor,
    *,
    batch: int,
    input_size: tuple[int, int],
    sequence_first: bool = False,
    token: int | None = None,
) -> OutputForm:
    """Infers the form of a layer's output from its shape.

    Four dimensions are (B, C, H, W), unless that map does not have the aspect ratio of the image
    while (B, H, W, C) has one stride in both directions, as in Swin. Three dimensions are tokens:
    square patches that tile the image, after at most `MAX_PREFIX` other tokens; otherwise a square
    grid, with or without a class token; otherwise one row.

    Args:
        output: The output for `batch` images.
        batch: B.
        input_size: Height and width of the images.
        sequence_first: Whether the layer is known to return (T, B, C).
        token: Index of one of the tokens before the patches, to read only this one.

    Raises:
        LayerError: if there are not two to four dimensions, the first is not B, or there is no such
            token.
    """
    shape = tuple(output.shape)
    is_transposed = sequence_first and len(shape) == 3 and shape[1] == batch
    if not is_transposed and (not 2 <= len(shape) <= 4 or shape[0] != batch or 0 in shape):
        raise LayerError(
            f"its output has shape {shape} for {batch} images; pick a layer that returns (images, "
            "channels, height, width), (images, tokens, channels) or (images, channels)"
        )
    if len(shape) == 2 and token is None:
        return OutputForm("vector", (1, 1))
    if len(shape) == 3:
        prefix, size = _infer_token_grid(shape[0] if is_transposed else shape[1], input_size)
        if token is not None and token < prefix:
            return OutputForm("vector", (1, 1), prefix, sequence_first=is_transposed, token=token)
        if token is None:
            return OutputForm("tokens", size, prefix, sequence_first=is_transposed)
    if token is not None:
        raise LayerError(
            f"its output of shape {shape} for {batch} images has no token {token} before the "
            "patches; omit what follows the colon in its name"
        )
    if _has_other_aspect(shape[2:4], input_size) and _has_one_stride(shape[1:3], input_size):
        return OutputForm("map", (shape[1], shape[2]), channels_last=True)
    return OutputForm("map", (shape[2], shape[3]))


def is_sequence_first(module: nn.Module) -> bool:
    """Returns whether a module is or contains a sequence module with `batch_first=False`."""
    return any(getattr(part, "batch_first", True) is False for part in module.modules())


def _has_other_aspect(shape: tuple[int, ...], input_size: tuple[int, int]) -> bool:
    ratio = (shape[0] * input_size[1]) / (shape[1] * input_size[0])
    return abs(math.log(ratio)) > _ASPECT_TOLERANCE


def _has_one_stride(shape: tuple[int, ...], input_size: tuple[int, int]) -> bool:
    down, across = (round(limit / size) for limit, size in zip(input_size, shape, strict=True))
    return down == across > 0


def _infer_token_grid(tokens: int, input_size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    """Returns the number of tokens before the patches, and the rows and columns of the patches."""
    height, width = input_size
    # At least four patches for each token before them, so that short sequences are no grids.
    for prefix in range(min(MAX_PREFIX, tokens // 5) + 1):
        rows = math.isqrt((tokens - prefix) * height // width)
        if rows and height % rows == 0:
            patch = height // rows
            if width % patch == 0 and rows * (width // patch) == tokens - prefix:
                return prefix, (rows, width // patch)
    for prefix in (0, 1):
        side = math.isqrt(tokens - prefix)
        if side > 1 and side * side == tokens - prefix:
            return prefix, (side, side)
    return 0, (1, tokens)
