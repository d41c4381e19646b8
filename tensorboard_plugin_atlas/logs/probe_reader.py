# SPDX-License-Identifier: Apache-2.0
"""Reads the probe images of a run."""

from __future__ import annotations

import os

from tensorboard_plugin_atlas.atlas import ProbeThumbnails
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.log_names import PROBE_TAG
from tensorboard_plugin_atlas.logs.log_files import check_directory
from tensorboard_plugin_atlas.logs.reader import matches_run, walk_events
from tensorboard_plugin_atlas.wire.atlas_codec import decode_probe


def read_probe(log_dir: str | os.PathLike[str], run: str) -> ProbeThumbnails:
    """Reads the thumbnails of the probe images of one run.

    Args:
        log_dir: Log directory, as passed to TensorBoard, or its URL in an object store.
        run: The run, such as `Atlas.run`; "exp1" also finds "exp1/atlas".

    Returns:
        The thumbnails and labels of the images. If they were logged again, the last ones.

    Raises:
        ArgumentError: if `log_dir` is not a directory or the run has no probe images.
        DamageError: if they are damaged.

    Examples:
        >>> probe = read_probe("runs", "exp1")  # doctest: +SKIP
        >>> unpack(probe.sheets).shape  # doctest: +SKIP
        (2000, 96, 96, 3)
    """
    latest = None
    for name, event in walk_events(check_directory(log_dir)):
        if matches_run(name, run) and event.tag == PROBE_TAG:
            latest = event
    if latest is None:
        raise ArgumentError(
            f"read_probe(run={run!r}): that run of {os.fspath(log_dir)!r} has no probe images; "
            "pass the name of a run with atlases"
        )
    if latest.blobs is None:
        raise DamageError(f"probe of {run!r}: {latest.reason}")
    return decode_probe(latest.blobs)
