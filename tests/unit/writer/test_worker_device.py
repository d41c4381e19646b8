# SPDX-License-Identifier: Apache-2.0
"""The device and the threads of the worker."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from background_writers import close_all, make_writer
from tiny_training import Net, find_workers, make_images
from torch import nn

from tensorboard_plugin_atlas import AtlasWriter, read_atlases
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.writer.worker_device import Hardware, check_hardware

__all__ = ["close_all"]

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.mark.parametrize(
    ("device", "threads", "message"),
    [
        ("gpu", 1, "device='gpu': pass 'cpu', 'cuda', 'cuda:1', or 'mps'"),
        ("meta", 1, "device='meta': pass"),
        (0, 1, "device=0: pass"),
        ("cuda:99", 1, "device='cuda:99': this process has"),
        ("cpu", 0, "threads=0: pass an integer from 1 to 1024"),
        ("cpu", 1.5, "threads=1.5: pass an integer"),
        ("cpu", True, "threads=True: pass an integer"),
    ],
)
def test_other_values_are_refused(device: object, threads: object, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        check_hardware(device, threads, "process")
    assert message in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA devices")
def test_a_missing_gpu_is_reported_at_construction(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="this process has 0 CUDA devices; pass 'cpu'"):
        AtlasWriter(tmp_path, Net(), ["body"], probe=make_images(), device="cuda")


def test_an_inline_writer_uses_the_device_of_the_model() -> None:
    assert check_hardware(torch.device("cpu"), 1, "inline") == Hardware()
    with pytest.raises(ArgumentError, match="are for worker='process'"):
        check_hardware("cpu", 2, "inline")


def test_the_worker_has_the_requested_threads(tmp_path: Path) -> None:
    atlas = make_writer(tmp_path, threads=2)
    atlas.add_atlas(0)
    atlas.flush()
    (worker,) = find_workers()
    assert psutil.Process(worker.pid).environ()["OMP_NUM_THREADS"] == "2"
    assert [found.step for found in read_atlases(tmp_path, layer="body")] == [0]


def test_the_threads_of_torch_are_set() -> None:
    before = torch.get_num_threads()
    try:
        Hardware(threads=before + 1).prepare()
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)


def test_a_model_stays_itself_on_the_cpu() -> None:
    model = nn.Linear(2, 2)
    assert Hardware().place(model) is model


@needs_cuda
def test_a_gpu_gives_the_atlas_of_the_cpu(tmp_path: Path) -> None:
    for device in ("cpu", "cuda"):
        torch.manual_seed(0)
        atlas = make_writer(tmp_path / device, Net(), device=device)
        atlas.add_atlas(0)
        atlas.flush()
    on_cpu, on_gpu = (
        next(iter(read_atlases(tmp_path / device, layer="body"))) for device in ("cpu", "cuda")
    )
    assert np.allclose(on_cpu.activations, on_gpu.activations, atol=0.01)


@needs_cuda
def test_the_copy_on_a_gpu_leaves_the_model_on_the_cpu() -> None:
    model = nn.Linear(2, 2)
    placed = Hardware("cuda").place(model)
    assert next(placed.parameters()).is_cuda
    assert not next(model.parameters()).is_cuda
