# SPDX-License-Identifier: Apache-2.0
"""The command `tensorboard-atlas class`."""

from __future__ import annotations

import argparse
from pathlib import Path

from tensorboard_plugin_atlas.commands.options import (
    add_pictures,
    local_folder,
    step_or_last,
)
from tensorboard_plugin_atlas.commands.terminal_text import printable, table
from tensorboard_plugin_atlas.config import ICON_KINDS
from tensorboard_plugin_atlas.metadata import CLASSES_FOLDER

CLASS_HELP = f"""\
Make atlases of what speaks for a class at a layer, or of what tells two classes apart, for a logged
step, from the weights of its checkpoint. Of every probe image all places are weighed, edges
included; those that speak for the class more than for any other are laid out on a map of their own.
Of two classes, left and right is which of the two a place speaks for.

  tensorboard-atlas class runs --checkpoint step300.pt --model my_code:make_model \\
      --data my_code:make_probe --classes cat dog --pair cat dog --step 300
  tensorboard-atlas class runs --checkpoint last.pt --model torchvision.models:resnet18 \\
      --data val/ --layer layer3 --pair snorkel "scuba diver" --pair 3 17

The log is only added to: they go to the run <run>/{CLASSES_FOLDER}, as "layer · cat" and
"layer · cat / dog", also while training goes on. Steps may be made in any order; each map continues
that of the step before. A writer makes them at every checkpoint with class_atlases=["cat", ...].

CHECKPOINT and DATA are as for `tensorboard-atlas refine`: other pictures and other weights are
refused, with what differs.
"""


def add_class(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `class`."""
    command = commands.add_parser(
        "class",
        help="make atlases of what speaks for a class, or tells two apart",
        description=CLASS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "log_dir", type=local_folder, help="a folder that TensorBoard would be given"
    )
    command.add_argument("--checkpoint", type=Path, required=True, help="its weights at that step")
    command.add_argument("--model", required=True, metavar="MODULE:CALLABLE", help="makes it")
    command.add_argument("--data", required=True, metavar="DATA", help="the pictures of the atlas")
    command.add_argument(
        "--classes",
        nargs="+",
        action="extend",
        default=[],
        metavar="CLASS",
        help="names or indices: an atlas of each",
    )
    command.add_argument(
        "--pair",
        nargs=2,
        action="append",
        default=[],
        metavar=("RIGHT", "LEFT"),
        help="two classes to tell apart, again for more",
    )
    command.add_argument("--run", help="which run, if there are several")
    command.add_argument("--layer", help="which layer (default: the last that was logged)")
    command.add_argument("--step", type=step_or_last, help="which step, or 'last' (default: last)")
    command.add_argument(
        "--icons", choices=ICON_KINDS, help="how cells are drawn (default: as the layer's)"
    )
    command.add_argument("--device", default="cpu", help="where to compute (default: %(default)s)")
    add_pictures(command, "as the atlas has them")
    command.set_defaults(run_command=_class)


def _class(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.commands.class_atlas_run import make_class_atlases

    done = make_class_atlases(
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
        device=arguments.device,
    )
    rows = [("atlas", "step", "samples", "rule", "trust", "CPU s", "size")]
    rows += [
        (
            printable(one.series),
            f"{one.step:,}",
            f"{one.samples:,}",
            one.rule,
            "" if one.trust is None else f"{one.trust:.2f}",
            f"{one.seconds:.1f}",
            f"{one.bytes / 1e6:.2f} MB",
        )
        for one in done.made
    ]
    print(table(rows))
    for words in done.words:
        print(f"left out: {printable(words, limit=2_000)}")
    print(f"\nthe tab shows them as run {printable(done.made[0].run)} at the next reload")
    return 0
