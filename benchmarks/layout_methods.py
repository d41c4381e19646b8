# SPDX-License-Identifier: Apache-2.0
"""Maps of one training run by several layout methods: this package and two of umap-learn.

The peers are `umap.UMAP` for each logged step, aligned to the one before by Procrustes analysis,
and `umap.AlignedUMAP.update` for one step after another: both are possible while a network trains.
This module does not import torch, so that processes can be measured without it.
"""

from __future__ import annotations

import dataclasses
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.compute.layout import layout as layout_module
from tensorboard_plugin_atlas.compute.layout.anchoring import align_procrustes
from tensorboard_plugin_atlas.compute.layout.layout import Layout, compute_layout, compute_relayout
from tensorboard_plugin_atlas.compute.layout.viewport import fit_viewport, to_map, update_viewport
from tensorboard_plugin_atlas.config import AtlasConfig

RESEEDED = (101, 102, 103)
"""Seeds of layouts that no noise floor was estimated from."""
SWAPPED = 20
"""One of this many samples gets the activation of another, to test whether it is detected."""

Rows = NDArray[np.float16]
Coordinates = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Chain:
    """T successive maps of N samples.

    Attributes:
        raw: T arrays (N, 2) in units of the optimizer.
        xy: T arrays (N, 2) in the unit square.
        seconds: CPU seconds of each map; the mean if all maps are computed together.
        again: (N, 2) coordinates of the last step, laid out again after itself with another
            seed, as for an unchanged network.
        still: Fraction of its samples above their noise floor.
        planted: Fraction above their noise floor of samples that were swapped at the last step.
        floors: T - 1 noise floors (N,) in map units, or none.
        reseeded: T - 1 lists of maps (N, 2) with the seeds of `RESEEDED`, in map units, or none.
    """

    raw: Sequence[Coordinates]
    xy: Sequence[Coordinates]
    seconds: Sequence[float]
    again: Coordinates
    still: float = float("nan")
    planted: float = float("nan")
    floors: Sequence[Coordinates] = ()
    reseeded: Sequence[Sequence[Coordinates]] = ()


def measure_time(call: Callable[[], Any]) -> tuple[Any, float]:
    """Returns the result of a call, and its CPU seconds."""
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def lay_out(activations: Rows, seed: int, *, calibrate: bool = False, **settings: Any) -> Chain:
    """Lays out each logged step after the one before, as the writer does.

    Args:
        activations: (T, N, C) of each logged step.
        seed: `AtlasConfig.seed`.
        calibrate: Whether to lay out later steps with the seeds of `RESEEDED` as well.
        **settings: More settings of `AtlasConfig`.
    """
    config = AtlasConfig(seed=seed, **settings)
    layouts: list[Layout] = []
    seconds, reseeded = [], []
    for rows in activations:
        before = layouts[-1] if layouts else None
        layout, spent = measure_time(lambda r=rows, b=before: compute_layout(r, b, config=config))
        if before is not None and calibrate:
            others = [dataclasses.replace(config, seed=seed + other) for other in RESEEDED]
            reseeded.append([_lay_out_again(rows, before, layout, other) for other in others])
        layouts.append(layout)
        seconds.append(spent)
    again = compute_layout(
        activations[-1], layouts[-1], config=dataclasses.replace(config, seed=seed + RESEEDED[0])
    )
    moved = np.linalg.norm(again.xy - layouts[-1].xy, axis=1)
    return Chain(
        raw=[layout.raw for layout in layouts],
        xy=[layout.xy for layout in layouts],
        seconds=seconds,
        again=again.raw,
        still=float((moved > again.noise_floor).mean()),
        planted=_detect_swaps(activations[-1], layouts[-1], config) if calibrate else float("nan"),
        floors=[layout.noise_floor for layout in layouts[1:]],
        reseeded=reseeded,
    )


def _detect_swaps(rows: Rows, layout: Layout, config: AtlasConfig) -> float:
    """Returns the fraction of swapped samples that move more than their noise floor."""
    swapped = np.random.default_rng(0).permutation(len(rows))[: len(rows) // SWAPPED]
    changed = rows.copy()
    changed[swapped] = rows[np.roll(swapped, 1)]
    later = compute_layout(changed, layout, config=config)
    moved = np.linalg.norm(later.xy - layout.xy, axis=1) > later.noise_floor
    return float(moved[swapped].mean())


def _lay_out_again(rows: Rows, before: Layout, layout: Layout, config: AtlasConfig) -> Coordinates:
    """Returns the map with another seed, in the viewport of `layout`."""
    return to_map(compute_layout(rows, before, config=config).raw, layout.viewport)


def relayout(activations: Rows, seed: int) -> Chain:
    """Computes the layout of a finished run from its end, with `compute_relayout`."""
    config = AtlasConfig(seed=seed)
    layouts, spent = measure_time(lambda: compute_relayout(list(activations), config))
    again = compute_layout(activations[-1], layouts[-1], config=config)
    mean = spent / len(layouts)
    return Chain(
        [x.raw for x in layouts], [x.xy for x in layouts], [mean] * len(layouts), again.raw
    )


def fit_umap(activations: Rows, seed: int, **settings: Any) -> Chain:
    """Lays out each logged step with `umap.UMAP`, aligned to the one before by Procrustes."""
    import umap

    def fit(rows: Rows, number: int) -> Coordinates:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mapper = umap.UMAP(metric="cosine", random_state=number, n_jobs=1, **settings)
            return mapper.fit_transform(rows.astype(np.float32))

    raw: list[Coordinates] = []
    seconds = []
    for rows in activations:
        coordinates, spent = measure_time(lambda r=rows: fit(r, seed))
        raw.append(align_procrustes(coordinates, raw[-1]) if raw else coordinates)
        seconds.append(spent)
    again = align_procrustes(fit(activations[-1], seed + RESEEDED[0]), raw[-1])
    return Chain(raw, _to_maps(raw), seconds, again)


def fit_aligned_umap(activations: Rows, seed: int) -> Chain:
    """Lays out each logged step with `umap.AlignedUMAP.update`, its defaults, and cosine."""
    import umap

    rows = [np.asarray(r, np.float32) for r in activations]
    same = {i: i for i in range(len(rows[0]))}
    mapper = umap.AlignedUMAP(metric="cosine", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, first = measure_time(lambda: mapper.fit(rows[:2], relations=[same]))
        # The first two maps are one fit, which is not an update.
        seconds = [first / 2] * 2
        for later in [*rows[2:], rows[-1]]:
            seconds.append(measure_time(lambda x=later: mapper.update(x, relations=same))[1])
    *raw, again = [np.array(coordinates, np.float32) for coordinates in mapper.embeddings_]
    return Chain(raw, _to_maps(raw), seconds[:-1], again)


def _to_maps(raw: Sequence[Coordinates]) -> list[Coordinates]:
    """Returns maps in the viewport of the first, updated by the rule of this package."""
    viewport, maps = fit_viewport(raw[0]), []
    for coordinates in raw:
        viewport, _ = update_viewport(coordinates, viewport)
        maps.append(to_map(coordinates, viewport))
    return maps


# Functions that run in separate processes.


def measure_layout(store: str, size: str) -> None:
    """Prints CPU seconds of a later map with and without noise floor, and peak memory in MB."""
    with np.load(store) as stored:
        chosen = np.random.default_rng(0).permutation(len(stored["last"]))[: int(size)]
        before, last = stored["before"][chosen], stored["last"][chosen]
    compute_layout(
        last[:300], compute_layout(last[:300], config=AtlasConfig()), config=AtlasConfig()
    )
    config = AtlasConfig()
    first = compute_layout(before, config=dataclasses.replace(config, epochs=20))
    _reset_peak()
    _, seconds = measure_time(lambda: compute_layout(last, first, config=config))
    peak = _memory("VmHWM")
    spent: list[float] = []
    descend = layout_module.optimize_layout

    def measure(*arguments: Any, **more: Any) -> Coordinates:
        coordinates, cost = measure_time(lambda: descend(*arguments, **more))
        spent.append(cost)
        return coordinates

    layout_module.optimize_layout = measure
    compute_layout(last, first, config=config)
    print(seconds, seconds - sum(spent[1:]), peak)


def start_layout(store: str, size: str) -> None:
    """Prints CPU seconds of this process up to the end of a first map."""
    with np.load(store) as stored:
        compute_layout(stored["last"][: int(size)], config=AtlasConfig())
    print(time.process_time())


def start_umap(store: str, size: str) -> None:
    """Prints the CPU seconds of a new process up to the end of a first map by `umap.UMAP`."""
    import umap

    with np.load(store) as stored:
        rows = stored["last"][: int(size)].astype(np.float32)
    umap.UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(rows)
    print(time.process_time())


def _memory(name: str) -> float:
    """Returns a memory value of this process in MB, from `/proc/self/status` (Linux only)."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def _reset_peak() -> None:
    """Resets the peak of resident memory (Linux only)."""
    Path("/proc/self/clear_refs").write_text("5")
