# SPDX-License-Identifier: Apache-2.0
"""What attribution costs, and whether it is right: `python benchmarks/attribution.py`.

The demo's network at full width with heads of 10, 100 and 1,000 classes, 2,000 pictures of 32 px
with one sample each, one thread. The cost of all classes of all samples is told as a multiple of
one plain forward and backward pass of the same pictures, in turns with it, in CPU seconds. The
values of some samples are held against one backward pass for each class. Then three layers of
pretrained EfficientNet-Lite0, ten places of each of 100 photographs: by pushing (`pushing`), and by
autograd's forward mode on a copy of the network from the layer on, as it was done before.
"""

from __future__ import annotations

import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import efficientnet_lite
import numpy as np
import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.compute.attribution import attribute as room
from tensorboard_plugin_atlas.compute.attribution.attribute import compute_attribution
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.demo.network import DemoNet

IMAGES, ROUNDS, CHECKED = 2_000, 3, 40
LAYERS = ("stage1", "stage2", "stage3")
HEADS = (10, 100, 1_000)
PHOTOGRAPHS, PLACES = 100, 10
LITE0_LAYERS = ("_blocks.4", "_blocks.10", "_blocks.15")


def main() -> None:
    """Prints a line for each layer and head."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.rand(IMAGES, 3, 32, 32)
    probe = build_probe(images, config=AtlasConfig(samples=IMAGES))
    print(f"{'layer':<8}{'classes':>8}{'CPU s':>8}{'x fwd+bwd':>11}{'error':>9}")
    print(f"{'must reach':<24}{'3':>11}{'1e-04':>9}")
    for layer in LAYERS:
        for classes in HEADS:
            network = DemoNet(3, classes, 1.0).eval()
            ratio, seconds = cost(network, layer, probe, images)
            error = wrong_by(network, layer, probe)
            print(f"{layer:<8}{classes:>8}{seconds:>8.2f}{ratio:>11.2f}{error:>9.0e}", flush=True)

    beside_autograd()


def beside_autograd() -> None:
    """Prints a line for each layer of a network of photographs."""
    images, labels = efficientnet_lite.load_pictures()
    inputs = ((images - efficientnet_lite.MEAN) / efficientnet_lite.STD)[:PHOTOGRAPHS]
    config = AtlasConfig(samples=PLACES * PHOTOGRAPHS, positions_per_image=PLACES)
    probe = build_probe(
        (inputs, labels[:PHOTOGRAPHS]),
        config=config,
        normalize=([efficientnet_lite.MEAN] * 3, [efficientnet_lite.STD] * 3),
    )
    network, pushed = efficientnet_lite.load_lite(0), room._pushed
    print(
        f"\n{'Lite0':<12}{'ms pushed':>10}{'ms autograd':>12}{'x cheaper':>10}{'off (median)':>13}"
    )
    for layer in LITE0_LAYERS:
        positions = collect_activations(network, [layer], probe).layers[layer].positions
        found = {}
        for name, way in (("pushed", pushed), ("autograd", lambda *_: None)):
            room._pushed = way  # type: ignore[assignment]
            start = time.process_time()
            values = compute_attribution(network, layer, probe, positions=positions).values
            found[name] = values, 1000 * (time.process_time() - start) / len(positions)
        room._pushed = pushed
        (ours, fast), (theirs, slow) = found.values()
        off = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
        figures = f"{fast:>10.1f}{slow:>12.1f}{slow / fast:>10.1f}{np.median(off):>13.0e}"
        print(f"{layer:<12}{figures}", flush=True)


def cost(network: nn.Module, layer: str, probe: Probe, images: Tensor) -> tuple[float, float]:
    """Returns attribution as a multiple of a plain pass, and its CPU seconds; medians."""
    ours, plain = [], []
    for _ in range(ROUNDS):
        start = time.process_time()
        compute_attribution(network, layer, probe)
        middle = time.process_time()
        for batch in images.split(128):
            network.zero_grad()
            network(batch).logsumexp(dim=1).sum().backward()
        ours.append(middle - start)
        plain.append(time.process_time() - middle)
    return float(np.median(np.divide(ours, plain))), float(np.median(ours))


def wrong_by(network: nn.Module, layer: str, probe: Probe) -> float:
    """Returns the largest difference from backward passes, relative to the largest value."""
    few = probe.first(CHECKED)
    found = compute_attribution(network, layer, few).values
    assert found is not None
    met: list[Tensor] = []
    handle = network.get_submodule(layer).register_forward_hook(lambda _m, _i, out: met.append(out))
    logits = network(few.images)
    handle.remove()
    rows, cols = few.map_positions(*met[-1].shape[2:]).T
    here = (torch.arange(len(logits)), slice(None), torch.from_numpy(rows), torch.from_numpy(cols))
    worst = 0.0
    some = range(0, logits.shape[1], max(1, logits.shape[1] // 10))
    for index in some:
        (back,) = torch.autograd.grad(logits[:, index].sum(), met[-1], retain_graph=True)
        true = (back[here] * met[-1][here]).sum(dim=1).detach().numpy()
        worst = max(worst, float(np.abs(found[:, index] - true).max()))
    return worst / float(np.abs(found).max())


if __name__ == "__main__":
    main()
