# SPDX-License-Identifier: Apache-2.0
"""`tensorboard-atlas refine`: finer icons for a logged step, in place and beside the log.

The log itself is never touched. Each call writes a run of its own below that of the atlases, which
readers fold into it (see `editions`): steps may be refined in any order, while training goes on.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.commands.cost_estimate import (
    LARGEST_SIDE,
    build_model,
    called,
    picture_tensors,
)
from tensorboard_plugin_atlas.commands.options import MOST_PIXELS
from tensorboard_plugin_atlas.compute.icons.refine import (
    ActivationMatch,
    check_probe,
    compare_activations,
    compute_activations,
    refine_icons,
)
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig, restore_config
from tensorboard_plugin_atlas.demo.data import load
from tensorboard_plugin_atlas.errors import ArgumentError, describe_error
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.logs.reader import Original
from tensorboard_plugin_atlas.logs.selection import SHOWN, logged_atlases, some_of
from tensorboard_plugin_atlas.metadata import Revision, layer_tag, parse_refined_run, refined_run
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.revisions import REFINES

KINDS: Final = ("preview", "inversion", "poster")
_STATE_KEYS: Final = ("state_dict", "model_state_dict", "model", "net")


@dataclass(frozen=True, kw_only=True)
class Refined:
    """What became of one atlas.

    Attributes:
        run: TensorBoard run.
        layer: The layer.
        step: Global step.
        cells: Cells that were drawn.
        likeness: How far the weights answer as the atlas has it.
        before: Mean cosine of the icons before.
        after: Mean cosine of the icons now.
        seconds: Processor time of it.
        bytes: Size in the log.
    """

    run: str
    layer: str
    step: int
    cells: int
    likeness: ActivationMatch
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
    device: str = "cpu",
    onward: bool = False,
    progress: bool = True,
) -> tuple[Refined, ...]:
    """Draws the icons of one step anew, from the weights of its checkpoint.

    Args:
        log_dir: What TensorBoard would be given; it is only added to.
        checkpoint: A state dict that torch saved, alone or under a usual name such as "model".
            Nothing but tensors and plain values is unpickled.
        factory: `module:callable` that returns the model.
        data: What `AtlasWriter` was given as `probe`: `module:callable` that returns it, or a
            folder or `.zip` of `class/image.ext`, or "digits".
        run: Which run, if there are several.
        layers: Dotted module names; None takes all that were logged at the step.
        step: Global step, the last one of the run by default.
        kind: "preview", "inversion" or "poster".
        side: Pixels along a side of images from files.
        normalize: (mean, std) if it is not as the atlas says.
        device: Where to draw, such as "cuda".
        onward: Go on from the icons that are logged: less than half the time for a cosine that is
            lower by some hundredths.
        progress: Whether to show progress bars on a terminal.

    Returns:
        What was drawn, layer by layer. Each is in the log when the next is begun.

    Raises:
        ArgumentError: if an argument cannot be used, the data are not those of the atlas, or the
            weights not those of its checkpoint; nothing is written then.
        LayerError: if the model has no such layer.
    """
    if kind not in KINDS:
        raise ArgumentError(f"--to {kind!r}: pass one of {', '.join(KINDS)}")
    chosen = chosen_step(log_dir, run, layers, step)
    model = model_on_device(build_model(factory), checkpoint, device)
    logged = [original.read() for original in chosen]
    settings = logged[0].provenance.settings
    # In all the steps that icons of the kind take.
    config = restore_config(settings, icons=kind, icon_steps=None, icon_seconds=None)
    probe = probe_of(logged[0], data, config, side, normalize)
    for atlas in logged:
        check_probe(atlas, probe)
    names = [normalize_layer_name(model, atlas.layer) for atlas in logged]
    answers = compute_activations(model, names, probe, config)
    alike = [
        compare_activations(atlas, answers[name]) for atlas, name in zip(logged, names, strict=True)
    ]
    for atlas, found in zip(logged, alike, strict=True):
        check_likeness(atlas, found, checkpoint)
    sink: EventSink | None = None
    done = []
    for original, atlas, name, found in zip(chosen, logged, names, alike, strict=True):
        start = time.process_time()
        finer = refine_icons(
            model,
            atlas,
            probe,
            answers[name],
            kind=kind,
            config=config,
            onward=onward,
            progress=progress,
        )
        blobs = encode_atlas(_marked(finer, original.mark, kind, found))
        sink = sink or EventSink(_fresh_folder(log_dir, original.run))
        sink.write(layer_tag(atlas.layer, Revision.REFINED, atlas.sequence), blobs, atlas.step)
        sink.flush()
        done.append(
            Refined(
                run=original.run,
                layer=atlas.layer,
                step=atlas.step,
                cells=sum(len(grid.rows) for grid in finer.grids),
                likeness=found,
                before=_mean_cosine(atlas),
                after=_mean_cosine(finer),
                seconds=time.process_time() - start,
                bytes=sum(map(len, blobs)),
            )
        )
    if sink is not None:
        sink.close()
    return tuple(done)


def load_weights(model: nn.Module, checkpoint: Path) -> None:
    """Loads a state dict into a model.

    Args:
        model: Every one of its parameters and buffers has to be there.
        checkpoint: See `refine`. A prefix that all names share, as of DistributedDataParallel or of
            a Lightning module, is taken off.

    Raises:
        ArgumentError: if the file cannot be read, holds more than tensors and plain values, or is
            of another model.
    """
    name = f"--checkpoint {str(checkpoint)!r}"
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ArgumentError(
            f"{name} holds more than tensors and plain values, which is not unpickled since that "
            "would run its code; save the weights alone: torch.save(model.state_dict(), path)"
        ) from error
    except Exception as error:  # whatever torch raises at a file that is none of its own
        raise ArgumentError(
            f"{name} cannot be read ({describe_error(error):.200}); pass a file of torch.save"
        ) from error
    state = _state_in(content)
    if state is None:
        raise ArgumentError(
            f"{name} holds no state dict, alone or under {', '.join(map(repr, _STATE_KEYS))}; save "
            "the weights: torch.save(model.state_dict(), path)"
        )
    wanted = model.state_dict()
    state = _without_prefix(state, wanted)
    missing, strange = wanted.keys() - state.keys(), state.keys() - wanted.keys()
    shaped = [k for k in wanted.keys() & state.keys() if state[k].shape != wanted[k].shape]
    if missing or strange or shaped:
        lists = (("it lacks", missing), ("only it has", strange), ("of another shape", shaped))
        differ = "; ".join(f"{what}: {some_of(names)}" for what, names in lists if names)
        raise ArgumentError(f"{name} is of another model than --model makes ({differ})")
    model.load_state_dict(state)


def model_on_device(model: nn.Module, checkpoint: Path, device: str) -> nn.Module:
    """Returns the model with the weights of a checkpoint, on a device.

    Raises:
        ArgumentError: as `load_weights`, or if the device cannot be used.
    """
    load_weights(model, checkpoint)
    try:
        return model.to(torch.device(device))
    except Exception as error:  # torch has many, by kind of device
        raise ArgumentError(
            f"--device {device!r} cannot be used ({describe_error(error):.200}); pass cpu"
        ) from error


def _state_in(content: object) -> dict[str, Tensor] | None:
    """Returns the state dict that a checkpoint is or holds."""
    if not isinstance(content, Mapping):
        return None
    for found in (content, *(content.get(key) for key in _STATE_KEYS)):
        if isinstance(found, Mapping) and found:
            state = {key: value for key, value in found.items() if isinstance(value, Tensor)}
            if len(state) == len(found) and all(isinstance(key, str) for key in state):
                return state
    return None


def _without_prefix(state: dict[str, Tensor], wanted: Mapping[str, Any]) -> dict[str, Tensor]:
    """Returns the entries under the prefix that covers most of the wanted names."""
    first = next(iter(wanted), "")
    prefixes = ["", *(key[: -len(first)] for key in state if first and key.endswith("." + first))]
    best = max(prefixes, key=lambda prefix: sum(prefix + name in state for name in wanted))
    return {key[len(best) :]: value for key, value in state.items() if key.startswith(best)}


def chosen_step(
    log_dir: Path, run: str | None, layers: Sequence[str] | None, step: int | None
) -> list[Original]:
    """Returns the atlases that a checkpoint belongs to: of one run, at one step.

    Raises:
        ArgumentError: if there are none, or several runs and none was named.
    """
    found = logged_atlases(log_dir, run, layers)
    runs = sorted({one.run for one in found})
    if len(runs) > 1:
        raise ArgumentError(f"pass --run: there are {len(runs)} runs ({some_of(runs)})")
    steps = sorted({one.step for one in found})
    wanted = steps[-1] if step is None else step
    if wanted not in steps:
        near = sorted(steps, key=lambda one: abs(one - wanted))[:SHOWN]
        raise ArgumentError(
            f"--step {wanted} was not logged; the nearest are {', '.join(map(str, sorted(near)))}"
        )
    return [one for one in found if one.step == wanted]


def probe_of(
    atlas: Atlas,
    data: str,
    config: AtlasConfig,
    side: int | None,
    normalize: tuple[Sequence[float], Sequence[float]] | None,
) -> Probe:
    """Builds the probe that `data` and the recipe make, for images as an atlas has them.

    Raises:
        ArgumentError: if the data cannot be used.
    """
    info = atlas.provenance.layer_info
    scale: Any = info.get("normalize") if normalize is None else normalize
    if ":" in data and not Path(data).exists():
        source = called(data, "--data", "such as my_code:make_probe")
    else:
        found = load(
            data,
            limit=config.samples,
            seed=0,
            largest_side=LARGEST_SIDE,
            side=side or _logged_side(info),
        )
        source = picture_tensors(found, ((0.0,), (1.0,)) if scale is None else scale)
    return build_probe(
        source, config=config, classes=atlas.classes, normalize=None if scale is None else scale
    )


def _logged_side(info: Mapping[str, Any]) -> int | None:
    """Returns the longer side of the images of an atlas, where its log names one to be believed."""
    size = info.get("input_size")
    if not isinstance(size, (list, tuple)) or not size:
        return None
    sides = [one for one in size if isinstance(one, int) and 1 <= one <= MOST_PIXELS]
    return max(sides) if len(sides) == len(size) else None


def check_likeness(atlas: Atlas, found: ActivationMatch, checkpoint: Path) -> None:
    """Checks that weights are those of the checkpoint that an atlas was made of.

    Raises:
        ArgumentError: if they are not.
    """
    if not found.is_match:
        raise ArgumentError(
            f"--checkpoint {str(checkpoint)!r}: these weights answer otherwise than layer "
            f"{atlas.layer!r} at step {atlas.step:,}: median cosine {found.median:.2f}, where the "
            f"right ones reach {found.expected:.2f}; pass the checkpoint of that step, or its "
            "--step"
        )


def _marked(atlas: Atlas, mark: str, kind: str, found: ActivationMatch) -> Atlas:
    """Returns the atlas with the checksum of the record that it stands for."""
    origin = atlas.provenance
    note = (
        f"icons: drawn later as {kind}, from weights that answer as logged (median cosine "
        f"{found.median:.3f})"
    )
    info = {**origin.layer_info, REFINES: mark}
    provenance = dataclasses.replace(origin, layer_info=info, notes=(*origin.notes, note))
    return atlas.replace(provenance=provenance)


def _mean_cosine(atlas: Atlas) -> float:
    cosines = np.concatenate([grid.icon_cosine for grid in atlas.grids])
    known = cosines[np.isfinite(cosines)]
    return float(known.mean()) if len(known) else float("nan")


def _fresh_folder(log_dir: Path, run: str) -> Path:
    """Makes the folder of the next run of refined atlases; two calls never share one.

    Raises:
        ArgumentError: if it cannot be made.
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
            f"{str(parent)!r} cannot be written ({error.strerror}); refined atlases go there"
        ) from error
    raise AssertionError("count() never ends")
