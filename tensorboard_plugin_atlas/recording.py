# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to records in a log: the part of the writer that could live in any process."""

from __future__ import annotations

from torch import nn

from tensorboard_plugin_atlas.codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.metadata import PROBE_TAG, layer_tag
from tensorboard_plugin_atlas.sinks import Sink


class Recorder:
    """Computes the atlases of a checkpoint and writes each as soon as it is finished.

    Args:
        pipeline: Computes the atlases.
        sink: Takes the records; it belongs to the recorder from now on.
    """

    def __init__(self, pipeline: AtlasPipeline, sink: Sink) -> None:
        self._pipeline = pipeline
        self._sink = sink
        self._probe_is_logged = False

    def record(self, model: nn.Module, step: int, wall_time: float | None) -> None:
        """Logs one atlas of every layer, and the probe's pictures the first time."""
        if not self._probe_is_logged:
            pictures = encode_probe(self._pipeline.probe.thumbnails())
            self._sink.write(PROBE_TAG, pictures, 0, wall_time)
            self._probe_is_logged = True
        for atlas in self._pipeline.atlases(model, step, wall_time):
            self._sink.write(layer_tag(atlas.layer), encode_atlas(atlas), step, atlas.wall_time)
        self._sink.flush()

    def flush(self) -> None:
        """Makes everything recorded durable."""
        self._sink.flush()

    def close(self) -> None:
        """Flushes and closes the log."""
        self._sink.close()
