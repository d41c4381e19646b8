# SPDX-License-Identifier: Apache-2.0
"""`ImageFiles`: a dataset of the images in a folder, in zip files, or in tar files."""

from __future__ import annotations

import glob
import io
import itertools
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from tensorboard_plugin_atlas.compute.probe.file_lists import (
    FileList,
    list_archives,
    list_folder,
)
from tensorboard_plugin_atlas.compute.probe.normalize import IDENTITY, Normalize, as_normalize
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error
from tensorboard_plugin_atlas.number_arguments import to_int

IMAGE_SUFFIXES: Final = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".webp")

_LABEL_SUFFIX: Final = ".cls"
"""Suffix of the files with class indices in shards of WebDataset."""
_RANGE: Final = re.compile(r"\{(\d+)\.\.(\d+)\}")
"""A range of shards, such as {000..009}."""
_MAX_SHARDS: Final = 100_000

Stem: TypeAlias = tuple[int, str]
PathLike: TypeAlias = "str | os.PathLike[str]"
Transform: TypeAlias = Callable[[Image.Image], Any]


class ImageFiles(Dataset[Any]):
    """Dataset of the images in a folder, in zip files, or in tar files.

    Images are decoded when they are read, and converted to RGB. The class of an image is the folder
    that it is in, or, in shards of WebDataset, the number in the `.cls` file of the same name.

    Args:
        path: Folder, zip file, uncompressed tar file, pattern such as "shards/*.tar" or
            "shards/{000..009}.tar", or list of zip or tar files.
        side: Side in pixels to which the central square of each image is resized. None keeps the
            images as they are; then all must have one size.
        normalize: (mean, std): images are (pixels in [0, 1] - mean) / std. None keeps pixels.
        transform: Function from an RGB PIL image to the model input, such as torchvision's
            `weights.transforms()`; it replaces `side` and `normalize`.

    Attributes:
        classes: Class names, or None without folders of at least two classes.
        targets: (L,) int64: class of each image, or None.
        names: Path of each image below the folder or inside its archive.
        transform: The transform, or the normalization without one.

    Raises:
        ArgumentError: if there is no such file, or it holds no images.

    Examples:
        >>> data = ImageFiles("val/", side=224)                               # doctest: +SKIP
        >>> image, label = data[0]                                            # doctest: +SKIP
        >>> image.shape                                                       # doctest: +SKIP
        torch.Size([3, 224, 224])
    """

    def __init__(
        self,
        path: PathLike | Sequence[PathLike],
        *,
        side: int | None = None,
        normalize: Any = None,
        transform: Transform | None = None,
    ) -> None:
        if transform is not None and (side is not None or normalize is not None):
            raise ArgumentError(
                "ImageFiles: transform replaces side and normalize; put them into the transform, "
                "or omit it"
            )
        self._side = None if side is None else to_int("side", side)
        if self._side is not None and self._side < 1:
            raise ArgumentError(f"ImageFiles(side={side!r}): pass a number of pixels, such as 224")
        self.transform: Transform | Normalize = transform or (
            IDENTITY if normalize is None else as_normalize(normalize)
        )
        self._files = _list_files(path)
        labels = _read_labels(self._files)
        self._indices = _find_images(self._files, labels)
        if not len(self._indices):
            raise ArgumentError(
                f"ImageFiles({path!r:.80}): no images found; pass a folder, zip or tar with "
                f"{', '.join(IMAGE_SUFFIXES)}"
            )
        self.names = [self._files.names[index] for index in self._indices]
        self.classes: tuple[str, ...] | None = None
        self.targets: NDArray[np.int64] | None = None
        if labels:
            found = [labels[self._files.get_stem(int(index))] for index in self._indices]
            self.targets = np.array(found, np.int64)
        else:
            self.classes, self.targets = _find_classes(self.names)

    def __len__(self) -> int:
        """Returns L, the number of images."""
        return len(self.names)

    def __getitem__(self, index: int) -> Any:
        """Returns (image, class), or the image alone if images have no classes.

        The image is (3, H, W) float32, or what the transform returns.

        Raises:
            ArgumentError: if it cannot be decoded.
        """
        picture = self._open(index)
        if isinstance(self.transform, Normalize):
            pixels = picture if self._side is None else crop_square(picture, self._side)
            image = _to_input(np.array(pixels), self.transform)
        else:
            image = self.transform(picture)
        return image if self.targets is None else (image, int(self.targets[index]))

    def __repr__(self) -> str:
        return f"ImageFiles({len(self):,} images, such as {self.names[0]!r})"

    def _open(self, index: int) -> Image.Image:
        try:
            data = self._files.read(int(self._indices[index]))
            picture: Image.Image = Image.open(io.BytesIO(data)).convert("RGB")
        except Exception as error:  # decoders raise errors of many types
            raise ArgumentError(
                f"probe: {self.names[index]} cannot be read as an image "
                f"({summarize_error(error)}); repair it, or remove it"
            ) from error
        return picture


def _to_input(pixels: NDArray[np.uint8], normalize: Normalize) -> Tensor:
    channels_first = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
    return normalize.to_input(channels_first.float() / 255)


def crop_square(picture: Image.Image, side: int) -> Image.Image:
    """Returns the central square of an image, resized to `side` x `side` pixels."""
    width, height = picture.size
    if (width, height) == (side, side):
        return picture
    edge = min(width, height)
    left, top = (width - edge) // 2, (height - edge) // 2
    box = (left, top, left + edge, top + edge)
    return picture.resize((side, side), Image.Resampling.BICUBIC, box=box)


def _list_files(path: PathLike | Sequence[PathLike]) -> FileList:
    """Lists the files at the argument `path` of `ImageFiles`.

    Raises:
        ArgumentError: if there is no such file.
    """
    if isinstance(path, (str, os.PathLike)):
        whole = Path(path).expanduser()
        if whole.is_dir():
            return list_folder(whole)
        paths = [whole] if whole.is_file() else _expand(str(whole))
    elif isinstance(path, (list, tuple)):
        paths = [Path(one).expanduser() for one in path]
    else:
        raise ArgumentError(f"ImageFiles(path={path!r:.80}): pass a path, or a list of paths")
    missing = [str(one) for one in paths if not one.is_file()]
    if missing or not paths:
        raise ArgumentError(
            f"ImageFiles({path!r:.80}): no such file or folder"
            f"{': ' + missing[0] if missing else ''}; pass a local folder, a zip or tar file, or a "
            "pattern such as 'shards/*.tar'"
        )
    return list_archives(paths)


def _expand(pattern: str) -> list[Path]:
    """Returns the files of a pattern with ranges in braces, or with wildcards."""
    parts = _RANGE.split(pattern)
    choices = [[part] for part in parts[::3]]
    ranges = [
        [str(number).zfill(len(first)) for number in range(int(first), int(last) + 1)]
        for first, last in zip(parts[1::3], parts[2::3], strict=True)
    ]
    for place, numbers in enumerate(ranges):
        choices.insert(2 * place + 1, numbers)
    names = itertools.islice(itertools.product(*choices), _MAX_SHARDS)
    found = ["".join(name) for name in names]
    if not ranges:
        found = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - a pattern with a root
    return [Path(name) for name in found]


def _read_labels(files: FileList) -> dict[Stem, int]:
    """Returns the numbers in files with the suffix `.cls`, by what they share with the image.

    Raises:
        ArgumentError: if one of them holds no number.
    """
    found = {}
    for index, name in enumerate(files.names):
        if not name.endswith(_LABEL_SUFFIX):
            continue
        text = files.read(index)[:80].strip()
        if not text.isdigit():
            raise ArgumentError(
                f"ImageFiles: {name} holds {text!r}; .cls files must hold the index of a class"
            )
        found[files.get_stem(index)] = int(text)
    return found


def _find_images(files: FileList, labels: dict[Stem, int]) -> NDArray[np.int64]:
    """Returns the indices of the images; beside files with labels, those that have one."""
    chosen = [
        index
        for index, name in enumerate(files.names)
        if name.lower().endswith(IMAGE_SUFFIXES)
        and not PurePosixPath(name).name.startswith(".")
        and (not labels or files.get_stem(index) in labels)
    ]
    return np.array(chosen, np.int64)


def _find_classes(
    names: Sequence[str],
) -> tuple[tuple[str, ...] | None, NDArray[np.int64] | None]:
    """Returns the names of the folders that images are in, and the class of each image."""
    folders = [PurePosixPath(name).parent.name for name in names]
    classes = tuple(sorted(set(folders)))
    if len(classes) < 2 or "" in classes:
        return None, None
    number = {name: index for index, name in enumerate(classes)}
    return classes, np.array([number[folder] for folder in folders], np.int64)
