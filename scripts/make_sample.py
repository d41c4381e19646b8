# SPDX-License-Identifier: Apache-2.0
"""Writes `frontend/public/sample.safetensors`, the example that the tab can open in an empty log.

It contains the responses of the plugin to all requests of the tab, for a run in which the demo
network learns the digits of scikit-learn. Run it again if the wire format changes, then build the
front end:

    python scripts/make_sample.py && npm run --prefix frontend build
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from safetensors.numpy import save_file
from tensorboard.backend import application
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.base_plugin import TBContext
from torch.nn import functional
from werkzeug.test import Client

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet
from tensorboard_plugin_atlas.plugin import AtlasPlugin

OUTPUT: Final = Path(__file__).parents[1] / "frontend" / "public" / "sample.safetensors"
RUN: Final = "digits"
LAYER: Final = "stage3"
STEPS: Final = (0, 15, 45, 120)
CONFIG: Final = AtlasConfig(samples=900, positions_per_image=2, grids=(8, 16), min_count=3)
ROUTES: Final = "/data/plugin/atlas/"


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


def record_responses(log_dir: Path) -> Iterator[tuple[str, bytes]]:
    """Yields every request of the tab for the log in `log_dir`, with its response."""
    multiplexer = EventMultiplexer(tensor_size_guidance={"atlas": 0})
    multiplexer.AddRunsFromDirectory(str(log_dir))
    multiplexer.Reload()
    provider = MultiplexerDataProvider(multiplexer, str(log_dir))
    plugin = AtlasPlugin(TBContext(data_provider=provider, sampling_hints=None))
    client = Client(application.TensorBoardWSGI([plugin], data_provider=provider))

    def fetch(request: str) -> tuple[str, bytes]:
        response = client.get(ROUTES + request, headers={"Accept-Encoding": "identity"})
        if response.status_code != 200:
            raise RuntimeError(f"{request}: {response.status}: {response.data!r}")
        return request, response.data

    yield (index := fetch("index"))
    (run,) = json.loads(index[1])["runs"]
    yield (probe := fetch(f"probe?run={run['id']}"))
    for blob, checksum in find_blobs(probe[1], "thumbs"):
        yield fetch(f"thumbs?run={run['id']}&blob={blob}&v={checksum}")
    for series in run["series"]:
        yield fetch(f"history?id={series['id']}")
        for step in series["steps"]:
            where = f"id={series['id']}&step={step}"
            yield (atlas := fetch(f"atlas?{where}"))
            yield fetch(f"activations?{where}")
            for blob, checksum in find_blobs(atlas[1], "sheet"):
                yield fetch(f"sheet?{where}&blob={blob}&v={checksum}")


def find_blobs(pack: bytes, role: str) -> Iterator[tuple[int, str]]:
    """Yields number and checksum of the blobs with a role in the manifest of a pack."""
    length = int.from_bytes(pack[:4], "little")
    blobs: list[dict[str, Any]] = json.loads(pack[4 : 4 + length])["blobs"]
    for number, blob in enumerate(blobs, start=1):
        if blob["role"] == role:
            yield number, blob["crc32c"]


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        train(Path(directory) / RUN)
        responses = {
            request: np.frombuffer(data, np.uint8)
            for request, data in record_responses(Path(directory))
        }
    OUTPUT.parent.mkdir(exist_ok=True)
    save_file(responses, OUTPUT)
    print(f"{OUTPUT}: {len(responses)} responses, {OUTPUT.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
