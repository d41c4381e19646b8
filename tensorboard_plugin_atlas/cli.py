# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas`: try it, look into a log without a browser, find and repair damage."""

from __future__ import annotations

import argparse
import io
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TextIO

from tensorboard_plugin_atlas._version import __version__
from tensorboard_plugin_atlas.commands.class_atlas import add_class
from tensorboard_plugin_atlas.commands.evolution_cli import add_events, add_relayout
from tensorboard_plugin_atlas.commands.options import (
    add_pictures,
    local_folder,
    positive,
    step_or_last,
    whole_number,
)
from tensorboard_plugin_atlas.commands.terminal_text import counted, printable, table
from tensorboard_plugin_atlas.errors import AtlasError

LAST_PORT = 65_535
MOST_STEPS = 10**9
"""Steps that the demo takes: years of them, and no number that only a slip of the hand makes."""

READER_GONE = 141
"""Exit status where a pipe's reader went away, as a shell tells of SIGPIPE."""

DESCRIPTION = """\
Activation atlases in TensorBoard: what an image network sees, and how that changes as it learns.

In a training loop:

  from tensorboard_plugin_atlas import AtlasWriter
  atlas = AtlasWriter("runs/exp1", model, layers=["layer3"], probe=val_set)
  atlas.add_atlas(step)            # at each checkpoint

Then `tensorboard --logdir runs`, and open the Atlas tab.
"""

DEMO_HELP = """\
Train a small residual network on real images, log atlases of two layers at seven checkpoints
from untrained to trained, then start TensorBoard and print the address of the Atlas tab.

  tensorboard-atlas demo                            the digits that scikit-learn ships (a minute)
  tensorboard-atlas demo --data photos.zip          a zip or folder of class/image.ext
  tensorboard-atlas demo --data cifar10             torchvision's CIFAR-10, downloaded once
  tensorboard-atlas demo --no-serve --log-dir D     only write the log
  tensorboard-atlas demo --seed 1 --align-to D      another seed, on the map of that run
  tensorboard-atlas demo --icons poster             slower, finer icons
  tensorboard-atlas demo --shortcut                 one class bears a marker: see it be found
  tensorboard-atlas demo --no-atlas                 the same training without atlases, to compare

--shortcut plants a small chequered marker in nearly all pictures of one class, in those to train
on and in the probe's, and tells the finder nothing of it (digits are faded too: clear ones are so
easy that no marker is needed). The network learns the marker instead of the class: the tab shows it
with its test, pictures before and after, and since when. Then train without --shortcut and compare.
"""

ESTIMATE_HELP = """\
Say what atlases of your model will cost, before a long run: builds the model, makes one real atlas
of each layer on one core and throws them away.

  tensorboard-atlas estimate --model torchvision.models:resnet18 --data photos.zip --side 224
  tensorboard-atlas estimate --model my_code:make_model --data val/ --layer layer3 --atlases 300

MODULE:CALLABLE is imported from the working directory or the environment and called without
arguments; DATA is a folder or zip of class/image.ext.
"""

REFINE_HELP = """\
Draw the icons of one logged step anew and finer, from the weights of its checkpoint. The tab and
read_atlases show them in place of the old ones; the log itself is only added to, in a run of its
own below that of the atlases, also while training goes on.

  tensorboard-atlas refine runs --checkpoint step300.pt --model my_code:make_model \\
      --data my_code:make_probe --step 300
  tensorboard-atlas refine runs --checkpoint last.pt --model torchvision.models:resnet18 \\
      --data val/ --layer layer3 --to inversion

CHECKPOINT is a state dict of torch.save, alone or under a usual name; nothing else is unpickled.
DATA is what AtlasWriter was given as probe: MODULE:CALLABLE that returns it, or a folder or zip of
class/image.ext. Other pictures and other weights are refused, with what differs.
"""

INSPECT_HELP = """\
List the atlases in a log folder: run, layer, step, size, number of samples, and damage with its
reason. Reads the event files themselves, so it shows steps that TensorBoard's sampling would drop.

  tensorboard-atlas inspect runs
  tensorboard-atlas inspect runs --run exp1 --layer layer3
"""

DOCTOR_HELP = """\
Say why the Atlas tab is empty or partial, and what to type next: nothing logged, another folder,
damage and what each of TensorBoard's loaders loses by it, steps that were sampled away or that
fall, two writers in one folder, a version that is too new or too old. Only reads.

  tensorboard-atlas doctor runs
"""

REPAIR_HELP = """\
Copy every intact record of a damaged log into a new folder, past any damage, so that TensorBoard
reads it to its end. Records of all plugins are kept; the log itself is only read.

  tensorboard-atlas repair runs --output runs-repaired
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit status: 0, 1 for damage found, 2 for bad usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A sign that a terminal lacks ends nothing; stderr escapes such signs by itself.
        sys.stdout.reconfigure(errors="replace")
    try:
        try:
            return _run(argv)
        finally:
            _flush(sys.stdout)  # here, not at exit, where nothing can be caught
    except BrokenPipeError:
        if not _silence_broken():
            raise  # another pipe than the output, such as a worker's
        return READER_GONE


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run_command(arguments))
    except AtlasError as error:
        # Line by line, since a worker's error has several: names in it come from the log.
        lines = (printable(line, limit=4_000) for line in str(error).splitlines())
        print("tensorboard-atlas: " + "\n".join(lines), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _flush(stream: TextIO | None) -> None:
    if stream is not None and not stream.closed:  # None without a console
        stream.flush()


def _silence_broken() -> bool:
    """Points outputs that nobody reads to nowhere, where Python's last flush cannot fail either.

    Returns:
        Whether there was one: an empty line is tried, as only a write can tell.
    """
    was_broken = False
    for stream in (sys.stdout, sys.stderr):
        try:
            if was_broken:
                _flush(stream)  # known already: nothing is added to a stderr that is read
            else:
                print(file=stream, flush=True)
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
            was_broken = True
    return was_broken


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="tensorboard-atlas",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_estimate(commands)
    _add_refine(commands)
    add_class(commands)
    add_relayout(commands)
    add_events(commands)
    _add_inspect(commands)
    _add_doctor(commands)
    _add_repair(commands)
    return parser


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = commands.add_parser(
        "demo",
        help="train a small network on real images and open its atlas",
        description=DEMO_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    demo.add_argument(
        "--data",
        default="digits",
        metavar="digits|cifar10|PATH",
        help="images to train on (default: %(default)s)",
    )
    demo.add_argument(
        "--log-dir", type=local_folder, help="run folder (default: runs/demo-<data>-<time>)"
    )
    demo.add_argument(
        "--steps",
        type=whole_number(1, MOST_STEPS),
        metavar="STEPS",
        help="training steps (default: 120 digits, 360 else)",
    )
    demo.add_argument(
        "--seed",
        type=whole_number(-(2**63), 2**64 - 1),  # what torch takes
        default=0,
        metavar="SEED",
        help="seeds everything (default: %(default)s)",
    )
    _add_icons(demo)
    demo.add_argument("--align-to", metavar="DIR", help="lay it out on the map of an earlier run")
    demo.add_argument(
        "--shortcut",
        action="store_true",
        help="plant a marker in one class, and look for shortcuts at each checkpoint",
    )
    demo.add_argument("--no-serve", action="store_true", help="do not start TensorBoard")
    demo.add_argument("--no-atlas", action="store_true", help="train without logging atlases")
    demo.add_argument(
        "--port",
        type=whole_number(0, LAST_PORT),
        default=6006,
        metavar="PORT",
        help="first port to try, or 0 for any (%(default)s)",
    )
    demo.set_defaults(run_command=_demo)


def _add_icons(command: argparse.ArgumentParser) -> None:
    from tensorboard_plugin_atlas.config import ICON_KINDS

    command.add_argument(
        "--icons", choices=ICON_KINDS, help="how cells are drawn (default: inversion)"
    )


def _add_estimate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    estimate = commands.add_parser(
        "estimate",
        help="say what atlases of a model will cost",
        description=ESTIMATE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    estimate.add_argument("--model", required=True, metavar="MODULE:CALLABLE", help="makes it")
    estimate.add_argument("--data", required=True, metavar="DATA", help="images to ask it about")
    estimate.add_argument(
        "--layer", action="append", metavar="NAME", help="a layer, again for more (default: chosen)"
    )
    estimate.add_argument(
        "--atlases", type=positive, default=100, help="how many to foretell (default: %(default)s)"
    )
    estimate.add_argument("--samples", type=positive, help="samples an atlas (default: 2000)")
    _add_icons(estimate)
    add_pictures(estimate, "their own, up to 224")
    estimate.set_defaults(run_command=_estimate)


def _add_refine(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    refine = commands.add_parser(
        "refine",
        help="draw the icons of a logged step anew and finer",
        description=REFINE_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    refine.add_argument(
        "log_dir", type=local_folder, help="a folder that TensorBoard would be given"
    )
    refine.add_argument("--checkpoint", type=Path, required=True, help="its weights at that step")
    refine.add_argument("--model", required=True, metavar="MODULE:CALLABLE", help="makes it")
    refine.add_argument("--data", required=True, metavar="DATA", help="the pictures of the atlas")
    refine.add_argument("--run", help="which run, if there are several")
    refine.add_argument(
        "--layer", action="append", metavar="NAME", help="a layer, again for more (default: all)"
    )
    refine.add_argument("--step", type=step_or_last, help="which step, or 'last' (default: last)")
    refine.add_argument(
        "--to",
        choices=("preview", "inversion", "poster"),
        default="poster",
        help="how to draw (default: %(default)s)",
    )
    refine.add_argument(
        "--onward",
        action="store_true",
        help="go on from the icons that are logged: half the time, slightly lower cosines",
    )
    refine.add_argument("--device", default="cpu", help="where to draw (default: %(default)s)")
    add_pictures(refine, "as the atlas has them")
    refine.set_defaults(run_command=_refine)


def _add_inspect(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    inspect = commands.add_parser(
        "inspect",
        help="list runs, layers, steps, sizes and damage of a log folder",
        description=INSPECT_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    inspect.add_argument(
        "log_dir", type=local_folder, help="a folder that TensorBoard would be given"
    )
    inspect.add_argument("--run", help="only this run")
    inspect.add_argument("--layer", help="only this layer")
    inspect.set_defaults(run_command=_inspect)


def _add_doctor(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    doctor = commands.add_parser(
        "doctor",
        help="say why a tab is empty or partial",
        description=DOCTOR_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    doctor.add_argument(
        "log_dir", type=local_folder, help="a folder that TensorBoard would be given"
    )
    doctor.set_defaults(run_command=_doctor)


def _add_repair(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    repair = commands.add_parser(
        "repair",
        help="save the intact records of a damaged log",
        description=REPAIR_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    repair.add_argument("log_dir", type=local_folder, help="the damaged log; it is only read")
    repair.add_argument(
        "--output", type=local_folder, required=True, help="a new folder, outside the log"
    )
    repair.set_defaults(run_command=_repair)


def _demo(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.demo.run import run_demo

    log_dir = arguments.log_dir or _new_log_dir(arguments.data)
    result = run_demo(
        arguments.data,
        log_dir,
        steps=arguments.steps,
        seed=arguments.seed,
        with_atlas=not arguments.no_atlas,
        icons=arguments.icons,
        align_to=arguments.align_to,
        shortcut=arguments.shortcut,
    )
    print(
        f"\n{len(result.checkpoints)} checkpoints logged to {result.log_dir}, "
        f"accuracy {result.accuracy:.1%} on held-out images"
    )
    print(f"training: {result.speed:.2f} steps a second")
    if result.cost is None:
        return 0
    print(f"atlases: {result.cost}")
    if arguments.shortcut:
        print("\n".join(_told_shortcuts(result.log_dir)))
    if arguments.no_serve:
        print(f"to look: tensorboard --logdir {result.log_dir}   and open the Atlas tab")
        return 0
    return _serve(result.log_dir, arguments.port)


def _told_shortcuts(log_dir: Path) -> Iterator[str]:
    """Yields what was planted, and what the last checkpoint's search has found of it."""
    from tensorboard_plugin_atlas.demo.run import MARKED_SHARE, marked_class
    from tensorboard_plugin_atlas.logs.reader import read_shortcuts

    last = max(read_shortcuts(log_dir), key=lambda record: record.step)
    names = last.classes or ()
    yield (
        f"planted: a chequered marker at the lower edge of {MARKED_SHARE:.0%} of "
        f"{printable(names[marked_class(names)])!r}"
    )
    for one in last.found:
        if one.since is None:
            continue
        state = "a shortcut" if one.significant else "no shortcut any more"
        yield (
            f"found: {one.area:.1%} of the picture at {one.box} turns {one.flip_rate:.0%} into "
            f"{printable(names[one.target])!r} (noise {one.noise_flip_rate:.0%}), {state}, "
            f"first at step {one.since:,}"
        )


def _estimate(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.commands.cost_estimate import estimate
    from tensorboard_plugin_atlas.config import AtlasConfig

    asked = {"samples": arguments.samples, "icons": arguments.icons}
    settings = {name: value for name, value in asked.items() if value is not None}
    found = estimate(
        arguments.model,
        arguments.data,
        layers=arguments.layer,
        side=arguments.side,
        normalize=arguments.normalize,
        config=AtlasConfig(**settings),
    )
    rows = [("layer", "seconds", "size")]
    rows += [(a.layer, f"{a.seconds:.1f}", f"{a.bytes / 1e6:.2f} MB") for a in found.layers]
    print(table(rows))
    print(f"\n{found.total.describe_mean()}")
    print(found.total.forecast(arguments.atlases))
    return 0


def _refine(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.commands.icon_refinement import refine

    done = refine(
        arguments.log_dir,
        arguments.checkpoint,
        arguments.model,
        arguments.data,
        run=arguments.run,
        layers=arguments.layer,
        step=arguments.step,
        kind=arguments.to,
        side=arguments.side,
        normalize=arguments.normalize,
        device=arguments.device,
        onward=arguments.onward,
    )
    rows = [("layer", "step", "cells", "match", "cosine before", "now", "CPU s", "size")]
    rows += [
        (
            one.layer,
            f"{one.step:,}",
            f"{one.cells:,}",
            f"{one.likeness.median:.3f}",
            f"{one.before:.2f}",
            f"{one.after:.2f}",
            f"{one.seconds:.1f}",
            f"{one.bytes / 1e6:.2f} MB",
        )
        for one in done
    ]
    print(table(rows))
    print(f"\nthe tab shows them in run {printable(done[0].run)} at the next reload")
    return 0


def _new_log_dir(data: str) -> Path:
    name = Path(data).stem or "data"
    return Path("runs") / f"demo-{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def _serve(log_dir: Path, first_port: int) -> int:
    port = _free_port(first_port)
    print(f"the Atlas tab: http://localhost:{port}/#atlas   (Ctrl+C ends it)", flush=True)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_dir)]
    return subprocess.call([*command, "--host", "localhost", "--port", str(port)])  # noqa: S603


def _free_port(first: int) -> int:
    if first == 0:  # as everywhere: whichever is free
        with socket.create_server(("localhost", 0)) as free:
            return int(free.getsockname()[1])
    for port in range(first, min(first + 100, LAST_PORT + 1)):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("localhost", port)) != 0:
                return port
    raise AtlasError(f"--port {first}: the next hundred ports are taken; pass another --port")


def _inspect(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.logs.selection import listed_atlases

    entries = listed_atlases(arguments.log_dir, arguments.run, arguments.layer)
    if not entries:
        print(
            f"no atlases in {arguments.log_dir}; is it the folder that AtlasWriter was given, "
            "or one above it?"
        )
        return 0
    rows = [("run", "layer", "step", "samples", "size", "state")]
    for entry in entries:
        state = "ok" if entry.status == "ok" else f"{entry.status}: {entry.reason}"
        state += "" if entry.edition == "logged" else f" ({entry.edition})"
        samples = "" if entry.samples is None else f"{entry.samples:,}"
        size = f"{entry.bytes / 1e6:.2f} MB"
        rows.append((entry.run, entry.layer, f"{entry.step:,}", samples, size, state))
    print(table(rows))
    damaged = sum(entry.status != "ok" for entry in entries)
    total = sum(entry.bytes for entry in entries)
    print(f"\n{len(entries)} atlases, {total / 1e6:.1f} MB, {damaged} damaged")
    return 1 if damaged else 0


def _doctor(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.logs.doctor import PROBLEM, examine

    findings = examine(arguments.log_dir)
    for finding in findings:
        print(f"{finding.mark:8} {printable(finding.text, limit=2_000)}")
        if finding.advice is not None:
            print(f"{'':8} → {printable(finding.advice, limit=2_000)}")
    problems = sum(finding.mark == PROBLEM for finding in findings)
    print(f"\n{counted(problems, 'problem')}")
    return 1 if problems else 0


def _repair(arguments: argparse.Namespace) -> int:
    from tensorboard_plugin_atlas.logs.repair import repair

    files = repair(arguments.log_dir, arguments.output)
    for file in files:
        if file.lost_bytes:
            print(
                f"{printable(str(file.path))}: kept {counted(file.kept, 'record')}, left out "
                f"{counted(file.lost, 'damaged place')} ({file.lost_bytes:,} bytes)"
            )
    kept, lost = sum(file.kept for file in files), sum(file.lost for file in files)
    print(
        f"{counted(kept, 'record')} of {counted(len(files), 'event file')} copied to "
        f"{arguments.output}, {counted(lost, 'damaged place')} left out\n"
        f"to look: tensorboard --logdir {arguments.output}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
