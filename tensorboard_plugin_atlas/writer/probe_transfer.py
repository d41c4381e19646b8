# SPDX-License-Identifier: Apache-2.0
"""Sends a probe to the worker with its images, or the dataset they are read from, in a file."""

from __future__ import annotations

import dataclasses
import io
import pickle
from typing import Final

import torch

from tensorboard_plugin_atlas.compute.model.pickled_function import CpuPickler
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.probe.probe_images import ProbeImages, StoredImages
from tensorboard_plugin_atlas.compute.probe.streamed_images import StreamedImages
from tensorboard_plugin_atlas.errors import ArgumentError, summarize_error
from tensorboard_plugin_atlas.writer.shared_state import SharedMemory, map_memory

_MOST_BYTES: Final = 1_000_000_000
"""Larger images are in a file on disk, which the system can page out."""


def share_images(probe: Probe) -> tuple[Probe, SharedMemory]:
    """Returns the probe with its images, by far its largest part, in memory that can be shared.

    Images that are read from a dataset are shared as the pickled dataset.

    Raises:
        ArgumentError: if the dataset cannot be pickled.
        OSError: if there is not enough memory.
    """
    images = probe.images
    if isinstance(images, StoredImages):
        size = images.stored.numel() * images.stored.element_size()
        memory = SharedMemory(size, on_disk=size > _MOST_BYTES)
        shared = memory.bytes.view(images.dtype).view(images.shape)
        shared.copy_(images.stored)
        return _replace_images(probe, StoredImages(shared, images.values)), memory
    data = _pickle(images)
    memory = SharedMemory(len(data))
    memory.bytes.copy_(torch.frombuffer(data, dtype=torch.uint8))
    return probe, memory


def without_images(probe: Probe) -> Probe:
    """Returns the probe without images, but with what `with_images` needs."""
    images = probe.images
    if isinstance(images, StoredImages):
        return _replace_images(probe, StoredImages(images.stored[:0].clone(), images.values))
    assert isinstance(images, StreamedImages)  # noqa: S101 - there is no third class
    return _replace_images(probe, images.without_data())


def with_images(probe: Probe, file: int) -> Probe:
    """Returns a probe that was sent without images, with those in a shared memory file.

    The file must come from a trusted process, since it may hold a pickled dataset.
    """
    memory, images = map_memory(file), probe.images
    if isinstance(images, StoredImages):
        stored = memory.view(images.dtype).view(-1, *images.shape[1:])
        return _replace_images(probe, StoredImages(stored, images.values))
    return _replace_images(probe, pickle.loads(memory.numpy().data))  # noqa: S301


def _pickle(images: ProbeImages) -> bytearray:
    stream = io.BytesIO()
    try:
        CpuPickler(stream).dump(images)
    except Exception as error:  # from user code
        raise ArgumentError(
            f"the dataset of the probe cannot be pickled ({summarize_error(error)})"
        ) from error
    return bytearray(stream.getbuffer())


def _replace_images(probe: Probe, images: ProbeImages) -> Probe:
    return dataclasses.replace(probe, images=images)
