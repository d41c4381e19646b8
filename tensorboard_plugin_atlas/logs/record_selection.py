# SPDX-License-Identifier: Apache-2.0
"""Selects the atlases of a log that a command works on; raises if there are none."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final

from tensorboard_plugin_atlas.analysis.class_series import layer_of_series
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import CHILD_RUN
from tensorboard_plugin_atlas.logs.reader import (
    AtlasRecord,
    LoggedAtlas,
    list_atlases,
    list_records,
)

SHOWN: Final = 5
"""Largest number of names or numbers that a message lists; the others are counted."""


def select_records(
    log_dir: str | os.PathLike[str],
    run: str | None,
    layers: Sequence[str] | None,
    *,
    include_damaged: bool = False,
    include_classes: bool = False,
) -> list[AtlasRecord]:
    """Returns the records of the atlases of layers.

    Args:
        log_dir: Log directory or URL, as passed to TensorBoard.
        run: Only this run; None for all except those written by `relayout`.
        layers: Only these layers; None for all.
        include_damaged: Whether to return damaged records, too, see `list_records`.
        include_classes: Whether to return class atlases, too; they are series such as
            "layer3 · cat".

    Returns:
        The records, sorted by run, layer, and step. At least one of them is intact.

    Raises:
        ArgumentError: if there are none, or a layer was not logged.
    """
    chosen = [name for name in layers or () if layer_of_series(name) is not None]
    if chosen and not include_classes:
        raise ArgumentError(
            f"--layer {chosen[0]!r} is a series of class atlases, whose samples differ at every "
            "step; pass a layer, or compute them again with `tensorboard-atlas class`"
        )
    found = [
        one
        for one in list_records(log_dir, run=run, include_damaged=include_damaged)
        if include_classes or layer_of_series(one.layer) is None
    ]
    sound = [one for one in found if one.checksum]
    if not sound:
        what = "" if run is None else f" in a run {run!r}"
        raise ArgumentError(
            f"no atlases{what} under {str(log_dir)!r}; pass the directory that was passed to "
            "AtlasWriter, or one above it. `tensorboard-atlas inspect` lists the atlases of a log, "
            "and `tensorboard-atlas doctor` reports why there are none"
        )
    if layers is None:
        return found
    known = {one.layer for one in sound}
    strange = sorted(set(layers) - known)
    if strange:
        raise ArgumentError(
            f"--layer {strange[0]!r} was not logged; pass one of {shorten_list(known)}"
        )
    return [one for one in found if one.layer in layers]


def select_step(
    log_dir: str | os.PathLike[str], run: str | None, layers: Sequence[str] | None, step: int | None
) -> list[AtlasRecord]:
    """Returns the records of the atlases of one run at one step.

    Raises:
        ArgumentError: if there are none, or if there are several runs and `run` is None.
    """
    return _choose_step(select_records(log_dir, run, layers), step)


def select_atlas(
    log_dir: str | os.PathLike[str], run: str | None, layer: str | None, step: int | None
) -> AtlasRecord:
    """Returns the record of the atlas of one layer of one run at one step.

    Args:
        log_dir: As for `select_records`.
        run: The run; None if there is only one.
        layer: The layer, or a series of class atlases such as "layer3 · cat"; None if there is only
            one layer.
        step: The step; None for the last one.

    Raises:
        ArgumentError: if there is none, or if there are several runs or layers to choose from.
    """
    is_series = layer is not None and layer_of_series(layer) is not None
    wanted = None if layer is None else [layer]
    found = select_records(log_dir, run, wanted, include_classes=is_series)
    layers = {one.layer for one in found}
    if len(layers) > 1:
        raise ArgumentError(
            f"pass --layer: there are {len(layers)} layers ({shorten_list(layers)})"
        )
    (record,) = _choose_step(found, step)
    return record


def _choose_step(found: list[AtlasRecord], step: int | None) -> list[AtlasRecord]:
    """Returns the records at one step, which must be of one run."""
    runs = {one.run for one in found}
    if len(runs) > 1:
        raise ArgumentError(f"pass --run: there are {len(runs)} runs ({shorten_list(runs)})")
    steps = sorted({one.step for one in found})
    wanted = steps[-1] if step is None else step
    if wanted not in steps:
        near = sorted(steps, key=lambda one: abs(one - wanted))[:SHOWN]
        raise ArgumentError(
            f"--step {wanted} was not logged; the nearest are {', '.join(map(str, sorted(near)))}"
        )
    return [one for one in found if one.step == wanted]


def select_entries(
    log_dir: str | os.PathLike[str], run: str | None, layer: str | None
) -> list[LoggedAtlas]:
    """Returns the entries of `list_atlases` of one run and one layer; () if the log has none.

    Damaged records of an unknown layer are listed with every layer.

    Raises:
        ArgumentError: if the run or the layer was not logged; the message lists the logged ones.
    """
    found = list_atlases(log_dir)
    of_run = [one for one in found if run in (None, one.run, one.run.removesuffix(f"/{CHILD_RUN}"))]
    if found and not of_run:
        known = shorten_list({one.run for one in found})
        raise ArgumentError(f"--run {run!r} was not logged; pass one of {known}")
    of_layer = [one for one in of_run if layer is None or one.layer in ("", layer)]
    if of_run and not of_layer:
        where = "" if run is None else f" in run {run!r}"
        known = shorten_list({one.layer for one in of_run})
        raise ArgumentError(f"--layer {layer!r} was not logged{where}; pass one of {known}")
    return of_layer


def shorten_list(names: Iterable[str]) -> str:
    """Returns the first few names as text, and the number of the others."""
    ordered = sorted(names)
    more = "" if len(ordered) <= SHOWN else f" and {len(ordered) - SHOWN} more"
    return ", ".join(ordered[:SHOWN]) + more
