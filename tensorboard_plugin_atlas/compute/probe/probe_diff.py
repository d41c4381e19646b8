# SPDX-License-Identifier: Apache-2.0
"""Differences between the probe of a logged atlas and the current probe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tensorboard_plugin_atlas.atlas import Atlas, IntArray
from tensorboard_plugin_atlas.compute.probe.probe import Probe


def list_probe_changes(previous: Atlas, probe: Probe) -> tuple[str, ...]:
    """Lists the differences between the probe of an atlas and the current probe.

    Args:
        previous: An atlas that was read from a log.
        probe: The current probe.

    Returns:
        Descriptions such as ("2,000 samples, 500 before",); empty if the probes are equal.
    """
    if previous.provenance.probe == probe.digest:
        return ()
    named = tuple(_iterate_changes(previous, probe))
    return named or ("the images' pixels or the sampled positions",)


def _iterate_changes(previous: Atlas, probe: Probe) -> Iterator[str]:
    samples = previous.samples
    if len(samples) != len(probe):
        yield f"{len(probe):,} samples, {len(samples):,} before"
    before = _as_pair(previous.provenance.layer_info.get("input_size"))
    if before is not None and before != probe.input_size:
        yield "images of {}x{} px, {}x{} before".format(*probe.input_size, *before)
    if len(samples) == len(probe):
        if not np.array_equal(samples.image_ids, probe.image_ids[probe.sample_image]):
            yield "other images of the dataset"
        elif not _are_equal(previous.all_labels, probe.all_sample_labels()):
            yield "other labels"
    if previous.classes != probe.classes:
        yield "other class names"


def _as_pair(value: Any) -> tuple[int, ...] | None:
    return tuple(value) if isinstance(value, (tuple, list)) and len(value) == 2 else None


def _are_equal(a: IntArray | None, b: IntArray | None) -> bool:
    return (a is None and b is None) or (
        a is not None and b is not None and bool(np.array_equal(a, b))
    )
