# SPDX-License-Identifier: Apache-2.0
"""Normalization of images, and its detection in the transforms of a dataset."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from tensorboard_plugin_atlas.errors import ArgumentError

# torchvision's presets (`weights.transforms()`) normalize inside a class of another name.
_NORMALIZING_CLASSES: Final = ("Normalize", "ImageClassification")
_INNER_DATA: Final = ("dataset", "subset", "base_dataset")


@dataclass(frozen=True, eq=False)
class Normalize:
    """Model input = (pixels in [0, 1] - mean) / std, per channel.

    Attributes:
        mean: One number per channel, or a single one for all.
        std: One positive number per channel, or a single one for all.

    Raises:
        ArgumentError: if the lengths differ, a number is not finite, or a std is not positive.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        finite = all(math.isfinite(value) for value in (*self.mean, *self.std))
        if not self.mean or len(self.mean) != len(self.std) or not finite or min(self.std) <= 0:
            raise ArgumentError(
                f"normalize=({self.mean!r}, {self.std!r}): pass (mean, std), each with one finite "
                "number per channel and std above 0, such as ((0.5,), (0.25,))"
            )

    def to_pixels(self, images: Tensor) -> Tensor:
        """Returns model inputs (..., C, H, W) as pixels of the same shape, not clipped."""
        mean, std = self._columns(images)
        return images * std + mean

    def to_input(self, pixels: Tensor) -> Tensor:
        """Returns pixels (..., C, H, W) in [0, 1] as model inputs of the same shape."""
        mean, std = self._columns(pixels)
        return (pixels - mean) / std

    def fits(self, channels: int) -> bool:
        """Returns whether images with that number of channels can be normalized."""
        return len(self.mean) in (1, channels)

    def after(self, first: Normalize) -> Normalize:
        """Returns the normalization that equals `first` followed by this one."""
        size = max(len(self.mean), len(first.mean))
        own, other = self._expand(size), first._expand(size)
        return Normalize(
            tuple(m1 + s1 * m2 for m1, s1, m2 in zip(other.mean, other.std, own.mean, strict=True)),
            tuple(s1 * s2 for s1, s2 in zip(other.std, own.std, strict=True)),
        )

    def _expand(self, size: int) -> Normalize:
        if len(self.mean) == size:
            return self
        return Normalize(self.mean * size, self.std * size)

    def _columns(self, like: Tensor) -> tuple[Tensor, Tensor]:
        mean, std = (
            torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1)
            for values in (self.mean, self.std)
        )
        return mean, std


IDENTITY: Final = Normalize((0.0,), (1.0,))
"""For models whose input is pixels in [0, 1]."""


def as_normalize(value: object) -> Normalize:
    """Converts the argument `normalize`: a `Normalize` or a pair (mean, std).

    Raises:
        ArgumentError: if it is neither.
    """
    if isinstance(value, Normalize):
        return value
    try:
        mean, std = map(_numbers, value)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise ArgumentError(
            f"normalize={value!r:.80}: pass (mean, std), each one number per channel, such as "
            "((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))"
        ) from None
    return Normalize(mean, std)


def find_normalize(data: object) -> Normalize | None:
    """Finds the normalization in the transforms of a dataset and of the datasets it wraps.

    Supports torchvision's transforms (v1, v2, presets) and similar ones: an object of a class named
    Normalize with `mean` and `std`, inside of anything with `transforms`, `transform` or children.
    Wrapped datasets are found by the attributes `dataset`, `subset` and `datasets`.

    Args:
        data: A dataset.

    Returns:
        The normalization from pixels in [0, 1] to the images of the dataset, or None.

    Raises:
        ArgumentError: if the parts of a concatenated dataset disagree.
    """
    return _of_data(data, depth=0)


def _of_data(data: object, depth: int) -> Normalize | None:
    if data is None or depth > 16:  # a cycle
        return None
    inner = _of_parts(data, depth)
    if inner is None:
        inners = (_of_data(getattr(data, name, None), depth + 1) for name in _INNER_DATA)
        inner = next((found for found in inners if found is not None), None)
    own = None
    # `transforms` of a torchvision dataset includes its `transform`.
    for name in ("transform", "transforms"):
        own = _compose(_steps(getattr(data, name, None), depth=0))
        if own is not None:
            break
    if own is None or inner is None:
        return own if inner is None else inner
    return own.after(inner)


def _of_parts(data: object, depth: int) -> Normalize | None:
    parts = getattr(data, "datasets", None)
    if not isinstance(parts, (list, tuple)) or not parts:
        return None
    found = [_of_data(part, depth + 1) for part in parts]
    distinct = {None if one is None else (one.mean, one.std) for one in found}
    if len(distinct) > 1:
        raise ArgumentError(
            f"normalize: the concatenated datasets disagree ({sorted(map(str, distinct))}); "
            "give them one transform, or pass normalize=(mean, std)"
        )
    return found[0]


def _steps(transform: Any, depth: int) -> Iterator[Normalize]:
    """Yields the normalizations of a transform in order of execution."""
    if transform is None or depth > 16:
        return
    if type(transform).__name__ in _NORMALIZING_CLASSES and hasattr(transform, "std"):
        yield Normalize(_numbers(transform.mean), _numbers(transform.std))
        return
    for part in _parts_of_transform(transform):
        yield from _steps(part, depth + 1)


def _parts_of_transform(transform: Any) -> Iterable[Any]:
    if isinstance(transform, (list, tuple)):
        return transform
    inner = getattr(transform, "transforms", None)
    if isinstance(inner, (list, tuple, torch.nn.ModuleList)):
        return inner
    if isinstance(transform, torch.nn.Module):
        return transform.children()
    return (getattr(transform, "transform", None),)


def _compose(steps: Iterable[Normalize]) -> Normalize | None:
    whole: Normalize | None = None
    for step in steps:
        whole = step if whole is None else step.after(whole)
    return whole


def _numbers(values: Any) -> tuple[float, ...]:
    flat = values.reshape(-1).tolist() if hasattr(values, "reshape") else values
    return tuple(map(float, flat)) if isinstance(flat, Iterable) else (float(flat),)
