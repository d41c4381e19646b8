# SPDX-License-Identifier: Apache-2.0
"""Optional records of a step: shortcuts and class atlases.

They are logged after the atlases. An error in one does not affect other records; it is stored and
reported in the training process.
"""

from __future__ import annotations

import time
from collections.abc import Container, Sequence

from torch import nn

from tensorboard_plugin_atlas.analysis.layer_scalars import shortcut_scalars
from tensorboard_plugin_atlas.atlas import Atlas, Skipped
from tensorboard_plugin_atlas.compute.class_atlas.pipeline import ClassPipeline
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.shortcuts.tracker import ShortcutTracker
from tensorboard_plugin_atlas.errors import AtlasError, WorkerError, describe_error, find_location
from tensorboard_plugin_atlas.log_names import layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.resume import find_last_shortcuts
from tensorboard_plugin_atlas.logs.sinks import Sink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts
from tensorboard_plugin_atlas.writer.atlas_cost import AtlasCost


class ShortcutLogger:
    """Searches for shortcuts at each logged step, tests the logged ones again, and logs all.

    Args:
        pipeline: Provides probe and settings.
        layer: Layer to search in, or None to do nothing.
        sink: Where the records are written.
        failures: List to which errors are appended.
    """

    def __init__(
        self, pipeline: AtlasPipeline, layer: str | None, sink: Sink, failures: list[WorkerError]
    ) -> None:
        self.layer = layer
        self._sink, self._failures = sink, failures
        self._watch: ShortcutTracker | None = None
        self._last_step: int | None = None
        if layer is not None:
            known = find_last_shortcuts(sink.location, layer)
            self._last_step = None if known is None else known.step
            self._watch = ShortcutTracker(pipeline.probe, layer, pipeline.config, known)

    def record(
        self, model: nn.Module, step: int, wall_time: float | None, atlas: Atlas | None
    ) -> list[AtlasCost]:
        """Logs the shortcuts of a step.

        Args:
            model: The model; it is not changed.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            atlas: The layer's atlas at this step, in which the nearest samples are found.
        """
        # After a crash a step is computed again, and its shortcuts may be logged already.
        is_logged = self._last_step is not None and self._last_step >= step
        if self._watch is None or self.layer is None or is_logged:
            return []
        start = time.perf_counter()
        now = time.time() if wall_time is None else wall_time
        try:
            found = self._watch.update(model, step, now, atlas)
            blobs = encode_shortcuts(found)
            sequence = None if atlas is None else atlas.sequence
            self._sink.write(shortcuts_tag(self.layer, sequence), blobs, step, now)
            self._sink.write_scalars(shortcut_scalars(found), step, now)
            self._sink.flush()
        except Exception as error:
            text = f"step {step}: the shortcuts of layer {self.layer!r} are not logged"
            self._failures.append(_make_error(text, error, find_location(error)))
            return []
        self._last_step = step
        seconds = time.perf_counter() - start
        return [AtlasCost(self.layer, seconds, sum(map(len, blobs)), is_atlas=False)]


class ClassAtlasLogger:
    """Computes class atlases at each logged step and logs them.

    Args:
        pipeline: Provides probe, layers, and settings.
        classes: The index of each class, and the two indices of each pair; () does nothing.
        sink: Where the records are written.
        failures: List to which errors are appended.

    Attributes:
        series: Name of each class atlas in the log.
    """

    def __init__(
        self,
        pipeline: AtlasPipeline,
        classes: tuple[tuple[int, ...], ...],
        sink: Sink,
        failures: list[WorkerError],
    ) -> None:
        self._sink, self._failures = sink, failures
        self._pipeline: ClassPipeline | None = None
        self.series: tuple[str, ...] = ()
        if classes:
            self._pipeline = ClassPipeline(
                pipeline.probe, pipeline.layers, pipeline.config, pipeline.progress, classes=classes
            )
            self.series = tuple(self._pipeline.series)

    def continue_from(self, previous: Atlas) -> None:
        """Continues the map of a logged class atlas."""
        if self._pipeline is not None:
            self._pipeline.continue_from(previous)

    def record(
        self,
        model: nn.Module,
        step: int,
        wall_time: float | None,
        skipped: Sequence[Skipped],
        logged: Container[str],
    ) -> list[AtlasCost]:
        """Logs the class atlases of a step.

        Args:
            model: The model; it is not changed.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            skipped: Steps that were skipped since the last atlas.
            logged: Series that are in the log at this step.
        """
        pipeline = self._pipeline
        missing = [series for series in self.series if series not in logged]
        if pipeline is None or not missing:
            return []
        costs, start = [], time.perf_counter()
        try:
            pipeline.choose(model)
        except Exception as error:  # from user code in the backward pass
            self._fail(pipeline.layer, step, error)
            return []
        for series in missing:
            try:
                atlas = pipeline.atlas(model, series, step, wall_time)
                blobs = encode_atlas(atlas.replace(skipped=tuple(skipped)))
                self._sink.write(
                    layer_tag(series, sequence=atlas.sequence), blobs, step, atlas.wall_time
                )
                self._sink.flush()
            except Exception as error:
                self._fail(series, step, error)
                continue
            end = time.perf_counter()
            # The first one includes the time of select_logits the samples of all.
            costs.append(AtlasCost(series, end - start, sum(map(len, blobs))))
            start = end
        return costs

    def _fail(self, series: str, step: int, error: Exception) -> None:
        # With the series as its source, it is reported once and not at every step.
        text = f"step {step}: the class atlas {series!r} is not logged"
        self._failures.append(_make_error(text, error, series))


def _make_error(text: str, error: Exception, source: str) -> WorkerError:
    reason = str(error) if isinstance(error, AtlasError) else describe_error(error)
    return WorkerError(f"{text}: {reason}", source)
