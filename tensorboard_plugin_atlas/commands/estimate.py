# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas estimate`: measures the cost of atlases of a model before a long run."""

from __future__ import annotations

import argparse
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_icons,
    add_images,
    add_model,
    parse_positive,
)
from tensorboard_plugin_atlas.commands.terminal_text import format_table

HELP: Final = """\
Measure what atlases of your model will cost, before a long run. Builds the model, computes one
atlas of each layer on one core, and discards them.

  tensorboard-atlas estimate --model torchvision.models:resnet18 --data photos.zip --side 224
  tensorboard-atlas estimate --model my_code:make_model --data val/ --layer layer3 --atlases 300

MODULE:CALLABLE is imported from the working directory or the environment, and called without
arguments. DATA is a folder or zip of class/image.ext.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `estimate`."""
    command = add_command(
        commands,
        "estimate",
        run,
        summary="measure what atlases of a model will cost",
        description=HELP,
    )
    add_model(command)
    command.add_argument("--data", required=True, metavar="DATA", help="probe images")
    command.add_argument(
        "--layer",
        action="append",
        metavar="NAME",
        help="a layer; repeat for more (default: chosen automatically)",
    )
    command.add_argument(
        "--atlases",
        type=parse_positive,
        default=100,
        help="number of atlases to extrapolate to (default: %(default)s)",
    )
    command.add_argument("--samples", type=parse_positive, help="samples per atlas (default: 2000)")
    add_icons(command)
    add_images(command, "that of the images, up to 224")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.commands.cost_estimate import estimate
    from tensorboard_plugin_atlas.commands.model_functions import use_model_functions
    from tensorboard_plugin_atlas.config import AtlasConfig

    options = {"samples": arguments.samples, "icons": arguments.icons}
    settings = {name: value for name, value in options.items() if value is not None}
    with use_model_functions(arguments):
        result = estimate(
            arguments.model,
            arguments.data,
            layers=arguments.layer,
            side=arguments.side,
            normalize=arguments.normalize,
            config=AtlasConfig(**settings),
        )
    rows = [("layer", "seconds", "size")]
    rows += [(a.layer, f"{a.seconds:.1f}", f"{a.bytes / 1e6:.2f} MB") for a in result.layers]
    print(format_table(rows))
    print(f"\n{result.total.describe_mean()}")
    print(result.total.forecast(arguments.atlases))
    return 0
