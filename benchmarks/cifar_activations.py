# SPDX-License-Identifier: Apache-2.0
"""Activations of the demo network on one probe during training on CIFAR-10, cached in `build/`.

Data of `map_stability.py` and `concepts.py`: a training run from chance to an accuracy of about two
thirds, with the activations of two layers at eight steps, and a large set of samples of the
last two.
"""

from __future__ import annotations

import copy
import functools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from fetch_data import get_cifar10
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.demo.network import DemoNet

STORE = Path(__file__).parents[1] / "build" / "evolution"
LAYERS = {"late": "stage3", "mid": "stage2"}
STEPS = (0, 8, 24, 60, 120, 220, 360, 500)
NOISE = (0.01, 0.03)
"""Noise on all filters, relative to the standard deviation of each."""
LARGE = 100_000
_BATCH = 128
_PEAK_RATE = 0.1
_DECAY = 5e-4


@dataclass(frozen=True, eq=False)
class Run:
    """Activations of one training run on a probe of 2,000 samples.

    Attributes:
        accuracy: (T,) accuracy on held-out images at each of `STEPS`.
        rows: Depth ("late", "mid") -> (T, 2000, C) float16 activations.
        noisy: Depth -> (T, 2, 2000, C): the same with each noise of `NOISE` on the filters.
        labels: (2000,) classes of the samples' images.
    """

    accuracy: NDArray[np.float64]
    rows: dict[str, NDArray[np.float16]]
    noisy: dict[str, NDArray[np.float16]]
    labels: NDArray[np.int32]


def load_run(seed: int) -> Run:
    """Returns the run of one seed; trains at first use (minutes on two cores)."""
    path = STORE / f"seed{seed}.npz"
    if not path.is_file():
        _train(seed, path)
    with np.load(path) as stored:
        rows = {depth: stored[depth] for depth in LAYERS}
        noisy = {depth: stored[f"{depth}_noisy"] for depth in LAYERS}
        return Run(stored["accuracy"], rows, noisy, stored["labels"])


def load_large(rows: int) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Returns the late layer at the last two steps, (rows, C) each, ten samples per image."""
    load_run(0)
    with np.load(STORE / "large.npz") as stored:
        chosen = np.random.default_rng(0).permutation(LARGE)[:rows]
        return stored["before"][chosen], stored["last"][chosen]


@functools.cache
def _load_images() -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Returns images and labels for training, and for the probe."""
    training, held_out = load(str(get_cifar10()), limit=40_000, seed=0).split(0.25, 0)
    first, second = (
        (_to_tensors(part.images), torch.from_numpy(part.labels)) for part in (training, held_out)
    )
    return first, second


def _train(seed: int, path: Path) -> None:
    torch.set_num_threads(1)
    (images, labels), held_out = _load_images()
    probe = build_probe(held_out, config=AtlasConfig(), normalize=([0.5] * 3, [0.25] * 3))
    config = AtlasConfig(samples=LARGE, positions_per_image=10)
    large = build_probe(held_out, config=config, normalize=([0.5] * 3, [0.25] * 3))
    torch.manual_seed(seed)
    network = DemoNet(3, 10).to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=_PEAK_RATE, momentum=0.9, nesterov=True, weight_decay=_DECAY
    )
    accuracy, found, noisy, ends = [], [], [], []
    for step in range(STEPS[-1] + 1):
        if step in STEPS:
            network.eval()
            accuracy.append(_accuracy(network, *held_out))
            outputs = collect_activations(network, list(LAYERS.values()), probe).layers
            found.append({depth: outputs[name].values for depth, name in LAYERS.items()})
            noisy.append([_collect_with_noise(network, probe, level) for level in NOISE])
            if seed == 0 and step in STEPS[-2:]:
                late = LAYERS["late"]
                ends.append(collect_activations(network, [late], large).layers[late].values)
            print(f"  seed {seed}, step {step}: accuracy {accuracy[-1]:.3f}", flush=True)
        _step(network, optimizer, images, labels, step)
    path.parent.mkdir(parents=True, exist_ok=True)
    if ends:
        before, last = (rows.astype(np.float16) for rows in ends)
        np.savez(STORE / "large.npz", before=before, last=last)
    rows = {depth: np.stack([f[depth] for f in found]).astype(np.float16) for depth in LAYERS}
    for depth in LAYERS:
        both = [[level[depth] for level in levels] for levels in noisy]
        rows[f"{depth}_noisy"] = np.array(both, np.float16)
    np.savez(path, accuracy=accuracy, labels=probe.labels[probe.sample_image], **rows)


def _collect_with_noise(
    network: nn.Module, probe: Probe, level: float
) -> dict[str, NDArray[np.float32]]:
    """Returns the activations of each depth with noise on all filters."""
    copied = copy.deepcopy(network)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for weight in copied.parameters():
            if weight.dim() > 1:
                noise = torch.randn(weight.shape, generator=generator)
                weight += level * weight.std() * noise
    outputs = collect_activations(copied, list(LAYERS.values()), probe).layers
    return {depth: outputs[name].values for depth, name in LAYERS.items()}


def _step(
    network: nn.Module, optimizer: torch.optim.Optimizer, images: Tensor, labels: Tensor, step: int
) -> None:
    """Trains on one batch, half of it mirrored, with a learning rate that rises and falls.

    Training uses bfloat16, which takes half the time; the probe uses float32.
    """
    done = step / STEPS[-1]
    optimizer.param_groups[0]["lr"] = _PEAK_RATE * math.sin(math.pi * min(done + 0.02, 0.99)) ** 0.7
    network.train()
    batch = torch.randint(len(images), (_BATCH,))
    pictures = images[batch].contiguous(memory_format=torch.channels_last)
    mirrored = torch.rand(_BATCH) < 0.5
    pictures[mirrored] = pictures[mirrored].flip(3)
    optimizer.zero_grad()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = nn.functional.cross_entropy(network(pictures), labels[batch])
    loss.backward()
    optimizer.step()


@torch.no_grad()
def _accuracy(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        right = [
            (network(part).argmax(1) == target).sum().item()
            for part, target in zip(images[:4000].split(500), labels[:4000].split(500), strict=True)
        ]
    return sum(right) / 4000


def _to_tensors(images: NDArray[np.uint8]) -> Tensor:
    """Returns images as normalized input of the network."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return (pixels - 0.5) / 0.25


if __name__ == "__main__":
    for number in range(3):
        load_run(number)
