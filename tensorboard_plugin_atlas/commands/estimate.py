# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas estimate`: measures the cost of atlases of a model before a long run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_icons,
    add_images,
    add_layers,
    add_model,
    add_samples,
    parse_positive,
    parse_positive_number,
    parse_schedule,
)
from tensorboard_plugin_atlas.commands.terminal_text import format_table
from tensorboard_plugin_atlas.errors import ArgumentError

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.commands.cost_estimate import Estimate
    from tensorboard_plugin_atlas.schedule import Schedule

HELP: Final = """\
Measure what atlases of your model will cost, before a long run. Builds the model, computes one
atlas of each layer on one core, and discards them.

  tensorboard-atlas estimate --model torchvision.models:resnet18 --data photos.zip --side 224
  tensorboard-atlas estimate --model my_code:make_model --data val/ --layer layer3 --atlases 300

With the numbers of your training run, it also prints a plan: number of atlases, share of the time,
size, steps that would be skipped, and what to change to stay within a budget.

  tensorboard-atlas estimate --model my_code:make_model --data val/ --steps 100000 \\
      --steps-per-second 8 --every 500 --budget-minutes 30 --budget-mb 200
  tensorboard-atlas estimate --model my_code:make_model --data val/ --steps 100000 \\
      --steps-per-second 8 --schedule log-spaced

The exit status is 1 if steps are skipped or the budget is exceeded.

MODULE:CALLABLE is imported from the working directory or the environment, and called without
arguments. DATA is a folder or zip of class/image.ext.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `estimate`."""
    command = add_command(
        commands,
        "estimate",
        run,
        summary="measure what atlases of a model will cost",
        description=HELP,
    )
    add_model(command)
    command.add_argument(
        "--data", required=True, metavar="DATA", help="the images to use (the probe)"
    )
    add_layers(command)
    command.add_argument(
        "--atlases",
        type=parse_positive,
        default=100,
        help="number of atlases to extrapolate to (default: %(default)s)",
    )
    add_samples(command)
    _add_training(command)
    add_icons(command)
    add_images(command, "that of the images, up to 224")


def _add_training(command: argparse.ArgumentParser) -> None:
    """Adds the numbers of a training run, and the budget of its atlases."""
    group = command.add_argument_group("training run")
    group.add_argument("--steps", type=parse_positive, metavar="N", help="steps of the run")
    group.add_argument(
        "--steps-per-second", type=parse_positive_number, metavar="X", help="speed of the run"
    )
    due = group.add_mutually_exclusive_group()
    due.add_argument(
        "--every", type=parse_positive, metavar="N", help="atlases every N steps, from step 0 on"
    )
    due.add_argument(
        "--schedule",
        type=parse_schedule,
        metavar="log-spaced|STEP,STEP,...",
        help="atlases at these steps (default: log-spaced, as for AtlasWriter)",
    )
    group.add_argument(
        "--budget-minutes",
        type=parse_positive_number,
        metavar="MINUTES",
        help="CPU time that the atlases of the run may take",
    )
    group.add_argument(
        "--budget-mb",
        type=parse_positive_number,
        metavar="MB",
        help="size that they may have in the log",
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns 0, or 1 if the plan of a run does not fit."""
    from tensorboard_plugin_atlas.commands.cost_estimate import estimate
    from tensorboard_plugin_atlas.commands.model_interface_options import use_model_functions
    from tensorboard_plugin_atlas.config import AtlasConfig

    has_run = _has_training(arguments)
    options = {"samples": arguments.samples, "icons": arguments.icons}
    settings = {name: value for name, value in options.items() if value is not None}
    with use_model_functions(arguments):
        result = estimate(
            arguments.model,
            arguments.data,
            layers=arguments.layer,
            side=arguments.side,
            normalize=arguments.normalize,
            config=AtlasConfig(**settings),
        )
    rows = [("layer", "seconds", "size")]
    rows += [(a.layer, f"{a.seconds:.1f}", f"{a.bytes / 1e6:.2f} MB") for a in result.layers]
    print(format_table(rows))
    print(f"\n{result.total.describe_mean()}")
    if has_run:
        return _print_plan(arguments, result, AtlasConfig(**settings).icons)
    print(result.total.forecast(arguments.atlases))
    return 0


def _has_training(arguments: argparse.Namespace) -> bool:
    """Returns whether the numbers of a training run are given.

    Raises:
        ArgumentError: if some of them are missing.
    """
    needed = {"--steps": arguments.steps, "--steps-per-second": arguments.steps_per_second}
    missing = [name for name, value in needed.items() if value is None]
    others = (
        *(arguments.every, arguments.schedule),
        *(arguments.budget_minutes, arguments.budget_mb),
    )
    if len(missing) == len(needed) and others == (None,) * len(others):
        return False
    if missing:
        raise ArgumentError(
            f"{', '.join(missing)}: missing; a plan needs the numbers of your training run, such "
            "as --steps 100000 --steps-per-second 8"
        )
    return True


def _make_schedule(arguments: argparse.Namespace) -> Schedule:
    from tensorboard_plugin_atlas.schedule import Schedule

    if arguments.every is not None:
        return Schedule.every(arguments.every)
    return Schedule.log_spaced() if arguments.schedule is None else arguments.schedule


def _print_plan(arguments: argparse.Namespace, result: Estimate, icons: str) -> int:
    """Prints the plan of a run; returns the exit status."""
    from tensorboard_plugin_atlas.commands.logging_plan import (
        Budget,
        StepCost,
        Training,
        describe_plan,
        make_plan,
    )

    total, minutes, megabytes = result.total, arguments.budget_minutes, arguments.budget_mb
    cost = StepCost(
        atlases=total.atlases,
        seconds=total.cpu_seconds,
        icon_seconds=total.icon_seconds,
        bytes=total.bytes,
    )
    budget = Budget(
        seconds=None if minutes is None else 60 * minutes,
        bytes=None if megabytes is None else 1e6 * megabytes,
    )
    training = Training(steps=arguments.steps, steps_per_second=arguments.steps_per_second)
    plan = make_plan(_make_schedule(arguments).steps(training.steps - 1), training, cost)
    print("\n".join(describe_plan(plan, budget, icons)))
    return 0 if plan.fits(budget) else 1
