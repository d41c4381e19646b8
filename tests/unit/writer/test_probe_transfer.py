# SPDX-License-Identifier: Apache-2.0
"""A probe is sent to the worker without its images, which are in shared memory."""

from __future__ import annotations

import pickle

import pytest
import torch

from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.writer import probe_transfer
from tensorboard_plugin_atlas.writer.probe_transfer import (
    share_images,
    with_images,
    without_images,
)


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_a_probe_is_sent_without_its_images(dtype, on_disk, monkeypatch):
    monkeypatch.setattr(probe_transfer, "_MOST_BYTES", 0 if on_disk else 1_000_000)
    images = torch.rand(6, 3, 8, 8)
    if dtype == torch.uint8:
        images = (images * 255).round() / 255
    config = AtlasConfig(samples=6)
    probe = build_probe((images, torch.arange(6)), config=config)
    assert probe.images.dtype == dtype
    shared, memory = share_images(probe)
    assert torch.equal(shared.images[:], images)
    sent = pickle.loads(pickle.dumps(without_images(probe)))
    assert len(sent.images) == 0
    back = with_images(sent, memory.file)
    assert torch.equal(back.images[:], images)
    assert (back.digest, back.input_size) == (probe.digest, probe.input_size)
    assert back.images.stored.data_ptr() != shared.images.stored.data_ptr()
    memory.close()
