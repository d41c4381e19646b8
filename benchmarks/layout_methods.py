# SPDX-License-Identifier: Apache-2.0
"""The maps of one training by each way to make them: ours, umap-learn's two, and ours by itself.

The peers are `umap.UMAP`, every checkpoint by itself and turned onto the one before, and
`umap.AlignedUMAP.update`, one checkpoint after the other: what a user of umap-learn can have while
a network trains. Nothing here imports torch, so that a process can be measured without it.
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
"""Seeds of maps that no floor was ever estimated from."""
SWAPPED = 20
"""One row in so many is given another's activations, to see whether it is found."""

Rows = NDArray[np.float16]
Places = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Chain:
    """T maps of N rows, one checkpoint after the other.

    Attributes:
        raw: T arrays (N, 2), the optimizer's own units.
        xy: T arrays (N, 2) as drawn in the unit square.
        seconds: CPU seconds of each map; those of a chain that cannot stream hold their mean.
        again: (N, 2) raw places of the last checkpoint, laid out once more after itself by another
            seed, as an unchanged network would be.
        still: Share of rows that then are above their floor.
        planted: Share above their floor of rows that were swapped with one another at the end, and
            that changed nothing else.
        floors: T - 1 arrays (N,), map units, or none.
        reseeded: T - 1 times maps (N, 2) by `RESEEDED` seeds, map units, or none.
    """

    raw: Sequence[Places]
    xy: Sequence[Places]
    seconds: Sequence[float]
    again: Places
    still: float = float("nan")
    planted: float = float("nan")
    floors: Sequence[Places] = ()
    reseeded: Sequence[Sequence[Places]] = ()


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """Returns what a call returns, and its CPU seconds."""
    start = time.process_time()
    found = call()
    return found, time.process_time() - start


def ours(checkpoints: Rows, seed: int, *, calibrate: bool = False, **settings: Any) -> Chain:
    """Lays out each checkpoint after the one before, as the writer does.

    Args:
        checkpoints: (T, N, C).
        seed: `AtlasConfig.seed`.
        calibrate: Whether to lay every later checkpoint out with the seeds of `RESEEDED` as well.
        **settings: Of `AtlasConfig`.
    """
    config = AtlasConfig(seed=seed, **settings)
    layouts: list[Layout] = []
    seconds, reseeded = [], []
    for rows in checkpoints:
        before = layouts[-1] if layouts else None
        layout, spent = timed(lambda r=rows, b=before: compute_layout(r, b, config=config))
        if before is not None and calibrate:
            others = [dataclasses.replace(config, seed=seed + other) for other in RESEEDED]
            reseeded.append([_again(rows, before, layout, other) for other in others])
        layouts.append(layout)
        seconds.append(spent)
    again = compute_layout(
        checkpoints[-1], layouts[-1], config=dataclasses.replace(config, seed=seed + RESEEDED[0])
    )
    moved = np.linalg.norm(again.xy - layouts[-1].xy, axis=1)
    return Chain(
        raw=[layout.raw for layout in layouts],
        xy=[layout.xy for layout in layouts],
        seconds=seconds,
        again=again.raw,
        still=float((moved > again.noise_floor).mean()),
        planted=_found(checkpoints[-1], layouts[-1], config) if calibrate else float("nan"),
        floors=[layout.noise_floor for layout in layouts[1:]],
        reseeded=reseeded,
    )


def _found(rows: Rows, layout: Layout, config: AtlasConfig) -> float:
    """Returns the share above the floor of rows that became what others were, and those these."""
    swapped = np.random.default_rng(0).permutation(len(rows))[: len(rows) // SWAPPED]
    changed = rows.copy()
    changed[swapped] = rows[np.roll(swapped, 1)]
    later = compute_layout(changed, layout, config=config)
    moved = np.linalg.norm(later.xy - layout.xy, axis=1) > later.noise_floor
    return float(moved[swapped].mean())


def _again(rows: Rows, before: Layout, layout: Layout, config: AtlasConfig) -> Places:
    """Returns the map by another seed, in the viewport of `layout`."""
    return to_map(compute_layout(rows, before, config=config).raw, layout.viewport)


def ours_backwards(checkpoints: Rows, seed: int) -> Chain:
    """Lays a finished training out from its end, as `compute_relayout` does."""
    config = AtlasConfig(seed=seed)
    layouts, spent = timed(lambda: compute_relayout(list(checkpoints), config))
    again = compute_layout(checkpoints[-1], layouts[-1], config=config)
    mean = spent / len(layouts)
    return Chain(
        [x.raw for x in layouts], [x.xy for x in layouts], [mean] * len(layouts), again.raw
    )


def independent(checkpoints: Rows, seed: int, **settings: Any) -> Chain:
    """Lays out each checkpoint by `umap.UMAP`, turned onto the one before by Procrustes."""
    import umap

    def fit(rows: Rows, number: int) -> Places:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            mapper = umap.UMAP(metric="cosine", random_state=number, n_jobs=1, **settings)
            return mapper.fit_transform(rows.astype(np.float32))

    raw: list[Places] = []
    seconds = []
    for rows in checkpoints:
        places, spent = timed(lambda r=rows: fit(r, seed))
        raw.append(align_procrustes(places, raw[-1]) if raw else places)
        seconds.append(spent)
    again = align_procrustes(fit(checkpoints[-1], seed + RESEEDED[0]), raw[-1])
    return Chain(raw, _drawn(raw), seconds, again)


def aligned(checkpoints: Rows, seed: int) -> Chain:
    """Lays out each checkpoint by `umap.AlignedUMAP.update`, with its defaults and cosine."""
    import umap

    rows = [np.asarray(r, np.float32) for r in checkpoints]
    same = {i: i for i in range(len(rows[0]))}
    mapper = umap.AlignedUMAP(metric="cosine", random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, first = timed(lambda: mapper.fit(rows[:2], relations=[same]))
        # Its first two maps are one fit, whose cost is no update's.
        seconds = [first / 2] * 2
        for later in [*rows[2:], rows[-1]]:
            seconds.append(timed(lambda x=later: mapper.update(x, relations=same))[1])
    *raw, again = [np.array(places, np.float32) for places in mapper.embeddings_]
    return Chain(raw, _drawn(raw), seconds[:-1], again)


def _drawn(raw: Sequence[Places]) -> list[Places]:
    """Draws maps in the viewport of the first, changed when ours would be."""
    viewport, drawn = fit_viewport(raw[0]), []
    for places in raw:
        viewport, _ = update_viewport(places, viewport)
        drawn.append(to_map(places, viewport))
    return drawn


# What is measured in processes of their own.


def laying(store: str, size: str) -> None:
    """Prints CPU seconds of a later map, those without its floor, and the peak memory in MB."""
    with np.load(store) as stored:
        chosen = np.random.default_rng(0).permutation(len(stored["last"]))[: int(size)]
        before, last = stored["before"][chosen], stored["last"][chosen]
    compute_layout(
        last[:300], compute_layout(last[:300], config=AtlasConfig()), config=AtlasConfig()
    )
    config = AtlasConfig()
    first = compute_layout(before, config=dataclasses.replace(config, epochs=20))
    _reset_peak()
    _, seconds = timed(lambda: compute_layout(last, first, config=config))
    peak = _memory("VmHWM")
    spent: list[float] = []
    descend = layout_module.descend

    def watched(*arguments: Any, **more: Any) -> Places:
        places, cost = timed(lambda: descend(*arguments, **more))
        spent.append(cost)
        return places

    layout_module.descend = watched
    compute_layout(last, first, config=config)
    print(seconds, seconds - sum(spent[1:]), peak)


def ours_cold(store: str, size: str) -> None:
    """Prints CPU seconds of this process up to the end of a first map."""
    with np.load(store) as stored:
        compute_layout(stored["last"][: int(size)], config=AtlasConfig())
    print(time.process_time())


def umap_cold(store: str, size: str) -> None:
    """Prints the same for `umap.UMAP`."""
    import umap

    with np.load(store) as stored:
        rows = stored["last"][: int(size)].astype(np.float32)
    umap.UMAP(metric="cosine", random_state=0, n_jobs=1).fit_transform(rows)
    print(time.process_time())


def _memory(name: str) -> float:
    """Returns a memory figure of this process in MB, from Linux's own account."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def _reset_peak() -> None:
    """Lets the peak of resident memory begin anew."""
    Path("/proc/self/clear_refs").write_text("5")
