# SPDX-License-Identifier: Apache-2.0
"""Class atlases at successive steps.

The samples are selected again at every step; early in training hardly any are selected twice.
To continue a map, the current activations of the previous samples are laid out first, starting from
the previous map. The new samples are then added (`align_to_run.extend_layout`), and only these are
kept.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from torch import nn

from tensorboard_plugin_atlas.analysis.class_series import (
    CLASS_ATLAS,
    Axis,
    ClassAtlas,
    names_of,
    series_name,
)
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Quality
from tensorboard_plugin_atlas.compute.attribution.attribute import Attribution
from tensorboard_plugin_atlas.compute.class_atlas.sample_selection import (
    Selection,
    combine_selections,
    select_class_samples,
)
from tensorboard_plugin_atlas.compute.layout.align_to_run import extend_layout, keep_finite_pairs
from tensorboard_plugin_atlas.compute.layout.layout import (
    LINE_LENGTH_PER_SAMPLE,
    Layout,
    compute_layout,
    restore_layout,
)
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.compute.layout.viewport import (
    is_outside,
    place_on_map,
    update_viewport,
)
from tensorboard_plugin_atlas.compute.model.activations import (
    LayerActivations,
    ProbeOutputs,
    collect_activations,
)
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline, LayerState
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.sample_subset import is_many
from tensorboard_plugin_atlas.wire.compact_samples import round_positions

_MIN_CONTINUED: Final = 5
"""Smallest number of samples shared with the previous map to continue it."""
_SAMPLES_PER_COUNT: Final = 100
"""`min_count` is one per this number of samples, and at most `AtlasConfig.min_count`."""
_MIN_WIDTH: Final = 0.75
"""A map narrower than this fraction of the viewport gets a new viewport."""
_AXIS_PERCENTILE: Final = 99.0
"""Percentile of the differences of attribution that is shown at the edge of the map."""


@dataclass
class ClassPipeline(AtlasPipeline):
    """Computes class atlases of the last of `layers`.

    Attributes:
        classes: For each atlas, the index of its class or of its two classes.
    """

    classes: tuple[tuple[int, ...], ...] = ()
    _chosen: Mapping[int, Selection] = field(default_factory=dict)
    _current: _Current | None = None
    _previous: dict[str, Atlas] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """The layer whose class atlases are computed."""
        return self.layers[-1]

    @property
    def series(self) -> Mapping[str, tuple[int, ...]]:
        """Name of each series, and its classes."""
        return {
            series_name(self.layer, names_of(classes, self.probe.classes)): classes
            for classes in self.classes
        }

    def choose(self, model: nn.Module) -> None:
        """Selects the samples of all classes at a step, for `atlas`.

        Raises:
            ArgumentError: if there is no attribution, or no such class.
            LayerError: if the layer does not exist or does not run.
        """
        self._chosen = select_class_samples(
            model,
            self.layer,
            self.probe,
            list(dict.fromkeys(index for classes in self.classes for index in classes)),
            most=self.config.samples,
            batch_size=self.config.batch_size,
        )

    def atlas(
        self, model: nn.Module, series: str, step: int, wall_time: float | None = None
    ) -> Atlas:
        """Computes the atlas of one series at the step for which samples were selected.

        Args:
            model: The same model as for `choose`.
            series: One of `series`.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.

        Raises:
            ArgumentError: if no position has positive attribution to a class.
            AtlasError: if the layout cannot be computed; the message says why.
        """
        classes = self.series[series]
        names = names_of(classes, self.probe.classes)
        for index, name in zip(classes, names, strict=True):
            if not len(self._chosen[index]):
                raise ArgumentError(
                    f"class {name!r} has no attribution at any position of the probe's "
                    f"{len(self.probe.images):,} images, layer {self.layer!r}, step {step:,}"
                )
        chosen = combine_selections(self._chosen, classes, self.config.samples)
        whole = self.probe
        merged, own, earlier = self._merge_samples(series, chosen)
        try:
            self.probe = merged
            found = collect_activations(
                model,
                (self.layer,),
                self.probe,
                batch_size=self.config.batch_size,
                surround=self.config.icons not in ("none", "examples"),
            )
            outputs = found.layers[self.layer]
            self._current = _Current(series, classes, names, chosen, own, earlier, outputs.values)
            self.probe = dataclasses.replace(
                whole.at(chosen.images, chosen.positions, chosen.map_size),
                notes=(*whole.notes, *chosen.notes),
            )
            state = self._states.setdefault(
                series, LayerState(receptive=self._find_receptive_field())
            )
            now = time.time() if wall_time is None else wall_time
            selected = _select_predictions(found, merged, own)
            atlas = self._compute_atlas(
                model, selected, _select_activations(outputs, own), state, step, now, None
            )
            made = self._set_series(atlas)
        finally:
            self.probe, self._current = whole, None
        self._previous[series] = made.replace(grids=())
        return made

    def continue_from(self, previous: Atlas) -> None:
        """Continues the series of an atlas of a log, and its map if the probe is the same.

        Args:
            previous: An atlas of one of `series`.
        """
        state = self._states.setdefault(previous.layer, LayerState())
        state.logged = previous.sequence
        is_known = np.isin(previous.image_ids, self.probe.image_ids).all()
        if previous.provenance.probe == self.probe.digest and is_known:
            self._previous[previous.layer] = previous.replace(grids=())
            return
        state.notes = (f"layout: started over after step {previous.step:,}, with another probe",)

    def _find_receptive_field(self) -> ReceptiveField | None:
        """Returns the receptive field of the layer if a series has measured it."""
        fields = (state.receptive for state in self._states.values())
        return next((one for one in fields if one is not None), None)

    def _merge_samples(
        self, series: str, chosen: Selection
    ) -> tuple[Probe, NDArray[np.intp], NDArray[np.intp]]:
        """Returns a probe of the current and the previous samples, and the rows of both in it."""
        keys = np.column_stack([chosen.images, chosen.positions])
        previous = self._previous.get(series)
        if previous is not None and (previous.positions >= chosen.map_size).any():
            previous = None
            del self._previous[series]
        if previous is not None:
            # Both are of one probe, so that all images are found.
            order = np.argsort(self.probe.image_ids, kind="stable")
            images = order[np.searchsorted(self.probe.image_ids[order], previous.image_ids)]
            keys = np.concatenate([keys, np.column_stack([images, previous.positions])])
        union, index = np.unique(keys, axis=0, return_inverse=True)
        merged = self.probe.at(union[:, 0], union[:, 1:], chosen.map_size)
        index = index.ravel()
        return merged, index[: len(chosen)], index[len(chosen) :]

    def _compute_map(
        self, layer: LayerActivations, state: LayerState, receptive: ReceptiveField
    ) -> tuple[Layout, Quality]:
        current = self._get_current()
        self._carry_icons(state)
        is_line = len(current.classes) == 2
        previous = self._previous.get(current.series)
        rows, earlier = current.earlier, np.arange(len(current.earlier))
        if previous is not None:
            rows, earlier = keep_finite_pairs(previous, current.activations, rows, earlier)
        if previous is None or len(rows) < _MIN_CONTINUED:
            layout = compute_layout(layer.values, config=self.config, is_line=is_line)
        else:
            there = _restore_layout(
                previous, earlier, is_line, len(current.activations), self.config
            )
            everything = extend_layout(
                there, rows, current.activations, config=self.config, is_line=is_line
            )
            both = len(np.intersect1d(current.own, current.earlier))
            note = (
                f"layout: continues step {previous.step:,} by its {len(rows):,} samples; {both:,} "
                f"of them are among these {len(layer.values):,}"
            )
            layout = _select_layout(everything, current.own, (note, *everything.notes))
        if is_line:
            layout = self._add_class_axis(
                layout, measure_quality(layer.values, layout).trustworthiness
            )
        # No overlap or noise floor: the previous atlas has other samples.
        return layout, measure_quality(layer.values, layout)

    def _carry_icons(self, state: LayerState) -> None:
        """Assigns the current samples to the previous cells that they were in."""
        current = self._get_current()
        row = np.full(len(current.activations), -1, np.intp)
        row[current.earlier] = np.arange(len(current.earlier))
        before = row[current.own]
        known = before >= 0
        carried = []
        for cells, unfinished in state.icons.rendered:
            cell_of = np.full(len(before), -1, np.int32)
            cell_of[known] = cells.cell_of[before[known]]
            carried.append((dataclasses.replace(cells, cell_of=cell_of), unfinished))
        state.icons.rendered = tuple(carried)

    def _add_class_axis(self, line: Layout, trustworthiness: float | None) -> Layout:
        """Returns a vertical layout with the difference of two attributions as horizontal axis.

        Args:
            line: Layout along a horizontal line.
            trustworthiness: Trustworthiness of `line`.
        """
        current = self._get_current()
        right, left = current.classes
        attribution = current.chosen.attribution
        difference = attribution[:, right] - attribution[:, left]
        known = np.isfinite(difference)
        reach = (
            float(np.percentile(np.abs(difference[known]), _AXIS_PERCENTILE))
            if known.any()
            else 0.0
        )
        notes = line.notes
        if not reach:
            notes, reach = (*notes, "layout: the attributions to both classes are equal"), 1.0
        share = np.where(known, difference, 0) / reach
        # The right edge belongs to the last cell.
        x = (np.clip(share, -1, 1) + 1) / 2
        current.axis = Axis(left=left, right=right, reach=reach, trustworthiness=trustworthiness)
        (y0, _), (y1, _) = line.viewport.tolist()
        xy = np.column_stack([x, line.xy[:, 0]]).astype(np.float32)
        return dataclasses.replace(
            line,
            xy=round_positions(xy) if is_many(len(xy)) else xy,
            raw=np.column_stack([share * reach, line.raw[:, 0]]).astype(np.float32),
            viewport=np.array([[-reach, y0], [reach, y1]], np.float32),
            clamped=line.clamped | (np.abs(share) > 1),
            notes=notes,
        )

    def _grid_config(self) -> AtlasConfig:
        """Returns the settings with a smaller `min_count` if there are few samples."""
        least = max(1, len(self.probe) // _SAMPLES_PER_COUNT)
        return dataclasses.replace(self.config, min_count=min(self.config.min_count, least))

    def _track_concepts(self, atlas: Atlas, layer: LayerActivations, state: LayerState) -> Atlas:
        return atlas

    def _compute_attribution(self, model: nn.Module, layer: str, state: LayerState) -> Attribution:
        return Attribution(self._get_current().chosen.attribution)

    def _set_series(self, atlas: Atlas) -> Atlas:
        """Returns an atlas with the name of its series and the metadata of a class atlas."""
        current = self._get_current()
        stated = ClassAtlas(
            layer=self.layer,
            classes=current.classes,
            names=current.names,
            rule=current.chosen.rule,
            axis=current.axis,
        )
        origin = atlas.provenance
        info = {**origin.layer_info, CLASS_ATLAS: stated.as_dict()}
        return atlas.replace(
            layer=current.series, provenance=dataclasses.replace(origin, layer_info=info)
        )

    def _get_current(self) -> _Current:
        if self._current is None:
            raise RuntimeError("no atlas is being computed")
        return self._current


@dataclass
class _Current:
    """State of the atlas that is being computed.

    Attributes:
        series: Name of the series.
        classes: Index of its class, or of both classes.
        names: Class names.
        chosen: Its N samples.
        own: (N,) rows of these samples in `activations`.
        earlier: (M,) rows of the previous samples in `activations`; empty at a first step.
        activations: (U, C) float32: current activations of the union of both.
        axis: Horizontal axis of two classes, once it is computed.
    """

    series: str
    classes: tuple[int, ...]
    names: tuple[str, ...]
    chosen: Selection
    own: NDArray[np.intp]
    earlier: NDArray[np.intp]
    activations: FloatArray
    axis: Axis | None = None


def _select_predictions(found: ProbeOutputs, probe: Probe, rows: NDArray[np.intp]) -> ProbeOutputs:
    """Returns outputs with the predictions for some samples of a probe."""
    if found.predictions is None:
        return found
    predictions = found.predictions.at_samples(probe.sample_image).select(rows)
    return dataclasses.replace(found, predictions=predictions)


def _select_activations(outputs: LayerActivations, rows: NDArray[np.intp]) -> LayerActivations:
    return dataclasses.replace(
        outputs,
        values=outputs.values[rows],
        positions=outputs.positions[rows],
        surround=None if outputs.surround is None else outputs.surround[rows],
    )


def _select_layout(layout: Layout, rows: NDArray[np.intp], notes: tuple[str, ...]) -> Layout:
    """Returns the layout of some rows, without neighbors."""
    raw, invalid = layout.raw[rows], layout.invalid[rows]
    viewport, changed = update_viewport(raw[~invalid], layout.viewport, least=_MIN_WIDTH)
    xy, raw = place_on_map(raw, viewport)
    return Layout(
        xy=xy,
        raw=raw,
        viewport=viewport,
        clamped=is_outside(raw, viewport) & ~invalid,
        invalid=invalid,
        neighbors=np.empty((len(rows), 0), np.int32),
        notes=tuple(dict.fromkeys((*notes, *changed))),
    )


def _restore_layout(
    previous: Atlas, rows: NDArray[np.intp], is_line: bool, count: int, config: AtlasConfig
) -> Layout:
    """Returns the layout of some samples of the previous atlas.

    Args:
        previous: The previous atlas.
        rows: Rows of its samples.
        is_line: Whether its vertical axis is a layout along a line.
        count: Number of samples that will lie on the line, which is stretched if it is too short.
        config: The settings.
    """
    if not is_line:
        activations = previous.activations[rows]
        return restore_layout(
            previous.xy[rows], activations, viewport=previous.viewport, config=config
        )
    xy = np.column_stack([previous.xy[rows, 1], np.full(len(rows), 0.5, np.float32)])
    y0, y1 = (
        (0.0, LINE_LENGTH_PER_SAMPLE * count)
        if previous.viewport is None
        else previous.viewport[1::2]
    )
    y0, y1 = (end * max(1.0, LINE_LENGTH_PER_SAMPLE * count / (y1 - y0)) for end in (y0, y1))
    half = (y1 - y0) / 2
    viewport = (y0, -half, y1, half)
    layout = restore_layout(xy, previous.activations[rows], viewport=viewport, config=config)
    layout.raw[:, 1] = 0
    return layout
