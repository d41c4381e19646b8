# SPDX-License-Identifier: Apache-2.0
"""The process group of the ranks that `torchrun` started."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

from torch import distributed

from tensorboard_plugin_atlas.compute.process_group import TIME_LIMIT


@contextlib.contextmanager
def open_process_group() -> Iterator[Any]:
    """Yields the process group of all ranks that `torchrun` started, on one machine or several.

    Yields None without `torchrun`, or with one process. `RANK` alone does not decide: clusters set
    it for programs of all kinds. A group that the program has initialized is used, and left open.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ or os.environ.get("WORLD_SIZE", "1") == "1":
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
