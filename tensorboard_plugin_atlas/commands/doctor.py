# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas doctor`: reports why the Atlas tab is empty or incomplete."""

from __future__ import annotations

import argparse
from typing import Final

from tensorboard_plugin_atlas.commands.options import Subparsers, add_command, add_log_dir
from tensorboard_plugin_atlas.commands.terminal_text import escape, format_count

HELP: Final = """\
Report why the Atlas tab is empty or incomplete, and what to do: nothing was logged, the log is in
another directory, event files are damaged, TensorBoard keeps only a sample of the steps, steps
decrease, two writers share a directory, or a version is too old or too new. The log is only read.

  tensorboard-atlas doctor runs

The exit status is 1 if there are problems.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `doctor`."""
    command = add_command(
        commands,
        "doctor",
        run,
        summary="report why the Atlas tab is empty or incomplete",
        description=HELP,
    )
    add_log_dir(command)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns 0, or 1 if there are problems."""
    from tensorboard_plugin_atlas.logs.doctor import PROBLEM, examine

    findings = examine(arguments.log_dir)
    for finding in findings:
        print(f"{finding.mark:8} {escape(finding.text, limit=2_000)}")
        if finding.advice is not None:
            print(f"{'':8} → {escape(finding.advice, limit=2_000)}")
    problems = sum(finding.mark == PROBLEM for finding in findings)
    print(f"\n{format_count(problems, 'problem')}")
    return 1 if problems else 0
