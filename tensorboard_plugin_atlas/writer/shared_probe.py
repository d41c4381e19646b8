# SPDX-License-Identifier: Apache-2.0
"""Sends a probe to the worker with its images in shared memory."""

from __future__ import annotations

import dataclasses
from typing import Final

from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.probe.probe_images import StoredImages
from tensorboard_plugin_atlas.writer.shared_state import SharedMemory, map_memory

_MOST_BYTES: Final = 1_000_000_000
"""Larger images are in a file on disk, which the system can page out."""


def share_images(probe: Probe) -> tuple[Probe, SharedMemory]:
    """Returns the probe with its images, by far its largest part, in memory that can be shared.

    Raises:
        OSError: if there is not enough memory.
    """
    images = probe.images
    assert isinstance(images, StoredImages)  # noqa: S101 - the only class
    stored = images.stored
    size = stored.numel() * stored.element_size()
    memory = SharedMemory(size, on_disk=size > _MOST_BYTES)
    shared = memory.bytes.view(stored.dtype).view(stored.shape)
    shared.copy_(stored)
    return _replace_images(probe, StoredImages(shared, images.values)), memory


def without_images(probe: Probe) -> Probe:
    """Returns the probe without images, but with their size, dtype, and values."""
    images = probe.images
    assert isinstance(images, StoredImages)  # noqa: S101 - the only class
    return _replace_images(probe, StoredImages(images.stored[:0].clone(), images.values))


def with_images(probe: Probe, file: int) -> Probe:
    """Returns a probe that was sent without images, with those in a shared memory file."""
    images = probe.images
    assert isinstance(images, StoredImages)  # noqa: S101 - the only class
    stored = map_memory(file).view(images.dtype).view(-1, *images.shape[1:])
    return _replace_images(probe, StoredImages(stored, images.values))


def _replace_images(probe: Probe, images: StoredImages) -> Probe:
    return dataclasses.replace(probe, images=images)
