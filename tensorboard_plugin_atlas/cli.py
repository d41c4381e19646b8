# SPDX-License-Identifier: Apache-2.0
"""The command line `tensorboard-atlas`: assembles the commands and handles their errors."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from typing import Final, TextIO

from tensorboard_plugin_atlas._version import __version__
from tensorboard_plugin_atlas.commands import (
    build,
    class_atlas,
    demo,
    doctor,
    estimate,
    events,
    export,
    inspect,
    layers,
    picture,
    refine,
    relayout,
    repair,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape
from tensorboard_plugin_atlas.errors import AtlasError

_COMMANDS: Final = (
    demo,
    estimate,
    build,
    refine,
    class_atlas,
    relayout,
    events,
    export,
    inspect,
    layers,
    picture,
    doctor,
    repair,
)

_SIGPIPE_STATUS: Final = 141
"""Exit status if the reader of a pipe has exited, as in a shell after SIGPIPE."""

DESCRIPTION: Final = """\
Activation atlases in TensorBoard: what an image network detects, and how this changes in training.

In a training loop:

  from tensorboard_plugin_atlas import AtlasWriter
  atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
  atlas.add_atlas(step)            # at each step that you want to see

Then run `tensorboard --logdir runs` and open the Atlas tab.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        argv: Arguments; None uses `sys.argv`.

    Returns:
        The exit status: 0, 1 if a command found damage or problems, 2 for wrong usage.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Replaces characters that the terminal's encoding lacks; stderr does so by default.
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            return _run(argv)
        finally:
            _flush(sys.stdout)  # an error at interpreter exit could not be caught
    except BrokenPipeError:
        if not _redirect_broken_outputs():
            raise  # from another pipe than the outputs, such as a worker's
        return _SIGPIPE_STATUS


def _run(argv: Sequence[str] | None) -> int:
    arguments = _make_parser().parse_args(argv)
    try:
        return int(arguments.run_command(arguments))
    except AtlasError as error:
        # Line by line, since worker errors have several lines. Names in them come from the log.
        lines = (escape(line, limit=4_000) for line in str(error).splitlines())
        print("tensorboard-atlas: " + "\n".join(lines), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _flush(stream: TextIO | None) -> None:
    if stream is not None and not stream.closed:  # None without a console
        stream.flush()


def _redirect_broken_outputs() -> bool:
    """Redirects outputs whose reader has exited to the null device, so that later writes succeed.

    Returns:
        Whether there was such an output. An empty line is written to find out.
    """
    was_broken = False
    for stream in (sys.stdout, sys.stderr):
        try:
            if was_broken:
                _flush(stream)  # no empty line on a stderr that is read
            else:
                print(file=stream, flush=True)
        except BrokenPipeError:
            null_device = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null_device, stream.fileno())
            os.close(null_device)
            was_broken = True
    return was_broken


def _make_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tensorboard-atlas",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
