# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas layers`: lists the layers of a model that atlases can be made of."""

from __future__ import annotations

import argparse
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_model,
    make_integer_parser,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape, format_table

HELP: Final = """\
List the layers of your model that AtlasWriter chooses from, with the shape of their output, their
receptive field, and their cost. Layers that are chosen if you name none are marked with *.

  tensorboard-atlas layers --model torchvision.models:resnet18
  tensorboard-atlas layers --model my_code:make_model --side 32 --channels 1

MODULE:CALLABLE is imported from the working directory or the environment, and called without
arguments. The model runs on noise images. Any other module can be logged, too: pass its name in
AtlasWriter(layers=[...]).

The cost is the CPU time until the layer returns, as a share of the whole forward pass. Activations
and icons of a layer need the network only up to this layer.
"""

_LARGEST_SIDE: Final = 4096
_MOST_CHANNELS: Final = 1024


def add_parser(commands: Subparsers) -> None:
    """Adds the command `layers`."""
    command = add_command(
        commands,
        "layers",
        run,
        summary="list the layers of a model, with shape, receptive field, and cost",
        description=HELP,
    )
    add_model(command)
    command.add_argument(
        "--side",
        type=make_integer_parser(1, _LARGEST_SIDE),
        default=224,
        metavar="PIXELS",
        help="height and width of the images (default: %(default)s)",
    )
    command.add_argument(
        "--channels",
        type=make_integer_parser(1, _MOST_CHANNELS),
        default=3,
        help="number of channels of the images (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.commands.cost_estimate import build_model
    from tensorboard_plugin_atlas.commands.layer_report import report_layers
    from tensorboard_plugin_atlas.commands.model_interface_options import use_model_functions

    model = build_model(arguments.model)
    with use_model_functions(arguments):
        report = report_layers(model, (arguments.side, arguments.side), arguments.channels)
    rows = [("", "layer", "output", "map", "field", "cost")]
    rows += [
        (
            "*" if one.is_chosen else "",
            escape(one.name),
            _format_sizes(one.shape),
            _format_sizes(one.map_size),
            _format_sizes(one.field),
            f"{one.cost:.0%}",
        )
        for one in report.rows
    ]
    print(format_table(rows))
    print(f"\n* chosen if no layers are named: {report.reason}")
    return 0


def _format_sizes(sizes: tuple[int, ...]) -> str:
    return " x ".join(map(str, sizes))
