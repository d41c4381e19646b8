# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas class`: atlases of classes for a logged step, from its checkpoint.

The log itself is never touched. They go to one run below that of the atlases, `<run>/classes`, in
which steps may be made in any order: what is there of later steps is written again behind a new
one, since both of TensorBoard's loaders keep rising steps only.
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
    check_likeness,
    chosen_step,
    model_on_device,
    probe_of,
)
from tensorboard_plugin_atlas.commands.map_relayout import copy_probes
from tensorboard_plugin_atlas.compute.class_atlas.pipeline import ClassPipeline
from tensorboard_plugin_atlas.compute.class_atlas.sample_selection import check_classes
from tensorboard_plugin_atlas.compute.icons.refine import (
    check_probe,
    compare_activations,
    compute_activations,
)
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.config import restore_config
from tensorboard_plugin_atlas.errors import ArgumentError, AtlasError, DamageError
from tensorboard_plugin_atlas.logs.event_file import EventSink, event_files
from tensorboard_plugin_atlas.logs.reader import Original, originals
from tensorboard_plugin_atlas.logs.resume import purge_steps
from tensorboard_plugin_atlas.metadata import classes_run, layer_tag
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas


@dataclass(frozen=True, kw_only=True)
class Made:
    """What became of one atlas.

    Attributes:
        run: TensorBoard run that it is in.
        series: What it is called.
        step: Global step.
        samples: Places that speak for the class.
        rule: "winner" or "top", see `class_series.ClassAtlas`.
        trust: Trustworthiness of the map, None where it is undefined.
        seconds: Processor time of it; of the first, also of choosing the places of all.
        bytes: Size in the log.
    """

    run: str
    series: str
    step: int
    samples: int
    rule: str
    trust: float | None
    seconds: float
    bytes: int


@dataclass(frozen=True)
class ClassAtlases:
    """What one call did.

    Attributes:
        made: Each atlas.
        words: What could not be made and why, a sentence each.
    """

    made: tuple[Made, ...]
    words: tuple[str, ...] = ()


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
    device: str = "cpu",
    progress: bool = True,
) -> ClassAtlases:
    """Makes atlases of classes for a step that was logged, and adds them below its run.

    Args:
        log_dir: What TensorBoard would be given; it is only added to.
        checkpoint: As for `refine`.
        factory: `module:callable` that returns the model.
        data: As for `refine`.
        classes: Names or indices of classes.
        pairs: Two names or indices each.
        run: Which run, if there are several.
        layer: Dotted module name; None takes the last one in the model that was logged.
        step: Global step, the last one of the run by default.
        icons: How cells are drawn, as the atlas of the layer by default.
        side: Pixels along a side of images from files.
        normalize: (mean, std) if it is not as the atlas says.
        device: Where to compute, such as "cuda".
        progress: Whether to show progress bars on a terminal.

    Returns:
        What was made, and what was not.

    Raises:
        ArgumentError: if an argument cannot be used, the data are not those of the atlas, the
            weights not those of its checkpoint, or nothing could be made; nothing is written then.
        LayerError: if the model has no such layer.
    """
    if not classes and not pairs:
        raise ArgumentError("pass --classes NAME or --pair NAME NAME; --help shows how")
    chosen = chosen_step(log_dir, run, None if layer is None else [layer], step)
    model = model_on_device(build_model(factory), checkpoint, device)
    original = _deepest(model, chosen)
    logged = original.read()
    changes = {} if icons is None else {"icons": icons, "icon_steps": None}
    config = restore_config(logged.provenance.settings, icon_seconds=None, **changes)
    probe = probe_of(logged, data, config, side, normalize)
    check_probe(logged, probe)
    name = normalize_layer_name(model, logged.layer)
    answers = compute_activations(model, [name], probe, config)
    check_likeness(logged, compare_activations(logged, answers[name]), checkpoint)
    wanted = [
        tuple(_meant(one, probe.classes) for one in several)
        for several in (*((text,) for text in classes), *pairs)
    ]
    asked = check_classes(model, name, probe, wanted, config, "--classes, --pair")
    pipeline = ClassPipeline(probe, (name,), config, progress, classes=asked)
    home = log_dir / classes_run(original.run)
    there = _there(log_dir, classes_run(original.run))
    for previous in _nearest(there, pipeline.series, original.step):
        pipeline.continue_from(previous)
    atlases, costs, words = _made(pipeline, model, original.step)
    try:
        sizes = _written(log_dir / original.run, home, there, atlases)
    except OSError as error:
        raise ArgumentError(
            f"{str(home)!r} cannot be written ({error.strerror or error}); atlases of classes go "
            "there"
        ) from error
    made = [
        Made(
            run=classes_run(original.run),
            series=atlas.layer,
            step=atlas.step,
            samples=len(atlas.samples),
            rule=atlas.provenance.layer_info[CLASS_ATLAS]["rule"],
            trust=atlas.quality.trustworthiness,
            seconds=seconds,
            bytes=size,
        )
        for atlas, seconds, size in zip(atlases, costs, sizes, strict=True)
    ]
    return ClassAtlases(tuple(made), tuple(words))


def _deepest(model: nn.Module, found: Sequence[Original]) -> Original:
    """Returns the one of the layers that comes last in the model."""
    order = {name: place for place, (name, _) in enumerate(model.named_modules())}
    return max(found, key=lambda one: order.get(normalize_layer_name(model, one.layer), -1))


def _meant(text: str, names: Sequence[str] | None) -> str | int:
    """Returns an index for a number that is no name."""
    is_name = names is not None and text in names
    return int(text) if text.isdecimal() and not is_name else text


def _there(log_dir: Path, run: str) -> list[tuple[Original, Atlas]]:
    """Returns what is there already and sound, by series and step."""
    found = []
    for one in originals(log_dir, run=run):
        try:
            found.append((one, one.read()))
        except DamageError:
            continue
    return found


def _nearest(
    there: Sequence[tuple[Original, Atlas]], series: Iterable[str], step: int
) -> Iterable[Atlas]:
    """Yields, of each series, the last atlas before a step, else the first one behind it."""
    for name in series:
        own = [atlas for _, atlas in there if atlas.layer == name and atlas.step != step]
        before = [atlas for atlas in own if atlas.step < step]
        if own:
            yield before[-1] if before else own[0]


def _made(
    pipeline: ClassPipeline, model: nn.Module, step: int
) -> tuple[list[Atlas], list[float], list[str]]:
    """Returns the atlases, the processor time of each, and what could not be made."""
    atlases, costs, words = [], [], []
    start = time.process_time()
    pipeline.choose(model)
    for series in pipeline.series:
        try:
            atlases.append(pipeline.atlas(model, series, step))
        except AtlasError as error:
            words.append(str(error))
            continue
        end = time.process_time()
        costs.append(end - start)
        start = end
    if not atlases:
        raise ArgumentError("; ".join(words))
    return atlases, costs, words


def _written(
    home: Path, folder: Path, there: Sequence[tuple[Original, Atlas]], atlases: Sequence[Atlas]
) -> list[int]:
    """Writes atlases of one step, and those of later steps again behind them; returns their sizes.

    Raises:
        OSError: if they cannot be written.
    """
    step = atlases[0].step
    new = {atlas.layer for atlas in atlases}
    behind = [a for _, a in there if a.step >= step and not (a.step == step and a.layer in new)]
    is_new = not folder.is_dir() or not event_files(folder)
    is_cut = any(atlas.step >= step for _, atlas in there)
    if is_cut:
        purge_steps(str(folder), step, time.time())
    sizes = []
    # Numbered as they stand, so that readers can tell how many of them they keep.
    count = {layer: sum(a.layer == layer and a.step < step for _, a in there) for layer in new}
    count |= {a.layer: sum(b.layer == a.layer and b.step < step for _, b in there) for a in behind}
    sink = EventSink(folder)
    try:
        if is_new or is_cut:
            copy_probes(home, sink)
        for atlas in sorted((*atlases, *behind), key=lambda one: one.step):
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
