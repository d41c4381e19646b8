# SPDX-License-Identifier: Apache-2.0
"""Adds icons to an atlas: optimized images, and real patches where none can be rendered."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from torch import nn

from tensorboard_plugin_atlas.analysis.layer_scalars import ICON_CHANGE
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray
from tensorboard_plugin_atlas.compute.icons.grid_icons import UnfinishedIcons
from tensorboard_plugin_atlas.compute.icons.icon_change import IconChange, measure_icon_changes
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.icons.patch_icons import describe_failure, render_patches
from tensorboard_plugin_atlas.compute.icons.render_levels import (
    FASTPATH,
    RenderedLevels,
    render_levels,
)
from tensorboard_plugin_atlas.compute.icons.targets import Targets, build_targets
from tensorboard_plugin_atlas.compute.icons.time_limit import TimeLimit
from tensorboard_plugin_atlas.compute.layout.cell_matching import find_predecessors
from tensorboard_plugin_atlas.compute.layout.grid import GridCells
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.ranks import ALONE, Ranks
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import summarize_error
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

PRELIMINARY_QUALITIES: Final = (30,)
PRELIMINARY_ACTIVATION_BYTES: Final = 130_000
"""Size of the activations in a preliminary atlas, so that it hardly adds to the log."""

_STEP_COST: Final = 1.5
"""Time of one optimization step of an icon, relative to cropping and scoring a real patch."""

_PRELIMINARY_NOTE: Final = "icons: preliminary, real patches until the icons are rendered"

_ALONE_NOTE: Final = "icons: rendered by one of the ranks, since icon_seconds limits their time"

_ATTEMPTS: Final = 2
"""Attempts to render icons: of the chosen size, then as whole images."""

OnPreliminary: TypeAlias = Callable[[Atlas], None]


@dataclass
class IconState:
    """What the icons of a layer keep from one atlas to the next.

    Attributes:
        rendered: The cells and unfinished icons of each grid of the last atlas.
        seconds: Time that the icons of the last atlas took, or None.
    """

    rendered: tuple[tuple[GridCells, UnfinishedIcons], ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, eq=False)
class AtlasIcons:
    """Adds icons to the atlases of a model's layers.

    Attributes:
        probe: The images and sampled positions.
        config: The settings.
        source: Source of real patches, shared by all atlases because it caches a spectrum.
        progress: Whether to show a progress bar on a terminal.
        ranks: Each renders some of the icons.
    """

    probe: Probe
    config: AtlasConfig
    source: PatchSource
    progress: bool = True
    ranks: Ranks = ALONE

    def add(
        self,
        atlas: Atlas,
        model: nn.Module,
        layer: LayerActivations,
        receptive: ReceptiveField,
        grids: Sequence[GridCells],
        state: IconState,
        on_preliminary: OnPreliminary | None = None,
    ) -> Atlas:
        """Adds the icons of all grids.

        If they cannot be rendered, they are tried again as whole images, which is what the network
        gets in training. If that fails, they are real patches.

        Args:
            atlas: The atlas without icons.
            model: The model; it does not change.
            layer: The activations of the atlas.
            receptive: Receptive fields of the layer's positions.
            grids: The cells of each grid.
            state: Of the layer; it is updated.
            on_preliminary: Called with a preliminary atlas, which shows real patches for icons, if
                rendering is expected to take longer than `AtlasConfig.draft_seconds`.
        """
        if self.config.icons == "none":
            return atlas
        if self.config.icon_seconds is not None and self.ranks.size > 1:
            return self._add_on_rank_0(atlas, model, layer, receptive, grids, state, on_preliminary)
        limit = TimeLimit(self.config.icon_seconds)
        centers = receptive.centers(layer.positions)
        targets = [
            build_targets(cells, layer.values, self.probe.sample_image, centers, layer.surround)
            for cells in grids
        ]
        failures: list[Exception] = []
        while len(failures) < _ATTEMPTS:
            reason = _describe_retry(layer.layer, failures[0]) if failures else ""
            preliminary = None
            try:
                with self.ranks.fail_together():
                    engine = self._prepare_engine(model, layer.layer, receptive, limit, reason)
                    if on_preliminary is not None and self.config.icons != "examples":
                        preliminary = self._render_preliminary(atlas, layer, engine, targets, state)
            except Exception as error:  # the network runs on other images than in training
                failures.append(error)
                continue
            if on_preliminary is not None and preliminary is not None:
                on_preliminary(preliminary)
                on_preliminary = None
            try:
                with self.ranks.fail_together():
                    return self._render(atlas, layer, state, grids, targets, engine, limit)
            except Exception as error:
                failures.append(error)
                if engine.is_full_size:
                    break
        return self._insert_patches(atlas, layer.layer, state, receptive, targets, failures[-1])

    def _add_on_rank_0(
        self,
        atlas: Atlas,
        model: nn.Module,
        layer: LayerActivations,
        receptive: ReceptiveField,
        grids: Sequence[GridCells],
        state: IconState,
        on_preliminary: OnPreliminary | None,
    ) -> Atlas:
        """Adds icons that rank 0 renders alone, since it decides by its clock when to stop."""
        alone = dataclasses.replace(self, ranks=ALONE)
        made = self.ranks.decide(
            lambda: alone.add(atlas, model, layer, receptive, grids, state, on_preliminary)
        )
        return made.with_notes(_ALONE_NOTE)

    def _prepare_engine(
        self,
        model: nn.Module,
        layer: str,
        receptive: ReceptiveField,
        limit: TimeLimit,
        full_size_reason: str,
    ) -> IconEngine:
        return IconEngine.prepare(
            unwrap(model),
            layer,
            self.source,
            receptive,
            size=self.config.icon_size,
            steps=self.config.icon_steps,
            seed=self.config.seed,
            full_size_reason=full_size_reason,
            limit=limit,
            ranks=self.ranks,
        )

    def _insert_patches(
        self,
        atlas: Atlas,
        layer: str,
        state: IconState,
        receptive: ReceptiveField,
        targets: Sequence[Targets],
        error: Exception,
    ) -> Atlas:
        """Returns the atlas with real patches in place of icons, and a note with the error."""
        state.rendered = ()
        note, size = describe_failure(layer, error), self.config.icon_size
        patches = render_patches(targets, self.source, receptive, size=size, note=note)
        return _insert_icons(atlas, patches)

    def _render(
        self,
        atlas: Atlas,
        layer: LayerActivations,
        state: IconState,
        grids: Sequence[GridCells],
        targets: Sequence[Targets],
        engine: IconEngine,
        limit: TimeLimit,
    ) -> Atlas:
        """Renders the icons of all grids."""
        start = time.perf_counter()
        earlier = _select_warm_start(state, grids, layer.values)
        total = sum(len(cells) for cells in grids)
        with progress_bar(f"icons of {layer.layer}", total, shown=self.progress) as bar:
            rendered = render_levels(
                engine,
                targets,
                self.config.icons,
                warm_start=earlier,
                limit=limit,
                advance=None if bar is None else bar.update,
                ranks=self.ranks,
            )
        sizes = [cells.size for cells in grids]
        changes = (
            ()
            if limit.was_reached
            else measure_icon_changes(engine, sizes, targets, earlier, rendered.icons, self.ranks)
        )
        state.seconds = time.perf_counter() - start
        state.rendered = tuple(
            (cells, level_icons.unfinished)
            for cells, level_icons in zip(grids, rendered.icons, strict=True)
            if level_icons.unfinished is not None
        )
        return _insert_icons(atlas, rendered, changes)

    def _render_preliminary(
        self,
        atlas: Atlas,
        layer: LayerActivations,
        engine: IconEngine,
        targets: Sequence[Targets],
        state: IconState,
    ) -> Atlas | None:
        """Returns the atlas with real patches as icons if rendering is expected to take long."""
        limit, expected = self.config.draft_seconds, self.ranks.decide(lambda: state.seconds)
        if limit is None or (expected is not None and expected <= limit):
            return None
        if self.config.icon_seconds is not None and self.config.icon_seconds <= limit:
            return None
        start = time.perf_counter()
        rendered = render_levels(
            engine, targets, "examples", qualities=PRELIMINARY_QUALITIES, ranks=self.ranks
        )
        if expected is None:
            steps = engine.get_settings(self.config.icons).steps
            seconds = self.ranks.decide(lambda: time.perf_counter() - start)
            if seconds * _STEP_COST * steps <= limit:
                return None
        kept = store_activations(layer.values, max_bytes=PRELIMINARY_ACTIVATION_BYTES)
        samples = dataclasses.replace(atlas.samples, activations=kept)
        rendered = dataclasses.replace(rendered, notes=(*rendered.notes, _PRELIMINARY_NOTE))
        return _insert_icons(atlas.replace(samples=samples), rendered)


def _describe_retry(layer: str, error: Exception) -> str:
    return (
        f"icons: those of layer {layer} cannot be rendered at a smaller size "
        f"({summarize_error(error)}), so icons are optimized at full size"
    )


def _select_warm_start(
    state: IconState, grids: Sequence[GridCells], activations: FloatArray
) -> list[UnfinishedIcons | None]:
    """Returns the unfinished icons that the cells of each grid start from, by predecessor."""
    before = {cells.size: (cells, unfinished) for cells, unfinished in state.rendered}
    return [
        before[cells.size][1].select(find_predecessors(cells, before[cells.size][0], activations))
        if cells.size in before
        else None
        for cells in grids
    ]


def _insert_icons(
    atlas: Atlas, rendered: RenderedLevels, changes: Sequence[IconChange] = ()
) -> Atlas:
    """Returns the atlas with icons, notes about them and their change."""
    info: dict[str, Any] = {FASTPATH: dict(rendered.fastpath)}
    if changes:
        info[ICON_CHANGE] = [one.as_dict() for one in changes]
    return atlas.with_notes(*rendered.notes, **info).replace(grids=rendered.add_to(atlas.grids))
