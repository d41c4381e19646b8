# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas export`: writes the atlases of a log as one HTML page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_log_dir,
    add_run_and_layers,
    parse_positive,
    parse_positive_number,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape

HELP: Final = """\
Write the atlases of a log as one HTML page with the Atlas tab. The page needs no server and no
network: open it in a browser, send it, or put it on a website. The log is only read.

  tensorboard-atlas export runs -o atlas.html
  tensorboard-atlas export runs --run exp1 --layer layer3 -o layer3.html
  tensorboard-atlas export runs --every 4 --max-megabytes 12 -o small.html

What does not fit into --max-megabytes is left out: first activations, then finer grids, then
steps. The page and this command list what is left out.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `export`."""
    command = add_command(
        commands,
        "export",
        run,
        summary="write atlases as one HTML page that opens without TensorBoard",
        description=HELP,
    )
    add_log_dir(command)
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path("atlas.html"),
        metavar="FILE",
        help="the page to write (default: %(default)s)",
    )
    add_run_and_layers(command)
    command.add_argument(
        "--step",
        type=int,
        action="append",
        metavar="STEP",
        help="only this step; repeat for more (default: all)",
    )
    command.add_argument(
        "--every",
        type=parse_positive,
        default=1,
        metavar="N",
        help="keep one of N steps, and the first and the last (default: all)",
    )
    command.add_argument(
        "--max-megabytes",
        type=parse_positive_number,
        metavar="MB",
        help="largest size of the page (default: no limit)",
    )
    command.add_argument(
        "--no-activations",
        action="store_true",
        help="leave out the activations: a smaller page without similar cells",
    )
    command.add_argument(
        "--no-images",
        action="store_true",
        help="leave out the probe's images: a page without real patches",
    )
    command.add_argument("--title", help="title of the page (default: name of the log directory)")
    command.add_argument("--force", action="store_true", help="replace an existing file")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.errors import ArgumentError
    from tensorboard_plugin_atlas.export.html_export import export_html

    try:
        page = export_html(
            arguments.log_dir,
            arguments.output,
            run=arguments.run,
            layers=arguments.layer,
            steps=arguments.step,
            every=arguments.every,
            activations=not arguments.no_activations,
            images=not arguments.no_images,
            max_megabytes=arguments.max_megabytes,
            title=arguments.title,
            force=arguments.force,
        )
    except OSError as error:
        raise ArgumentError(f"{arguments.output} cannot be written: {error.strerror}") from error
    count = "1 atlas" if page.atlases == 1 else f"{page.atlases:,} atlases"
    print(f"{escape(str(page.path))}: {count}, {page.bytes / 1e6:.1f} MB")
    for sentence in page.omitted:
        print(escape(sentence))
    return 0
