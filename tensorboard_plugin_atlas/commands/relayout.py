# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas relayout`: computes the maps of a finished run again, from its last step."""

from __future__ import annotations

import argparse
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_local_log_dir,
    add_run_and_layers,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape, format_table
from tensorboard_plugin_atlas.log_names import RELAYOUT_FOLDER

HELP: Final = f"""\
Compute the maps of a finished run again, from the last step to the first. During training, each map
continues the one before, so that the random initial network influences all later maps. In reverse
order, the last map is as good as a map of this step alone, and all other maps are aligned with it.

The log is never changed: the new maps go to a run of their own, <run>/{RELAYOUT_FOLDER}. The tab
offers them next to the run. No model is needed: each cell shows the logged icon that fits it best,
with a lower bound of its cosine.

  tensorboard-atlas relayout runs
  tensorboard-atlas relayout runs --run exp1 --layer layer3

If the run was continued, run the command again; it replaces the new maps. To render icons for a
step of the new maps, run `tensorboard-atlas refine` with --run <run>/{RELAYOUT_FOLDER}.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `relayout`."""
    command = add_command(
        commands,
        "relayout",
        run,
        summary="compute the maps of a finished run again, from the last step to the first",
        description=HELP,
    )
    add_local_log_dir(command)
    add_run_and_layers(command)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns 0, or 1 if there was no map to compute."""
    from tensorboard_plugin_atlas.commands.map_relayout import relayout

    result = relayout(arguments.log_dir, run=arguments.run, layers=arguments.layer)
    for message in result.messages:
        print(escape(message, limit=500))
    if not result.layers:
        print("no map could be computed again; the log is unchanged")
        return 1
    runs = list(dict.fromkeys(one.run for one in result.layers))
    header = (
        *("layer", "maps", "last step", "trustworthiness before", "now"),
        *("displacement before", "now", "size"),
    )
    rows = [("run", *header) if len(runs) > 1 else header]
    for one in result.layers:
        row = (
            one.layer,
            f"{one.steps:,}",
            f"{one.last:,}",
            _format(one.trust_before, 4),
            _format(one.trust_after, 4),
            _format(one.move_before, 3),
            _format(one.move_after, 3),
            f"{one.bytes / 1e6:.2f} MB",
        )
        rows.append((one.run, *row) if len(runs) > 1 else row)
    print(format_table(rows))
    print(
        "\ntrustworthiness: of the last map, at most 1; displacement: mean of the samples between "
        "maps, in widths of the map"
    )
    for name in runs:
        print(f"the tab offers the new maps next to run {escape(name)} after the next reload")
    return 0


def _format(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
