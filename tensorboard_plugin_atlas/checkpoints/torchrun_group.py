# SPDX-License-Identifier: Apache-2.0
"""The process group and the devices of the ranks that `torchrun` started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch import distributed

from tensorboard_plugin_atlas.compute.process_group import TIME_LIMIT


@contextlib.contextmanager
def open_process_group() -> Iterator[Any]:
    """Yields the process group of all ranks that `torchrun` started, on one machine or several.

    Yields None without `torchrun`, or with one process. `RANK` alone does not decide: clusters set
    it for programs of all kinds. A group that the program has initialized is used, and left open.
    """
    if not _is_one_of_several():
        yield None
        return
    if distributed.is_initialized():
        yield distributed.group.WORLD
        return
    distributed.init_process_group("gloo", timeout=TIME_LIMIT)
    try:
        yield distributed.group.WORLD
    finally:
        distributed.destroy_process_group()


def choose_device(device: str) -> str:
    """Returns the device for this rank.

    Args:
        device: Name of a device. "cuda" gives each rank of a machine a GPU of its own, as long as
            there are enough; other names are returned.
    """
    rank = os.environ.get("LOCAL_RANK", "")
    if device != "cuda" or not _is_one_of_several() or not rank.isdecimal():
        return device
    return f"cuda:{int(rank) % max(1, torch.cuda.device_count())}"


def _is_one_of_several() -> bool:
    """Returns whether `torchrun` started this process and others."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("WORLD_SIZE", "1") != "1"
