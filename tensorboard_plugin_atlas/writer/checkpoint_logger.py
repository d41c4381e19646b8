# SPDX-License-Identifier: Apache-2.0
"""From a checkpoint to records in a log: the part of the writer that could live in any process."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from torch import nn

from tensorboard_plugin_atlas.analysis.layer_scalars import health_scalars
from tensorboard_plugin_atlas.atlas import Atlas, Skipped
from tensorboard_plugin_atlas.compute.model.logits import select_logits
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.errors import WorkerError, describe_error
from tensorboard_plugin_atlas.logs.resume import last_atlases
from tensorboard_plugin_atlas.logs.sinks import Sink
from tensorboard_plugin_atlas.metadata import PROBE_TAG, Revision, layer_tag
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas, encode_probe
from tensorboard_plugin_atlas.writer.cost import AtlasCost
from tensorboard_plugin_atlas.writer.optional_loggers import ClassLog, ShortcutLog
from tensorboard_plugin_atlas.writer.options import NOTHING_MORE, Extras

logger = logging.getLogger(__name__)


class CheckpointLogger:
    """Computes the atlases of a checkpoint and writes each as soon as it is finished.

    Continues the maps of what the log already holds.

    Args:
        pipeline: Computes the atlases.
        sink: Takes the records; it belongs to the recorder from now on.
        extras: What to make of a checkpoint once its atlases are in the log.
    """

    def __init__(self, pipeline: AtlasPipeline, sink: Sink, extras: Extras = NOTHING_MORE) -> None:
        self._pipeline = pipeline
        self._sink = sink
        self._logits = extras.logits
        self._probe_is_logged = False
        self._failures: list[WorkerError] = []
        self._shortcuts = ShortcutLog(pipeline, extras.shortcuts, sink, self._failures)
        self._classes = ClassLog(pipeline, extras.class_atlases, sink, self._failures)
        earlier = last_atlases(sink.location, (*pipeline.layers, *self._classes.series))
        self._is_new_log = earlier.is_empty
        self._last_steps = {layer: atlas.step for layer, atlas in earlier.atlases.items()}
        for layer, previous in earlier.atlases.items():
            owner = self._classes if layer in self._classes.series else pipeline
            owner.continue_from(previous)

    def record(
        self,
        model: nn.Module,
        step: int,
        wall_time: float | None,
        skipped: Sequence[Skipped] = (),
    ) -> tuple[AtlasCost, ...]:
        """Logs one atlas and the health of every layer, and the probe's pictures the first time.

        What was asked for beside the atlases follows them; where it fails, that alone is lost.

        Args:
            model: The model; it is left as it was.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            skipped: Checkpoints asked for since the last one and not computed.

        Returns:
            What each atlas cost, in the order in which they were written, and what was made
            beside them.
        """
        with select_logits(self._logits):
            return self._record(model, step, wall_time, skipped)

    def _record(
        self, model: nn.Module, step: int, wall_time: float | None, skipped: Sequence[Skipped]
    ) -> tuple[AtlasCost, ...]:
        if not self._probe_is_logged:
            pictures = encode_probe(self._pipeline.probe.thumbnails())
            # A step that was logged before would be dropped or win, depending on the loader.
            self._sink.write(PROBE_TAG, pictures, 0 if self._is_new_log else step, wall_time)
            self._probe_is_logged = True
        costs, start = [], time.perf_counter()
        draft_bytes = 0

        def log_draft(draft: Atlas) -> None:
            nonlocal draft_bytes
            draft_bytes = self._log_draft(draft.replace(skipped=tuple(skipped)))

        # After a crash a step is done again, of which a part may be in the log.
        there = {layer for layer, last in self._last_steps.items() if last >= step}
        watched: Atlas | None = None
        atlases = self._pipeline.atlases(model, step, wall_time, there, on_preliminary=log_draft)
        for atlas in atlases:
            blobs = encode_atlas(atlas.replace(skipped=tuple(skipped)))
            self._sink.write(
                layer_tag(atlas.layer, sequence=atlas.sequence), blobs, step, atlas.wall_time
            )
            end = time.perf_counter()
            size = draft_bytes + sum(map(len, blobs))
            cost, draft_bytes = AtlasCost(atlas.layer, end - start, size), 0
            scalars = health_scalars(atlas, seconds=cost.seconds, size=cost.bytes)
            self._sink.write_scalars(scalars, step, atlas.wall_time)
            costs.append(cost)
            start = end
            if atlas.layer == self._shortcuts.layer:
                watched = atlas
        self.flush()
        costs += self._shortcuts.record(model, step, wall_time, watched)
        costs += self._classes.record(model, step, wall_time, skipped, there)
        return tuple(costs)

    def take_failures(self) -> list[WorkerError]:
        """Returns what went wrong beside the atlases since the last call."""
        failures = self._failures.copy()
        self._failures.clear()
        return failures

    def _log_draft(self, draft: Atlas) -> int:
        """Logs an atlas that another will replace; returns its bytes.

        What goes wrong costs the draft only.
        """
        blobs = encode_atlas(draft)
        tag = layer_tag(draft.layer, Revision.PRELIMINARY, draft.sequence)
        try:
            self._sink.write(tag, blobs, draft.step, draft.wall_time)
            self.flush()
        except OSError as error:
            logger.info(
                "the draft of layer %r is not logged: %s", draft.layer, describe_error(error)
            )
            return 0
        return sum(map(len, blobs))

    def flush(self) -> None:
        """Makes everything recorded durable."""
        try:
            self._sink.flush()
        except FileNotFoundError:
            # The log was deleted; the one that begins now needs the probe's pictures again.
            self._probe_is_logged = self._is_new_log = False
            raise

    def close(self) -> None:
        """Flushes and closes the log."""
        self._sink.close()
