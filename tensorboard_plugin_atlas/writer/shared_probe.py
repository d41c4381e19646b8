# SPDX-License-Identifier: Apache-2.0
"""Sends a probe to the worker with its images in shared memory."""

from __future__ import annotations

import dataclasses

from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.writer.shared_state import SharedMemory, map_memory


def share_images(probe: Probe) -> tuple[Probe, SharedMemory]:
    """Moves a probe's images, by far its largest part, to shared memory.

    Raises:
        OSError: if there is not enough memory.
    """
    memory = SharedMemory(probe.images.numel() * probe.images.element_size())
    images = memory.bytes.view(probe.images.dtype).view(probe.images.shape)
    images.copy_(probe.images)
    return dataclasses.replace(probe, images=images), memory


def without_images(probe: Probe) -> Probe:
    """Returns the probe with an empty image tensor of the same size per image and dtype."""
    return dataclasses.replace(probe, images=probe.images[:0].clone())


def with_images(probe: Probe, file: int) -> Probe:
    """Returns a probe that was sent without images, with those in a shared memory file."""
    images = map_memory(file).view(probe.images.dtype)
    return dataclasses.replace(probe, images=images.view(-1, *probe.images.shape[1:]))
