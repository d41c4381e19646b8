# SPDX-License-Identifier: Apache-2.0
"""A probe is sent to the worker without its images, which are in shared memory."""

from __future__ import annotations

import torch

from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.writer.shared_probe import (
    share_images,
    with_images,
    without_images,
)


def test_a_probe_is_sent_without_its_images():
    images = torch.rand(6, 3, 8, 8)
    config = AtlasConfig(samples=6)
    probe = build_probe((images, torch.arange(6)), config=config)
    shared, memory = share_images(probe)
    assert torch.equal(shared.images, probe.images)
    sent = without_images(probe)
    assert sent.images.numel() == 0
    back = with_images(sent, memory.file)
    assert torch.equal(back.images, probe.images)
    assert (back.digest, back.input_size) == (probe.digest, probe.input_size)
    assert back.images.data_ptr() != shared.images.data_ptr()
    memory.close()
