# SPDX-License-Identifier: Apache-2.0
"""Values and options that commands share; argparse names the option when a reader raises."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

MOST_PIXELS: Final = 4096
"""Pixels along a side that `--side` takes; more is a slip of the hand, and fills any memory."""


def positive(text: str) -> int:
    """Reads a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: pass a whole number above 0")
    return int(text)


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Returns a reader of whole numbers in a range, both ends included."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f"{text!r:.80}: pass a whole number from {least} to {most}"
            )
        return value

    return read


def local_folder(text: str) -> Path:
    """Reads a folder; a URL is refused here, while it stands as typed: `Path` makes // one /."""
    from tensorboard_plugin_atlas.logs.remote import is_url

    path = Path(text)
    if is_url(text) and not path.is_dir():
        raise argparse.ArgumentTypeError(
            f"{text!r} is a URL, and this command knows local folders only; copy a log to one "
            "first, and pass that"
        )
    return path


def step_or_last(text: str) -> int | None:
    """Reads a whole number or "last"; argparse names the option when this raises."""
    if text == "last":
        return None
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: pass a whole number, or last") from error


def mean_and_std(text: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Reads "mean/std", each a number or one per channel."""
    try:
        mean, std = (tuple(map(float, part.split(","))) for part in text.split("/"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r}: pass MEAN/STD, such as 0.5/0.25") from error
    return mean, std


def add_pictures(command: argparse.ArgumentParser, default_side: str) -> None:
    """Adds the options that say how pictures from files become what a model takes."""
    command.add_argument(
        "--side",
        type=whole_number(1, MOST_PIXELS),
        metavar="PIXELS",
        help="make squares of this side of the images from files, smaller ones too (default: "
        f"{default_side})",
    )
    command.add_argument(
        "--normalize",
        type=mean_and_std,
        metavar="MEAN/STD",
        help="as the model takes images, such as 0.485,0.456,0.406/0.229,0.224,0.225",
    )
