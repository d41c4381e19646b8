# SPDX-License-Identifier: Apache-2.0
"""The probe: fixed images, labels and sample positions, the same at all steps."""

from __future__ import annotations

import dataclasses
import logging
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray, ProbeThumbnails
from tensorboard_plugin_atlas.compute.probe.image_selection import (
    SourceImages,
    select_images,
    underlying_dataset,
)
from tensorboard_plugin_atlas.compute.probe.item_parser import ClassMap
from tensorboard_plugin_atlas.compute.probe.normalize import (
    IDENTITY,
    Normalize,
    as_normalize,
    find_normalize,
)
from tensorboard_plugin_atlas.compute.probe.pixel_summary import PixelSummary
from tensorboard_plugin_atlas.compute.probe.probe_images import ProbeImages
from tensorboard_plugin_atlas.compute.probe.streamed_probe import (
    StreamedProbe,
    select_streamed_images,
)
from tensorboard_plugin_atlas.compute.random_state import preserve_random_state
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.short_repr import short_repr
from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, pack

logger = logging.getLogger(__name__)

__all__ = ["Normalize", "Probe", "build_probe"]

EDGE: Final = 1 / 8
"""Fraction of the image excluded at each side, where receptive fields are mostly padding."""

RANGE_TOLERANCE: Final = 1e-3
"""Tolerance of the range [0, 1] of pixels if no normalization is known."""

FAR_OUTSIDE: Final = (-0.5, 1.5)
"""Pixels below or above are a sign of a wrong normalization; others may come from resizing."""

PIXEL_ROUNDING: Final = 1e-3
"""Larger than the rounding error of a relative position, in pixels."""

UNLABELED: Final = 255
"""Class of unlabeled pixels in the label maps of many datasets, which have fewer classes."""

THUMBNAIL_SIDE: Final = 96
THUMBNAIL_BYTES: Final = 6 * 1024 * 1024
_THUMBNAIL_STEPS: Final = tuple(
    (side, quality) for side in (96, 72, 48, 32, 24, 16, 8) for quality in (82, 60, 40)
)
_TRIAL_THUMBNAILS: Final = 64

# Steps of the R2 sequence, the two-dimensional golden ratio: well spread for any number of points
# (Roberts 2018, "The unreasonable effectiveness of quasirandom sequences").
_R2_STEP: Final = (0.7548776662466927, 0.5698402909980532)


@short_repr
@dataclass(frozen=True, eq=False)
class Probe:
    """I images and N sampled positions, fixed for all layers and steps.

    Attributes:
        images: I model inputs; `images[rows]` returns some as (n, C, H, W) float32, on the CPU.
        labels: (I,) int32, or None.
        image_ids: (I,) int32: index of each image in the dataset.
        sample_image: (N,) int32, ascending: row of each sample's image in `images`.
        relative_positions: (N, 2) float32: y and x of each sample as fractions of the image's
            height and width, in [EDGE, 1 - EDGE].
        classes: Class names, or None.
        normalize: Normalization from pixels to `images`.
        digest: Hex SHA-256 of images, labels and positions.
        notes: Notes about the selection of the probe.
        positions: (N, 2) int32: row and column of each sample on the feature map, edges included,
            in a probe for a single layer; None in a probe for all layers.
        class_maps: (I, H, W) int16: class of each pixel, for label maps, or None.
        label_sets: (I, L) int32: labels of images that may have several, rarest first, padded with
            -1, or None.
    """

    images: ProbeImages
    labels: IntArray | None
    image_ids: IntArray
    sample_image: IntArray
    relative_positions: FloatArray
    classes: tuple[str, ...] | None
    normalize: Normalize
    digest: str
    notes: tuple[str, ...] = ()
    positions: IntArray | None = None
    class_maps: ClassMap | None = None
    label_sets: IntArray | None = None

    def __len__(self) -> int:
        """Returns N, the number of samples."""
        return len(self.sample_image)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return int(self.images.shape[2]), int(self.images.shape[3])

    def pictures(self, rows: slice | NDArray[Any] = slice(None)) -> NDArray[np.uint8]:
        """Returns the images as RGB pixels, (I, H, W, 3) uint8.

        One or two channels are averaged to gray; of more than three channels, the first three are
        used.

        Args:
            rows: Indices of the images, all by default.
        """
        return _to_pictures(self.images[rows], self.normalize)

    def first(self, count: int) -> Probe:
        """Returns a probe of the first `count` images and their samples, without digest."""
        samples = self.sample_image < count
        return dataclasses.replace(
            self,
            images=self.images.select(slice(count)),
            labels=None if self.labels is None else self.labels[:count],
            image_ids=self.image_ids[:count],
            sample_image=self.sample_image[samples],
            relative_positions=self.relative_positions[samples],
            positions=None if self.positions is None else self.positions[samples],
            class_maps=None if self.class_maps is None else self.class_maps[:count],
            label_sets=None if self.label_sets is None else self.label_sets[:count],
            digest="",
        )

    def select_samples(self, rows: IntArray) -> Probe:
        """Returns a probe of the same images and some of the samples, without digest.

        Args:
            rows: (n,) indices of the samples, ascending.
        """
        return dataclasses.replace(
            self,
            sample_image=self.sample_image[rows],
            relative_positions=self.relative_positions[rows],
            positions=None if self.positions is None else self.positions[rows],
            digest="",
        )

    def at(self, images: IntArray, positions: IntArray, map_size: tuple[int, int]) -> Probe:
        """Returns a probe of the same images with other samples, for a single layer.

        Args:
            images: (N,) rows of `images`, ascending.
            positions: (N, 2) row and column on the feature map.
            map_size: Height and width of the feature map.
        """
        return dataclasses.replace(
            self,
            sample_image=images.astype(np.int32),
            relative_positions=((positions + 0.5) / map_size).astype(np.float32),
            positions=positions.astype(np.int32),
        )

    def map_positions(self, height: int, width: int) -> IntArray:
        """Returns row and column of every sample on a feature map, (N, 2) int32.

        It is the position of the feature map at the same relative position in all layers. Positions
        at the edge of a map are moved inside if the map has at least 3 positions along the axis;
        this affects maps smaller than 8 positions only.
        """
        if self.positions is not None:
            return self.positions
        columns = [
            np.clip(np.floor(position * size), low, max(size - 1 - low, 0))
            for position, size in zip(self.relative_positions.T, (height, width), strict=True)
            for low in [1 if size >= 3 else 0]
        ]
        return np.stack(columns, axis=1).astype(np.int32)

    def find_pixels(self, height: int, width: int) -> IntArray:
        """Returns row and column of the pixel at each sample, of images of a size, (N, 2) int32."""
        size = np.array((height, width))
        # The center of a position may lie between two pixels; rounding must not choose one of them.
        pixels = self.relative_positions * size + PIXEL_ROUNDING
        inside: IntArray = np.minimum(pixels, size - 1).astype(np.int32)
        return inside

    def sample_labels(self) -> IntArray | None:
        """Returns the class of each sample, (N,) int32, -1 without one; None without labels.

        In label maps, pixels have no class if they are negative or have no class name; without
        names, if they are at least 255.
        """
        if self.class_maps is None:
            return None if self.labels is None else self.labels[self.sample_image]
        rows, columns = self.find_pixels(*self.class_maps.shape[1:]).T
        found = self.class_maps[self.sample_image, rows, columns].astype(np.int32)
        count = UNLABELED if self.classes is None else len(self.classes)
        return np.where((found < 0) | (found >= count), -1, found).astype(np.int32)

    @property
    def all_labels(self) -> IntArray | None:
        """(I, L) int32: all labels of each image, padded with -1, or None; L may be 1."""
        return self.label_sets if self.labels is None else self.labels[:, None]

    def sample_label_sets(self) -> IntArray | None:
        """Returns all labels of each sample, (N, L) int32, or None; see `label_sets`."""
        return None if self.label_sets is None else self.label_sets[self.sample_image]

    def all_sample_labels(self) -> IntArray | None:
        """Returns all labels of each sample, (N, L) int32, padded with -1, or None."""
        labels = self.sample_labels()
        return self.sample_label_sets() if labels is None else labels[:, None]

    def thumbnails(self) -> ProbeThumbnails:
        """Returns thumbnails for the log: sides of at most 96 px, and at most 6 MiB in total."""
        count = len(self.images)
        rows = np.unique(np.linspace(0, count - 1, min(count, _TRIAL_THUMBNAILS)).astype(np.intp))
        trial = self.images.select(rows)[:]
        for side, quality in _THUMBNAIL_STEPS:
            smallest = (side, quality) == _THUMBNAIL_STEPS[-1]
            # The size is estimated from a few images, so that all images are encoded only once.
            if not smallest:
                sample = _count_bytes(pack(self._make_tiles([trial], side), quality=quality))
                if sample * count > THUMBNAIL_BYTES * len(trial):
                    continue
            sheets = pack(self._make_tiles(self.images.iterate(), side), quality=quality)
            if smallest or _count_bytes(sheets) <= THUMBNAIL_BYTES:
                break
        return ProbeThumbnails(
            digest=self.digest,
            image_ids=self.image_ids,
            labels=self.labels,
            input_size=self.input_size,
            thumb_size=_thumb_size(self.input_size, side),
            sheets=sheets,
            classes=self.classes,
        )

    def _make_tiles(self, batches: Iterable[Tensor], longest: int) -> NDArray[np.uint8]:
        """Returns images as squares with a side of at most `longest` pixels, (n, S, S, 3)."""
        height, width = _thumb_size(self.input_size, longest)
        tiles = [np.zeros((0, *[max(height, width)] * 2, 3), np.uint8)]
        for images in batches:
            some = np.zeros((len(images), *tiles[0].shape[1:]), np.uint8)
            for tile, pixels in zip(some, _to_pictures(images, self.normalize), strict=True):
                picture = Image.fromarray(pixels)
                if picture.size != (width, height):
                    picture = picture.resize((width, height), Image.Resampling.LANCZOS)
                tile[:height, :width] = np.asarray(picture)
            tiles.append(some)
        return np.concatenate(tiles)


def build_probe(
    source: object,
    *,
    config: AtlasConfig,
    classes: Sequence[str] | Mapping[int, str] | None = None,
    normalize: Normalize | tuple[Sequence[float], Sequence[float]] | None = None,
) -> Probe:
    """Selects the images and sample positions of a probe, balanced over classes.

    Random transforms of the dataset are seeded, so that equal sources and seeds give equal probes.
    The random states of Python, NumPy and torch are restored.

    Args:
        source: A Dataset of (image, label), image or dictionary; a DataLoader; a tuple (images,
            labels) of tensors or arrays; images alone; or a StreamedProbe. Images are (C, H, W)
            float model inputs.
        config: `samples`, `positions_per_image` and `seed` are used.
        classes: Class names; taken from the dataset's `classes` by default.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; taken from the
            dataset's transforms by default.

    Raises:
        ArgumentError: if the source is empty or of an unknown type, images have NaN, class names
            are missing, or pixels are outside of [0, 1] and no normalization is known.
    """
    wanted = math.ceil(config.samples / config.positions_per_image)
    data = source.data if isinstance(source, StreamedProbe) else underlying_dataset(source)
    found = find_normalize(data) if normalize is None else as_normalize(normalize)
    with preserve_random_state(config.seed):
        rng = np.random.default_rng([config.seed, 0])
        if isinstance(source, StreamedProbe):
            selected = select_streamed_images(source, wanted, rng, config.seed)
        else:
            selected = select_images(source, wanted, rng, IDENTITY if found is None else found)
    _check_pixels(selected)
    scale, scale_notes = _check_normalization(selected.pixels, found)
    names = _find_class_names(classes, data)
    _check_labels(selected, names)
    count = len(selected.images)
    sample_image = np.repeat(np.arange(count, dtype=np.int32), config.positions_per_image)
    sample_image = sample_image[: config.samples]
    positions = _sample_positions(
        count, config.positions_per_image, np.random.default_rng([config.seed, 1])
    )
    positions = positions[: config.samples]
    return Probe(
        images=selected.images,
        labels=selected.labels,
        class_maps=selected.class_maps,
        label_sets=selected.label_sets,
        image_ids=selected.image_ids,
        sample_image=sample_image,
        relative_positions=positions,
        classes=names,
        normalize=scale,
        digest=_compute_digest(selected, sample_image, positions),
        notes=(
            *selected.notes,
            *scale_notes,
            *_describe_shortage(count, wanted),
            *_describe_channels(selected.images),
        ),
    )


def _to_pictures(images: Tensor, normalize: Normalize) -> NDArray[np.uint8]:
    """Returns model inputs as RGB pixels, (n, H, W, 3) uint8; see `Probe.pictures`."""
    pixels = normalize.to_pixels(images)
    channels = pixels.shape[1]
    if channels < 3:
        pixels = pixels.mean(dim=1, keepdim=True).expand(-1, 3, -1, -1)
    whole = (pixels[:, :3].clamp(0, 1) * 255).round().to(torch.uint8)
    return whole.permute(0, 2, 3, 1).contiguous().numpy()


def _sample_positions(images: int, each: int, rng: np.random.Generator) -> FloatArray:
    """Returns (images * each, 2) relative positions, evenly spread over each image."""
    start = rng.random((images, 1, 2))
    spread = (start + np.arange(each)[:, None] * _R2_STEP) % 1.0
    inside: FloatArray = (EDGE + spread * (1 - 2 * EDGE)).astype(np.float32)
    return inside.reshape(-1, 2)


def _compute_digest(selected: SourceImages, sample_image: IntArray, positions: FloatArray) -> str:
    digest = selected.pixels.hash.copy()
    labels = (selected.labels, selected.class_maps, selected.label_sets)
    known = [array for array in labels if array is not None]
    for array in (*known, sample_image, positions):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _check_pixels(selected: SourceImages) -> None:
    ids = selected.image_ids[selected.pixels.not_finite]
    if len(ids):
        raise ArgumentError(
            f"probe: {len(ids)} images hold NaN or infinity (first: {ids[:3].tolist()}); leave "
            "them out, or fix the transform that made them"
        )


def _check_normalization(
    pixels: PixelSummary, found: Normalize | None
) -> tuple[Normalize, tuple[str, ...]]:
    scale = IDENTITY if found is None else found
    channels = len(pixels.low)
    if not scale.fits(channels):
        raise ArgumentError(
            f"normalize has {len(scale.mean)} channels, the probe's images have {channels}; pass "
            "(mean, std) with one number per channel"
        )
    ends = torch.stack([pixels.low, pixels.high]).double()
    low, high = scale.to_pixels(ends[:, :, None, None]).aminmax()
    if found is None and (low < -RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE):
        raise ArgumentError(
            f"probe images span {low:.3g} to {high:.3g}, not 0 to 1, and no Normalize was found in "
            "the dataset's transforms; pass normalize=(mean, std) with model input = (pixels in "
            "[0, 1] - mean) / std"
        )
    if low < FAR_OUTSIDE[0] or high > FAR_OUTSIDE[1]:
        logger.warning(
            "probe: pixels span %.3g to %.3g after undoing normalize=(%s, %s), not 0 to 1, so "
            "patches are clipped; pass the mean and std of the probe's own transforms",
            low,
            high,
            scale.mean,
            scale.std,
        )
    if low < -0.05 or high > 1.05:
        return scale, (f"pixels: span {low:.3g} to {high:.3g} after undoing normalize; clipped",)
    return scale, ()


def _find_class_names(given: object, data: object) -> tuple[str, ...] | None:
    names = given if given is not None else next(_iterate_class_names(data), None)
    if isinstance(names, Mapping):
        keys = sorted(names)
        if keys != list(range(len(keys))):
            raise ArgumentError(f"classes has the keys {keys[:5]}; number them from 0 without gaps")
        names = [names[key] for key in keys]
    if names is None:
        return None
    if isinstance(names, (str, bytes)) or not isinstance(names, Sequence) or not len(names):
        raise ArgumentError(f"classes={names!r:.60}: pass a list of class names, one per class")
    return tuple(map(str, names))


def _iterate_class_names(data: object, depth: int = 0) -> Iterator[Sequence[str]]:
    """Yields the attributes `classes` of a dataset and of the datasets it wraps."""
    if data is None or depth > 16:
        return
    names = getattr(data, "classes", None)
    if isinstance(names, (list, tuple)) and names:
        yield names
    yield from _iterate_class_names(getattr(data, "dataset", None), depth + 1)
    yield from _iterate_class_names(getattr(data, "subset", None), depth + 1)
    parts = getattr(data, "datasets", None)
    for part in parts if isinstance(parts, (list, tuple)) else ():
        yield from _iterate_class_names(part, depth + 1)


def _check_labels(selected: SourceImages, classes: tuple[str, ...] | None) -> None:
    labels = selected.label_sets if selected.labels is None else selected.labels
    if labels is None:
        return
    if selected.labels is not None and labels.min() < 0:
        raise ArgumentError(
            f"probe labels start at {labels.min()}; pass class indices from 0, or no labels at all"
        )
    if classes is not None and labels.max() >= len(classes):
        raise ArgumentError(
            f"classes has {len(classes)} names, the probe has the label {labels.max()}; pass at "
            f"least {labels.max() + 1} names"
        )


def _describe_shortage(count: int, wanted: int) -> tuple[str, ...]:
    if count >= wanted:
        return ()
    return (
        f"probe: {count} images, {wanted} wanted; increase positions_per_image for more samples",
    )


def _describe_channels(images: ProbeImages) -> tuple[str, ...]:
    channels = images.shape[1]
    shown = {1: "", 2: "shown as the gray mean of 2 channels", 3: ""}
    note = shown.get(channels, f"shown as the first 3 of {channels} channels")
    return (f"pictures: {note}",) if note else ()


def _thumb_size(size: tuple[int, int], longest: int) -> tuple[int, int]:
    ratio = min(1.0, longest / max(size))
    return max(1, round(size[0] * ratio)), max(1, round(size[1] * ratio))


def _count_bytes(sheets: SpriteSheets) -> int:
    return sum(map(len, sheets.pages))
