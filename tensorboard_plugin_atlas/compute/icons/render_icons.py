# SPDX-License-Identifier: Apache-2.0
"""`render_icons`: pictures of any direction of a layer, with or without pictures to start from."""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tensorboard_plugin_atlas.analysis.cosine import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.icons.engine import KINDS, IconEngine
from tensorboard_plugin_atlas.compute.icons.fourier_image import natural_pictures
from tensorboard_plugin_atlas.compute.icons.targets import NEAREST, Targets
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations, collect_activations
from tensorboard_plugin_atlas.compute.model.arguments import check_model_and_config
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.model.outputs import forward
from tensorboard_plugin_atlas.compute.model.preserve_state import (
    as_input,
    preserve_model_state,
    unwrap,
)
from tensorboard_plugin_atlas.compute.model.receptive_field import (
    ReceptiveField,
    measure_receptive_field,
)
from tensorboard_plugin_atlas.compute.probe.normalize import IDENTITY, Normalize, as_normalize
from tensorboard_plugin_atlas.compute.probe.patches import PatchSource
from tensorboard_plugin_atlas.compute.probe.probe import Probe, build_probe
from tensorboard_plugin_atlas.config import AtlasConfig, check_setting
from tensorboard_plugin_atlas.errors import ArgumentError

WEAK_COSINE = 0.3
"""Below this cosine an icon says little of its direction."""

_PLACES = 4
_SAMPLES = 2000
_INVENTED_PICTURES = 64
_USUAL_SIDES = (16, 28, 32, 48, 64, 96, 128, 160, 192, 224, 240, 256, 299, 384, 448, 512)


@dataclass(frozen=True, eq=False)
class RenderedIcons:
    """M pictures and how far each can be trusted.

    Attributes:
        images: (M, S, S, 3) uint8.
        cosine: (M,) float32: between the layer's answer to the picture, as it is here, and its
            direction, both relative to the layer's mean; 1 is a perfect likeness.
        kind: What was asked for: "examples", "preview", "inversion" or "poster".
        kinds: (M,) what each picture is: `kind`; "examples" where the layer gives nothing to
            optimize by; "none", a gray picture, where there are no images to show instead.
        steps: Optimization steps of `kind`, 0 for examples.
        notes: What a reader must know.
    """

    images: NDArray[np.uint8]
    cosine: FloatArray
    kind: str
    kinds: NDArray[np.str_]
    steps: int
    notes: tuple[str, ...] = ()


def render_icons(
    model: nn.Module,
    layer: str,
    directions: Tensor | NDArray[Any] | Sequence[int] | Sequence[Sequence[float]],
    images: object = None,
    *,
    normalize: Any = None,
    kind: str = "inversion",
    size: int | None = None,
    steps: int | None = None,
    input_size: int | tuple[int, ...] | None = None,
    seed: int = 0,
) -> RenderedIcons:
    """Draws what a layer answers to along given directions of its activations.

    Args:
        model: An image network on any device and in any mode; it is left as it was.
        layer: Dotted module name.
        directions: Whole numbers name channels. Anything else is (M, C) directions relative to the
            layer's mean activation, of any length, or one of them, (C,), such as the weights of a
            linear probe.
        images: A Dataset, DataLoader, (images, labels) or images, as the model takes them; up to
            500 are used. They give the layer's mean, the colors and textures of natural pictures
            and the patches that icons start from. None invents pictures of natural spectrum and
            starts from noise.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; found in the data
            set's transforms when left out.
        kind: "examples" shows the real patch that answers most alike; "inversion" a picture
            optimized until the layer answers along the direction, "preview" the same with a quarter
            of the work and "poster" with several times as much.
        size: Side of an icon in pixels, or None for that of the layer's receptive field, at most
            128.
        steps: Optimization steps, or None for what was measured best for `kind` and layer.
        input_size: Side, (height, width) or (channels, height, width) of the model's input; needed
            without `images` and not used with them. The first two mean 3 channels.
        seed: Seeds the choice of places, noise and shifts.

    Returns:
        One picture for each direction, in order. It depends on its own direction only, not on the
        others.

    Raises:
        ArgumentError: if an argument cannot be used.
        LayerError: if the layer does not exist or does not run.

    Example:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        >>> icons = render_icons(model, "1", [0, 5], torch.rand(10, 3, 32, 32))
        >>> len(icons.images), len(icons.cosine), icons.steps
        (2, 2, 16)
    """
    recipe = check_model_and_config(model, _as_config(size, steps, seed))
    if kind not in KINDS:
        raise ArgumentError(f"kind={kind!r}: pass one of {', '.join(map(repr, KINDS))}")
    if kind == "examples" and images is None:
        raise ArgumentError("kind='examples' shows real patches: pass images to cut them from")
    layer = normalize_layer_name(model, layer)
    probe = (
        _invented(input_size, normalize, recipe)
        if images is None
        else build_probe(images, config=recipe, normalize=normalize)
    )
    with torch.inference_mode(mode=False):
        if images is None:
            _check_size(model, probe)
        found = collect_activations(model, [layer], probe)
        answers = found.layers[layer]
        wanted = _as_directions(directions, layer, answers.values.shape[1])
        receptive = measure_receptive_field(model, layer, probe, map_size=answers.map_size)
        source = PatchSource(probe.images, probe.normalize)
        engine = IconEngine.prepare(
            unwrap(model),
            layer,
            source,
            receptive,
            size=recipe.icon_size,
            steps=recipe.icon_steps,
            seed=recipe.seed,
        )
        targets = _targets(wanted, answers, receptive, None if images is None else probe)
        drawn = engine.render(targets, kind)
        shown = engine.score(drawn.images, targets, drawn.kinds)
    cosine = np.where(np.isnan(shown), drawn.cosine, shown)
    of_layer = (note for note in found.notes if not note.startswith("predictions"))
    made = RenderedIcons(
        drawn.images,
        cosine,
        kind,
        drawn.kinds,
        drawn.steps,
        tuple(dict.fromkeys((*probe.notes, *of_layer, *drawn.notes, *_weakness(cosine)))),
    )
    return made if images is not None else _without_examples(made)


def _as_config(size: object, steps: object, seed: object) -> AtlasConfig:
    """Returns the recipe of `render_icons`; what is out of range goes by the caller's names."""
    return AtlasConfig(
        samples=_SAMPLES,
        positions_per_image=_PLACES,
        icon_size=check_setting("icon_size", size, "size"),
        icon_steps=check_setting("icon_steps", steps, "steps"),
        seed=check_setting("seed", seed, "seed"),
    )


def _without_examples(made: RenderedIcons) -> RenderedIcons:
    """Grays what would show pieces of invented pictures."""
    missing = made.kinds == "examples"
    if not missing.any():
        return made
    note = f"icons: {missing.sum()} of {len(missing)} could not be drawn and are gray"
    return dataclasses.replace(
        made,
        images=np.where(missing[:, None, None, None], np.uint8(128), made.images),
        cosine=np.where(missing, np.float32(np.nan), made.cosine),
        kinds=np.where(missing, "none", made.kinds),
        notes=(*made.notes, note),
    )


def _invented(input_size: object, normalize: Any, recipe: AtlasConfig) -> Probe:
    """Returns a probe of random pictures with a natural spectrum."""
    shape = _as_shape(input_size)
    scale: Normalize = IDENTITY if normalize is None else as_normalize(normalize)
    pixels = natural_pictures(_INVENTED_PICTURES, shape, seed=recipe.seed)
    notes = ["icons: no images were given, so they start from noise of natural (1/f) spectrum"]
    if normalize is None:
        notes.append("icons: no normalize was given, so the model is shown pixels in [0, 1]")
    probe = build_probe(scale.to_input(pixels), config=recipe, normalize=scale)
    return dataclasses.replace(probe, notes=tuple(notes))


def _check_size(model: nn.Module, probe: Probe) -> None:
    """Tries one picture, so that a size the network refuses is told from any other trouble."""
    with preserve_model_state(model) as inner, torch.no_grad():
        try:
            forward(inner, as_input(probe.images[:1], inner))
            return
        except Exception as error:  # whatever the user's code raises at a size it was not made for
            refusal = f"{type(error).__name__}: {error!s:.200}".splitlines()[0]
        channels = _channels_of(inner, probe.images.shape[1])
        taken = [side for side in _USUAL_SIDES if _takes(inner, (channels, side, side))]
    shape = tuple(probe.images.shape[1:])
    advice = ", ".join(f"({channels}, {side}, {side})" for side in taken)
    raise ArgumentError(
        f"input_size: the model does not run on {shape} ({refusal}); "
        + (f"it runs on {advice}" if taken else "pass the size that it was made for")
    )


def _channels_of(model: nn.Module, otherwise: int) -> int:
    convolutions = (part for part in model.modules() if isinstance(part, nn.Conv2d))
    first = next(convolutions, None)
    return otherwise if first is None else first.in_channels


def _takes(model: nn.Module, shape: tuple[int, int, int]) -> bool:
    try:
        forward(model, as_input(torch.zeros(1, *shape), model))
    except Exception:  # as above
        return False
    return True


def _as_shape(input_size: object) -> tuple[int, int, int]:
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    whole = isinstance(sides, (tuple, list, torch.Size)) and all(
        isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides
    )
    if not whole or len(sides) not in (2, 3):  # type: ignore[arg-type]
        raise ArgumentError(
            f"input_size={input_size!r}: without images pass the size of the model's input, such "
            "as 224, (224, 224) or (1, 28, 28), or pass images"
        )
    channels, height, width = (3, *sides)[-3:]  # type: ignore[misc]
    return channels, height, width


def _as_directions(value: object, layer: str, channels: int) -> FloatArray:
    """Returns (M, C) float32 of length 1.

    Raises:
        ArgumentError: if the value is no such thing, or one of its directions is none.
    """
    advice = (
        f"pass channel numbers from 0 to {channels - 1}, or directions of shape (M, {channels})"
    )
    array = _as_array(value, advice)
    if array.dtype.kind in "iu" and array.ndim <= 1:
        numbers = np.atleast_1d(array).astype(np.int64)
        outside = numbers[(numbers < 0) | (numbers >= channels)]
        if len(outside):
            raise ArgumentError(
                f"directions: layer {layer!r} has no channel {outside[0]}; {advice}"
            )
        array = np.eye(channels, dtype=np.float32)[numbers]
    rows = np.atleast_2d(array).astype(np.float64)
    if rows.ndim != 2 or rows.shape[1] != channels or not len(rows):
        raise ArgumentError(
            f"directions have shape {array.shape} and layer {layer!r} has {channels} channels; "
            + advice
        )
    lengths = np.linalg.norm(rows, axis=1)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if len(bad):
        what = "zero" if lengths[bad[0]] == 0 else "not finite"
        raise ArgumentError(f"directions[{bad[0]}] is {what} and points nowhere; leave it out")
    return np.asarray(rows / lengths[:, None], np.float32)


def _as_array(value: object, advice: str) -> NDArray[Any]:
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        value = value.double() if value.is_floating_point() else value
    try:
        array = np.asarray(value)
    except ValueError:  # rows of different lengths
        array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        raise ArgumentError(f"directions={value!r:.80}: {advice}")
    return array


def _targets(
    wanted: FloatArray, answers: LayerActivations, receptive: ReceptiveField, probe: Probe | None
) -> Targets:
    """Returns the directions as cells, with the places that answer most alike if there is a probe.

    Args:
        wanted: (M, C) of length 1.
        answers: What the layer said.
        receptive: Where its positions look.
        probe: The pictures it was asked about, or None to start from noise.
    """
    valid = np.flatnonzero(finite_rows(answers.values))
    values = answers.values[valid]
    width = wanted.shape[1]
    center = values.mean(axis=0, dtype=np.float64) if len(values) else np.zeros(width)
    deviations = values - center
    # Any length will do, but one that drowns in the center's rounding.
    length = float(np.sqrt((deviations**2).sum(axis=1).mean())) if len(values) else 0.0
    rows = np.full((len(wanted), NEAREST), -1, np.int64)
    places = np.zeros((len(wanted), NEAREST, 2), np.float32)
    if probe is not None and len(values):
        centers = receptive.centers(answers.positions[valid])
        images = probe.sample_image[valid]
        closeness = wanted @ unit_rows(deviations)[:, :width].T
        for k, order in enumerate(np.argsort(-closeness, axis=1, kind="stable")):
            _, first = np.unique(images[order], return_index=True)
            chosen = order[np.sort(first)[:NEAREST]]
            rows[k, : len(chosen)] = images[chosen]
            places[k, : len(chosen)] = centers[chosen]
    return Targets(
        directions=torch.from_numpy((center + (length or 1.0) * wanted).astype(np.float32)),
        center=torch.from_numpy(center.astype(np.float32)),
        rows=torch.from_numpy(rows),
        centers=torch.from_numpy(places),
        keys=np.array([zlib.crc32(one.tobytes()) for one in wanted], np.int64),
    )


def _weakness(cosine: FloatArray) -> tuple[str, ...]:
    weak = int((~(cosine >= WEAK_COSINE)).sum())
    if not weak:
        return ()
    return (
        f"icons: {weak} of {len(cosine)} have a cosine under {WEAK_COSINE} and say little of their "
        "direction",
    )
