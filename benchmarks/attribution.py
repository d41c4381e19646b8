# SPDX-License-Identifier: Apache-2.0
"""Cost and accuracy of attribution.

    python benchmarks/attribution.py              all layers and heads
    python benchmarks/attribution.py --skip-lite  the demo network only, without photographs

First table: the demo network at full width with heads of 10, 100 and 1,000 classes, and 2,000
images of 32 px with one sample each. The cost of the attribution of all samples to all classes is a
multiple of one forward and backward pass of the same images (CPU time of one thread, interleaved).
The error is the largest difference from one backward pass per class, on some of the samples.

Second table: three layers of pretrained EfficientNet-Lite0, ten positions of each of 100
photographs, computed by the fast path and by autograd's forward mode.
"""

from __future__ import annotations

import argparse
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
    """Prints both tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skip-lite", action="store_true", help="leave out the second table")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    images = torch.rand(IMAGES, 3, 32, 32)
    probe = build_probe(images, config=AtlasConfig(samples=IMAGES))
    print(f"{'layer':<8}{'classes':>8}{'CPU s':>8}{'x fwd+bwd':>11}{'error':>9}")
    print(f"{'must reach':<24}{'3':>11}{'1e-04':>9}")
    for layer in LAYERS:
        for classes in HEADS:
            network = DemoNet(3, classes, 1.0).eval()
            ratio, seconds = measure_cost(network, layer, probe, images)
            error = measure_error(network, layer, probe)
            print(f"{layer:<8}{classes:>8}{seconds:>8.2f}{ratio:>11.2f}{error:>9.0e}", flush=True)

    if not arguments.skip_lite:
        compare_with_autograd()


def compare_with_autograd() -> None:
    """Prints a row for each layer of EfficientNet-Lite0."""
    images, labels = efficientnet_lite.load_pictures()
    inputs = ((images - efficientnet_lite.MEAN) / efficientnet_lite.STD)[:PHOTOGRAPHS]
    config = AtlasConfig(samples=PLACES * PHOTOGRAPHS, positions_per_image=PLACES)
    probe = build_probe(
        (inputs, labels[:PHOTOGRAPHS]),
        config=config,
        normalize=([efficientnet_lite.MEAN] * 3, [efficientnet_lite.STD] * 3),
    )
    network, fast_path = efficientnet_lite.load_lite(0), room._compute_by_traced_jvp
    print(f"\n{'Lite0':<12}{'ms fast':>10}{'ms autograd':>12}{'x faster':>10}{'error':>13}")
    for layer in LITE0_LAYERS:
        positions = collect_activations(network, [layer], probe).layers[layer].positions
        found = {}
        for name, method in (("fast path", fast_path), ("autograd", lambda *_: None)):
            room._compute_by_traced_jvp = method  # type: ignore[assignment]
            start = time.process_time()
            values = compute_attribution(network, layer, probe, positions=positions).values
            found[name] = values, 1000 * (time.process_time() - start) / len(positions)
        room._compute_by_traced_jvp = fast_path
        (ours, fast), (theirs, slow) = found.values()
        error = np.linalg.norm(ours - theirs, axis=1) / np.linalg.norm(theirs, axis=1)
        values = f"{fast:>10.1f}{slow:>12.1f}{slow / fast:>10.1f}{np.median(error):>13.0e}"
        print(f"{layer:<12}{values}", flush=True)


def measure_cost(
    network: nn.Module, layer: str, probe: Probe, images: Tensor
) -> tuple[float, float]:
    """Returns the median cost as a multiple of a forward and backward pass, and in CPU seconds."""
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


def measure_error(network: nn.Module, layer: str, probe: Probe) -> float:
    """Returns the largest difference from backward passes, relative to the largest attribution."""
    few = probe.first(CHECKED)
    found = compute_attribution(network, layer, few).values
    assert found is not None
    outputs: list[Tensor] = []
    handle = network.get_submodule(layer).register_forward_hook(
        lambda _m, _i, out: outputs.append(out)
    )
    logits = network(few.images[:])
    handle.remove()
    rows, cols = few.map_positions(*outputs[-1].shape[2:]).T
    here = (torch.arange(len(logits)), slice(None), torch.from_numpy(rows), torch.from_numpy(cols))
    worst = 0.0
    some = range(0, logits.shape[1], max(1, logits.shape[1] // 10))
    for index in some:
        (back,) = torch.autograd.grad(logits[:, index].sum(), outputs[-1], retain_graph=True)
        true = (back[here] * outputs[-1][here]).sum(dim=1).detach().numpy()
        worst = max(worst, float(np.abs(found[:, index] - true).max()))
    return worst / float(np.abs(found).max())


if __name__ == "__main__":
    main()
