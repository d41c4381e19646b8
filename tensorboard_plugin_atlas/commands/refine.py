# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas refine`: renders the icons of a logged step again at higher quality."""

from __future__ import annotations

import argparse
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_checkpoint,
    add_command,
    add_device,
    add_images,
    add_layers,
    add_local_log_dir,
    add_num_workers,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape, format_table

HELP: Final = """\
Render the icons of one logged step again at higher quality, from the weights of its checkpoint. The
tab and read_atlases show them in place of the logged icons. The log is never changed: the new icons
go to a run of their own below the run of the atlases. This also works while training continues.

  tensorboard-atlas refine runs --checkpoint step300.pt --model my_code:make_model \\
      --data my_code:make_probe --step 300
  tensorboard-atlas refine runs --checkpoint last.pt --model torchvision.models:resnet18 \\
      --data val/ --layer layer3 --to inversion

CHECKPOINT is a state dict saved by torch.save, alone or under a common key such as "model"; only
tensors and plain values are unpickled. DATA is the probe that was passed to AtlasWriter:
MODULE:CALLABLE that returns it, or a folder or zip of class/image.ext. If the images or the weights
differ from those of the logged step, the command stops and reports the difference.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `refine`."""
    command = add_command(
        commands,
        "refine",
        run,
        summary="render the icons of a logged step again at higher quality",
        description=HELP,
    )
    add_local_log_dir(command)
    add_checkpoint(command)
    add_layers(command, "only this layer; repeat for more (default: all)")
    command.add_argument(
        "--to",
        choices=("preview", "inversion", "poster"),
        default="poster",
        help="kind of the new icons (default: %(default)s)",
    )
    command.add_argument(
        "--onward",
        action="store_true",
        help="start from the logged icons: half the time, slightly lower cosines",
    )
    add_device(command)
    add_images(command, "that of the atlas")
    add_num_workers(command)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.commands.icon_refinement import refine
    from tensorboard_plugin_atlas.commands.model_interface_options import use_model_functions

    with use_model_functions(arguments):
        results = refine(
            arguments.log_dir,
            arguments.checkpoint,
            arguments.model,
            arguments.data,
            run=arguments.run,
            layers=arguments.layer,
            step=arguments.step,
            kind=arguments.to,
            side=arguments.side,
            normalize=arguments.normalize,
            num_workers=arguments.num_workers,
            device=arguments.device,
            onward=arguments.onward,
        )
    rows = [("layer", "step", "cells", "match", "cosine before", "now", "CPU s", "size")]
    rows += [
        (
            one.layer,
            f"{one.step:,}",
            f"{one.cells:,}",
            f"{one.match.median:.3f}",
            f"{one.before:.2f}",
            f"{one.after:.2f}",
            f"{one.seconds:.1f}",
            f"{one.bytes / 1e6:.2f} MB",
        )
        for one in results
    ]
    print(format_table(rows))
    print(f"\nthe tab shows them in run {escape(results[0].run)} after the next reload")
    return 0
