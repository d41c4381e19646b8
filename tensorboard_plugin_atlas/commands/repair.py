# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas repair`: copies the intact records of a damaged log."""

from __future__ import annotations

import argparse
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_log_dir,
    parse_local_folder,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape, format_count

HELP: Final = """\
Copy all intact records of a damaged log to a new directory, so that TensorBoard can read it to the
end. Records of all plugins are copied. The damaged log is only read.

  tensorboard-atlas repair runs --output runs-repaired
  tensorboard-atlas repair s3://bucket/runs --output runs    copies a log from an object store
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `repair`."""
    command = add_command(
        commands,
        "repair",
        run,
        summary="copy the intact records of a damaged log",
        description=HELP,
    )
    add_log_dir(command)
    command.add_argument(
        "--output", type=parse_local_folder, required=True, help="a new directory outside the log"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.logs.repair import repair

    files = repair(arguments.log_dir, arguments.output)
    for file in files:
        if file.lost_bytes:
            print(
                f"{escape(str(file.path))}: copied {format_count(file.kept, 'record')}, skipped "
                f"{format_count(file.lost, 'damaged section')} ({file.lost_bytes:,} bytes)"
            )
    kept, lost = sum(file.kept for file in files), sum(file.lost for file in files)
    print(
        f"{format_count(kept, 'record')} of {format_count(len(files), 'event file')} copied to "
        f"{arguments.output}, {format_count(lost, 'damaged section')} skipped\n"
        f"next: tensorboard --logdir {arguments.output}"
    )
    return 0
