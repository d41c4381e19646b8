# SPDX-License-Identifier: Apache-2.0
"""Two runs with one seed, machine and thread log the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tensorboard_plugin_atlas.logs.event_file import parse_events, scan_records

TRAIN = """
import sys
import torch
from torch import nn
from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter

torch.set_num_threads(1)
torch.manual_seed(3)
images, labels = torch.rand(60, 3, 16, 16), torch.arange(60) % 4
model = nn.Sequential(
    nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 2), nn.ReLU(),
    nn.Dropout(0.2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
config = AtlasConfig(
    samples=60, grids=(2, 4), min_count=2, epochs=50, icon_steps=12, seed=4)
with AtlasWriter(
    sys.argv[1], model, ["2", "4"], probe=(images, labels), config=config, worker="inline",
    strict=True,
) as atlas:
    for step in range(3):
        atlas.add_atlas(step, walltime=1000.0 + step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
"""


def train(log_dir: Path, hash_seed: str) -> list[tuple[str | None, int, bytes]]:
    """Trains in a new process; returns tag, step and payload of each atlas and of the probe."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", TRAIN, str(log_dir)]
    subprocess.run(command, check=True, env=environment, timeout=240)
    (path,) = (log_dir / "atlas").iterdir()
    return [
        (event.tag, event.step, record.payload)
        for record in scan_records(path)
        for event in parse_events(record, path)
    ]


@pytest.mark.timeout(600)
@pytest.mark.sampled(2)
def test_two_runs_log_the_same_bytes(tmp_path: Path) -> None:
    first = train(tmp_path / "first", "1")
    second = train(tmp_path / "second", "2")
    assert [(tag, step) for tag, step, _ in first] == [
        ("probe", 0),
        *(("first/" * (step == 0) + f"layer/{layer}", step) for step in range(3) for layer in "24"),
    ]
    for one, other in zip(first, second, strict=True):
        assert one == other
