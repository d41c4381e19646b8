# SPDX-License-Identifier: Apache-2.0
"""Computes class atlases for a logged step, from the weights of its checkpoint.

The log is never changed. Class atlases go to one run below the run of the atlases, `<run>/classes`.
Steps can be computed in any order: atlases of later steps are written again after a new one, since
TensorBoard's loaders need increasing steps.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from tensorboard_plugin_atlas.analysis.class_series import CLASS_ATLAS
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.commands.cost_estimate import build_model
from tensorboard_plugin_atlas.commands.icon_refinement import (
    build_logged_probe,
    check_weights,
    model_on_device,
)
from tensorboard_plugin_atlas.commands.map_relayout import copy_probes
from tensorboard_plugin_atlas.compute.class_atlas.pipeline import ClassPipeline
from tensorboard_plugin_atlas.compute.class_atlas.sample_selection import check_classes
from tensorboard_plugin_atlas.compute.icons.rerendered_icons import (
    check_probe,
    compare_activations,
    compute_activations,
)
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.config import restore_config
from tensorboard_plugin_atlas.errors import ArgumentError, AtlasError, DamageError
from tensorboard_plugin_atlas.log_names import classes_run, layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.logs.log_files import list_event_files
from tensorboard_plugin_atlas.logs.reader import AtlasRecord, list_records
from tensorboard_plugin_atlas.logs.record_selection import select_step
from tensorboard_plugin_atlas.logs.resume import purge_steps
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas


@dataclass(frozen=True, kw_only=True)
class ClassAtlasResult:
    """Result for one class atlas.

    Attributes:
        run: TensorBoard run that holds it.
        series: Its name in the log, such as "layer · cat".
        step: Global step.
        samples: Number of its samples.
        rule: "winner" or "top", see `analysis.class_series`.
        trustworthiness: Trustworthiness of the map, None if undefined.
        seconds: CPU time; for the first atlas, includes the choice of samples for all.
        bytes: Size in the log.
    """

    run: str
    series: str
    step: int
    samples: int
    rule: str
    trustworthiness: float | None
    seconds: float
    bytes: int


@dataclass(frozen=True)
class ClassAtlasResults:
    """Result of one call.

    Attributes:
        atlases: The class atlases that were computed.
        skipped: One message for each that could not be computed.
    """

    atlases: tuple[ClassAtlasResult, ...]
    skipped: tuple[str, ...] = ()


def make_class_atlases(
    log_dir: Path,
    checkpoint: Path,
    factory: str,
    data: str,
    *,
    classes: Sequence[str] = (),
    pairs: Sequence[Sequence[str]] = (),
    run: str | None = None,
    layer: str | None = None,
    step: int | None = None,
    icons: str | None = None,
    side: int | None = None,
    normalize: tuple[Sequence[float], Sequence[float]] | None = None,
    num_workers: int | None = None,
    device: str = "cpu",
    progress: bool = True,
) -> ClassAtlasResults:
    """Computes class atlases for a logged step, and writes them to a run below its run.

    Args:
        log_dir: Log directory, as passed to TensorBoard; files are only added.
        checkpoint: As for `refine`.
        factory: `module:callable` that returns the model.
        data: As for `refine`.
        classes: Names or indices of classes.
        pairs: Pairs of names or indices.
        run: The run; required if there are several.
        layer: Dotted module name; None for the logged layer that is last in the model.
        step: Global step; None for the last one of the run.
        icons: Kind of icons; None for that in the atlas of the layer.
        side: Side of images from files in pixels; None for that of the atlas.
        normalize: (mean, std); None for that of the atlas.
        num_workers: Number of processes that read images, or None to keep them in memory.
        device: Device to compute on, such as "cuda".
        progress: Whether to show progress bars on a terminal.

    Returns:
        The computed atlases, and messages about those that could not be computed.

    Raises:
        ArgumentError: if an argument cannot be used, if data or weights differ from those of the
            logged step, or if no atlas could be computed. Nothing is written then.
        LayerError: if the model does not have the layer.
    """
    if not classes and not pairs:
        raise ArgumentError("pass --classes NAME, or --pair NAME NAME; see --help for examples")
    chosen = select_step(log_dir, run, None if layer is None else [layer], step)
    model = model_on_device(build_model(factory), checkpoint, device)
    record = _find_last_layer(model, chosen)
    logged = record.read()
    changes = {} if icons is None else {"icons": icons, "icon_steps": None}
    config = restore_config(logged.provenance.settings, icon_seconds=None, **changes)
    probe = build_logged_probe(logged, data, config, side, normalize, num_workers)
    check_probe(logged, probe)
    name = normalize_layer_name(model, logged.layer)
    activations = compute_activations(model, [name], probe, config)
    check_weights(logged, compare_activations(logged, activations[name]), checkpoint)
    targets = [
        tuple(_parse_class(one, probe.classes) for one in several)
        for several in (*((text,) for text in classes), *pairs)
    ]
    indices = check_classes(model, name, probe, targets, config, "--classes, --pair")
    pipeline = ClassPipeline(probe, (name,), config, progress, classes=indices)
    folder = log_dir / classes_run(record.run)
    existing = _read_class_atlases(log_dir, classes_run(record.run))
    for previous in _find_previous(existing, pipeline.series, record.step):
        pipeline.continue_from(previous)
    atlases, costs, skipped = _compute_atlases(pipeline, model, record.step)
    try:
        sizes = _write_atlases(log_dir / record.run, folder, existing, atlases)
    except OSError as error:
        raise ArgumentError(
            f"{str(folder)!r} cannot be written ({error.strerror or error}), but class atlases are "
            "stored there; check its permissions and the free disk space"
        ) from error
    results = [
        ClassAtlasResult(
            run=classes_run(record.run),
            series=atlas.layer,
            step=atlas.step,
            samples=len(atlas.samples),
            rule=atlas.provenance.layer_info[CLASS_ATLAS]["rule"],
            trustworthiness=atlas.quality.trustworthiness,
            seconds=seconds,
            bytes=size,
        )
        for atlas, seconds, size in zip(atlases, costs, sizes, strict=True)
    ]
    return ClassAtlasResults(tuple(results), tuple(skipped))


def _find_last_layer(model: nn.Module, found: Sequence[AtlasRecord]) -> AtlasRecord:
    """Returns the record of the layer that is last in the model."""
    order = {name: place for place, (name, _) in enumerate(model.named_modules())}
    return max(found, key=lambda one: order.get(normalize_layer_name(model, one.layer), -1))


def _parse_class(text: str, names: Sequence[str] | None) -> str | int:
    """Returns a class index as int, unless it is also the name of a class."""
    is_name = names is not None and text in names
    return int(text) if text.isdecimal() and not is_name else text


def _read_class_atlases(log_dir: Path, run: str) -> list[tuple[AtlasRecord, Atlas]]:
    """Returns the intact class atlases of a run, sorted by series and step."""
    found = []
    for one in list_records(log_dir, run=run):
        try:
            found.append((one, one.read()))
        except DamageError:
            continue
    return found


def _find_previous(
    existing: Sequence[tuple[AtlasRecord, Atlas]], series: Iterable[str], step: int
) -> Iterable[Atlas]:
    """Yields the last atlas of each series before a step, or else the first one after it."""
    for name in series:
        own = [atlas for _, atlas in existing if atlas.layer == name and atlas.step != step]
        before = [atlas for atlas in own if atlas.step < step]
        if own:
            yield before[-1] if before else own[0]


def _compute_atlases(
    pipeline: ClassPipeline, model: nn.Module, step: int
) -> tuple[list[Atlas], list[float], list[str]]:
    """Returns the atlases, the CPU time of each, and messages about those that failed."""
    atlases, costs, skipped = [], [], []
    start = time.process_time()
    pipeline.choose(model)
    for series in pipeline.series:
        try:
            atlases.append(pipeline.atlas(model, series, step))
        except AtlasError as error:
            skipped.append(str(error))
            continue
        end = time.process_time()
        costs.append(end - start)
        start = end
    if not atlases:
        raise ArgumentError("; ".join(skipped))
    return atlases, costs, skipped


def _write_atlases(
    home: Path,
    folder: Path,
    existing: Sequence[tuple[AtlasRecord, Atlas]],
    atlases: Sequence[Atlas],
) -> list[int]:
    """Writes the atlases of one step, and rewrites later ones; returns sizes in bytes.

    Args:
        home: Folder of the run of the atlases, from which the probe's images are copied.
        folder: Folder of the run to write.
        existing: Atlases in it.
        atlases: New atlases, all of one step.

    Raises:
        OSError: if they cannot be written.
    """
    step = atlases[0].step
    new = {atlas.layer for atlas in atlases}
    later = [a for _, a in existing if a.step >= step and not (a.step == step and a.layer in new)]
    is_new = not folder.is_dir() or not list_event_files(folder)
    is_cut = any(atlas.step >= step for _, atlas in existing)
    if is_cut:
        purge_steps(str(folder), step, time.time())
    sizes = []
    # Numbered in the order of steps, so that readers know how many were logged.
    count = {layer: sum(a.layer == layer and a.step < step for _, a in existing) for layer in new}
    count |= {
        a.layer: sum(b.layer == a.layer and b.step < step for _, b in existing) for a in later
    }
    sink = EventSink(folder)
    try:
        if is_new or is_cut:
            copy_probes(home, sink)
        for atlas in sorted((*atlases, *later), key=lambda one: one.step):
            count[atlas.layer] += 1
            number = count[atlas.layer]
            blobs = encode_atlas(atlas.replace(sequence=number))
            tag = layer_tag(atlas.layer, sequence=number)
            sink.write(tag, blobs, atlas.step, atlas.wall_time)
            if any(atlas is one for one in atlases):
                sizes.append(sum(map(len, blobs)))
        sink.flush()
    finally:
        sink.close()
    return sizes
