# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas build`: makes the atlases of a finished run from its checkpoints."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from tensorboard_plugin_atlas.commands.options import (
    Subparsers,
    add_command,
    add_device,
    add_icons,
    add_images,
    add_layers,
    add_model,
    add_num_workers,
    add_samples,
    parse_positive,
)
from tensorboard_plugin_atlas.commands.terminal_text import escape

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.checkpoints.atlas_build import BuildResult
    from tensorboard_plugin_atlas.config import AtlasConfig

HELP: Final = """\
Make the atlases of a finished run from its checkpoints. The log is the one that AtlasWriter would
have written during training.

  tensorboard-atlas build 'ckpts/*.pt' --model my_code:make_model --data my_code:make_val_set \\
      --logdir runs/exp1 --layer layer3 --layer layer4
  tensorboard-atlas build 'outputs/checkpoint-*' --model my_code:make_model --data val/ \\
      --logdir runs/exp1
  tensorboard-atlas build 'lightning_logs/version_0/checkpoints/*.ckpt' --weights ema \\
      --model my_code:make_model --data val/ --logdir runs/exp1

CHECKPOINT is a path or a pattern of files of torch.save (plain, Lightning, timm) or safetensors, of
folders of Hugging Face, or of folders of torch.distributed.checkpoint. Only tensors and plain
values are loaded. The step is the one that all checkpoints state, or else the number in their
names.

MODULE:CALLABLE is imported from the working directory or the environment, and called without
arguments. DATA is a callable that returns a dataset or other probe of AtlasWriter, or a folder or
zip of class/image.ext. With --num-workers, the images need not fit in memory, and DATA may also be
shards of WebDataset, such as 'shards/*.tar'.

Several processes can share the work, also on several machines (see torchrun --help):

  torchrun --nproc-per-node 2 -m tensorboard_plugin_atlas build 'ckpts/*.pt' ...

If the command is interrupted, run it again: checkpoints that are in the log are skipped.
"""


def add_parser(commands: Subparsers) -> None:
    """Adds the command `build`."""
    command = add_command(
        commands,
        "build",
        run,
        summary="make the atlases of a finished run from its checkpoints",
        description=HELP,
    )
    command.add_argument(
        "checkpoints", nargs="+", metavar="CHECKPOINT", help="a path, or a pattern in quotes"
    )
    add_model(command)
    command.add_argument(
        "--data", required=True, metavar="DATA", help="the images to use (the probe)"
    )
    command.add_argument(
        "--logdir", required=True, metavar="DIR", help="directory of the run, such as runs/exp1"
    )
    add_layers(command)
    command.add_argument(
        "--weights",
        default="model",
        metavar="KEY",
        help="model, ema for the moving average of the weights, or a key of the checkpoints "
        "(default: %(default)s)",
    )
    command.add_argument(
        "--step-pattern",
        metavar="REGEX",
        help="regular expression whose first group is the step in the path of a checkpoint",
    )
    command.add_argument(
        "--force", action="store_true", help="hide all atlases of the log, and make them again"
    )
    command.add_argument(
        "--last-first",
        action="store_true",
        help="first log a preliminary atlas of the last checkpoint, with real patches for icons",
    )
    add_settings(command)
    add_device(command)
    command.add_argument(
        "--threads", type=parse_positive, default=1, help="CPU threads (default: %(default)s)"
    )
    add_images(command, "that of the images, up to 224")
    add_num_workers(command)


def add_settings(command: argparse.ArgumentParser) -> None:
    """Adds the settings of the atlases."""
    command.add_argument(
        "--config",
        metavar="MODULE:CALLABLE",
        help="returns the AtlasConfig (default: AtlasConfig())",
    )
    add_samples(command)
    add_icons(command)


def run(arguments: argparse.Namespace) -> int:
    """Runs the command; returns the exit status."""
    from tensorboard_plugin_atlas.checkpoints.atlas_build import build_atlases
    from tensorboard_plugin_atlas.checkpoints.torchrun_group import (
        choose_device,
        open_process_group,
    )
    from tensorboard_plugin_atlas.commands.cost_estimate import (
        build_model,
        load_probe_source,
        move_to_device,
    )
    from tensorboard_plugin_atlas.commands.model_interface_options import import_model_function

    config = make_config(arguments)
    model = move_to_device(build_model(arguments.model), choose_device(arguments.device))
    source, classes = load_probe_source(
        arguments.data,
        samples=config.samples,
        side=arguments.side,
        normalize=arguments.normalize,
        num_workers=arguments.num_workers,
    )
    with open_process_group() as group:
        is_first = group is None or group.rank() == 0
        result = build_atlases(
            arguments.checkpoints,
            model,
            arguments.logdir,
            arguments.layer,
            probe=source,
            classes=classes,
            normalize=arguments.normalize,
            config=config,
            weights=arguments.weights,
            step_pattern=arguments.step_pattern,
            force=arguments.force,
            last_first=arguments.last_first,
            output=import_model_function(arguments, "output"),
            forward=import_model_function(arguments, "forward"),
            threads=arguments.threads,
            process_group=group,
        )
    if is_first:
        _print_result(result, arguments.logdir)
    return 0


def _print_result(result: BuildResult, log_dir: str) -> None:
    if result.logged:
        print(f"{len(result.logged):,} checkpoints were in the log before")
    print(f"{len(result.built):,} checkpoints of layers {escape(', '.join(result.layers))}")
    if result.cost.atlases:
        print(result.cost.describe_mean())
    print(f"\nthe tab shows them: tensorboard --logdir {escape(log_dir)}")


def make_config(arguments: argparse.Namespace) -> AtlasConfig:
    """Returns the settings that the options of `add_settings` give.

    Raises:
        ArgumentError: if `--config` does not return an AtlasConfig.
    """
    import dataclasses

    from tensorboard_plugin_atlas.commands.cost_estimate import call_factory
    from tensorboard_plugin_atlas.config import AtlasConfig
    from tensorboard_plugin_atlas.errors import ArgumentError

    advice = "pass module:callable, such as my_code:make_config"
    config = AtlasConfig()
    if arguments.config is not None:
        config = call_factory(arguments.config, "--config", advice)
    if not isinstance(config, AtlasConfig):
        raise ArgumentError(
            f"--config {arguments.config!r} returns a {type(config).__name__}; pass a callable "
            "without arguments that returns an AtlasConfig"
        )
    options = {"samples": arguments.samples, "icons": arguments.icons}
    changes = {name: value for name, value in options.items() if value is not None}
    return dataclasses.replace(config, **changes)
