# SPDX-License-Identifier: Apache-2.0
"""A tiny model and probe for tests that start a real worker process, and access to that process."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import torch
from torch import nn

from tensorboard_plugin_atlas import AtlasConfig

CLASSES = ("north", "east", "south", "west")

TINY = AtlasConfig(
    samples=4,
    grids=(2,),
    min_count=1,
    neighbors=2,
    epochs=5,
    icons="none",
    attribution=False,
)
"""An atlas takes milliseconds: few samples, and no attribution, for which torch imports its
compiler in every worker (a second of CPU time)."""


class Net(nn.Module):
    """Convolutions with dropout and batch norm, whose state a forward pass could change."""

    def __init__(self, width=8):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6))
        self.body = nn.Sequential(nn.ReLU(), nn.Conv2d(6, width, 3, 2, padding=1), nn.ReLU())
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(width, len(CLASSES))

    def forward(self, x):
        return self.head(self.drop(self.body(self.stem(x))).mean((2, 3)))


class FailsInWorker(Net):
    """Works in the process that created it, and calls `failure` in every other process."""

    def __init__(self, failure):
        super().__init__()
        self.home = os.getpid()
        self.failure = failure

    def forward(self, x):
        if os.getpid() != self.home:
            self.failure()
        return super().forward(x)


def make_images(count=8):
    generator = torch.Generator().manual_seed(5)
    return torch.rand(count, 3, 12, 12, generator=generator), torch.arange(count) % len(CLASSES)


def find_workers(pid=None):
    """Returns the worker processes of a process, this one by default."""
    found = []
    for child in psutil.Process(pid).children():
        try:
            if "tensorboard_plugin_atlas.writer.worker" in child.cmdline():
                found.append(child)
        except psutil.Error:
            continue
    return found


def wait_for_worker(pid=None, seconds=30):
    """Waits for the one worker of a process."""
    return wait_until(lambda: next(iter(find_workers(pid)), None), seconds, "there is no worker")


def wait_until(condition, seconds=120, what="the condition is false"):
    """Calls `condition` until its result is true, and returns that result.

    After `seconds`, an AssertionError says `what` was seen until then.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError(f"after {seconds} s, {what}")


def start_script(path, text, *arguments, **options):
    """Writes a training script to `path` and starts it in a new process."""
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    tests = str(Path(__file__).parent)
    paths = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, str(path), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )
