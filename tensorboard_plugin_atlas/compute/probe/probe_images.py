# SPDX-License-Identifier: Apache-2.0
"""The images of a probe; those in memory take a quarter of it where that is exact.

Most datasets decode 8-bit images and scale them linearly, so each channel of the model inputs has
at most 256 distinct values. Then only their indices are stored, as uint8, and reading an image
gives the same float32 bits as the dataset gave. Other images are stored as float32.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.probe.normalize import Normalize
from tensorboard_plugin_atlas.short_repr import short_repr

Rows: TypeAlias = slice | Tensor | NDArray[Any]

_LEVELS: Final = 256
AT_ONCE: Final = 16
"""Images that are read at once where all are read, so that little memory is needed."""


class ProbeImages(ABC):
    """I images; indexing returns some of them as float32 model inputs."""

    @property
    @abstractmethod
    def shape(self) -> torch.Size:
        """(I, C, H, W)."""

    @abstractmethod
    def __getitem__(self, rows: Rows) -> Tensor:
        """Returns images as model inputs, (n, C, H, W) float32, on the CPU.

        Args:
            rows: A slice, or indices.
        """

    @abstractmethod
    def select(self, rows: Rows) -> ProbeImages:
        """Returns some of the images, kept in the same form."""

    def __len__(self) -> int:
        """Returns I, the number of images."""
        return self.shape[0]

    def iterate(self, size: int = AT_ONCE) -> Iterator[Tensor]:
        """Yields all images in order, at most `size` at a time, as model inputs."""
        return (self[first : first + size] for first in range(0, len(self), size))


@short_repr
@dataclass(frozen=True, eq=False)
class StoredImages(ProbeImages):
    """Images in memory.

    Attributes:
        stored: (I, C, H, W), on the CPU: uint8 indices into `values`, or float32 model inputs.
        values: (C, 256) float32: the model input of each index, or None if `stored` is float32.
    """

    stored: Tensor
    values: FloatArray | None = None

    def __getitem__(self, rows: Rows) -> Tensor:
        """Returns images as model inputs."""
        return self.decode(self._select(rows))

    @property
    def shape(self) -> torch.Size:
        """(I, C, H, W)."""
        return self.stored.shape

    @property
    def dtype(self) -> torch.dtype:
        """The dtype in which the images are stored."""
        return self.stored.dtype

    def select(self, rows: Rows) -> StoredImages:
        """Returns some of the images, stored in the same form."""
        return StoredImages(self._select(rows), self.values)

    def decode(self, stored: Tensor) -> Tensor:
        """Returns stored values of any (n, C, h, w) as model inputs, float32."""
        if self.values is None:
            return stored
        found = np.empty(tuple(stored.shape), np.float32)
        for channel, values in enumerate(self.values):
            np.take(values, stored[:, channel].numpy(), out=found[:, channel], mode="clip")
        return torch.from_numpy(found)

    def _select(self, rows: Rows) -> Tensor:
        if isinstance(rows, slice):
            return self.stored[rows]
        return self.stored[torch.as_tensor(rows).long()]


@dataclass(eq=False)
class ImageEncoder:
    """Encodes images as uint8 where that is exact.

    The index of a value is its pixel from 0 to 255 after undoing the normalization. The model input
    of each index is taken from the images themselves, so it has the same bits.

    Attributes:
        normalize: Normalization from pixels to images. If it is wrong, images are not encoded.
    """

    normalize: Normalize
    _values: FloatArray | None = field(default=None, init=False)

    def encode(self, image: Tensor) -> Tensor | None:
        """Returns an image as uint8 indices, or None if that is not exact.

        Args:
            image: (C, H, W) float32, on the CPU.
        """
        if not self.normalize.fits(len(image)):
            return None
        if self._values is None:
            self._values = np.full((len(image), _LEVELS), np.nan, np.float32)
        if len(self._values) != len(image):
            return None
        pixels = self.normalize.to_pixels(image).mul_(255).round_()
        if not (pixels.numel() and pixels.min() >= 0 and pixels.max() < _LEVELS):
            return None  # false for NaN, too
        levels = pixels.to(torch.uint8)
        is_exact = map(self._add_channel, range(len(image)), image.numpy(), levels.numpy())
        return levels if all(is_exact) else None

    def decode(self, levels: Tensor) -> Tensor:
        """Returns the model inputs of an image that `encode` returned, (C, H, W) float32."""
        return StoredImages(levels[None], self._values)[:][0]

    def make_images(self, levels: Tensor) -> StoredImages:
        """Returns encoded images, (I, C, H, W) uint8, as a value."""
        return StoredImages(levels, self._values)

    def _add_channel(self, channel: int, image: FloatArray, levels: NDArray[np.uint8]) -> bool:
        """Adds new values of a channel; returns whether all of its values are those of `levels`."""
        assert self._values is not None  # noqa: S101 - set by `encode`
        values = self._values[channel].copy()
        is_new = np.isnan(values)
        values[levels.ravel()] = image.ravel()
        values[~is_new] = self._values[channel][~is_new]
        found = np.take(values, levels, mode="clip")
        if not np.array_equal(found.view(np.int32), np.ascontiguousarray(image).view(np.int32)):
            return False
        self._values[channel] = values
        return True


class ImageCollector:
    """Collects images of one size into one tensor, without a second copy of all.

    Args:
        count: Largest number of images.
        encoder: Encodes images; all are stored as float32 from the first that it cannot encode.
    """

    def __init__(self, count: int, encoder: ImageEncoder) -> None:
        self._count, self._encoder = count, encoder
        self._images: Tensor | None = None
        self._size = 0

    def add(self, image: Tensor) -> None:
        """Adds an image, (C, H, W): float32, or uint8 as the encoder returned it."""
        encoded = image if image.dtype == torch.uint8 else self._encoder.encode(image)
        if self._images is None:
            dtype = torch.float32 if encoded is None else torch.uint8
            self._images = torch.empty(self._count, *image.shape, dtype=dtype)
        if encoded is None and self._images.dtype == torch.uint8:
            self._convert(self._images)
        if encoded is not None and self._images.dtype == torch.uint8:
            self._images[self._size] = encoded
        else:
            is_encoded = image.dtype == torch.uint8
            self._images[self._size] = self._encoder.decode(image) if is_encoded else image
        self._size += 1

    def finish(self) -> StoredImages:
        """Returns the images; at least one must have been added."""
        assert self._images is not None  # noqa: S101 - an image was added
        images = self._images[: self._size]
        if images.dtype == torch.uint8:
            return self._encoder.make_images(images)
        return StoredImages(images)

    def _convert(self, encoded: Tensor) -> None:
        """Stores the images so far as float32."""
        self._images = torch.empty(encoded.shape, dtype=torch.float32)
        for row in range(self._size):
            self._images[row] = self._encoder.decode(encoded[row])
