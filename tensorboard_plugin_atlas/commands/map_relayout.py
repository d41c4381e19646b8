# SPDX-License-Identifier: Apache-2.0
"""Computes the maps of a finished run again, from the last step to the first.

During training, each map continues the one before, so that the random initial network influences
all later maps. In reverse order, the last map is as good as a map of this step alone, and all other
maps are aligned with it. The run is never changed: the new maps are a complete run below it, in
`log_names.RELAYOUT_FOLDER`.
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

from tensorboard_plugin_atlas.analysis.concepts.event_cells import relocate_events
from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker
from tensorboard_plugin_atlas.analysis.directions import finite_rows
from tensorboard_plugin_atlas.analysis.layer_scalars import ICON_CHANGE
from tensorboard_plugin_atlas.atlas import Atlas, FloatArray, Provenance
from tensorboard_plugin_atlas.compute.icons.reused_icons import reuse_icons
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids
from tensorboard_plugin_atlas.compute.layout.layout import Layout, compute_relayout
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.config import AtlasConfig, restore_config
from tensorboard_plugin_atlas.errors import ArgumentError, DamageError
from tensorboard_plugin_atlas.log_names import (
    PROBE_TAG,
    layer_of_shortcuts,
    layer_tag,
    relayout_run,
    source_of_relayout,
)
from tensorboard_plugin_atlas.logs.event_file import EventSink, read_events
from tensorboard_plugin_atlas.logs.log_files import list_event_files
from tensorboard_plugin_atlas.logs.reader import AtlasRecord, list_records
from tensorboard_plugin_atlas.logs.record_selection import select_records
from tensorboard_plugin_atlas.logs.resume import purge_steps
from tensorboard_plugin_atlas.progress import progress_bar
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.refinement_mark import REFINES

_OWN_FILES: Final = ".atlas"
"""Suffix of event files of this package."""
_KEPT_SECONDS: Final = 3600
"""How long an empty event file is kept; by then, every TensorBoard has opened the next file."""

_RELAYOUT_NOTE: Final = "layout: computed again from the last step"
_RELAYOUT_NOTES: Final = (_RELAYOUT_NOTE, "layout: laid out again from the last step")
"""Prefixes of the note in relayout atlases, with that of older versions."""
_MAP_NOTES: Final = ("layout:", "grid:", "concepts:", "lifelines:")  # word-check: ok
"""Prefixes of notes about the map that is replaced."""
_MAP_SETTINGS: Final = (
    *("neighbors", "min_dist", "epochs", "stability", "layout", "seed"),
    *("grids", "min_count"),
)


@dataclass(frozen=True, kw_only=True)
class LayerRelayout:
    """Result for one layer of one run.

    Attributes:
        run: TensorBoard run.
        layer: The layer.
        steps: Number of maps that were computed again.
        last: Step of the last map.
        trust_before: Trustworthiness of the last map as logged, None if undefined.
        trust_after: Trustworthiness of the last map after relayout.
        move_before: Mean displacement of a sample from one map to the next as logged, in widths of
            the map; None for a single map.
        move_after: The same after relayout.
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
    """Result of one call.

    Attributes:
        layers: Result for each layer of each run.
        messages: One message for each atlas that was skipped, and for other limitations.
    """

    layers: tuple[LayerRelayout, ...]
    messages: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Chain:
    """Consecutive atlases of one layer with the same samples, and their new maps."""

    atlases: tuple[AtlasRecord, ...]
    config: AtlasConfig
    layouts: tuple[Layout, ...] = ()

    @property
    def last(self) -> int:
        """Last step."""
        return self.atlases[-1].step


def relayout(
    log_dir: Path,
    *,
    run: str | None = None,
    layers: Sequence[str] | None = None,
    progress: bool = True,
) -> RelayoutResult:
    """Computes the maps of finished runs again, and writes them to a new run below each run.

    A second call replaces the maps that the first one wrote. If `layers` is given, other layers
    of the new run are kept.

    Args:
        log_dir: Log directory, as passed to TensorBoard.
        run: Only this run; None for all runs that `relayout` has not written itself.
        layers: Dotted module names; None for all logged layers.
        progress: Whether to show progress bars on a terminal.

    Returns:
        The result for each layer. Each run is written completely before the next one is computed.

    Raises:
        ArgumentError: if there are no atlases, if a map cannot be computed, or if the new run
            cannot be written. Runs before it are complete then, and this run is unchanged unless
            writing failed in the middle.
    """
    records = select_records(log_dir, run, layers, include_damaged=True)
    done: list[LayerRelayout] = []
    messages: list[str] = []
    for name, own in itertools.groupby(records, key=lambda one: one.run):
        source = source_of_relayout(name)
        if source is not None:
            raise ArgumentError(
                f"--run {name!r} was written by relayout; pass --run {source!r} to compute its "
                "maps again"
            )
        done += _relayout_run(log_dir, name, list(own), layers is not None, messages, progress)
    return RelayoutResult(tuple(done), tuple(messages))


def _relayout_run(
    log_dir: Path,
    run: str,
    found: Sequence[AtlasRecord],
    is_part: bool,
    messages: list[str],
    progress: bool,
) -> list[LayerRelayout]:
    """Computes all layers before it writes any, so that old maps are void only for seconds."""
    folder = log_dir / relayout_run(run)
    old = _list_own_files(folder)
    layers: dict[str, list[_Chain]] = {}
    for layer, own in itertools.groupby(found, key=lambda one: one.layer):
        chains = [
            _compute_layouts(chain, progress) for chain in _split_into_chains(layer, own, messages)
        ]
        if chains:
            layers[layer] = chains
    if not layers:
        return []
    kept = [
        one
        for one in list_records(log_dir, run=relayout_run(run))
        if is_part and one.layer not in layers
    ]
    try:
        done = _write_atlases(log_dir / run, folder, layers, kept, messages, progress)
        for path in old:
            _empty_file(path)
    except OSError as error:
        raise ArgumentError(
            f"{str(folder)!r} cannot be written ({error.strerror or error}), but the new maps are "
            "stored there; check its permissions and the free disk space"
        ) from error
    return done


def _empty_file(path: Path) -> None:
    """Empties an event file, or removes it if it was emptied long ago.

    TensorBoard's Python loader opens its current file by name at every read. If the file is deleted
    before it opens the next one, it waits forever and shows nothing new of the run.

    Raises:
        OSError: if it cannot be written.
    """
    found = path.stat()
    if found.st_size:
        os.truncate(path, 0)
    elif found.st_mtime < time.time() - _KEPT_SECONDS:
        path.unlink()


def _list_own_files(folder: Path) -> list[Path]:
    """Returns the event files of an earlier call.

    Raises:
        ArgumentError: if there are event files of another program.
    """
    if not folder.exists():
        return []
    try:
        found = list_event_files(folder)
    except OSError as error:
        raise ArgumentError(
            f"{str(folder)!r} cannot be read ({error.strerror}), but the new maps are stored "
            "there; check its permissions"
        ) from error
    strange = [path.name for path in found if not path.name.endswith(_OWN_FILES)]
    if strange:
        raise ArgumentError(
            f"{str(folder)!r} holds event files of another program ({strange[0]!r}), which the new "
            "maps would replace; rename that folder"
        )
    return found


def _split_into_chains(
    layer: str, found: Iterable[AtlasRecord], messages: list[str]
) -> list[_Chain]:
    """Reads all atlases of a layer, and starts a new chain whenever the samples change.

    Raises:
        ArgumentError: if `relayout` wrote one of them, or its settings cannot be used.
    """
    chains: list[_Chain] = []
    before: tuple[str, int] | None = None
    config: AtlasConfig
    for one in found:
        try:
            atlas = one.read_latest()
        except DamageError as error:
            messages.append(f"skipped: {error}")
            continue
        if any(note.startswith(_RELAYOUT_NOTES) for note in atlas.provenance.notes):
            raise ArgumentError(
                f"run {one.run!r} was written by relayout; pass the folder above it, which holds "
                "the original run"
            )
        selected = atlas.samples.activations.selected
        if selected is not None:
            messages.append(
                f"skipped: run {one.run!r}, layer {layer!r}, step {one.step:,}: the log holds the "
                f"activations of {int(selected.sum()):,} of {len(selected):,} samples, and a map "
                "needs all of them"
            )
            continue
        if not finite_rows(atlas.activations).any():
            messages.append(
                f"skipped: run {one.run!r}, layer {layer!r}, step {one.step:,}: all samples hold "
                "NaN or infinity"
            )
            continue
        config = restore_config(atlas.provenance.settings)
        samples = (atlas.provenance.probe, len(atlas.samples))
        if samples == before:
            chains[-1] = _Chain((*chains[-1].atlases, one), config)
            continue
        if before is not None:
            messages.append(
                f"run {one.run!r}, layer {layer!r}: the samples change at step {one.step:,}; the "
                f"maps up to step {chains[-1].last:,} are computed separately"
            )
        chains.append(_Chain((one,), config))
        before = samples
    return chains


class _Activations(Sequence[NDArray[Any]]):
    """The activations of a chain's atlases, read from the log at each access."""

    def __init__(self, atlases: Sequence[AtlasRecord], advance: Callable[[], object]) -> None:
        self._atlases = atlases
        self._advance = advance

    def __len__(self) -> int:
        return len(self._atlases)

    def __getitem__(self, index: Any) -> Any:
        self._advance()
        return self._atlases[index].read_latest().activations


def _compute_layouts(chain: _Chain, progress: bool) -> _Chain:
    layer, total = chain.atlases[0].layer, len(chain.atlases)
    with progress_bar(f"maps of {layer}", total, unit="map", shown=progress) as bar:
        advance = (lambda: None) if bar is None else bar.update
        layouts = compute_relayout(_Activations(chain.atlases, advance), chain.config)
    return dataclasses.replace(chain, layouts=tuple(map(_remove_layout_data, layouts)))


def _remove_layout_data(layout: Layout) -> Layout:
    """Removes data for the next layout, which would take most of the memory in a long run."""
    return dataclasses.replace(
        layout, raw=layout.raw[:0].copy(), neighbors=layout.neighbors[:0].copy()
    )


def _write_atlases(
    home: Path,
    folder: Path,
    layers: dict[str, list[_Chain]],
    kept: Sequence[AtlasRecord],
    messages: list[str],
    progress: bool,
) -> list[LayerRelayout]:
    """Makes the old maps void and writes the new run.

    Raises:
        OSError: if it cannot be written.
        ArgumentError: if an atlas was damaged since it was first read.
    """
    chains = list(itertools.chain.from_iterable(layers.values()))
    first = min(0, *(chain.atlases[0].step for chain in chains))
    purge_steps(str(folder), first, time.time())
    sink = EventSink(folder)
    try:
        if not _copy_optional_records(home, sink):
            messages.append(
                f"run {chains[0].atlases[0].run!r}: the images of its probe are missing"
            )
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
    """Copies the probe images of a run; returns whether there are any."""
    return _copy_events(home, sink, lambda tag: tag == PROBE_TAG)


def _copy_optional_records(home: Path, sink: EventSink) -> bool:
    """Copies the shortcuts and probe images of a run; returns whether there are probe images.

    Shortcuts refer to samples, which are the same on all maps.
    """
    return _copy_events(
        home, sink, lambda tag: tag == PROBE_TAG or layer_of_shortcuts(tag) is not None
    )


def _copy_events(home: Path, sink: EventSink, is_wanted: Callable[[str], bool]) -> bool:
    found: dict[tuple[int, str], tuple[bytes, ...]] = {}
    for event in read_events(home):
        if event.is_restart:
            found = {key: blobs for key, blobs in found.items() if key[0] < event.step}
        elif event.blobs is not None and is_wanted(event.tag or ""):
            found[event.step, event.tag or ""] = event.blobs
    for (step, tag), blobs in sorted(found.items()):
        sink.write(tag, blobs, step)
    return any(tag == PROBE_TAG for _, tag in found)


def _write_layer(
    chains: Sequence[_Chain], sink: EventSink, advance: Callable[[], object]
) -> LayerRelayout:
    concepts, size = _ConceptsOfRun(), 0
    old, new = _MapQuality(), _MapQuality()
    for chain in chains:
        old.begin()
        new.begin()
        for record, layout in zip(chain.atlases, chain.layouts, strict=True):
            atlas = record.read_latest()
            moved = concepts.add(atlas, _move_to_layout(atlas, layout, chain))
            blobs = encode_atlas(moved)
            # With the current wall time, so that the tab loads it again.
            sink.write(layer_tag(atlas.layer, sequence=moved.sequence), blobs, atlas.step)
            size += sum(map(len, blobs))
            old.add(atlas, ~layout.invalid)
            new.add(moved, ~layout.invalid)
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


class _ConceptsOfRun:
    """Adds concepts to the atlases of a layer: the logged ones, or new ones for an old log.

    Logged concepts come from the exact activations, of which the log may store less. Logs without
    groups of concepts come from an older version, and all of their concepts are computed again.
    """

    def __init__(self) -> None:
        self._tracker: ConceptTracker | None = None
        self._previous: Atlas | None = None

    def add(self, logged: Atlas, moved: Atlas) -> Atlas:
        """Returns the next atlas with a new map and with concepts."""
        if self._previous is None and logged.concept_groups is None:
            self._tracker = ConceptTracker()
        if self._tracker is not None:
            found = self._tracker.advance(moved)
        else:
            samples = dataclasses.replace(moved.samples, concepts=logged.samples.concepts)
            kept = moved.replace(
                samples=samples,
                concepts=logged.concepts,
                concept_groups=logged.concept_groups,
                concept_change=logged.concept_change,
                events=logged.events,
            )
            found = relocate_events(kept, self._previous)
        self._previous = found
        return found


def _move_to_layout(atlas: Atlas, layout: Layout, chain: _Chain) -> Atlas:
    """Returns the atlas with a new map; values that do not depend on the map are unchanged."""
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
        *(n for n in atlas.provenance.notes if not n.startswith(_MAP_NOTES)),
        f"{_RELAYOUT_NOTE} ({chain.last:,}) to the first",
        *_describe_lost_nan(atlas, layout),
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
        concept_groups=None,
        concept_change=None,
        events=(),
    )


def _describe_lost_nan(atlas: Atlas, layout: Layout) -> Iterator[str]:
    """Yields a note if samples with NaN cannot be distinguished from others in the log."""
    lost = atlas.quality.invalid - int(layout.invalid.sum())
    if lost > 0:
        yield (
            f"layout: {lost:,} samples held NaN or infinity; the log stores the mean of the other "
            "samples instead, and the map shows them there"
        )


def _provenance(atlas: Atlas, config: AtlasConfig, notes: Iterable[str]) -> Provenance:
    origin = atlas.provenance
    settings = config.as_dict()
    return dataclasses.replace(
        origin,
        settings={**origin.settings, **{name: settings[name] for name in _MAP_SETTINGS}},
        # It refines no other record, and its cells differ from those of the original.
        layer_info={k: v for k, v in origin.layer_info.items() if k not in (REFINES, ICON_CHANGE)},
        notes=tuple(dict.fromkeys(notes)),
    )


class _MapQuality:
    """Mean displacement of samples between maps, and trustworthiness of the last map."""

    def __init__(self) -> None:
        self.trust: float | None = None
        self._before: tuple[FloatArray, NDArray[np.bool_]] | None = None
        self._sum = 0.0
        self._count = 0

    def begin(self) -> None:
        """Starts a new chain of maps."""
        self._before = None

    def add(self, atlas: Atlas, valid: NDArray[np.bool_]) -> None:
        """Adds the next map; `valid`, (N,), marks samples without NaN or infinity."""
        if self._before is not None:
            xy, before = self._before
            moves = np.linalg.norm((atlas.xy - xy)[valid & before], axis=1)
            self._sum += float(moves.sum())
            self._count += len(moves)
        self._before = atlas.xy, valid
        self.trust = atlas.quality.trustworthiness

    @property
    def mean(self) -> float | None:
        """Mean displacement over samples and steps, None for a single map."""
        return self._sum / self._count if self._count else None
