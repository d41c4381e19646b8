# SPDX-License-Identifier: Apache-2.0
"""Layers that are chosen for many architectures, and the cost of a small atlas of each.

    pip install timm transformers
    python benchmarks/zoo.py                       the table of docs/benchmarks.md
    python benchmarks/zoo.py resnet18 hf:SwinModel
    python benchmarks/zoo.py --layers-only         without atlases
    python benchmarks/zoo.py --list

The networks have random weights. Each one is constructed in a process of its own, `AtlasWriter`
chooses the layers, and logs one atlas of them: 10 noise images at the network's
default size, with attribution, and with icons that are optimized for two steps. `chosen` is what
`AtlasWriter` chooses, `map` the sides of their maps, and `icons` how they are optimized: as tiles,
windows of patches, or whole images, or "patches" where they cannot be. `seconds` is the CPU time
of the atlases on one thread, and `memory` the largest resident memory of the process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

ARCHITECTURES = [
    "vit_tiny_patch16_224",
    "deit_tiny_patch16_224",
    "deit3_small_patch16_224",
    "vit_small_patch14_dinov2",
    "vit_small_patch16_dinov3",
    "beit_base_patch16_224",
    "eva02_tiny_patch14_224",
    "vit_base_patch16_clip_224",
    "vit_base_patch16_siglip_224",
    "samvit_base_patch16_224",
    "cait_xxs24_224",
    "xcit_nano_12_p16_224",
    "volo_d1_224",
    "levit_128s",
    "crossvit_tiny_240",
    "twins_pcpvt_small",
    "twins_svt_small",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "mixer_s32_224",
    "resmlp_12_224",
    "gmlp_ti16_224",
    "convmixer_768_32",
    "pit_ti_224",
    "tnt_s_legacy_patch16_224",
    "coat_tiny",
    "convit_tiny",
    "visformer_tiny",
    "pvt_v2_b0",
    "poolformer_s12",
    "caformer_s18",
    "maxvit_tiny_tf_224",
    "coatnet_0_rw_224",
    "mvitv2_tiny",
    "hiera_tiny_224",
    "davit_tiny",
    "focalnet_tiny_srf",
    "gcvit_xxtiny",
    "nest_tiny",
    "edgenext_xx_small",
    "efficientformer_l1",
    "efficientvit_b0",
    "efficientvit_m0",
    "fastvit_t8",
    "mobilevit_xxs",
    "repvit_m0_9",
    "tiny_vit_5m_224",
    "resnet18",
    "resnetv2_50",
    "seresnet18",
    "skresnet18",
    "resnest14d",
    "regnety_002",
    "rexnet_100",
    "res2net50_26w_4s",
    "dla34",
    "densenet121",
    "dpn48b",
    "hrnet_w18_small",
    "inception_v3",
    "inception_next_atto",
    "vgg11",
    "nfnet_f0",
    "convnext_atto",
    "efficientnet_b0",
    "mobilenetv2_050",
    "mobilenetv3_small_050",
    "mobilenetv4_conv_small",
    "ghostnet_050",
    "mnasnet_small",
    "tf_efficientnetv2_b0",
    "cspresnet50",
    "darknet53",
    "selecsls42",
    "xception41",
    "starnet_s1",
    "lcnet_035",
    "sequencer2d_s",
    "vovnet39a",
    "repvgg_a0",
    "mambaout_femto",
    "hgnet_tiny",
]
SIDES = {"vit_small_patch14_dinov2": 224}
"""Side of the images, where it is not the default of timm: 518 px take ten minutes."""
_SMALL = {"hidden_size": 96, "num_hidden_layers": 6, "num_attention_heads": 4}
_SMALL_VIT = {**_SMALL, "intermediate_size": 192, "image_size": 224, "patch_size": 16}
HUGGING_FACE = {
    "hf:ViTForImageClassification": _SMALL_VIT,
    "hf:DeiTForImageClassification": _SMALL_VIT,
    "hf:Dinov2Model": {**_SMALL, "image_size": 224, "patch_size": 14},
    "hf:CLIPVisionModel": _SMALL_VIT,
    "hf:SiglipVisionModel": _SMALL_VIT,
    "hf:BeitForImageClassification": _SMALL_VIT,
    "hf:SegformerForImageClassification": {},
    "hf:SwinForImageClassification": {},
    "hf:Swinv2ForImageClassification": {"image_size": 256, "window_size": 8},
    "hf:ResNetForImageClassification": {"depths": [2, 2, 2, 2], "layer_type": "basic"},
    "hf:ConvNextForImageClassification": {},
    "hf:MobileViTForImageClassification": {"image_size": 256},
}
"""Classes of transformers, and what differs from the default of their configuration."""

IMAGES, SAMPLES = 10, 10
TIMEOUT_SECONDS = 600
ICONS = {
    "nearest real patches": "patches",
    "at full size": "whole",
    "whole images": "whole",
    "patches of the image": "windows",
}
"""Words in the notes of an atlas, and how its icons are optimized; tiles without any of them."""


@dataclass(frozen=True)
class Row:
    """The result of one architecture."""

    name: str
    chosen: str
    maps: str
    icons: str
    seconds: float
    megabytes: float
    error: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Prints the table; returns 1 if an architecture failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="models (default: all of the table)")
    parser.add_argument("--layers-only", action="store_true", help="log no atlases")
    parser.add_argument("--list", action="store_true", help="list the names of the table")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    names = [*ARCHITECTURES, *HUGGING_FACE]
    if arguments.list:
        print("\n".join(names))
        return 0
    if arguments.one:
        print(json.dumps(asdict(measure(arguments.one, layers_only=arguments.layers_only))))
        return 0
    print("| Architecture | Chosen | Map | Icons | Seconds | Memory |\n|---|---|---|---|---|---|")
    failed = 0
    for name in arguments.names or names:
        row = measure_in_process(name, layers_only=arguments.layers_only)
        failed += bool(row.error)
        cells = (
            (row.error, "", "", "", "")
            if row.error
            else (row.chosen, row.maps, row.icons, f"{row.seconds:.1f}", f"{row.megabytes:.0f} MB")
        )
        print(f"| {' | '.join((name, *cells))} |", flush=True)
    print(f"\n{failed} of {len(arguments.names or names)} failed")
    return int(failed > 0)


def measure_in_process(name: str, *, layers_only: bool) -> Row:
    """Measures an architecture in a new process, so that its memory is its own."""
    command = [sys.executable, __file__, "--one", name, *["--layers-only"] * layers_only]
    try:
        found = subprocess.run(
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
        return Row(**json.loads(found.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return Row(name, "", "", "", 0, 0, f"more than {TIMEOUT_SECONDS} s")
    except (IndexError, ValueError):
        last = found.stderr.strip().splitlines()[-1:] or ["no output"]
        return Row(name, "", "", "", 0, 0, last[0][:120])


def measure(name: str, *, layers_only: bool) -> Row:
    """Logs one atlas of the layers that are chosen."""
    import resource
    import tempfile
    import time
    import warnings

    import torch

    from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, read_atlases
    from tensorboard_plugin_atlas.compute.model.layer_choice import find_layers
    from tensorboard_plugin_atlas.compute.probe.probe import build_probe

    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model, shape = build(name)
    images = torch.rand(IMAGES, *shape)
    config = AtlasConfig(samples=SAMPLES, grids=(2,), icon_steps=2)
    try:
        choice = find_layers(model, build_probe(images[:2], config=AtlasConfig(samples=2)))
        sides = {one.name: one.map_size[0] for one in choice.candidates}
        maps = ", ".join(str(sides[one]) for one in choice.names)
        icons: list[str] = []
        start = time.process_time()
        if not layers_only:
            with tempfile.TemporaryDirectory() as folder:
                with AtlasWriter(
                    folder,
                    model,
                    probe=images,
                    normalize=(0, 1),
                    config=config,
                    worker="inline",
                    strict=True,
                ) as writer:
                    writer.add_atlas(0)
                atlases = list(read_atlases(folder))
            icons = list(dict.fromkeys(describe_icons(one.provenance.notes) for one in atlases))
            logged = [atlas.layer for atlas in atlases]
            if sorted(logged) != sorted(choice.names):
                return Row(name, "", "", "", 0, 0, f"logged {logged} of {choice.names}")
        seconds = time.process_time() - start
    except Exception as error:  # the table lists it
        return Row(name, "", "", "", 0, 0, f"{type(error).__name__}: {str(error)[:100]}")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Row(name, ", ".join(choice.names), maps, ", ".join(icons), seconds, megabytes)


def build(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """Returns a network with random weights, and the shape of its inputs."""
    if name in HUGGING_FACE:
        import transformers

        kind = getattr(transformers, name.removeprefix("hf:"))
        changes = HUGGING_FACE[name]
        side = changes.get("image_size", 224)
        return kind(kind.config_class(**changes)).eval(), (3, side, side)
    import timm

    if name in SIDES:
        side = SIDES[name]
        return timm.create_model(name, pretrained=False, img_size=side).eval(), (3, side, side)
    model = timm.create_model(name, pretrained=False).eval()
    return model, model.default_cfg.get("input_size", (3, 224, 224))


def describe_icons(notes: Sequence[str]) -> str:
    """Returns how the icons of an atlas were optimized."""
    text = " ".join(note for note in notes if note.startswith("icons"))
    return next((how for words, how in ICONS.items() if words in text), "tiles")


if __name__ == "__main__":
    sys.exit(main())
