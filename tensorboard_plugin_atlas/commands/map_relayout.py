# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas relayout`: a finished run's maps laid out again, from the last step backwards.

A map that grows forwards keeps something of the random network that it began with. Backwards the
last map is as good as one by itself, and sets the viewport of all. The run itself is never changed:
the new maps are a complete run of their own below it, `<run>/backwards`.
"""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker
from tensorboard_plugin_atlas.analysis.cosine import finite_rows
from tensorboard_plugin_atlas.analysis.layer_scalars import ICON_CHANGE
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Provenance
from tensorboard_plugin_atlas.compute.icons.reuse import reuse_icons
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import Layout, compute_relayout
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.config import AtlasConfig, restore_config
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.logs.event_file import EventSink, event_files, read_events
from tensorboard_plugin_atlas.logs.reader import Original, originals
from tensorboard_plugin_atlas.logs.resume import purge_steps
from tensorboard_plugin_atlas.logs.selection import logged_atlases
from tensorboard_plugin_atlas.metadata import (
    PROBE_TAG,
    layer_of_shortcuts,
    layer_tag,
    relayout_run,
    source_of_relayout,
)
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.revisions import REFINES

_OWN_FILES: Final = ".atlas"
"""How the names of event files end that this package makes."""
_KEPT_SECONDS: Final = 3600
"""An empty event file is kept for so long: any TensorBoard has gone on to the next one by then."""

_AGAIN: Final = "layout: laid out again from the last step"
_OF_THE_MAP: Final = ("layout:", "grid:", "concepts:", "lifelines:")
"""Beginnings of notes that are about the map that is replaced."""
_MAP_SETTINGS: Final = (
    *("neighbors", "min_dist", "epochs", "stability", "layout", "seed"),
    *("grids", "min_count"),
)


@dataclass(frozen=True, kw_only=True)
class LayerRelayout:
    """What became of the maps of one layer.

    Attributes:
        run: TensorBoard run that they were logged in.
        layer: The layer.
        steps: How many were laid out again.
        last: The last of them.
        trust_before: Trustworthiness of the last map as it was logged, None where undefined.
        trust_after: The same of the new one.
        move_before: Mean distance that a sample moved from one map to the next, in widths of the
            map; None of a single map.
        move_after: The same on the new maps.
        bytes: Size in the log.
    """

    run: str
    layer: str
    steps: int
    last: int
    trust_before: float | None
    trust_after: float | None
    move_before: float | None
    move_after: float | None
    bytes: int


@dataclass(frozen=True)
class RelayoutResult:
    """What one call did.

    Attributes:
        done: Each layer of each run.
        words: What was left out and why, a sentence each.
    """

    done: tuple[LayerRelayout, ...]
    words: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Chain:
    """Atlases of one layer whose samples are the same throughout, first to last, and their maps."""

    atlases: tuple[Original, ...]
    config: AtlasConfig
    layouts: tuple[Layout, ...] = ()

    @property
    def last(self) -> int:
        """Its last step."""
        return self.atlases[-1].step


def relayout(
    log_dir: Path,
    *,
    run: str | None = None,
    layers: Sequence[str] | None = None,
    progress: bool = True,
) -> RelayoutResult:
    """Lays the maps of finished runs out again, each run's into a run of its own below it.

    A second call replaces what the first one wrote. Layers that it was not asked for are kept.

    Args:
        log_dir: What TensorBoard would be given.
        run: Only this run; None takes all that were not laid out backwards themselves.
        layers: Dotted module names; None takes all that were logged.
        progress: Whether to show progress bars on a terminal.

    Returns:
        What was laid out. Each run is complete in the log when the next is begun.

    Raises:
        ArgumentError: if there is nothing to lay out, a map cannot be, or the new run cannot be
            written; the runs before are complete then and this one is as it was, unless the disk
            failed while it was written.
    """
    found = logged_atlases(log_dir, run, layers, damaged=True)
    done: list[LayerRelayout] = []
    words: list[str] = []
    for name, own in itertools.groupby(found, key=lambda one: one.run):
        home = source_of_relayout(name)
        if home is not None:
            raise ArgumentError(
                f"--run {name!r} is laid out backwards already; pass --run {home!r} to lay that "
                "run out anew"
            )
        done += _relayout_run(log_dir, name, list(own), layers is not None, words, progress)
    return RelayoutResult(tuple(done), tuple(words))


def _relayout_run(
    log_dir: Path,
    run: str,
    found: Sequence[Original],
    is_part: bool,
    words: list[str],
    progress: bool,
) -> list[LayerRelayout]:
    """Lays all layers out before it writes any, so that what is there is void for seconds only."""
    folder = log_dir / relayout_run(run)
    old = _own_files(folder)
    layers: dict[str, list[_Chain]] = {}
    for layer, own in itertools.groupby(found, key=lambda one: one.layer):
        chains = [_laid_out(chain, progress) for chain in _chains(layer, own, words)]
        if chains:
            layers[layer] = chains
    if not layers:
        return []
    kept = [
        one
        for one in originals(log_dir, run=relayout_run(run))
        if is_part and one.layer not in layers
    ]
    try:
        done = _written(log_dir / run, folder, layers, kept, words, progress)
        for path in old:
            _retire(path)
    except OSError as error:
        raise ArgumentError(
            f"{str(folder)!r} cannot be written ({error.strerror or error}); maps that are laid "
            "out again go there"
        ) from error
    return done


def _retire(path: Path) -> None:
    """Empties an event file, and removes one that was emptied long ago.

    TensorBoard's Python loader opens its file by name at every read. While it has not gone on to
    the next file, it would wait for ever for one that is gone, and shows nothing new of the run.

    Raises:
        OSError: if it cannot be written.
    """
    found = path.stat()
    if found.st_size:
        os.truncate(path, 0)
    elif found.st_mtime < time.time() - _KEPT_SECONDS:
        path.unlink()


def _own_files(folder: Path) -> list[Path]:
    """Returns the event files that an earlier call left.

    Raises:
        ArgumentError: if there are any that this package did not make.
    """
    if not folder.exists():
        return []
    try:
        found = event_files(folder)
    except OSError as error:
        raise ArgumentError(
            f"{str(folder)!r} cannot be read ({error.strerror}); maps that are laid out again go "
            "there"
        ) from error
    strange = [path.name for path in found if not path.name.endswith(_OWN_FILES)]
    if strange:
        raise ArgumentError(
            f"{str(folder)!r} holds event files of another program ({strange[0]!r}), and maps that "
            "are laid out again would replace them; rename that folder"
        )
    return found


def _chains(layer: str, found: Iterable[Original], words: list[str]) -> list[_Chain]:
    """Reads every atlas of a layer once; splits them where the samples are others.

    Raises:
        ArgumentError: if one was laid out backwards itself, or its recipe cannot be used.
    """
    chains: list[_Chain] = []
    before: tuple[str, int] | None = None
    config: AtlasConfig
    for one in found:
        try:
            atlas = one.read_shown()
        except DamageError as error:
            words.append(f"left out: {error}")
            continue
        if any(note.startswith(_AGAIN) for note in atlas.provenance.notes):
            raise ArgumentError(
                f"run {one.run!r} is laid out backwards already; pass the folder of the run that "
                "it was made of, which is above it"
            )
        if not finite_rows(atlas.activations).any():
            words.append(
                f"left out: run {one.run!r}, layer {layer!r}, step {one.step:,}: no sample is "
                "without NaN or infinity"
            )
            continue
        config = restore_config(atlas.provenance.settings)
        samples = (atlas.provenance.probe, len(atlas.samples))
        if samples == before:
            chains[-1] = _Chain((*chains[-1].atlases, one), config)
            continue
        if before is not None:
            words.append(
                f"run {one.run!r}, layer {layer!r}: the samples are others from step "
                f"{one.step:,} on; the maps up to step {chains[-1].last:,} are laid out from there"
            )
        chains.append(_Chain((one,), config))
        before = samples
    return chains


class _Activations(Sequence[NDArray[Any]]):
    """The activations of a chain's atlases, each read when it is asked for."""

    def __init__(self, atlases: Sequence[Original], advance: Callable[[], object]) -> None:
        self._atlases = atlases
        self._advance = advance

    def __len__(self) -> int:
        return len(self._atlases)

    def __getitem__(self, index: Any) -> Any:
        self._advance()
        return self._atlases[index].read_shown().activations


def _laid_out(chain: _Chain, progress: bool) -> _Chain:
    layer, total = chain.atlases[0].layer, len(chain.atlases)
    with progress_bar(f"maps of {layer}", total, unit="map", shown=progress) as bar:
        advance = (lambda: None) if bar is None else bar.update
        layouts = compute_relayout(_Activations(chain.atlases, advance), chain.config)
    return dataclasses.replace(chain, layouts=tuple(map(_as_drawn, layouts)))


def _as_drawn(layout: Layout) -> Layout:
    """Leaves out what only the next layout needs: of a long run it would be most of the memory."""
    return dataclasses.replace(
        layout, raw=layout.raw[:0].copy(), neighbors=layout.neighbors[:0].copy()
    )


def _written(
    home: Path,
    folder: Path,
    layers: dict[str, list[_Chain]],
    kept: Sequence[Original],
    words: list[str],
    progress: bool,
) -> list[LayerRelayout]:
    """Makes what is there void, and writes the whole run anew.

    Raises:
        OSError: if it cannot be written.
        ArgumentError: if an atlas was damaged since it was read first.
    """
    chains = list(itertools.chain.from_iterable(layers.values()))
    first = min(0, *(chain.atlases[0].step for chain in chains))
    purge_steps(str(folder), first, time.time())
    sink = EventSink(folder)
    try:
        if not _copy_others(home, sink):
            words.append(f"run {chains[0].atlases[0].run!r}: no pictures of its probe are there")
        for one in kept:
            atlas = one.read()
            tag = layer_tag(one.layer, sequence=atlas.sequence)
            sink.write(tag, encode_atlas(atlas), one.step)
        total = sum(len(chain.atlases) for chain in chains)
        done = []
        with progress_bar("writing", total, unit="map", shown=progress) as bar:
            for own in layers.values():
                done.append(_write_layer(own, sink, (lambda: None) if bar is None else bar.update))
    except DamageError as error:
        raise ArgumentError(f"the log changed while it was read: {error}") from error
    finally:
        sink.close()
    return done


def copy_probes(home: Path, sink: EventSink) -> bool:
    """Copies the pictures of a run's probes; tells whether there are any."""
    return _copied(home, sink, lambda tag: tag == PROBE_TAG)


def _copy_others(home: Path, sink: EventSink) -> bool:
    """Copies a run's shortcuts and the pictures of its probes; tells whether there are pictures.

    Shortcuts name samples, and those are the same ones on every map.
    """
    return _copied(home, sink, lambda tag: tag == PROBE_TAG or layer_of_shortcuts(tag) is not None)


def _copied(home: Path, sink: EventSink, is_wanted: Callable[[str], bool]) -> bool:
    found: dict[tuple[int, str], tuple[bytes, ...]] = {}
    for event in read_events(home):
        if event.is_restart:
            found = {spot: blobs for spot, blobs in found.items() if spot[0] < event.step}
        elif event.blobs is not None and is_wanted(event.tag or ""):
            found[event.step, event.tag or ""] = event.blobs
    for (step, tag), blobs in sorted(found.items()):
        sink.write(tag, blobs, step)
    return any(tag == PROBE_TAG for _, tag in found)


def _write_layer(
    chains: Sequence[_Chain], sink: EventSink, advance: Callable[[], object]
) -> LayerRelayout:
    tracer, size = ConceptTracker(), 0
    old, new = _Moves(), _Moves()
    for chain in chains:
        old.begin()
        new.begin()
        for original, layout in zip(chain.atlases, chain.layouts, strict=True):
            atlas = original.read_shown()
            remade = tracer.advance(_remade(atlas, layout, chain))
            blobs = encode_atlas(remade)
            # Now, since a map that was laid out again is another one to the tab.
            sink.write(layer_tag(atlas.layer, sequence=remade.sequence), blobs, atlas.step)
            size += sum(map(len, blobs))
            old.add(atlas, ~layout.invalid)
            new.add(remade, ~layout.invalid)
            advance()
    last = chains[-1].atlases[-1]
    return LayerRelayout(
        run=last.run,
        layer=last.layer,
        steps=sum(len(chain.atlases) for chain in chains),
        last=last.step,
        trust_before=old.trust,
        trust_after=new.trust,
        move_before=old.mean,
        move_after=new.mean,
        bytes=size,
    )


def _remade(atlas: Atlas, layout: Layout, chain: _Chain) -> Atlas:
    """Returns an atlas on its new map; all that is not of the map is as it was."""
    activations = atlas.activations
    levels, grid_notes = bin_grids(layout, activations, config=chain.config)
    grids, icon_notes = reuse_icons(atlas, levels)
    measured = measure_quality(activations, layout)
    samples = dataclasses.replace(
        atlas.samples,
        xy=layout.xy,
        clamped=layout.clamped,
        noise_floor=layout.noise_floor,
        concepts=None,
    )
    quality = dataclasses.replace(
        atlas.quality,
        trustworthiness=measured.trustworthiness,
        knn_kept=measured.knn_kept,
        clamped=measured.clamped,
    )
    notes = (
        *(n for n in atlas.provenance.notes if not n.startswith(_OF_THE_MAP)),
        f"{_AGAIN} ({chain.last:,}) backwards",
        *_unplaced(atlas, layout),
        *layout.notes,
        *grid_notes,
        *icon_notes,
    )
    return atlas.replace(
        samples=samples,
        grids=grids,
        quality=quality,
        provenance=_provenance(atlas, chain.config, notes),
        viewport=layout.viewport_corners,
        concepts=None,
        events=(),
    )


def _unplaced(atlas: Atlas, layout: Layout) -> Iterator[str]:
    """Yields what to say of samples with NaN that the log no longer tells from others."""
    lost = atlas.quality.invalid - int(layout.invalid.sum())
    if lost > 0:
        yield (
            f"layout: {lost:,} samples held NaN or infinity, which the log keeps as the mean of "
            "the others; they are placed there"
        )


def _provenance(atlas: Atlas, config: AtlasConfig, notes: Iterable[str]) -> Provenance:
    origin = atlas.provenance
    recipe = config.as_dict()
    return dataclasses.replace(
        origin,
        settings={**origin.settings, **{name: recipe[name] for name in _MAP_SETTINGS}},
        # Neither stands for the record that it was made of, nor has the same cells.
        layer_info={k: v for k, v in origin.layer_info.items() if k not in (REFINES, ICON_CHANGE)},
        notes=tuple(dict.fromkeys(notes)),
    )


class _Moves:
    """How far samples move from map to map, and how far the last map can be trusted."""

    def __init__(self) -> None:
        self.trust: float | None = None
        self._before: tuple[FloatArray, NDArray[np.bool_]] | None = None
        self._sum = 0.0
        self._count = 0

    def begin(self) -> None:
        """The next map continues no other."""
        self._before = None

    def add(self, atlas: Atlas, valid: NDArray[np.bool_]) -> None:
        """Takes in the next map, and which of its samples (N,) have a place that means anything."""
        if self._before is not None:
            xy, before = self._before
            moves = np.linalg.norm((atlas.xy - xy)[valid & before], axis=1)
            self._sum += float(moves.sum())
            self._count += len(moves)
        self._before = atlas.xy, valid
        self.trust = atlas.quality.trustworthiness

    @property
    def mean(self) -> float | None:
        """The mean over samples and steps, or None where none moved on."""
        return self._sum / self._count if self._count else None
