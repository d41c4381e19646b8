# SPDX-License-Identifier: Apache-2.0
"""What an export contains: the selection of the user, and what a size limit leaves out."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.export.event_provider import LogContents
from tensorboard_plugin_atlas.log_names import (
    CHILD_RUN,
    layer_of_shortcuts,
    parse_refined_run,
    revision_of_tag,
)
from tensorboard_plugin_atlas.logs.record_selection import shorten_list


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The atlases that the user selected.

    Attributes:
        run: Only this run and those below it; None for all.
        layers: Only these layers; None for all.
        steps: Only these steps; None for all.
        every: Keep one of this many steps; the first and the last step are always kept.
    """

    run: str | None = None
    layers: tuple[str, ...] | None = None
    steps: tuple[int, ...] | None = None
    every: int = 1

    def apply(self, log: LogContents) -> LogContents:
        """Returns the selected records, and the probe images of their runs.

        Raises:
            ArgumentError: if there are none; the message lists what was logged.
        """
        layers: dict[str, set[str]] = defaultdict(set)
        for run, tag in log.records:
            layer = _layer_of_atlases(tag)
            if layer is not None and self._selects_run(run):
                layers[run].add(layer)
        self._check(log, layers)
        kept = log.filter(lambda run, tag, step: self._selects(layers, run, tag, step))
        return thin_steps(kept, self.every)

    def _selects(self, layers: Mapping[str, set[str]], run: str, tag: str, step: int) -> bool:
        layer = _layer_of(tag)
        if layer is None:  # probe images
            return run in layers and (self.layers is None or bool(layers[run] & set(self.layers)))
        return (
            self._selects_run(run)
            and (self.layers is None or layer in self.layers)
            and (self.steps is None or step in self.steps)
        )

    def _selects_run(self, run: str) -> bool:
        return self.run is None or run == self.run or run.startswith(f"{self.run}/")

    def _check(self, log: LogContents, layers: Mapping[str, set[str]]) -> None:
        """Checks that each selected run, layer, and step was logged."""
        runs = {run.removesuffix(f"/{CHILD_RUN}") for run, tag in log.records if _layer_of(tag)}
        if not runs:
            raise ArgumentError(
                "no atlases in this log directory; pass the directory that was passed to "
                "AtlasWriter, or one above it"
            )
        if not layers:
            raise ArgumentError(
                f"run {self.run!r} was not logged; pass one of {shorten_list(runs)}"
            )
        known = set().union(*layers.values())
        for layer in self.layers or ():
            if layer not in known:
                raise ArgumentError(
                    f"layer {layer!r} was not logged; pass one of {shorten_list(known)}"
                )
        steps = {
            one.step
            for (run, tag), found in log.records.items()
            if run in layers and _layer_of_atlases(tag) in (self.layers or known)
            for one in found
        }
        for step in self.steps or ():
            if step not in steps:
                some = [f"{one}" for one in sorted(steps)]
                listed = ", ".join(some if len(some) <= _SHOWN else [*some[:_SHOWN], "..."])
                raise ArgumentError(f"step {step} was not logged; pass one of {listed}")


_SHOWN = 10
"""Largest number of steps that a message lists."""


def _layer_of_atlases(tag: str) -> str | None:
    found = revision_of_tag(tag)
    return None if found is None else found[0]


def _layer_of(tag: str) -> str | None:
    """Returns the layer of an atlas or of shortcuts; None for probe images."""
    found = _layer_of_atlases(tag)
    return layer_of_shortcuts(tag) if found is None else found


def thin_steps(log: LogContents, every: int) -> LogContents:
    """Returns one of `every` atlases of each layer of each run, and the first and the last one.

    Refined atlases and shortcuts are kept with the atlases of their steps.
    """
    if every == 1:
        return log
    steps: dict[tuple[str, str], set[int]] = defaultdict(set)
    for (run, tag), found in log.records.items():
        layer = _layer_of_atlases(tag)
        if layer is not None and parse_refined_run(run) is None:
            steps[run, layer].update(one.step for one in found)
    kept = {at: _thin(sorted(ones), every) for at, ones in steps.items()}

    def is_kept(run: str, tag: str, step: int) -> bool:
        layer = _layer_of(tag)
        return layer is None or step in kept.get((_source_run(run), layer), ())

    return log.filter(is_kept)


def _thin(steps: Sequence[int], every: int) -> set[int]:
    return {*steps[::every], *steps[-1:]}


def _source_run(run: str) -> str:
    """Returns the run that shows the records of `run`: refined atlases replace the originals."""
    refined = parse_refined_run(run)
    return run if refined is None else refined[0]


@dataclass(frozen=True, kw_only=True)
class Omissions:
    """What an export leaves out of the selected atlases.

    Attributes:
        activations: Whether the activations are left out.
        largest_grid: Grids with more cells along an axis are left out, except for the coarsest one
            of an atlas; None for none.
        every: One of this many steps is kept.
    """

    activations: bool = False
    largest_grid: int | None = None
    every: int = 1


@dataclass(frozen=True, kw_only=True)
class AtlasSize:
    """Sizes of the parts of one atlas in a page, in bytes.

    Attributes:
        series: Id of its series.
        step: Global step.
        base: Map, images and other parts that are always there.
        activations: The activations.
        icons: The icons of each grid.
    """

    series: str
    step: int
    base: int
    activations: int
    icons: Mapping[int, int]

    def total(self, omissions: Omissions) -> int:
        """Returns the size without what is left out."""
        grids = select_grids(self.icons, omissions.largest_grid)
        activations = 0 if omissions.activations else self.activations
        return self.base + activations + sum(self.icons[size] for size in grids)


def select_grids(sizes: Iterable[int], largest: int | None) -> list[int]:
    """Returns the sizes of grids that are kept, ascending: at least the coarsest one."""
    ordered = sorted(sizes)
    return [size for size in ordered if largest is None or size <= largest or size == ordered[0]]


def fit_size(atlases: Sequence[AtlasSize], fixed: int, limit: int, start: Omissions) -> Omissions:
    """Returns the least that has to be left out of a page with a maximum size.

    Activations are left out first, then finer grids, then steps.

    Args:
        atlases: Sizes of all selected atlases.
        fixed: Size of everything else.
        limit: Largest size of the page, in bytes.
        start: What is left out anyway.

    Raises:
        ArgumentError: if the smallest page is larger than `limit`.
    """
    total = 0
    for omissions in _list_omissions(atlases, start):
        total = fixed + sum(one.total(omissions) for one in _keep(atlases, omissions.every))
        if total <= limit:
            return omissions
    raise ArgumentError(
        f"max_megabytes={limit / 1e6:g}: the smallest page with these layers has "
        f"{math.ceil(total / 1e5) / 10:.1f} MB; pass a larger limit, or fewer layers or runs"
    )


def _list_omissions(atlases: Sequence[AtlasSize], start: Omissions) -> Iterable[Omissions]:
    yield start
    yield Omissions(activations=True)
    coarsest = None
    for coarsest in sorted({size for one in atlases for size in one.icons}, reverse=True)[1:]:
        yield Omissions(activations=True, largest_grid=coarsest)
    longest = max((len(steps) for steps in _steps_by_series(atlases).values()), default=1)
    every = 2
    while every < 2 * longest:
        yield Omissions(activations=True, largest_grid=coarsest, every=every)
        every *= 2


def _keep(atlases: Sequence[AtlasSize], every: int) -> list[AtlasSize]:
    kept = {at: _thin(steps, every) for at, steps in _steps_by_series(atlases).items()}
    return [one for one in atlases if one.step in kept[one.series]]


def _steps_by_series(atlases: Iterable[AtlasSize]) -> dict[str, list[int]]:
    steps: dict[str, list[int]] = defaultdict(list)
    for one in atlases:
        steps[one.series].append(one.step)
    return {series: sorted(found) for series, found in steps.items()}
