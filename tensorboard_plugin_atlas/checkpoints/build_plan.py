# SPDX-License-Identifier: Apache-2.0
"""Decides which checkpoints a log needs atlases of, so that a build can be resumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.checkpoints.checkpoint_files import CheckpointFile
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.probe.probe_diff import list_probe_changes
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.resume import find_last_atlases, list_complete_steps

_ADVICE = (
    "or --force (in Python, force=True) to hide the logged atlases and start over, or another log "
    "directory"
)


@dataclass(frozen=True)
class BuildPlan:
    """What remains to be done.

    Attributes:
        todo: Checkpoints without atlases, by increasing step.
        logged: Checkpoints that have atlases of all layers in the log.
        purge_step: Step from which on the records of the log become void; None for no step. Purging
            a log without records has no effect.
    """

    todo: tuple[CheckpointFile, ...]
    logged: tuple[CheckpointFile, ...] = ()
    purge_step: int | None = None


def plan_build(
    location: str,
    checkpoints: Sequence[CheckpointFile],
    layers: Sequence[str],
    probe: Probe,
    config: AtlasConfig,
    *,
    force: bool,
) -> BuildPlan:
    """Compares checkpoints with the log of an earlier build or of a training loop.

    A build that was killed may have logged some of the layers of a step. This step is built again,
    and its records become void.

    Args:
        location: Directory or URL of the run of the atlases.
        checkpoints: The checkpoints, by increasing step.
        layers: Dotted module names.
        probe: The probe.
        config: The settings.
        force: Whether all logged atlases become void.

    Raises:
        ArgumentError: if the log cannot be continued, because it was made with another probe, other
            settings, or other layers, or because it goes on after a checkpoint that is not in it.
        OSError: if the log cannot be read.
    """
    steps = list_complete_steps(location)
    if force or not steps:
        return BuildPlan(tuple(checkpoints), purge_step=0)
    _check_layers(steps, layers, checkpoints[0].step)
    for atlas in find_last_atlases(location, layers).atlases.values():
        _check_same_probe_and_settings(atlas, probe, config)
    complete = set.intersection(*(steps.get(layer, set()) for layer in layers))
    if not complete:
        return BuildPlan(tuple(checkpoints), purge_step=0)
    last = max(complete)
    logged = tuple(one for one in checkpoints if one.step <= last)
    todo = tuple(one for one in checkpoints if one.step > last)
    _check_order(logged, set.union(*(steps[layer] for layer in layers)), last)
    return BuildPlan(todo, logged, last + 1 if todo else None)


def _check_layers(steps: Mapping[str, set[int]], layers: Sequence[str], first: int) -> None:
    """Checks that the log has all layers, unless a build was killed at its first step.

    Raises:
        ArgumentError: if it has not.
    """
    missing = [layer for layer in layers if layer not in steps]
    is_first = set.union(*steps.values()) <= {first} and steps.keys() <= set(layers)
    if missing and not is_first:
        raise ArgumentError(
            f"layer {missing[0]!r} is not in the log, which has {', '.join(map(repr, steps))}; "
            f"pass the logged layers, {_ADVICE}"
        )


def _check_order(checkpoints: Sequence[CheckpointFile], steps: set[int], last: int) -> None:
    """Checks that all checkpoints up to the last logged step are in the log.

    Raises:
        ArgumentError: if one is not.
    """
    for one in checkpoints:
        if one.step not in steps:
            raise ArgumentError(
                f"{one.label} is of step {one.step:,}, which is not in the log, but the log goes "
                f"on to step {last:,}, and TensorBoard needs increasing steps; leave it out, "
                f"{_ADVICE}"
            )


def _check_same_probe_and_settings(atlas: Atlas, probe: Probe, config: AtlasConfig) -> None:
    """Checks that an atlas of the log can be compared with the atlases to be made.

    Raises:
        ArgumentError: if not.
    """
    changes = [*list_probe_changes(atlas, probe), *_list_setting_changes(atlas, config)]
    if not changes and atlas.classes != probe.classes:
        changes = ["other class names"]  # which are no part of the digest of a probe
    if changes:
        raise ArgumentError(
            "the log was made with other data or settings than those passed now: "
            f"{', '.join(changes)}; pass the same as before, {_ADVICE}"
        )


def _list_setting_changes(atlas: Atlas, config: AtlasConfig) -> Iterator[str]:
    before, now = atlas.provenance.settings, config.as_dict()
    for name, value in now.items():
        old: Any = before.get(name, value)
        if (tuple(old) if isinstance(old, list) else old) != value:
            yield f"{name}={value!r:.40}, {old!r:.40} before"
