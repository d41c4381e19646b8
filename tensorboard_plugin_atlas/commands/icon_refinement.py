# SPDX-License-Identifier: Apache-2.0
"""Renders the icons of a logged step again at higher quality, from the weights of its checkpoint.

The log is never changed. Each call writes a new run below the run of the atlases, and readers
combine the two (see `wire.refinement_mark`). Steps can be refined in any order, also during
training.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from torch import nn

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.checkpoints.model_weights import load_weights
from tensorboard_plugin_atlas.commands.cost_estimate import (
    build_model,
    load_probe_source,
    move_to_device,
)
from tensorboard_plugin_atlas.commands.options import MOST_PIXELS
from tensorboard_plugin_atlas.compute.icons.rerendered_icons import (
    ActivationMatch,
    check_probe,
    compare_activations,
    compute_activations,
    refine_icons,
)
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig, restore_config
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.log_names import Revision, layer_tag, parse_refined_run, refined_run
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.logs.record_selection import select_step
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.refinement_mark import REFINES

KINDS: Final = ("preview", "inversion", "poster")


@dataclass(frozen=True, kw_only=True)
class RefinedLayer:
    """Result for one atlas.

    Attributes:
        run: TensorBoard run.
        layer: The layer.
        step: Global step.
        cells: Cells that were drawn.
        match: How closely the activations match the logged ones.
        before: Mean cosine of the logged icons.
        after: Mean cosine of the new icons.
        seconds: CPU time.
        bytes: Size in the log.
    """

    run: str
    layer: str
    step: int
    cells: int
    match: ActivationMatch
    before: float
    after: float
    seconds: float
    bytes: int


def refine(
    log_dir: Path,
    checkpoint: Path,
    factory: str,
    data: str,
    *,
    run: str | None = None,
    layers: Sequence[str] | None = None,
    step: int | None = None,
    kind: str = "poster",
    side: int | None = None,
    normalize: tuple[Sequence[float], Sequence[float]] | None = None,
    num_workers: int | None = None,
    device: str = "cpu",
    onward: bool = False,
    progress: bool = True,
) -> tuple[RefinedLayer, ...]:
    """Renders the icons of one step again, from the weights of its checkpoint.

    Args:
        log_dir: Log directory, as passed to TensorBoard; files are only added.
        checkpoint: As for `checkpoints.checkpoint_reader.read_checkpoint`. Only tensors and plain
            values are unpickled.
        factory: `module:callable` that returns the model.
        data: The probe that was passed to `AtlasWriter`: `module:callable` that returns it, or a
            folder or `.zip` of `class/image.ext`, or "digits".
        run: The run; required if there are several.
        layers: Dotted module names; None for all that were logged at the step.
        step: Global step; None for the last one of the run.
        kind: "preview", "inversion", or "poster".
        side: Side of images from files in pixels; None for that of the atlas.
        normalize: (mean, std); None for that of the atlas.
        num_workers: Number of processes that read images, or None to keep them in memory.
        device: Device to render on, such as "cuda".
        onward: Start from the logged icons. This takes less than half the time, and cosines are
            lower by some hundredths.
        progress: Whether to show progress bars on a terminal.

    Returns:
        The result for each layer. A layer is written before the next one is rendered.

    Raises:
        ArgumentError: if an argument cannot be used, or if data or weights differ from those of the
            logged step. Nothing is written then.
        LayerError: if the model does not have the layer.
    """
    if kind not in KINDS:
        raise ArgumentError(f"--to {kind!r}: pass one of {', '.join(KINDS)}")
    chosen = select_step(log_dir, run, layers, step)
    model = model_on_device(build_model(factory), checkpoint, device)
    logged = [record.read() for record in chosen]
    settings = logged[0].provenance.settings
    # With the default number of steps for icons of this kind.
    config = restore_config(settings, icons=kind, icon_steps=None, icon_seconds=None)
    probe = build_logged_probe(logged[0], data, config, side, normalize, num_workers)
    for atlas in logged:
        check_probe(atlas, probe)
    names = [normalize_layer_name(model, atlas.layer) for atlas in logged]
    activations = compute_activations(model, names, probe, config)
    matches = [
        compare_activations(atlas, activations[name])
        for atlas, name in zip(logged, names, strict=True)
    ]
    for atlas, match in zip(logged, matches, strict=True):
        check_weights(atlas, match, checkpoint)
    sink: EventSink | None = None
    results = []
    for record, atlas, name, match in zip(chosen, logged, names, matches, strict=True):
        start = time.process_time()
        refined = refine_icons(
            model,
            atlas,
            probe,
            activations[name],
            kind=kind,
            config=config,
            onward=onward,
            progress=progress,
        )
        blobs = encode_atlas(_annotate(refined, record.checksum, kind, match))
        sink = sink or EventSink(_make_refined_folder(log_dir, record.run))
        sink.write(layer_tag(atlas.layer, Revision.REFINED, atlas.sequence), blobs, atlas.step)
        sink.flush()
        results.append(
            RefinedLayer(
                run=record.run,
                layer=atlas.layer,
                step=atlas.step,
                cells=sum(len(grid.rows) for grid in refined.grids),
                match=match,
                before=_compute_mean_cosine(atlas),
                after=_compute_mean_cosine(refined),
                seconds=time.process_time() - start,
                bytes=sum(map(len, blobs)),
            )
        )
    if sink is not None:
        sink.close()
    return tuple(results)


def model_on_device(model: nn.Module, checkpoint: Path, device: str) -> nn.Module:
    """Returns the model with the weights of a checkpoint, on a device.

    Raises:
        ArgumentError: as `load_weights`, or if the device cannot be used.
    """
    load_weights(model, checkpoint, label=f"--checkpoint {str(checkpoint)!r}")
    return move_to_device(model, device)


def build_logged_probe(
    atlas: Atlas,
    data: str,
    config: AtlasConfig,
    side: int | None,
    normalize: tuple[Sequence[float], Sequence[float]] | None,
    num_workers: int | None = None,
) -> Probe:
    """Builds a probe from `data`, with the normalization and image size of a logged atlas.

    Raises:
        ArgumentError: if the data cannot be used.
    """
    info = atlas.provenance.layer_info
    scale: Any = info.get("normalize") if normalize is None else normalize
    source, _ = load_probe_source(
        data,
        samples=config.samples,
        side=side or _logged_side(info),
        normalize=scale,
        num_workers=num_workers,
    )
    return build_probe(source, config=config, classes=atlas.classes, normalize=scale)


def _logged_side(info: Mapping[str, Any]) -> int | None:
    """Returns the longer side of the images of an atlas, or None if the logged one is invalid."""
    size = info.get("input_size")
    if not isinstance(size, (list, tuple)) or not size:
        return None
    sides = [one for one in size if isinstance(one, int) and 1 <= one <= MOST_PIXELS]
    return max(sides) if len(sides) == len(size) else None


def check_weights(atlas: Atlas, match: ActivationMatch, checkpoint: Path) -> None:
    """Checks that an atlas was computed from these weights.

    Raises:
        ArgumentError: if they are not.
    """
    if not match.is_match:
        raise ArgumentError(
            f"--checkpoint {str(checkpoint)!r}: the activations with these weights differ from "
            f"those logged for layer {atlas.layer!r} at step {atlas.step:,}: median cosine "
            f"{match.median:.2f}, expected {match.expected:.2f}. Pass the checkpoint of that step, "
            "or the --step of this checkpoint"
        )


def _annotate(atlas: Atlas, checksum: str, kind: str, match: ActivationMatch) -> Atlas:
    """Adds the checksum of the original record and a note."""
    note = (
        f"icons: rendered again as {kind}, from weights that match the logged activations (median "
        f"cosine {match.median:.3f})"
    )
    return atlas.with_notes(note, **{REFINES: checksum})


def _compute_mean_cosine(atlas: Atlas) -> float:
    cosines = np.concatenate([grid.icon_cosine for grid in atlas.grids])
    known = cosines[np.isfinite(cosines)]
    return float(known.mean()) if len(known) else float("nan")


def _make_refined_folder(log_dir: Path, run: str) -> Path:
    """Creates a new folder for refined atlases; concurrent calls never share one.

    Raises:
        ArgumentError: if it cannot be created.
    """
    parent = (log_dir / refined_run(run, 1)).parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        numbers = [
            home[1] for p in parent.iterdir() if (home := parse_refined_run(f"refined/{p.name}"))
        ]
        for number in itertools.count(1 + max(numbers, default=0)):
            folder = log_dir / refined_run(run, number)
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    except OSError as error:
        raise ArgumentError(
            f"{str(parent)!r} cannot be written ({error.strerror}), but refined atlases are stored "
            "there; check its permissions and the free disk space"
        ) from error
    raise AssertionError("count() never ends")
