# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas picture`: saves an atlas as a figure."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_log_dir,
    make_integer_parser,
    parse_positive,
    parse_step,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape

HELP: Final = """\
Save the atlas of one layer at one step as a figure: PNG, SVG, or PDF. The caption states where it
comes from. This needs Matplotlib: pip install "tensorboard_plugin_atlas[plot]"

  tensorboard-atlas picture runs --layer layer4 -o layer4.pdf
  tensorboard-atlas picture runs --run exp1 --layer layer4 --step 500 --grid 10 -o step500.png
  tensorboard-atlas picture runs --layer layer4 --classes labels -o classes.svg
  tensorboard-atlas picture runs --layer layer4 --concepts -o concepts.pdf

A contact sheet shows the icons of the cells with most samples of a class or a concept, each over
real patches of these samples:

  tensorboard-atlas picture runs --layer layer4 --class-sheet dog -o dog.png
  tensorboard-atlas picture runs --layer layer4 --concept-sheet 1003 -o concept.png

--layer also takes a series of class atlases, such as "layer4 \u00b7 dog", which `tensorboard-atlas
inspect` lists. The log is only read, and no model is needed. Fonts in a PDF are embedded as
TrueType.
"""

_WIDTH: Final = 6.5
_DPI: Final = 300
_DPI_RANGE: Final = (10, 2400)
_MOST_ID: Final = 2**53


def add_parser(commands: Subparsers) -> None:
    """Adds the command `picture`."""
    command = add_command(
        commands, "picture", run, summary="save an atlas as a figure", description=HELP
    )
    add_log_dir(command)
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="FILE",
        help="the figure; its name ends with .png, .svg, or .pdf",
    )
    command.add_argument(
        "--force", action="store_true", help="replace the file of --output if it exists"
    )
    command.add_argument("--run", help="the run; required if there are several")
    command.add_argument(
        "--layer",
        metavar="NAME",
        help="the layer; required if there are several",
    )
    command.add_argument("--step", type=parse_step, help="a step, or 'last' (default: last)")
    command.add_argument(
        "--grid", type=parse_positive, metavar="SIZE", help="size of the grid (default: the middle)"
    )
    command.add_argument(
        "--width",
        type=float,
        default=_WIDTH,
        metavar="INCHES",
        help="width of the figure (default: %(default)s); its height follows from the content",
    )
    command.add_argument(
        "--dpi",
        type=make_integer_parser(*_DPI_RANGE),
        default=_DPI,
        help="resolution of images in pixels per inch (default: %(default)s)",
    )
    command.add_argument(
        "--classes",
        choices=("labels", "predictions"),
        help="frame each cell in the color of the most common class of its samples",
    )
    command.add_argument(
        "--concepts", action="store_true", help="write the names of concepts on their cells"
    )
    sheet = command.add_mutually_exclusive_group()
    sheet.add_argument(
        "--class-sheet", metavar="CLASS", help="contact sheet of a class, by name or index"
    )
    sheet.add_argument(
        "--concept-sheet",
        type=make_integer_parser(0, _MOST_ID),
        metavar="ID",
        help="contact sheet of a concept; `tensorboard-atlas events --json` lists ids",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.commands.figure_export import PictureOptions, save_picture

    note = save_picture(
        arguments.log_dir,
        arguments.output,
        PictureOptions(
            run=arguments.run,
            layer=arguments.layer,
            step=arguments.step,
            grid=arguments.grid,
            width=arguments.width,
            dpi=arguments.dpi,
            classes=arguments.classes,
            concepts=arguments.concepts,
            class_sheet=arguments.class_sheet,
            concept_sheet=arguments.concept_sheet,
            force=arguments.force,
        ),
    )
    print(f"saved {escape(str(arguments.output), limit=4_000)}")
    if note:
        print(note)
    return 0
