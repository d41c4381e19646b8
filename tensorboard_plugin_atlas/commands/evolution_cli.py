# SPDX-License-Identifier: Apache-2.0
"""The commands of `tensorboard-atlas` about a whole run: `relayout` and `events`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from tensorboard_plugin_atlas.commands.options import local_folder, positive
from tensorboard_plugin_atlas.commands.terminal_text import counted, printable, table
from tensorboard_plugin_atlas.metadata import RELAYOUT_FOLDER

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.atlas import Event
    from tensorboard_plugin_atlas.commands.event_report import EventReport, Found

RELAYOUT_HELP = f"""\
Lay the maps of a finished run out again, from the last step backwards. A map that grows while a
network learns keeps something of the random start; backwards, the last map is as good as one by
itself, and decides the frame of all. The log is not touched: the new maps are a run of their own
below it, <run>/{RELAYOUT_FOLDER}, which the tab shows beside it. No model is needed: each cell
borrows the icon that fits it best and states a lower bound of how well.

  tensorboard-atlas relayout runs
  tensorboard-atlas relayout runs --run exp1 --layer layer3

Run it again when the run has gone on: what it wrote before is replaced. `tensorboard-atlas refine`
with --run <run>/{RELAYOUT_FOLDER} draws icons of its own for a step of it.
"""

EVENTS_HELP = """\
List what happened in a run, the most telling first: groups of samples that came together, merged,
split or fell apart, with the step, and the cell of the map where to look (grid:row,column; counted
from 1, as the tab does). Everything is found anew from the logged samples, and held against the
events in the log. Only reads; needs no model.

  tensorboard-atlas events runs
  tensorboard-atlas events runs --run exp1 --layer layer3 --limit 50 --order step
  tensorboard-atlas events runs --json > events.json       all of them, with ids and numbers;
                                                           rows and columns count from 0 there

Score: samples whose company changed, weighed by how surely and by how much.
"""

_LIMIT = 20


def add_relayout(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `relayout`."""
    relayout = commands.add_parser(
        "relayout",
        help="lay the maps of a finished run out again, backwards",
        description=RELAYOUT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_choice(relayout)
    relayout.set_defaults(run_command=_run_relayout)


def add_events(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds `events`."""
    events = commands.add_parser(
        "events",
        help="list what happened in a run: merges, splits, births, deaths",
        description=EVENTS_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_choice(events)
    events.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help=f"how many of the most telling (default: {_LIMIT}; all with --json)",
    )
    events.add_argument(
        "--order",
        choices=("rank", "step"),
        default="rank",
        help="how to list them (default: %(default)s)",
    )
    events.add_argument(
        "--json",
        action="store_true",
        help="print one JSON document, in which rows and columns count from 0, as in Python",
    )
    events.set_defaults(run_command=_run_events)


def _add_choice(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "log_dir", type=local_folder, help="a folder that TensorBoard would be given"
    )
    command.add_argument("--run", help="only this run (default: all)")
    command.add_argument(
        "--layer", action="append", metavar="NAME", help="a layer, again for more (default: all)"
    )


def _run_relayout(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.commands.map_relayout import relayout

    result = relayout(arguments.log_dir, run=arguments.run, layers=arguments.layer)
    _print_words(result.words)
    if not result.done:
        print("nothing could be laid out again; the log is as it was")
        return 1
    runs = list(dict.fromkeys(one.run for one in result.done))
    heads = ("layer", "maps", "last step", "trust before", "now", "move before", "now", "size")
    rows = [("run", *heads) if len(runs) > 1 else heads]
    for one in result.done:
        row = (
            one.layer,
            f"{one.steps:,}",
            f"{one.last:,}",
            _number(one.trust_before, 4),
            _number(one.trust_after, 4),
            _number(one.move_before, 3),
            _number(one.move_after, 3),
            f"{one.bytes / 1e6:.2f} MB",
        )
        rows.append((one.run, *row) if len(runs) > 1 else row)
    print(table(rows))
    print("\ntrust: of the last map, 1 is perfect; move: of a sample a step, in widths of the map")
    for run in runs:
        print(f"the tab shows it beside run {printable(run)} at the next reload")
    return 0


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _run_events(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.commands.event_report import find_events

    found = find_events(arguments.log_dir, run=arguments.run, layers=arguments.layer)
    by_step = arguments.order == "step"
    if arguments.json:
        print(json.dumps(found.as_dict(arguments.limit, by_step=by_step), allow_nan=False))
        return 0
    limit = arguments.limit or _LIMIT
    if found.events:
        print(_events(found.best(limit, by_step=by_step), found))
        print()
    _print_layers(found)
    if len(found.events) > limit:
        print(f"{limit:,} of {len(found.events):,} are listed; --limit shows more")
    return 0


def _events(events: Sequence[Found], found: EventReport) -> str:
    several = len({one.run for one in found.compared}) > 1
    heads = ("layer", "step", "kind", "sure", "score", "look at", "what")
    rows = [("rank", "run", *heads) if several else ("rank", *heads)]
    for one in events:
        event = one.event
        row = (
            one.layer,
            f"{one.step:,}",
            event.kind,
            f"{event.confidence:.2f}",
            f"{event.score:,.1f}",
            _place(event),
            event.text,
        )
        rank = f"{one.rank}"
        rows.append((rank, one.run, *row) if several else (rank, *row))
    return table(rows)


def _place(event: Event) -> str:
    """Returns the cell where an event is seen, and the step if it is that of the map before.

    Rows and columns count from 1, as in the tab's labels and its search: one is typed there.
    """
    if event.cell is None:
        return "-"
    grid, row, col = event.cell
    place = f"{grid}:{row + 1},{col + 1}"
    return place if event.after else f"{place} at {event.before_step:,}"


def _print_layers(found: EventReport) -> None:
    for one in found.compared:
        _print_words(one.words)
        if not one.layer and not one.atlases:
            continue  # damage that hides what it is of, told above
        count = counted(one.found, "event")
        atlases = "1 atlas" if one.atlases == 1 else f"{one.atlases:,} atlases"
        reason = "; it takes two" if one.atlases == 1 else f": {one.verdict}"
        print(
            f"run {printable(one.run)}, layer {printable(one.layer)}: {count} in {atlases}{reason}"
        )


def _print_words(words: Iterable[str]) -> None:
    for word in words:
        print(printable(word, limit=500))
