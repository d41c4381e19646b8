# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas inspect`: lists the atlases in a log directory."""

from __future__ import annotations

import argparse
from typing import Final

from tensorboard_plugin_atlas.commands.options import Subparsers, add_command, add_log_dir
from tensorboard_plugin_atlas.commands.terminal_text import escape, format_table

HELP: Final = """\
List the atlases in a log directory: run, layer, step, number of samples, size, and damage with its
reason. Reads the event files directly, so steps that TensorBoard does not keep are listed, too.

  tensorboard-atlas inspect runs
  tensorboard-atlas inspect runs --run exp1 --layer layer3

The exit status is 1 if there is damage.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `inspect`."""
    command = add_command(
        commands,
        "inspect",
        run,
        summary="list runs, layers, steps, sizes, and damage of a log directory",
        description=HELP,
    )
    add_log_dir(command)
    command.add_argument("--run", help="only this run")
    command.add_argument("--layer", help="only this layer")


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns 0, or 1 if there is damage."""
    from tensorboard_plugin_atlas.logs.record_selection import select_entries

    entries = select_entries(arguments.log_dir, arguments.run, arguments.layer)
    if not entries:
        log_dir = escape(arguments.log_dir, limit=4_000)
        print(
            f"no atlases in {log_dir}; pass the directory that was passed to AtlasWriter, or one "
            "above it"
        )
        return 0
    rows = [("run", "layer", "step", "samples", "size", "state")]
    for entry in entries:
        state = "ok" if entry.status == "ok" else f"{entry.status}: {entry.reason}"
        state += "" if entry.revision == "logged" else f" ({entry.revision})"
        samples = "" if entry.samples is None else f"{entry.samples:,}"
        size = f"{entry.bytes / 1e6:.2f} MB"
        rows.append((entry.run, entry.layer, f"{entry.step:,}", samples, size, state))
    print(format_table(rows))
    damaged = sum(entry.status != "ok" for entry in entries)
    total = sum(entry.bytes for entry in entries)
    print(f"\n{len(entries)} atlases, {total / 1e6:.1f} MB, {damaged} damaged")
    return 1 if damaged else 0
