# SPDX-License-Identifier: Apache-2.0
"""Small models and loops for tests that need a real worker process."""

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

TINY = AtlasConfig(samples=4, grids=(2,), min_count=1, neighbors=2, epochs=5, icons="none")
"""So few samples that no atlas takes more than milliseconds and the worker never needs umap."""


class Net(nn.Module):
    """Dropout and batch norm: the parts of a network that a careless look would disturb."""

    def __init__(self, width=8):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6))
        self.body = nn.Sequential(nn.ReLU(), nn.Conv2d(6, width, 3, 2, padding=1), nn.ReLU())
        self.drop = nn.Dropout(0.5)
        self.head = nn.Linear(width, len(CLASSES))

    def forward(self, x):
        return self.head(self.drop(self.body(self.stem(x))).mean((2, 3)))


class FailsInWorker(Net):
    """Behaves in the process that made it, and does `mischief` in any other."""

    def __init__(self, mischief):
        super().__init__()
        self.home = os.getpid()
        self.mischief = mischief

    def forward(self, x):
        if os.getpid() != self.home:
            self.mischief()
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
    return wait_until(lambda: next(iter(find_workers(pid)), None), seconds)


def wait_until(look, seconds=30):
    """Returns what `look` gives as soon as that is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError(f"not within {seconds} s")


def start_script(path, text, *arguments, **options):
    """Starts a training script of its own."""
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
