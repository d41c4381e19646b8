# SPDX-License-Identifier: Apache-2.0
"""Parts of `compute.fastpath` against plain torch: `python benchmarks/fast_path.py [--inductor]`.

    python benchmarks/fast_path.py                  icons and attribution, about five minutes
    python benchmarks/fast_path.py --rounds 50      less noise
    python benchmarks/fast_path.py --inductor       adds torch.compile (needs a C++ compiler)

One pass of an icon is a forward pass and the gradient of the input. All variants of a case run in
turns on one thread; the table shows the lower quartile of CPU milliseconds for each image, and the
speed relative to plain torch. A part that is switched off runs as plain torch.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import torch
import torchvision
from efficientnet_lite import load_lite
from torch import Tensor, nn
from torch.nn import functional

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.compute.attribution import attribute as attribution
from tensorboard_plugin_atlas.compute.attribution import intervention
from tensorboard_plugin_atlas.compute.fastpath import Program, Span, compile_program, crop_program
from tensorboard_plugin_atlas.compute.fastpath.operations import Convolution
from tensorboard_plugin_atlas.compute.fastpath.prepacked_conv import PrepackedConv2d
from tensorboard_plugin_atlas.compute.model.truncate import truncate
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.demo.network import DemoNet

ICON_CASES = (
    ("lite0", "_blocks.2", 40, 16),
    ("lite0", "_blocks.10", 96, 16),
    ("lite0", "_blocks.15", 128, 8),
    ("resnet18", "layer1", 40, 16),
    ("resnet18", "layer2", 64, 16),
    ("resnet18", "layer4", 128, 8),
    ("demo", "stage2", 28, 16),
    ("demo", "stage3", 32, 16),
)
"""Network, layer, side of the image, images in a batch."""

ATTRIBUTION_CASES = (("lite0", "_blocks.10", 224), ("resnet18", "layer2", 128))

Pass = Callable[[], object]


def main() -> None:
    """Prints one table for each case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=20, help="how often each variant runs")
    parser.add_argument("--inductor", action="store_true", help="also measure torch.compile")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    print(f"torch {torch.__version__}, one thread, load {os.getloadavg()[0]:.1f}")
    for name, layer, side, batch in ICON_CASES:
        variants = _icon_variants(_network(name), layer, side, batch, arguments.inductor)
        _print_table(f"icons of {name} {layer}, {side} px", variants, batch, arguments.rounds)
    for name, layer, side in ATTRIBUTION_CASES:
        variants = _attribution_variants(_network(name), layer, side)
        _print_table(f"attribution of {name} {layer}, {side} px", variants, 32, 3)


def _network(name: str) -> nn.Module:
    if name == "lite0":
        return load_lite(0)
    network = DemoNet(3, 10) if name == "demo" else torchvision.models.resnet18(weights=None)
    return network.eval()


def _smooth_images(count: int, side: int) -> Tensor:
    """Returns images without pixel noise, as photographs are, (count, 3, side, side)."""
    coarse = torch.rand(count, 3, side // 8, side // 8)
    images = functional.interpolate(coarse, (side, side), mode="bilinear")
    return images.contiguous(memory_format=torch.channels_last)


def _icon_variants(
    model: nn.Module, layer: str, side: int, batch: int, inductor: bool
) -> dict[str, Pass]:
    images = _smooth_images(batch, side)
    check = images[:2].contiguous()
    network = truncate(model, layer, check)
    program = compile_program(network, check, task=f"icons of layer {layer!r}")
    variants: dict[str, Pass] = {"plain torch": lambda: _input_gradient(network, images)}
    if inductor:
        compiled = torch.compile(copy.deepcopy(network), mode="max-autotune", dynamic=False)
        variants["torch.compile, max-autotune"] = lambda: _input_gradient(compiled, images)
    if not isinstance(program, Program):
        print(f"{layer}: {program.reason}")
        return variants
    # Operations cache `_subpixel`, so the variants without it need operations of their own.
    plain = Program(tuple(dataclasses.replace(one) for one in program.operations))
    rounded = program.to_bfloat16()
    cropped = _crop_to_center(program, images)
    variants["program"] = lambda: _input_gradient(program, images)
    variants["program, weights not prepacked"] = lambda: _run_unpacked(program, images)
    variants["program, aten gradient of the stem"] = lambda: _run_without_subpixel(plain, images)
    variants["program in bfloat16"] = lambda: _input_gradient(rounded, images)
    plain_rounded = plain.to_bfloat16()
    variants["program in bfloat16, aten gradient of the stem"] = lambda: _run_without_subpixel(
        plain_rounded, images
    )
    if cropped is not None:
        variants["program, cropped to the center"] = lambda: _input_gradient(cropped, images)
    return variants


def _crop_to_center(program: Program, images: Tensor) -> Program | None:
    height, width = program(images).shape[2:]
    top, left = (height - 1) // 2, (width - 1) // 2
    return crop_program(program, images, (Span(top, height - top), Span(left, width - left)))


def _input_gradient(run: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    leaf = images.detach().requires_grad_()
    output = run(leaf)
    (gradient,) = torch.autograd.grad(output, leaf, torch.ones_like(output))
    return gradient


def _run_unpacked(program: Program, images: Tensor) -> Tensor:
    with mock.patch.object(PrepackedConv2d, "__call__", _plain_convolution):
        return _input_gradient(program, images)


def _run_without_subpixel(program: Program, images: Tensor) -> Tensor:
    with mock.patch.object(Convolution, "_subpixel", None):
        return _input_gradient(program, images)


def _plain_convolution(
    conv: Any, inputs: Tensor, bias: Tensor | None = None, post_op: str = "none"
) -> Tensor:
    output = functional.conv2d(
        inputs, conv.weight, bias, conv.stride, conv.padding, conv.dilation, conv.groups
    )
    if post_op == "relu":
        return functional.relu_(output)
    return functional.hardtanh_(output, 0.0, 6.0) if post_op == "hardtanh" else output


def _attribution_variants(model: nn.Module, layer: str, side: int) -> dict[str, Pass]:
    config = AtlasConfig(samples=128)
    probe = build_probe(_smooth_images(32, side), config=config)

    def run() -> object:
        return attribution.compute_attribution(model, layer, probe, batch_size=config.batch_size)

    @contextlib.contextmanager
    def without(*names: str) -> Iterator[None]:
        with contextlib.ExitStack() as stack:
            if "head" in names:
                patch = mock.patch.object(
                    intervention.Intervention, "trace_head", return_value=None
                )
                stack.enter_context(patch)
            if "cache" in names:
                stack.enter_context(
                    mock.patch.object(attribution, "cache_prefix", return_value=None)
                )
            yield

    def run_without(*names: str) -> object:
        with without(*names):
            return run()

    return {
        "plain torch (forward-mode autograd)": lambda: run_without("head", "cache"),
        "traced head and prefix cache": run,
        "prefix cache alone": lambda: run_without("head"),
        "traced head alone": lambda: run_without("cache"),
    }


def _print_table(title: str, variants: dict[str, Pass], images: int, rounds: int) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for run in variants.values():
        run()  # packs weights, fills caches
    for _ in range(rounds):
        for name, run in variants.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    quartiles = {name: sorted(values)[len(values) // 4] for name, values in seconds.items()}
    plain = next(iter(quartiles.values()))
    print(title)
    for name, value in quartiles.items():
        print(f"  {name:48}{1000 * value / images:9.2f} CPU ms{plain / value:8.2f} x", flush=True)


if __name__ == "__main__":
    main()
