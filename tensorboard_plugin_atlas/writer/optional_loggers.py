# SPDX-License-Identifier: Apache-2.0
"""What is recorded of a checkpoint beside the atlases of its layers, if it is asked for.

It comes when those are in the log, and what goes wrong with it costs nothing else: each failure is
kept, to be told of in the training process.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Container, Sequence

from torch import nn

from tensorboard_plugin_atlas.atlas import Atlas, Skipped
from tensorboard_plugin_atlas.compute.class_atlas.pipeline import ClassPipeline
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.shortcuts.tracker import ShortcutTracker
from tensorboard_plugin_atlas.errors import AtlasError, WorkerError, describe_error
from tensorboard_plugin_atlas.logs.resume import last_shortcuts
from tensorboard_plugin_atlas.logs.sinks import Sink
from tensorboard_plugin_atlas.metadata import layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts
from tensorboard_plugin_atlas.writer.cost import AtlasCost


class ShortcutLog:
    """Looks for shortcuts at each checkpoint, goes on with those of the log, and writes them.

    Args:
        pipeline: Has the probe and the recipe.
        layer: Where to look, or None to do nothing.
        sink: Takes the records.
        failures: Takes what goes wrong.
    """

    def __init__(
        self, pipeline: AtlasPipeline, layer: str | None, sink: Sink, failures: list[WorkerError]
    ) -> None:
        self.layer = layer
        self._sink, self._failures = sink, failures
        self._watch: ShortcutTracker | None = None
        self._last_step: int | None = None
        if layer is not None:
            known = last_shortcuts(sink.location, layer)
            self._last_step = None if known is None else known.step
            self._watch = ShortcutTracker(pipeline.probe, layer, pipeline.config, known)

    def record(
        self, model: nn.Module, step: int, wall_time: float | None, atlas: Atlas | None
    ) -> list[AtlasCost]:
        """Logs the shortcuts of a checkpoint.

        Args:
            model: The model; it is left as it was.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            atlas: The layer's atlas at this step, to say where on it they lie.
        """
        # After a crash a step is done again, and they may be in the log.
        is_there = self._last_step is not None and self._last_step >= step
        if self._watch is None or self.layer is None or is_there:
            return []
        start = time.perf_counter()
        now = time.time() if wall_time is None else wall_time
        try:
            blobs = encode_shortcuts(self._watch.look(model, step, now, atlas))
            sequence = None if atlas is None else atlas.sequence
            self._sink.write(shortcuts_tag(self.layer, sequence), blobs, step, now)
            self._sink.flush()
        except Exception as error:
            text = f"step {step}: no shortcuts are logged of layer {self.layer!r}"
            self._failures.append(_failure(text, error, _place_of(error)))
            return []
        self._last_step = step
        seconds = time.perf_counter() - start
        return [AtlasCost(self.layer, seconds, sum(map(len, blobs)), is_atlas=False)]


class ClassLog:
    """Makes atlases of classes at each checkpoint and writes them.

    Args:
        pipeline: Has the probe, the layers and the recipe.
        asked: The index of each class, and of the two classes of each pair; none does nothing.
        sink: Takes the records.
        failures: Takes what goes wrong.

    Attributes:
        series: What each is called in the log.
    """

    def __init__(
        self,
        pipeline: AtlasPipeline,
        asked: tuple[tuple[int, ...], ...],
        sink: Sink,
        failures: list[WorkerError],
    ) -> None:
        self._sink, self._failures = sink, failures
        self._classes: ClassPipeline | None = None
        self.series: tuple[str, ...] = ()
        if asked:
            self._classes = ClassPipeline(
                pipeline.probe, pipeline.layers, pipeline.config, pipeline.progress, classes=asked
            )
            self.series = tuple(self._classes.series)

    def continue_from(self, previous: Atlas) -> None:
        """Continues the map of one of the series, as the log has it."""
        if self._classes is not None:
            self._classes.continue_from(previous)

    def record(
        self,
        model: nn.Module,
        step: int,
        wall_time: float | None,
        skipped: Sequence[Skipped],
        there: Container[str],
    ) -> list[AtlasCost]:
        """Logs the atlases of classes of a checkpoint.

        Args:
            model: The model; it is left as it was.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.
            skipped: Checkpoints asked for since the last one and not computed.
            there: Series that are in the log at this step.
        """
        classes = self._classes
        wanted = [series for series in self.series if series not in there]
        if classes is None or not wanted:
            return []
        costs, start = [], time.perf_counter()
        try:
            classes.choose(model)
        except Exception as error:  # whatever the user's code raises under differentiation
            self._fail(classes.layer, step, error)
            return []
        for series in wanted:
            try:
                atlas = classes.atlas(model, series, step, wall_time)
                blobs = encode_atlas(atlas.replace(skipped=tuple(skipped)))
                self._sink.write(
                    layer_tag(series, sequence=atlas.sequence), blobs, step, atlas.wall_time
                )
                self._sink.flush()
            except Exception as error:
                self._fail(series, step, error)
                continue
            end = time.perf_counter()
            # What choosing took is counted with the first.
            costs.append(AtlasCost(series, end - start, sum(map(len, blobs))))
            start = end
        return costs

    def _fail(self, series: str, step: int, error: Exception) -> None:
        # A class that nothing speaks for is told of once, at whatever step.
        self._failures.append(
            _failure(f"no class atlas {series!r} at step {step:,}", error, series)
        )


def _failure(text: str, error: Exception, place: str) -> WorkerError:
    reason = str(error) if isinstance(error, AtlasError) else describe_error(error)
    return WorkerError(f"{text}: {reason}", place)


def _place_of(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
