# SPDX-License-Identifier: Apache-2.0
"""Values and options that commands share; argparse names the option when a reader raises."""

from __future__ import annotations

import argparse


def positive(text: str) -> int:
    """Reads a whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: pass a whole number above 0")
    return int(text)


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
        type=positive,
        help=f"side of the images in pixels (default: {default_side})",
    )
    command.add_argument(
        "--normalize",
        type=mean_and_std,
        metavar="MEAN/STD",
        help="as the model takes images, such as 0.485,0.456,0.406/0.229,0.224,0.225",
    )
