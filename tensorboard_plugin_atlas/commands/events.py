# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas events`: lists changes of concepts and of predictions in a run."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_log_dir,
    add_run_and_layers,
    parse_positive,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape, format_count, format_table

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.atlas import Event
    from tensorboard_plugin_atlas.commands.run_events import EventReport, ListedEvent

HELP: Final = """\
List the events of a run, highest score first: concepts that were born, merged, split, or ended,
and classes whose predictions (kind "flips") or confidence changed. A concept is a cluster of
samples that is followed from step to step. Each event is printed with its step and the cell of the
map that shows it, as grid:row,column (counted from 1, as in the tab).

Logs of an older version hold other concepts or none. Their events are computed from the stored
activations. The log is only read, and no model is needed.

  tensorboard-atlas events runs
  tensorboard-atlas events runs --run exp1 --layer layer3 --limit 50 --order step
  tensorboard-atlas events runs --json > events.json     all events, with concept ids and sizes;
                                                         rows and columns count from 0

The score is the number of samples that changed their concept or prediction by the event, times
how sure it is: the fraction of 20 random halves of the samples that confirm it. For a change of
confidence, the score is also multiplied by the change.
"""

_LIMIT: Final = 20


def add_parser(commands: Subparsers) -> None:
    """Adds the command `events`."""
    command = add_command(
        commands,
        "events",
        run,
        summary="list the events of a run: changes of concepts and predictions",
        description=HELP,
    )
    add_log_dir(command)
    add_run_and_layers(command)
    command.add_argument(
        "--limit",
        type=parse_positive,
        metavar="N",
        help=f"number of events with the highest scores (default: {_LIMIT}; all with --json)",
    )
    command.add_argument(
        "--kind",
        choices=("concepts", "predictions", "all"),
        default="concepts",
        help="events of concepts, of predictions and confidence, or all (default: %(default)s)",
    )
    command.add_argument(
        "--order",
        choices=("rank", "step"),
        default="rank",
        help="sort by score or by step (default: %(default)s)",
    )
    command.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document; rows and columns count from 0",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.commands.run_events import find_events

    report = find_events(arguments.log_dir, run=arguments.run, layers=arguments.layer)
    report = report.filter(arguments.kind)
    by_step = arguments.order == "step"
    if arguments.json:
        print(json.dumps(report.as_dict(arguments.limit, by_step=by_step), allow_nan=False))
        return 0
    limit = arguments.limit or _LIMIT
    if report.events:
        print(_format_events(report.select(limit, by_step=by_step), report))
        print()
    _print_layers(report)
    if len(report.events) > limit:
        print(f"{limit:,} of {len(report.events):,} events are listed; pass --limit for more")
    return 0


def _format_events(events: Sequence[ListedEvent], report: EventReport) -> str:
    has_runs = len({one.run for one in report.layers}) > 1
    header = ("layer", "step", "kind", "sure", "score", "look at", "what")
    rows = [("rank", "run", *header) if has_runs else ("rank", *header)]
    for one in events:
        event = one.event
        row = (
            one.layer,
            f"{one.step:,}",
            event.kind,
            f"{event.confidence:.2f}",
            f"{event.score:,.1f}",
            _format_cell(event),
            event.text,
        )
        rank = f"{one.rank}"
        rows.append((rank, one.run, *row) if has_runs else (rank, *row))
    return format_table(rows)


def _format_cell(event: Event) -> str:
    """Returns the cell that shows an event, and its step if it is on the previous map.

    Rows and columns count from 1, as in the labels of the tab and in its search.
    """
    if event.cell is None:
        return "-"
    grid, row, col = event.cell
    cell = f"{grid}:{row + 1},{col + 1}"
    return cell if event.after else f"{cell} at {event.before_step:,}"


def _print_layers(report: EventReport) -> None:
    for one in report.layers:
        for message in one.messages:
            print(escape(message, limit=500))
        if not one.layer and not one.atlases:
            continue  # damage that hides its layer, printed above
        count = format_count(one.found, "event")
        atlases = "1 atlas" if one.atlases == 1 else f"{one.atlases:,} atlases"
        note = ""
        if one.atlases == 1:
            note = "; events need two atlases"
        elif one.source == "computed":
            note = "; computed, since the log is of an older version"
        print(f"run {escape(one.run)}, layer {escape(one.layer)}: {count} in {atlases}{note}")
