# SPDX-License-Identifier: Apache-2.0
"""Writes `frontend/public/sample.safetensors`, the example that the tab can open in an empty log.

It contains the responses of the plugin to all requests of the tab, for a run in which the demo
network learns the digits of scikit-learn. Run it again if the wire format changes, then build the
front end:

    python scripts/make_sample.py && npm run --prefix frontend build
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

import numpy as np
import torch
from safetensors.numpy import save_file
from torch.nn import functional

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet
from tensorboard_plugin_atlas.export.event_provider import EventProvider, scan_log
from tensorboard_plugin_atlas.export.export_selection import Omissions
from tensorboard_plugin_atlas.export.responses import record_responses
from tensorboard_plugin_atlas.serving.routes import DataRoutes

OUTPUT: Final = Path(__file__).parents[1] / "frontend" / "public" / "sample.safetensors"
RUN: Final = "digits"
LAYER: Final = "stage3"
STEPS: Final = (0, 15, 45, 120)
CONFIG: Final = AtlasConfig(samples=900, positions_per_image=2, grids=(8, 16), min_count=3)


def train(log_dir: Path) -> None:
    """Trains the demo network and logs one layer at `STEPS`."""
    training, held_out = load("digits", limit=1797, seed=0).split(0.25, 0)
    (images, labels), probe = (
        (torch.from_numpy(part.images).permute(0, 3, 1, 2) / 255, torch.from_numpy(part.labels))
        for part in (training, held_out)
    )
    torch.manual_seed(0)
    network = DemoNet(images.shape[1], len(training.classes), 0.5)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
    writer = AtlasWriter(
        log_dir,
        network,
        layers=[LAYER],
        probe=probe,
        classes=training.classes,
        normalize=((0.0,), (1.0,)),
        config=CONFIG,
        worker="inline",
        strict=True,
    )
    with writer:
        for step in range(max(STEPS) + 1):
            if step in STEPS:
                writer.add_atlas(step, walltime=1.7e9 + step)
            batch = torch.randint(len(images), (64,))
            optimizer.zero_grad()
            loss = functional.cross_entropy(network(images[batch]), labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        train(Path(directory) / RUN)
        routes = DataRoutes(EventProvider(scan_log(Path(directory))))
        responses = {
            one.request: np.frombuffer(one.data, np.uint8)
            for one in record_responses(routes, Omissions())
        }
    OUTPUT.parent.mkdir(exist_ok=True)
    save_file(responses, OUTPUT)
    print(f"{OUTPUT}: {len(responses)} responses, {OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
