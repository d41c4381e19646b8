# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas class`: computes class atlases for a logged step."""

from __future__ import annotations

import argparse
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_checkpoint,
    add_command,
    add_device,
    add_icons,
    add_images,
    add_local_log_dir,
    add_num_workers,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape, format_table
from tensorboard_plugin_atlas.log_names import CLASSES_FOLDER

HELP: Final = f"""\
Compute atlases of single classes, or of pairs of classes, at a layer of a logged step, from the
weights of its checkpoint. All positions of all probe images are considered. An atlas of a class
shows the samples whose attribution is highest for this class. In an atlas of a pair, the horizontal
axis is the difference of the attributions for the two classes.

  tensorboard-atlas class runs --checkpoint step300.pt --model my_code:make_model \\
      --data my_code:make_probe --classes cat dog --pair cat dog --step 300
  tensorboard-atlas class runs --checkpoint last.pt --model torchvision.models:resnet18 \\
      --data val/ --layer layer3 --pair snorkel "scuba diver" --pair 3 17

The log is never changed: the atlases go to the run <run>/{CLASSES_FOLDER}, as "layer · cat" and
"layer · cat / dog". This also works while training continues. Steps can be computed in any order;
each map continues that of the step before. To log class atlases at every logged step, pass
class_atlases=["cat", ...] to AtlasWriter.

CHECKPOINT and DATA are the same as for `tensorboard-atlas refine`. If the images or the weights
differ from those of the logged step, the command stops and reports the difference.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `class`."""
    command = add_command(
        commands,
        "class",
        run,
        summary="compute atlases of classes, or of pairs of classes, for a logged step",
        description=HELP,
    )
    add_local_log_dir(command)
    add_checkpoint(command)
    command.add_argument(
        "--classes",
        nargs="+",
        action="extend",
        default=[],
        metavar="CLASS",
        help="names or indices of classes; one atlas each",
    )
    command.add_argument(
        "--pair",
        nargs=2,
        action="append",
        default=[],
        metavar=("RIGHT", "LEFT"),
        help="two classes for one atlas; repeat for more pairs",
    )
    command.add_argument("--layer", help="the layer (default: the last logged layer)")
    add_icons(command, "as in the atlas of the layer")
    add_device(command)
    add_images(command, "that of the atlas")
    add_num_workers(command)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.commands.class_atlas_run import make_class_atlases
    from tensorboard_plugin_atlas.commands.model_interface_options import use_model_functions

    with use_model_functions(arguments):
        result = make_class_atlases(
            arguments.log_dir,
            arguments.checkpoint,
            arguments.model,
            arguments.data,
            classes=arguments.classes,
            pairs=arguments.pair,
            run=arguments.run,
            layer=arguments.layer,
            step=arguments.step,
            icons=arguments.icons,
            side=arguments.side,
            normalize=arguments.normalize,
            num_workers=arguments.num_workers,
            device=arguments.device,
        )
    rows = [("atlas", "step", "samples", "rule", "trust", "CPU s", "size")]
    rows += [
        (
            escape(one.series),
            f"{one.step:,}",
            f"{one.samples:,}",
            one.rule,
            "" if one.trustworthiness is None else f"{one.trustworthiness:.2f}",
            f"{one.seconds:.1f}",
            f"{one.bytes / 1e6:.2f} MB",
        )
        for one in result.atlases
    ]
    print(format_table(rows))
    for message in result.skipped:
        print(f"skipped: {escape(message, limit=2_000)}")
    print(f"\nthe tab shows them as run {escape(result.atlases[0].run)} after the next reload")
    return 0
