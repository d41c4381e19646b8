# SPDX-License-Identifier: Apache-2.0
"""Refuses probes whose images cannot all be in memory at once, as tests of patches need them."""

from __future__ import annotations

import math
from typing import Final

from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.probe.streamed_images import StreamedImages
from tensorboard_plugin_atlas.errors import ArgumentError

_MAX_BYTES: Final = 2 << 30


def check_image_memory(probe: Probe, task: str) -> None:
    """Checks that the images of a probe fit in memory.

    Args:
        probe: Images that are in memory already always fit.
        task: The argument or function that needs them, for messages.

    Raises:
        ArgumentError: if they do not; the message says what to pass.
    """
    size = 4 * math.prod(probe.images.shape)
    if isinstance(probe.images, StreamedImages) and size > _MAX_BYTES:
        most = _MAX_BYTES * len(probe.images) // size
        raise ArgumentError(
            f"{task} needs all {len(probe.images):,} images of the StreamedProbe in memory "
            f"({size / 1e9:.1f} GB); pass a probe of at most {most:,} images: a smaller samples, "
            "or a larger positions_per_image"
        )
