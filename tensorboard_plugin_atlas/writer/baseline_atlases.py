# SPDX-License-Identifier: Apache-2.0
"""Reads the last atlases of the run that `align_to` names."""

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
from tensorboard_plugin_atlas.log_names import CHILD_RUN
from tensorboard_plugin_atlas.logs.remote_path import is_url, restore_url
from tensorboard_plugin_atlas.logs.resume import find_last_atlases


def read_baselines(align_to: Any, layers: Sequence[str], probe: Probe) -> dict[str, Atlas]:
    """Reads the last atlas of another run for each layer.

    Args:
        align_to: Directory or URL that was passed to the other run's `AtlasWriter`; or a pair of it
            and a mapping from layers of this run to layers of the other. None for no other run.
        layers: Layers of this run.
        probe: Probe of this run.

    Returns:
        The other run's atlas of each layer of this run, without icons. Its `run` is the path in
        `align_to`.

    Raises:
        ArgumentError: if there is no such atlas, or the two probes share no images.
    """
    if align_to is None:
        return {}
    path, theirs = _parse(align_to, layers)
    location = _find_atlas_run(path)
    wanted = [theirs[layer] for layer in layers if layer in theirs]
    found = find_last_atlases(location, wanted).atlases
    missing = [name for name in wanted if name not in found]
    if missing:
        raise ArgumentError(_describe_missing(path, location, missing))
    baseline = {
        layer: found[theirs[layer]].replace(grids=(), run=path)
        for layer in layers
        if layer in theirs
    }
    for other in baseline.values():
        _check_probe(other, probe)
    return baseline


def _parse(align_to: Any, layers: Sequence[str]) -> tuple[str, Mapping[str, str]]:
    """Returns the other run's path, and a mapping from layers of this run to layers of it."""
    path, names = align_to, {layer: layer for layer in layers}
    if isinstance(align_to, tuple) and len(align_to) == 2:
        path, names = align_to
    if not isinstance(path, (str, os.PathLike)) or not isinstance(names, Mapping):
        raise ArgumentError(
            f"align_to={align_to!r:.80}: pass the directory of another run, or a pair of it and a "
            'mapping of layers, such as ("runs/baseline", {"layer3": "features.7"})'
        )
    unknown = [name for name in names if name not in layers]
    if unknown:
        known = ", ".join(map(repr, layers))
        raise ArgumentError(f"align_to: {unknown[0]!r} is not among the logged layers: {known}")
    return restore_url(os.fspath(path)), names


def _find_atlas_run(path: str) -> str:
    """Returns the directory or URL of a run's atlases, given it or the parent run."""
    if path.rstrip("/").endswith(f"/{CHILD_RUN}"):
        return path
    return f"{path.rstrip('/')}/{CHILD_RUN}" if is_url(path) else str(Path(path) / CHILD_RUN)


def _describe_missing(path: str, location: str, layers: Sequence[str]) -> str:
    if not is_url(path) and not Path(location).is_dir():
        return (
            f"align_to={path!r}: no atlases were logged there ({location!r} is not a directory); "
            "pass the directory that was passed to the other run's AtlasWriter"
        )
    return (
        f"align_to={path!r} holds no readable atlas of layer {layers[0]!r}; `tensorboard-atlas "
        f"inspect {path}` lists its layers. If the layer has another name there, pass "
        f'align_to=({path!r}, {{{layers[0]!r}: "its name there"}})'
    )


def _check_probe(other: Atlas, probe: Probe) -> None:
    if other.provenance.probe == probe.digest:
        return
    shared, ours, theirs = np.intersect1d(probe.image_ids, other.image_ids, return_indices=True)
    if not len(shared):
        raise ArgumentError(
            f"align_to={other.run!r}: its probe holds none of the {len(probe.image_ids):,} images "
            "of this probe; pass a probe from the same dataset"
        )
    wrong = label_disagreement(
        None if probe.all_labels is None else probe.all_labels[ours],
        None if other.all_labels is None else other.all_labels[theirs],
    )
    if wrong > MAX_LABEL_DISAGREEMENT:
        raise ArgumentError(
            f"align_to={other.run!r}: {wrong:.0%} of the images with the same id in both probes "
            "have different labels; pass a probe from the same dataset"
        )
