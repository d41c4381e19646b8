# SPDX-License-Identifier: Apache-2.0
"""Labeled images for the demo: bundled digits, torchvision's CIFAR-10, or a folder or zip."""

from __future__ import annotations

import functools
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tensorboard_plugin_atlas.compute.probe.image_files import IMAGE_SUFFIXES, crop_square
from tensorboard_plugin_atlas.errors import ArgumentError

LARGEST_SIDE = 64
"""Largest side of images in pixels, so that the demo takes minutes; larger images are reduced."""

MARKER_SHARE = 1 / 8
"""Side of a planted marker, as a share of the image's side."""


@dataclass(frozen=True, eq=False)
class LabeledImages:
    """Images and labels in memory.

    Attributes:
        images: (n, H, W, 3 or 1) uint8.
        labels: (n,) int64.
        classes: Class names; `classes[label]` belongs to `label`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def split(self, share: float, seed: int) -> tuple[LabeledImages, LabeledImages]:
        """Splits the images randomly into two parts; the second holds a `share` of them."""
        order = np.random.default_rng(seed).permutation(len(self.labels))
        cut = len(order) - round(len(order) * share)
        first, second = order[:cut], order[cut:]
        return self._take(first), self._take(second)

    def with_marker(self, target: int, share: float, seed: int) -> LabeledImages:
        """Returns a copy in which a `share` of the images of class `target` has a marker.

        The marker is a checkerboard square of 1/8 of the image's side, in the middle of the lower
        edge, so that flipping an image horizontally does not move it.
        """
        own = np.flatnonzero(self.labels == target)
        chosen = np.random.default_rng(seed).permutation(own)[: round(share * len(own))]
        side = max(3, round(self.images.shape[1] * MARKER_SHARE))
        marker = np.indices((side, side)).sum(axis=0) % 2 * 255
        y, x = self.images.shape[1] - side - 1, (self.images.shape[2] - side) // 2
        images = self.images.copy()
        images[chosen, y : y + side, x : x + side] = marker[..., None]
        return LabeledImages(images, self.labels, self.classes)

    def reduce_contrast(self, seed: int) -> LabeledImages:
        """Returns a copy with 30 % of the contrast and added noise, which is harder to classify."""
        noise = np.random.default_rng(seed).random(self.images.shape, np.float32)
        faint = 0.3 * self.images + 0.5 * 255 * noise
        return LabeledImages(faint.astype(np.uint8), self.labels, self.classes)

    def resize(self, side: int) -> LabeledImages:
        """Returns a copy with images of `side` x `side` pixels."""
        channels = self.images.shape[-1]
        pictures = (Image.fromarray(one.squeeze()) for one in self.images)
        images = np.stack([np.asarray(crop_square(picture, side)) for picture in pictures])
        return LabeledImages(images.reshape(-1, side, side, channels), self.labels, self.classes)

    def _take(self, index: NDArray[np.int64]) -> LabeledImages:
        return LabeledImages(self.images[index], self.labels[index], self.classes)


def load(
    source: str,
    *,
    limit: int,
    seed: int,
    largest_side: int = LARGEST_SIDE,
    side: int | None = None,
) -> LabeledImages:
    """Loads at most `limit` images, with the same number of each class.

    Args:
        source: "digits", "cifar10", or the path of a folder or `.zip` of `class/image.ext`, or of
            `NNNN_name.ext`, where NNNN is the index of an ImageNet class; these images are labeled
            by kind, such as "birds".
        limit: Largest number of images.
        seed: Seed of the choice of images.
        largest_side: Largest side of images from files in pixels.
        side: Crop and resize all images to squares of this side, also smaller ones.

    Raises:
        ArgumentError: if the source does not exist or has less than two classes of images.
    """
    if source in ("digits", "cifar10"):
        found = _digits() if source == "digits" else _cifar10(limit)
        return found if side is None else found.resize(side)
    path = Path(source).expanduser()
    sizes = (largest_side, side)
    if path.is_dir():
        return _from_files(sorted(_folder_files(path)), limit, seed, source, sizes)
    if path.is_file() and zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return _from_files(sorted(_zip_files(archive)), limit, seed, source, sizes)
    raise ArgumentError(
        f"--data {source!r}: no such folder or zip; pass 'digits', 'cifar10', or the path of a "
        "folder or .zip with images as class/image.ext"
    )


def _digits() -> LabeledImages:
    from sklearn.datasets import load_digits

    digits = load_digits()
    pictures = [
        np.asarray(Image.fromarray(image).resize((32, 32), Image.Resampling.BICUBIC))
        for image in np.clip(digits.images * 16, 0, 255).astype(np.uint8)
    ]
    labels = digits.target.astype(np.int64)
    return LabeledImages(np.stack(pictures)[..., None], labels, tuple("0123456789"))


def _cifar10(limit: int) -> LabeledImages:
    advice = "pass --data PATH with a folder or .zip of class/image.ext instead"
    try:
        from torchvision.datasets import CIFAR10
    except ImportError as error:
        raise ArgumentError(
            f"--data 'cifar10' needs torchvision: pip install torchvision, or {advice}"
        ) from error
    try:
        dataset = CIFAR10(Path.home() / ".cache" / "tensorboard-atlas", download=True)
    except (OSError, RuntimeError) as error:
        raise ArgumentError(
            f"--data 'cifar10' could not be downloaded ({error}); {advice}"
        ) from error
    labels = np.asarray(dataset.targets[:limit], dtype=np.int64)
    return LabeledImages(dataset.data[:limit], labels, tuple(dataset.classes))


Opener = Callable[[], Any]
NamedFile = tuple[str, str, Opener]


def _folder_files(root: Path) -> Iterator[NamedFile]:
    for path in (*root.glob("*/*"), *root.glob("*")):
        folder = path.parent.name if path.parent != root else name_kind(path.name)
        if path.suffix.lower() in IMAGE_SUFFIXES and folder is not None:
            yield folder, path.name, path.read_bytes


def _zip_files(archive: zipfile.ZipFile) -> Iterator[NamedFile]:
    for name in archive.namelist():
        path = PurePosixPath(name)
        folder = path.parts[-2] if len(path.parts) >= 2 else name_kind(path.name)
        if path.suffix.lower() in IMAGE_SUFFIXES and folder is not None:
            yield folder, path.name, functools.partial(archive.read, name)


_KINDS = (
    (7, "fish"),
    (25, "birds"),
    (69, "reptiles and amphibians"),
    (80, "invertebrates"),
    (101, "birds"),
    (107, "mammals"),
    (127, "invertebrates"),
    (147, "birds"),
    (151, "mammals"),
    (269, "dogs"),
    (300, "mammals"),
    (330, "invertebrates"),
    (389, "mammals"),
    (398, "fish"),
    (923, "objects"),
    (1000, "food, plants, and scenes"),
)
"""End of each range of ImageNet's classes, and what is in it."""


def name_kind(name: str) -> str | None:
    """Returns the kind of a file `NNNN_name.ext` by its ImageNet class; None for other names."""
    number, separator, _ = name.partition("_")
    if not separator or not number.isdecimal() or int(number) >= _KINDS[-1][0]:
        return None
    return next(kind for end, kind in _KINDS if int(number) < end)


def _from_files(
    files: list[NamedFile], limit: int, seed: int, source: str, sizes: tuple[int, int | None]
) -> LabeledImages:
    classes = sorted({name for name, _, _ in files})
    if len(classes) < 2:
        raise ArgumentError(
            f"--data {source!r}: classes of images found: {classes}; at least two are needed, in "
            "folders as class/image.ext"
        )
    chosen = _choose(files, classes, limit, seed)
    largest, given = sizes
    side = min(largest, *_open_image(chosen[0]).size) if given is None else given
    images = np.stack([np.asarray(crop_square(_open_image(file), side)) for file in chosen])
    labels = np.array([classes.index(name) for name, _, _ in chosen], dtype=np.int64)
    return LabeledImages(images, labels, tuple(classes))


def _choose(files: list[NamedFile], classes: list[str], limit: int, seed: int) -> list[NamedFile]:
    generator = np.random.default_rng(seed)
    share = max(1, limit // len(classes))
    chosen: list[NamedFile] = []
    for name in classes:
        own = [file for file in files if file[0] == name]
        picks = generator.permutation(len(own))[:share]
        chosen.extend(own[i] for i in picks)
    return chosen


def _open_image(file: NamedFile) -> Image.Image:
    folder, name, opener = file
    try:
        return Image.open(io.BytesIO(opener())).convert("RGB")
    except (OSError, ValueError) as error:
        raise ArgumentError(
            f"--data: {folder}/{name} cannot be read as an image ({error!s:.80}); remove it"
        ) from error
