# SPDX-License-Identifier: Apache-2.0
"""Computes the atlases of a step and writes them to a log, in any process."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from torch import nn

from tensorboard_plugin_atlas.analysis.layer_scalars import health_scalars
from tensorboard_plugin_atlas.atlas import Atlas, Skipped
from tensorboard_plugin_atlas.compute.model.model_interface import use_interface
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.errors import WorkerError, describe_error
from tensorboard_plugin_atlas.log_names import PROBE_TAG, Revision, layer_tag
from tensorboard_plugin_atlas.logs.activation_files import ActivationFiles
from tensorboard_plugin_atlas.logs.resume import find_last_atlases
from tensorboard_plugin_atlas.logs.sinks import Sink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.writer.atlas_cost import AtlasCost
from tensorboard_plugin_atlas.writer.optional_loggers import ClassAtlasLogger, ShortcutLogger
from tensorboard_plugin_atlas.writer.record_options import DEFAULT_RECORD_OPTIONS, RecordOptions

logger = logging.getLogger(__name__)


class AtlasLogger:
    """Computes the atlases of a step and writes each as soon as it is finished.

    Continues the maps of the atlases that are already in the log.

    Args:
        pipeline: Computes the atlases.
        sink: Where the records are written; this object then owns it.
        records: Optional records of each step, and how the model is called.
        is_preliminary_logged: Whether a preliminary atlas is logged if icons take long.

    Attributes:
        probe: The images and positions that are sampled.
    """

    def __init__(
        self,
        pipeline: AtlasPipeline,
        sink: Sink,
        records: RecordOptions = DEFAULT_RECORD_OPTIONS,
        *,
        is_preliminary_logged: bool = True,
    ) -> None:
        self.probe = pipeline.probe
        self._is_preliminary_logged = is_preliminary_logged
        self._pipeline = pipeline
        self._sink = sink
        self._interface = records.interface
        self._probe_is_logged = False
        self._failures: list[WorkerError] = []
        self._shortcuts = ShortcutLogger(pipeline, records.shortcuts, sink, self._failures)
        self._classes = ClassAtlasLogger(pipeline, records.class_atlases, sink, self._failures)
        if records.activations_dir is not None:
            digest = pipeline.probe.digest
            files = ActivationFiles(records.activations_dir, digest, self._failures)
            pipeline.on_activations = files.write
        resume_point = pipeline.ranks.decide(
            lambda: find_last_atlases(sink.location, (*pipeline.layers, *self._classes.series))
        )
        self._is_new_log = resume_point.is_empty
        self._last_steps = {layer: atlas.step for layer, atlas in resume_point.atlases.items()}
        for layer, previous in resume_point.atlases.items():
            owner = self._classes if layer in self._classes.series else pipeline
            owner.continue_from(previous)

    def record(
        self,
        model: nn.Module,
        step: int,
        wall_time: float | None,
        skipped: Sequence[Skipped] = (),
    ) -> tuple[AtlasCost, ...]:
        """Logs one atlas and the scalars of every layer; the first time, also the probe's images.

        Optional records follow the atlases. If one of them fails, the others are still logged.

        Args:
            model: The model; it is not changed.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            skipped: Steps that were skipped since the last atlas.

        Returns:
            The cost of each atlas and optional record, in the order in which they were written.
        """
        with use_interface(self._interface):
            return self._record(model, step, wall_time, skipped)

    def _record(
        self, model: nn.Module, step: int, wall_time: float | None, skipped: Sequence[Skipped]
    ) -> tuple[AtlasCost, ...]:
        if not self._probe_is_logged:
            pictures = encode_probe(self._pipeline.probe.thumbnails())
            # If a step was logged twice, one loader keeps the first record, the other the second.
            self._sink.write(PROBE_TAG, pictures, 0 if self._is_new_log else step, wall_time)
            self._probe_is_logged = True
        costs, start = [], time.perf_counter()
        preliminary_bytes = 0

        def log_preliminary(atlas: Atlas) -> None:
            nonlocal preliminary_bytes
            preliminary_bytes = self._log_preliminary(atlas.replace(skipped=tuple(skipped)))

        # After a crash a step is computed again, and some of its layers may be logged already.
        logged = {layer for layer, last in self._last_steps.items() if last >= step}
        shortcut_atlas: Atlas | None = None
        for atlas in self._pipeline.atlases(
            model,
            step,
            wall_time,
            logged,
            on_preliminary=log_preliminary if self._is_preliminary_logged else None,
        ):
            blobs = encode_atlas(atlas.replace(skipped=tuple(skipped)))
            self._sink.write(
                layer_tag(atlas.layer, sequence=atlas.sequence), blobs, step, atlas.wall_time
            )
            end = time.perf_counter()
            size = preliminary_bytes + sum(map(len, blobs))
            stages = self._pipeline.get_seconds(atlas.layer)
            cost, preliminary_bytes = (
                AtlasCost(
                    atlas.layer,
                    end - start,
                    size,
                    icon_seconds=stages.icons,
                    attribution_seconds=stages.attribution,
                ),
                0,
            )
            scalars = health_scalars(atlas, seconds=cost.seconds, size=cost.bytes)
            self._sink.write_scalars(scalars, step, atlas.wall_time)
            costs.append(cost)
            start = end
            if atlas.layer == self._shortcuts.layer:
                shortcut_atlas = atlas
        self.flush()
        costs += self._shortcuts.record(model, step, wall_time, shortcut_atlas)
        costs += self._classes.record(model, step, wall_time, skipped, logged)
        return tuple(costs)

    def pop_failures(self) -> list[WorkerError]:
        """Returns the errors in optional records since the last call."""
        failures = self._failures.copy()
        self._failures.clear()
        return failures

    def _log_preliminary(self, atlas: Atlas) -> int:
        """Logs an atlas without icons, which a later revision replaces; returns its bytes.

        If it cannot be written, the later revision is still logged.
        """
        blobs = encode_atlas(atlas)
        tag = layer_tag(atlas.layer, Revision.PRELIMINARY, atlas.sequence)
        try:
            self._sink.write(tag, blobs, atlas.step, atlas.wall_time)
            self.flush()
        except OSError as error:
            logger.info(
                "step %d: the preliminary atlas of layer %r is not logged: %s",
                atlas.step,
                atlas.layer,
                describe_error(error),
            )
            return 0
        return sum(map(len, blobs))

    def flush(self) -> None:
        """Flushes all records to disk."""
        try:
            self._sink.flush()
        except FileNotFoundError:
            # The log was deleted; the next file must hold the probe's images again.
            self._probe_is_logged = self._is_new_log = False
            raise

    def close(self) -> None:
        """Flushes and closes the log."""
        self._sink.close()
