# SPDX-License-Identifier: Apache-2.0
"""`align_to`: the last atlases of another run, on whose maps those of a new run are laid out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tensorboard_plugin_atlas.analysis.sample_matching import (
    MAX_LABEL_DISAGREEMENT,
    label_disagreement,
)
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.remote import is_url
from tensorboard_plugin_atlas.logs.resume import last_atlases
from tensorboard_plugin_atlas.metadata import CHILD_RUN


def read_baseline(align_to: Any, layers: Sequence[str], probe: Probe) -> dict[str, Atlas]:
    """Reads the last atlas of another run for each layer.

    Args:
        align_to: The directory or URL that the other run's `AtlasWriter` was given; or it and a
            mapping of our layers to its, where they have other names. None is no other run.
        layers: Our layers.
        probe: Our probe.

    Returns:
        Our layer to the other run's atlas, its icons left out and `run` as `align_to` names it.

    Raises:
        ArgumentError: if there is no such atlas, or its probe holds none of our images.
    """
    if align_to is None:
        return {}
    path, theirs = _parts(align_to, layers)
    location = _location(path)
    wanted = [theirs[layer] for layer in layers if layer in theirs]
    found = last_atlases(location, wanted).atlases
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ArgumentError(_missing(path, location, missing))
    baseline = {
        layer: found[theirs[layer]].replace(grids=(), run=path)
        for layer in layers
        if layer in theirs
    }
    for other in baseline.values():
        _check_probe(other, probe)
    return baseline


def _parts(align_to: Any, layers: Sequence[str]) -> tuple[str, Mapping[str, str]]:
    """Returns the other run's place, and our layers with the names that they have there."""
    path, names = align_to, {layer: layer for layer in layers}
    if isinstance(align_to, tuple) and len(align_to) == 2:
        path, names = align_to
    if not isinstance(path, (str, os.PathLike)) or not isinstance(names, Mapping):
        raise ArgumentError(
            f"align_to={align_to!r:.80}: pass the directory of another run, or it and a mapping of "
            'layers to its own, such as ("runs/baseline", {"layer3": "features.7"})'
        )
    strange = [name for name in names if name not in layers]
    if strange:
        known = ", ".join(map(repr, layers))
        raise ArgumentError(f"align_to: {strange[0]!r} is not among the layers logged: {known}")
    return os.fspath(path), names


def _location(path: str) -> str:
    """Returns where the atlases of a run are, given its directory or that of the atlases."""
    if path.rstrip("/").endswith(f"/{CHILD_RUN}"):
        return path
    return f"{path.rstrip('/')}/{CHILD_RUN}" if is_url(path) else str(Path(path) / CHILD_RUN)


def _missing(path: str, location: str, layers: Sequence[str]) -> str:
    if not is_url(path) and not Path(location).is_dir():
        return (
            f"align_to={path!r}: no atlases were logged there ({location!r} is no folder); pass "
            "the directory that the other run's AtlasWriter was given"
        )
    return (
        f"align_to={path!r} holds no readable atlas of layer {layers[0]!r}; `tensorboard-atlas "
        f"inspect {path}` lists its layers. Where they have other names, pass "
        f'align_to=({path!r}, {{{layers[0]!r}: "its name there"}})'
    )


def _check_probe(other: Atlas, probe: Probe) -> None:
    if other.provenance.probe == probe.digest:
        return
    shared, ours, theirs = np.intersect1d(probe.image_ids, other.image_ids, return_indices=True)
    if not len(shared):
        raise ArgumentError(
            f"align_to={other.run!r}: its probe holds none of the {len(probe.image_ids):,} images "
            "of this one; pass a probe drawn from the same data set"
        )
    wrong = label_disagreement(
        None if probe.labels is None else probe.labels[ours],
        None if other.labels is None else other.labels[theirs],
    )
    if wrong > MAX_LABEL_DISAGREEMENT:
        raise ArgumentError(
            f"align_to={other.run!r}: {wrong:.0%} of the images that both probes have under one id "
            "carry other labels; pass a probe drawn from the same data set"
        )
