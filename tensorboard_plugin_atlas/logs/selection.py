# SPDX-License-Identifier: Apache-2.0
"""Which atlases of a log a command is about, and what to say where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from tensorboard_plugin_atlas.analysis.class_series import layer_of_series
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.reader import LoggedAtlas, Original, list_atlases, originals
from tensorboard_plugin_atlas.metadata import CHILD_RUN

SHOWN: Final = 5
"""Names or numbers that a message lists; the rest is counted."""


def logged_atlases(
    log_dir: Path, run: str | None, layers: Sequence[str] | None, *, damaged: bool = False
) -> list[Original]:
    """Returns the atlases of a run and of layers as they were first logged.

    Args:
        log_dir: Directory that TensorBoard would be given.
        run: Only this run; None takes all but those that were laid out backwards.
        layers: Only these layers; None takes all. Atlases of classes are none of a layer.
        damaged: Whether to return what is damaged as well, see `originals`.

    Returns:
        At least one that was sound when it was listed, sorted by run, layer and step.

    Raises:
        ArgumentError: if there are none, or a layer was not logged; the message says what to type.
    """
    chosen = [name for name in layers or () if layer_of_series(name) is not None]
    if chosen:
        raise ArgumentError(
            f"--layer {chosen[0]!r} is a series of atlases of classes, which choose their samples "
            "anew at every step; pass a layer, or make them anew with `tensorboard-atlas class`"
        )
    found = [
        one
        for one in originals(log_dir, run=run, damaged=damaged)
        if layer_of_series(one.layer) is None
    ]
    sound = [one for one in found if one.mark]
    if not sound:
        what = "" if run is None else f" in a run {run!r}"
        raise ArgumentError(
            f"no atlases{what} under {str(log_dir)!r}; `tensorboard-atlas inspect` lists what is "
            "there and `tensorboard-atlas doctor` says what is missing: pass the folder that "
            "AtlasWriter was given, or one above it"
        )
    if layers is None:
        return found
    known = {one.layer for one in sound}
    strange = sorted(set(layers) - known)
    if strange:
        raise ArgumentError(f"--layer {strange[0]!r} was not logged; pass one of {some_of(known)}")
    return [one for one in found if one.layer in layers]


def listed_atlases(log_dir: Path, run: str | None, layer: str | None) -> list[LoggedAtlas]:
    """Returns what `list_atlases` does, of one run and one layer; none where the log has none.

    Damage that hides what layer it is of is listed with every layer.

    Raises:
        ArgumentError: if it is for the run or the layer that nothing is left; the message says
            which there are.
    """
    found = list_atlases(log_dir)
    of_run = [one for one in found if run in (None, one.run, one.run.removesuffix(f"/{CHILD_RUN}"))]
    if found and not of_run:
        known = some_of({one.run for one in found})
        raise ArgumentError(f"--run {run!r} was not logged; pass one of {known}")
    of_layer = [one for one in of_run if layer is None or one.layer in ("", layer)]
    if of_run and not of_layer:
        where = "" if run is None else f" in run {run!r}"
        known = some_of({one.layer for one in of_run})
        raise ArgumentError(f"--layer {layer!r} was not logged{where}; pass one of {known}")
    return of_layer


def some_of(names: Iterable[str]) -> str:
    """Returns the first few of `names`, and how many more there are."""
    ordered = sorted(names)
    more = "" if len(ordered) <= SHOWN else f" and {len(ordered) - SHOWN} more"
    return ", ".join(ordered[:SHOWN]) + more
