# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share, and parsers of their values.

A parser raises `argparse.ArgumentTypeError`; argparse adds the name of the option to the message.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.schedule import Schedule

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

MOST_PIXELS: Final = 4096
"""Largest value of `--side`; larger images would not fit in memory."""


MOST_WORKERS: Final = 1024
"""Largest value of `--num-workers`."""


def add_command(
    commands: Subparsers,
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    summary: str,
    description: str,
) -> argparse.ArgumentParser:
    """Adds a command and returns its parser.

    Args:
        commands: Where to add it.
        name: Name of the command.
        run: Runs it and returns the exit status.
        summary: One line for the list of commands.
        description: First part of its `--help`, printed without wrapping.
    """
    command = commands.add_parser(
        name,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run_command=run)
    return command


def add_log_dir(command: argparse.ArgumentParser) -> None:
    """Adds the argument `log_dir` of a command that only reads: a directory or a URL."""
    command.add_argument(
        "log_dir",
        help="log directory, as passed to tensorboard --logdir, or a URL such as s3://bucket/runs",
    )


def add_local_log_dir(command: argparse.ArgumentParser) -> None:
    """Adds the argument `log_dir` of a command that adds files to the log."""
    command.add_argument(
        "log_dir", type=parse_local_log, help="log directory, as passed to tensorboard --logdir"
    )


def add_run_and_layers(command: argparse.ArgumentParser) -> None:
    """Adds `--run` and `--layer` for commands that work on all runs and layers by default."""
    command.add_argument("--run", help="only this run (default: all)")
    add_layers(command, "only this layer; repeat for more (default: all)")


def add_layers(
    command: argparse.ArgumentParser,
    text: str = "a layer; repeat for more (default: chosen automatically)",
) -> None:
    """Adds `--layer`, which can be repeated; `text` describes it in `--help`."""
    command.add_argument("--layer", action="append", metavar="NAME", help=text)


def add_samples(command: argparse.ArgumentParser) -> None:
    """Adds `--samples`."""
    command.add_argument("--samples", type=parse_positive, help="samples per atlas (default: 2000)")


def add_icons(command: argparse.ArgumentParser, default: str = "inversion") -> None:
    """Adds `--icons`; `default` describes its default."""
    from tensorboard_plugin_atlas.config import ICON_KINDS

    command.add_argument("--icons", choices=ICON_KINDS, help=f"kind of icons (default: {default})")


def add_model(command: argparse.ArgumentParser) -> None:
    """Adds `--model`, and how it is called and read."""
    command.add_argument(
        "--model",
        required=True,
        metavar="MODULE:CALLABLE",
        help="returns the model, such as torchvision.models:resnet18",
    )
    command.add_argument(
        "--forward",
        metavar="MODULE:FUNCTION",
        help="function of a model and images that calls the model, as for AtlasWriter",
    )
    command.add_argument(
        "--output",
        metavar="MODULE:FUNCTION",
        help="function of the model's output that returns logits, as for AtlasWriter",
    )


def add_checkpoint(command: argparse.ArgumentParser) -> None:
    """Adds the options of commands that load a model at a logged step: weights, model, and data."""
    command.add_argument(
        "--checkpoint", type=Path, required=True, help="weights of the model at that step"
    )
    add_model(command)
    command.add_argument(
        "--data", required=True, metavar="DATA", help="the probe that was passed to AtlasWriter"
    )
    command.add_argument("--run", help="the run; required if there are several")
    command.add_argument("--step", type=parse_step, help="a step, or 'last' (default: last)")


def add_device(command: argparse.ArgumentParser) -> None:
    """Adds `--device`."""
    command.add_argument(
        "--device", default="cpu", help="device to compute on (default: %(default)s)"
    )


def add_images(command: argparse.ArgumentParser, default_side: str) -> None:
    """Adds the options that turn image files into model inputs.

    Args:
        command: Where to add them.
        default_side: Describes the default of `--side`.
    """
    command.add_argument(
        "--side",
        type=make_integer_parser(1, MOST_PIXELS),
        metavar="PIXELS",
        help="crop and resize image files to squares of this side; smaller ones are enlarged "
        f"(default: {default_side})",
    )
    command.add_argument(
        "--normalize",
        type=parse_mean_and_std,
        metavar="MEAN/STD",
        help="normalization of the model's inputs, such as 0.485,0.456,0.406/0.229,0.224,0.225",
    )


def add_num_workers(command: argparse.ArgumentParser) -> None:
    """Adds `--num-workers` for commands that can read images at each checkpoint."""
    command.add_argument(
        "--num-workers",
        type=make_integer_parser(0, MOST_WORKERS),
        metavar="N",
        help="read the images at each checkpoint, by N processes, instead of keeping them in "
        "memory; 0 reads them in this process (default: keep them in memory)",
    )


def parse_positive(text: str) -> int:
    """Parses an integer above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: pass an integer above 0")
    return int(text)


def parse_positive_number(text: str) -> float:
    """Parses a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r:.80}: pass a number above 0, such as 12")
    return value


def make_integer_parser(least: int, most: int) -> Callable[[str], int]:
    """Returns a parser of integers from `least` to `most`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r:.80}: pass an integer from {least} to {most}"
            )
        return value

    return parse


def parse_local_folder(text: str) -> Path:
    """Parses the path of a folder; rejects URLs."""
    return _parse_local(text, "pass a local folder")


def parse_local_log(text: str) -> Path:
    """Parses the path of a log to which files are added; rejects URLs."""
    return _parse_local(
        text,
        "this command adds files to the log, and writes to local folders only. Copy the log and "
        f"pass the copy: `tensorboard-atlas repair {shlex.quote(text)} --output FOLDER`",
    )


def _parse_local(text: str, advice: str) -> Path:
    from tensorboard_plugin_atlas.logs.log_files import parse_log_path

    path = parse_log_path(text)
    if not isinstance(path, Path):
        raise argparse.ArgumentTypeError(f"{text!r} is a URL; {advice}")
    return path


def parse_schedule(text: str) -> Schedule:
    """Parses "log-spaced", or steps such as "0,100,1000"."""
    from tensorboard_plugin_atlas.schedule import Schedule

    if text == "log-spaced":
        return Schedule.log_spaced()
    try:
        return Schedule.at(map(int, text.split(",")))
    except ValueError as error:  # also ArgumentError
        raise argparse.ArgumentTypeError(
            f"{text!r:.80}: pass log-spaced, or steps of at least 0 such as 0,100,1000"
        ) from error


def parse_step(text: str) -> int | None:
    """Parses a step; returns None for "last"."""
    if text == "last":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: pass an integer, or last") from error


def parse_mean_and_std(text: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Parses "mean/std"; each is one number, or one per channel separated by commas."""
    try:
        mean, std = (tuple(map(float, part.split(","))) for part in text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: pass MEAN/STD, such as 0.5/0.25") from error
    return mean, std
