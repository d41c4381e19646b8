# SPDX-License-Identifier: Apache-2.0
"""Atlases of what speaks for one class at a layer or tells two apart, checkpoint after checkpoint.

The samples are chosen anew at every checkpoint, and early in training hardly one is chosen twice.
So those of the checkpoint before are asked again: what they say today is laid out as the
continuation of their map, today's samples join them (`aligning.extend_layout`), and only these are
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
    ROOM_ON_A_LINE,
    Layout,
    compute_layout,
    restore_layout,
)
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.compute.layout.viewport import is_outside, to_map, update_viewport
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations, collect_activations
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline, LayerState
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

_FEWEST: Final = 5
"""With fewer samples a map has nothing to be continued by."""
_CELLS_PER_COUNT: Final = 100
"""Of so many samples a cell needs one to be drawn, up to `AtlasConfig.min_count`."""
_LEAST_WIDTH: Final = 0.75
"""A map that fills less of the viewport's width gets a new one: what filled the rest is gone."""
_REACH: Final = 99.0
"""Percentile of the differences between two classes that is drawn at the rim."""


@dataclass
class ClassPipeline(AtlasPipeline):
    """Computes atlases of classes of the last of `layers`.

    Attributes:
        classes: The index of each class, and of the two classes of each pair, to make an atlas of.
    """

    classes: tuple[tuple[int, ...], ...] = ()
    _chosen: Mapping[int, Selection] = field(default_factory=dict)
    _current: _Current | None = None
    _previous: dict[str, Atlas] = field(default_factory=dict)

    @property
    def layer(self) -> str:
        """The layer that is asked."""
        return self.layers[-1]

    @property
    def series(self) -> Mapping[str, tuple[int, ...]]:
        """What each asked-for atlas is called, and its classes."""
        return {
            series_name(self.layer, names_of(classes, self.probe.classes)): classes
            for classes in self.classes
        }

    def choose(self, model: nn.Module) -> None:
        """Chooses the samples of all classes for a checkpoint; `atlas` makes atlases of them.

        Raises:
            ArgumentError: if there is no attribution to be had, or no such class.
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
        """Returns the atlas of one series at the checkpoint that samples were chosen for.

        Args:
            model: The same model as for `choose`.
            series: One of `series`.
            step: Global step.
            wall_time: Seconds since the epoch, or None for now.

        Raises:
            ArgumentError: if nothing speaks for a class.
            AtlasError: if there is no map; the message says why.
        """
        classes = self.series[series]
        names = names_of(classes, self.probe.classes)
        for index, name in zip(classes, names, strict=True):
            if not len(self._chosen[index]):
                raise ArgumentError(
                    f"no place of the probe's {len(self.probe.images):,} images speaks for class "
                    f"{name!r} in layer {self.layer!r} at step {step:,}"
                )
        chosen = combine_selections(self._chosen, classes, self.config.samples)
        whole = self.probe
        asked, own, earlier = self._asked_places(series, chosen)
        try:
            self.probe = asked
            found = collect_activations(
                model,
                (self.layer,),
                self.probe,
                batch_size=self.config.batch_size,
                surround=self.config.icons not in ("none", "examples"),
            )
            answers = found.layers[self.layer]
            self._current = _Current(series, classes, names, chosen, own, earlier, answers.values)
            self.probe = dataclasses.replace(
                whole.at(chosen.images, chosen.positions, chosen.map_size),
                notes=(*whole.notes, *chosen.notes),
            )
            memory = self._memory.setdefault(series, LayerState(receptive=self._receptive()))
            now = time.time() if wall_time is None else wall_time
            plain = self._atlas(model, found, _some(answers, own), memory, step, now, None)
            made = self._named(plain)
        finally:
            self.probe, self._current = whole, None
        self._previous[series] = made.replace(grids=())
        return made

    def continue_from(self, previous: Atlas) -> None:
        """Counts on from an atlas of a log, and continues its map where the probe is the same.

        Args:
            previous: An atlas of one of `series`.
        """
        memory = self._memory.setdefault(previous.layer, LayerState())
        memory.logged = previous.sequence
        is_known = np.isin(previous.image_ids, self.probe.image_ids).all()
        if previous.provenance.probe == self.probe.digest and is_known:
            self._previous[previous.layer] = previous.replace(grids=())
            return
        memory.notes = (f"layout: started afresh after step {previous.step:,}, with another probe",)

    def _receptive(self) -> ReceptiveField | None:
        """Returns the field of the layer, measured once for all series."""
        fields = (memory.receptive for memory in self._memory.values())
        return next((one for one in fields if one is not None), None)

    def _asked_places(
        self, series: str, chosen: Selection
    ) -> tuple[Probe, NDArray[np.intp], NDArray[np.intp]]:
        """Returns a probe of the places chosen now and before, and the rows of either in it."""
        spots = np.column_stack([chosen.images, chosen.positions])
        previous = self._previous.get(series)
        if previous is not None and (previous.positions >= chosen.map_size).any():
            previous = None
            del self._previous[series]
        if previous is not None:
            # Of one probe, so that each of its images is there.
            order = np.argsort(self.probe.image_ids, kind="stable")
            images = order[np.searchsorted(self.probe.image_ids[order], previous.image_ids)]
            spots = np.concatenate([spots, np.column_stack([images, previous.positions])])
        union, place = np.unique(spots, axis=0, return_inverse=True)
        asked = self.probe.at(union[:, 0], union[:, 1:], chosen.map_size)
        place = place.ravel()
        return asked, place[: len(chosen)], place[len(chosen) :]

    def _map(
        self, layer: LayerActivations, memory: LayerState, receptive: ReceptiveField
    ) -> tuple[Layout, Quality]:
        current = self._now()
        self._carry_icons(memory)
        is_line = len(current.classes) == 2
        previous = self._previous.get(current.series)
        rows, earlier = current.earlier, np.arange(len(current.earlier))
        if previous is not None:
            rows, earlier = keep_finite_pairs(previous, current.answers, rows, earlier)
        if previous is None or len(rows) < _FEWEST:
            layout = compute_layout(layer.values, config=self.config, is_line=is_line)
        else:
            there = _resumed(previous, earlier, is_line, len(current.answers), self.config)
            everything = extend_layout(
                there, rows, current.answers, config=self.config, is_line=is_line
            )
            both = len(np.intersect1d(current.own, current.earlier))
            note = (
                f"layout: continues step {previous.step:,}, whose {len(rows):,} samples were asked "
                f"again; {both:,} of them are among these {len(layer.values):,}"
            )
            layout = _part(everything, current.own, (note, *everything.notes))
        if is_line:
            layout = self._across(layout, measure_quality(layer.values, layout).trustworthiness)
        # Nothing is said of change or of chance since the step before, whose samples were others.
        return layout, measure_quality(layer.values, layout)

    def _carry_icons(self, memory: LayerState) -> None:
        """Has the cells of the step before hold the samples of today that were in them."""
        current = self._now()
        row = np.full(len(current.answers), -1, np.intp)
        row[current.earlier] = np.arange(len(current.earlier))
        before = row[current.own]
        known = before >= 0
        carried = []
        for cells, drafts in memory.drawn:
            cell_of = np.full(len(before), -1, np.int32)
            cell_of[known] = cells.cell_of[before[known]]
            carried.append((dataclasses.replace(cells, cell_of=cell_of), drafts))
        memory.drawn = tuple(carried)

    def _across(self, line: Layout, trust: float | None) -> Layout:
        """Returns a line drawn upright, and across it which of two classes each sample speaks for.

        Args:
            line: Layout along a horizontal line.
            trust: Its trustworthiness.
        """
        current = self._now()
        right, left = current.classes
        said = current.chosen.attribution
        difference = said[:, right] - said[:, left]
        known = np.isfinite(difference)
        reach = float(np.percentile(np.abs(difference[known]), _REACH)) if known.any() else 0.0
        notes = line.notes
        if not reach:
            notes, reach = (*notes, "layout: no sample speaks for one of both more"), 1.0
        share = np.where(known, difference, 0) / reach
        # Half-open, as cells are: the rim belongs to the last of them.
        x = (np.clip(share, -1, 1) + 1) / 2
        current.axis = Axis(left=left, right=right, reach=reach, trust=trust)
        (y0, _), (y1, _) = line.viewport.tolist()
        return dataclasses.replace(
            line,
            xy=np.column_stack([x, line.xy[:, 0]]).astype(np.float32),
            raw=np.column_stack([share * reach, line.raw[:, 0]]).astype(np.float32),
            viewport=np.array([[-reach, y0], [reach, y1]], np.float32),
            clamped=line.clamped | (np.abs(share) > 1),
            notes=notes,
        )

    def _binning(self) -> AtlasConfig:
        """Of few samples, cells are drawn that hold fewer."""
        least = max(1, len(self.probe) // _CELLS_PER_COUNT)
        return dataclasses.replace(self.config, min_count=min(self.config.min_count, least))

    def _followed(self, plain: Atlas, memory: LayerState) -> Atlas:
        return plain

    def _attribution(self, model: nn.Module, layer: str) -> Attribution:
        return Attribution(self._now().chosen.attribution)

    def _named(self, atlas: Atlas) -> Atlas:
        """Returns an atlas under the name of its series, with what it states of itself."""
        current = self._now()
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

    def _now(self) -> _Current:
        if self._current is None:
            raise RuntimeError("no atlas is being made")
        return self._current


@dataclass
class _Current:
    """The atlas that is being made.

    Attributes:
        series: What it is called.
        classes: Index of its class, or of both.
        names: What they are called.
        chosen: Its N samples.
        own: (N,) rows of these in `answers`.
        earlier: (M,) rows of the samples of the step before in `answers`; none of a first step.
        answers: (U, C) float32: what the layer says today at all of these places.
        axis: Of two classes, once they are laid out.
    """

    series: str
    classes: tuple[int, ...]
    names: tuple[str, ...]
    chosen: Selection
    own: NDArray[np.intp]
    earlier: NDArray[np.intp]
    answers: FloatArray
    axis: Axis | None = None


def _some(answers: LayerActivations, rows: NDArray[np.intp]) -> LayerActivations:
    return dataclasses.replace(
        answers,
        values=answers.values[rows],
        positions=answers.positions[rows],
        surround=None if answers.surround is None else answers.surround[rows],
    )


def _part(layout: Layout, rows: NDArray[np.intp], notes: tuple[str, ...]) -> Layout:
    """Returns the layout of some rows; their neighbors among themselves are not known."""
    raw, invalid = layout.raw[rows], layout.invalid[rows]
    viewport, changed = update_viewport(raw[~invalid], layout.viewport, least=_LEAST_WIDTH)
    return Layout(
        xy=to_map(raw, viewport),
        raw=raw,
        viewport=viewport,
        clamped=is_outside(raw, viewport) & ~invalid,
        invalid=invalid,
        neighbors=np.empty((len(rows), 0), np.int32),
        notes=tuple(dict.fromkeys((*notes, *changed))),
    )


def _resumed(
    previous: Atlas, rows: NDArray[np.intp], is_line: bool, count: int, config: AtlasConfig
) -> Layout:
    """Returns the layout of some rows of the step before.

    Args:
        previous: That step.
        rows: Which rows.
        is_line: Whether they lie on a line, upright as it was drawn.
        count: Samples that will lie on it, for which it is stretched where it has no room.
        config: The recipe.
    """
    if not is_line:
        activations = previous.activations[rows]
        return restore_layout(
            previous.xy[rows], activations, viewport=previous.viewport, config=config
        )
    xy = np.column_stack([previous.xy[rows, 1], np.full(len(rows), 0.5, np.float32)])
    y0, y1 = (0.0, ROOM_ON_A_LINE * count) if previous.viewport is None else previous.viewport[1::2]
    y0, y1 = (end * max(1.0, ROOM_ON_A_LINE * count / (y1 - y0)) for end in (y0, y1))
    half = (y1 - y0) / 2
    viewport = (y0, -half, y1, half)
    layout = restore_layout(xy, previous.activations[rows], viewport=viewport, config=config)
    layout.raw[:, 1] = 0
    return layout
