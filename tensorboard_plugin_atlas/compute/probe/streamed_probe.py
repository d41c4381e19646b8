# SPDX-License-Identifier: Apache-2.0
"""`StreamedProbe`: a probe whose images are read at each logged step instead of kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from tensorboard_plugin_atlas.compute.probe.balanced_sampling import choose_evenly
from tensorboard_plugin_atlas.compute.probe.image_selection import (
    READ_AHEAD,
    SourceImages,
    find_classes,
    is_indexed,
    join_labels,
    show_progress,
    underlying_dataset,
)
from tensorboard_plugin_atlas.compute.probe.item_batches import (
    ImageShape,
    ItemBatch,
    read_batches,
    read_item,
)
from tensorboard_plugin_atlas.compute.probe.item_parser import Item, Label, is_array
from tensorboard_plugin_atlas.compute.probe.item_reader import ItemReader, make_reader
from tensorboard_plugin_atlas.compute.probe.pixel_summary import PixelSummary
from tensorboard_plugin_atlas.compute.probe.streamed_images import StreamedImages
from tensorboard_plugin_atlas.compute.random_state import preserve_random_state
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.number_arguments import to_int

_AT_ONCE: Final = 16
"""Images that are read at once when the probe is built."""


class StreamedProbe:
    """A probe whose images are read at each logged step instead of kept in memory.

    Pass it as `probe` if the images do not fit in memory. Only the samples' activations, positions
    and labels stay in memory. At construction, all images are read once: each must have the same
    shape, and its checksum is kept. If an image differs later, the atlases of that step are
    not logged, and a warning names the image.

    An image does not depend on the number of workers, or on the order of reading: random transforms
    that use the random states of Python, NumPy or torch are seeded for each image.

    Args:
        source: Map-style Dataset, such as `ImageFiles`, or a DataLoader of one.
        num_workers: Number of processes that read images ahead; 0 reads them in the process that
            computes atlases. None uses the number of the DataLoader, or 0 for a dataset.

    Raises:
        ArgumentError: if `source` is not indexed by integers, or `num_workers` is negative.

    Examples:
        >>> from tensorboard_plugin_atlas import AtlasWriter, StreamedProbe
        >>> probe = StreamedProbe(val_set, num_workers=4)                     # doctest: +SKIP
        >>> atlas = AtlasWriter("runs/exp1", model, probe=probe)              # doctest: +SKIP
    """

    def __init__(self, source: Any, num_workers: int | None = None) -> None:
        self.source = source
        self.data = underlying_dataset(source)
        is_in_memory = isinstance(self.data, (list, tuple)) or is_array(self.data)
        if is_in_memory or not is_indexed(self.data):
            raise ArgumentError(
                f"StreamedProbe(source={type(source).__name__}): pass a map-style Dataset, or a "
                "DataLoader of one. For files, pass ImageFiles('val/'), ImageFiles('val.zip') or "
                "ImageFiles('shards/*.tar'); tensors are in memory already, so pass them as the "
                "probe itself"
            )
        if num_workers is None:
            num_workers = source.num_workers if isinstance(source, DataLoader) else 0
        self.num_workers = to_int("num_workers", num_workers)
        if self.num_workers < 0:
            raise ArgumentError(f"num_workers={num_workers!r}: pass 0 or more")

    def __repr__(self) -> str:
        name = type(self.data).__name__
        return f"StreamedProbe({name} of {len(self.data):,}, num_workers={self.num_workers})"


def select_streamed_images(
    probe: StreamedProbe, count: int, rng: np.random.Generator, seed: int
) -> SourceImages:
    """Selects up to `count` images, as `select_images` does, and reads each once.

    If labels are only in the items, `READ_AHEAD * count` items are read before.

    Args:
        probe: The source.
        count: Number of images, at least 1.
        rng: Random generator of the selection.
        seed: Seed of random transforms.

    Raises:
        ArgumentError: if the dataset is empty, an image cannot be read, shapes differ, or labels
            are label maps.
    """
    if not len(probe.data):
        raise ArgumentError("probe is empty: pass a dataset with at least one image")
    reader = _Reader(probe, seed)
    chosen = _choose_images(reader, count, rng)
    shape = reader.find_shape(chosen)
    labels: list[Label] = []
    checksums = []
    notes: dict[str, None] = {}
    summary = PixelSummary((len(chosen), *shape))
    for batch in reader.read(chosen, shape):
        summary.add(batch.images)
        labels += batch.labels
        checksums.append(batch.checksums)
        notes.update(dict.fromkeys(batch.notes))
    ids = chosen.astype(np.int32)
    images = StreamedImages(
        reader.read_one, ids, np.concatenate(checksums), shape, probe.num_workers, seed
    )
    return join_labels(SourceImages(images, summary, ids), labels, notes)


class _Reader:
    """Reads the items of a dataset for the first time."""

    def __init__(self, probe: StreamedProbe, seed: int) -> None:
        self.data = probe.data
        self.read_one: ItemReader = make_reader(probe.source, probe.data)
        self._num_workers, self._seed = probe.num_workers, seed

    def read_first(self, index: int = 0) -> Item:
        """Reads one item in this process.

        Raises:
            ArgumentError: if it cannot be read, or its label is a label map.
        """
        with preserve_random_state():
            item = read_item(self.read_one, index, self._seed)
        if item.label.class_map is not None:
            raise ArgumentError(
                "StreamedProbe: the labels are label maps, one class per pixel, which would have "
                "to be kept in memory; pass the dataset itself as the probe, or leave out the "
                "labels"
            )
        return item

    def find_shape(self, indices: NDArray[Any]) -> ImageShape:
        """Returns the shape of the first of some images."""
        channels, height, width = self.read_first(int(indices[0])).image.shape
        return channels, height, width

    def read(self, indices: NDArray[Any], shape: ImageShape) -> Iterator[ItemBatch]:
        """Yields items in order, with a progress bar."""
        batches = read_batches(
            self.read_one,
            indices,
            size=_AT_ONCE,
            num_workers=self._num_workers,
            seed=self._seed,
            shape=shape,
        )
        return show_progress(batches, len(indices), len)


def _choose_images(reader: _Reader, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Returns the indices of up to `count` images, ascending, balanced over classes."""
    labels = find_classes(reader.data, reader.read_first)
    if labels is not None:
        return choose_evenly(labels, count, rng)
    some = np.sort(rng.permutation(len(reader.data))[: READ_AHEAD * count])
    found = [
        -1 if label.index is None else label.index
        for batch in reader.read(some, reader.find_shape(some))
        for label in batch.labels
    ]
    return some[choose_evenly(np.asarray(found), count, rng)]
