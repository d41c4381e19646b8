# SPDX-License-Identifier: Apache-2.0
"""`render_icons`: icons of any direction of a layer, with or without images to start from."""

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

from tensorboard_plugin_atlas.analysis.directions import finite_rows, unit_rows
from tensorboard_plugin_atlas.atlas import FloatArray
from tensorboard_plugin_atlas.compute.argument_checks import check_model_and_config
from tensorboard_plugin_atlas.compute.icons.fourier_image import make_natural_images
from tensorboard_plugin_atlas.compute.icons.icon_engine import KINDS, IconEngine
from tensorboard_plugin_atlas.compute.icons.targets import NEAREST, Targets
from tensorboard_plugin_atlas.compute.model.activations import LayerActivations, collect_activations
from tensorboard_plugin_atlas.compute.model.layers import normalize_layer_name
from tensorboard_plugin_atlas.compute.model.model_interface import (
    Forward,
    ModelInterface,
    call_model,
    check_forward,
    use_interface,
)
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
from tensorboard_plugin_atlas.short_repr import short_repr

WEAK_COSINE = 0.3
"""Below this cosine an icon shows its direction poorly."""

_POSITIONS_PER_IMAGE = 4
_SAMPLES = 2000
_SYNTHETIC_IMAGES = 64
_USUAL_SIDES = (16, 28, 32, 48, 64, 96, 128, 160, 192, 224, 240, 256, 299, 384, 448, 512)


@short_repr
@dataclass(frozen=True, eq=False)
class RenderedIcons:
    """The icons of M directions and their cosines.

    Attributes:
        images: (M, S, S, 3) uint8.
        cosine: (M,) float32: cosine between the layer's activation for the image and the direction,
            both relative to the layer's mean; 1 is a perfect match.
        kind: The requested kind: "examples", "preview", "inversion" or "poster".
        kinds: (M,): kind of each icon: `kind`; "examples" where the layer has no gradient; "none",
            a gray image, where there are no images to show instead.
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
    forward: Forward | None = None,
) -> RenderedIcons:
    """Renders icons: images whose activations at a layer point in given directions.

    Args:
        model: An image network on any device and in any mode; it does not change.
        layer: Dotted module name.
        directions: Integers select channels. Anything else is (M, C) directions of any length,
            relative to the layer's mean activation, or a single direction (C,), such as the weights
            of a linear probe.
        images: A Dataset, DataLoader, (images, labels) or images, as the model takes them; up to
            500 are used. They define the layer's mean, the colors and textures of natural images,
            and the patches from which icons start. With None, icons start from noise, and synthetic
            images with a natural spectrum are used for the rest.
        normalize: (mean, std) with model input = (pixels in [0, 1] - mean) / std; read from the
            transforms of the dataset if omitted.
        kind: "examples" shows the real patch with the largest cosine. "inversion" optimizes an
            image until its activation points in the direction, "preview" does so with a quarter of
            the work and "poster" with several times the work.
        size: Side of an icon in pixels, or None for that of the layer's receptive field, at most
            128.
        steps: Optimization steps, or None for the measured default of `kind` and layer.
        input_size: Side, (height, width) or (channels, height, width) of the model's input; needed
            without `images` and not used with them. The first two mean 3 channels.
        seed: Seed of positions, noise and shifts.
        forward: As for `compute_atlas`.

    Returns:
        One icon for each direction, in order. It depends on its own direction only.

    Raises:
        ArgumentError: if an argument cannot be used.
        LayerError: if the layer does not exist or does not run.

    Examples:
        >>> import torch
        >>> from torch import nn
        >>> model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU())
        >>> icons = render_icons(model, "1", [0, 5], torch.rand(10, 3, 32, 32))
        >>> len(icons.images), len(icons.cosine), icons.steps
        (2, 2, 16)
    """
    config = check_model_and_config(model, _make_config(size, steps, seed))
    if kind not in KINDS:
        raise ArgumentError(f"kind={kind!r}: pass one of {', '.join(map(repr, KINDS))}")
    if kind == "examples" and images is None:
        raise ArgumentError("kind='examples' shows real patches: pass images to take them from")
    layer = normalize_layer_name(model, layer)
    probe = (
        _make_synthetic_probe(input_size, normalize, config)
        if images is None
        else build_probe(images, config=config, normalize=normalize)
    )
    interface = ModelInterface(forward=check_forward(forward, model))
    with torch.inference_mode(mode=False), use_interface(interface):
        if images is None:
            _check_input_size(model, probe)
        found = collect_activations(model, [layer], probe)
        activations = found.layers[layer]
        unit_directions = _check_directions(directions, layer, activations.values.shape[1])
        receptive = measure_receptive_field(model, layer, probe, map_size=activations.map_size)
        source = PatchSource(probe.images, probe.normalize)
        engine = IconEngine.prepare(
            unwrap(model),
            layer,
            source,
            receptive,
            size=config.icon_size,
            steps=config.icon_steps,
            seed=config.seed,
        )
        targets = _make_targets(
            unit_directions, activations, receptive, None if images is None else probe
        )
        icons = engine.render(targets, kind)
        cosine = engine.score(icons.images, targets, icons.kinds)
    cosine = np.where(np.isnan(cosine), icons.cosine, cosine)
    layer_notes = (note for note in found.notes if not note.startswith("predictions"))
    notes = (*probe.notes, *layer_notes, *icons.notes, *_describe_weak_icons(cosine))
    rendered = RenderedIcons(
        icons.images, cosine, kind, icons.kinds, icons.steps, tuple(dict.fromkeys(notes))
    )
    return rendered if images is not None else _remove_examples(rendered)


def _make_config(size: object, steps: object, seed: object) -> AtlasConfig:
    """Returns the config of `render_icons`; error messages use the argument names of the caller."""
    return AtlasConfig(
        samples=_SAMPLES,
        positions_per_image=_POSITIONS_PER_IMAGE,
        icon_size=check_setting("icon_size", size, "size"),
        icon_steps=check_setting("icon_steps", steps, "steps"),
        seed=check_setting("seed", seed, "seed"),
    )


def _remove_examples(rendered: RenderedIcons) -> RenderedIcons:
    """Replaces patches of synthetic images by gray."""
    is_missing = rendered.kinds == "examples"
    if not is_missing.any():
        return rendered
    note = f"icons: {is_missing.sum()} of {len(is_missing)} could not be rendered and are gray"
    return dataclasses.replace(
        rendered,
        images=np.where(is_missing[:, None, None, None], np.uint8(128), rendered.images),
        cosine=np.where(is_missing, np.float32(np.nan), rendered.cosine),
        kinds=np.where(is_missing, "none", rendered.kinds),
        notes=(*rendered.notes, note),
    )


def _make_synthetic_probe(input_size: object, normalize: Any, config: AtlasConfig) -> Probe:
    """Returns a probe of random images with a natural spectrum."""
    shape = _check_shape(input_size)
    scale: Normalize = IDENTITY if normalize is None else as_normalize(normalize)
    pixels = make_natural_images(_SYNTHETIC_IMAGES, shape, seed=config.seed)
    notes = ["icons: no images were given, so icons start from noise with a natural (1/f) spectrum"]
    if normalize is None:
        notes.append("icons: no normalize was given, so the model gets pixels in [0, 1]")
    probe = build_probe(scale.to_input(pixels), config=config, normalize=scale)
    return dataclasses.replace(probe, notes=tuple(notes))


def _check_input_size(model: nn.Module, probe: Probe) -> None:
    """Runs one image, to report an input size that the network does not accept.

    Raises:
        ArgumentError: if it does not; the message lists usual sizes that it accepts.
    """
    with preserve_model_state(model) as inner, torch.no_grad():
        try:
            call_model(inner, as_input(probe.images[:1], inner))
            return
        except Exception as error:  # the user's code may raise anything for a size
            refusal = f"{type(error).__name__}: {error!s:.200}".splitlines()[0]
        channels = _get_input_channels(inner, probe.images.shape[1])
        accepted = [side for side in _USUAL_SIDES if _accepts(inner, (channels, side, side))]
    shape = tuple(probe.images.shape[1:])
    advice = ", ".join(f"({channels}, {side}, {side})" for side in accepted)
    raise ArgumentError(
        f"input_size: the model does not run on {shape} ({refusal}); "
        + (f"it runs on {advice}" if accepted else "pass the size that it was trained with")
    )


def _get_input_channels(model: nn.Module, default: int) -> int:
    convolutions = (part for part in model.modules() if isinstance(part, nn.Conv2d))
    first = next(convolutions, None)
    return default if first is None else first.in_channels


def _accepts(model: nn.Module, shape: tuple[int, int, int]) -> bool:
    try:
        call_model(model, as_input(torch.zeros(1, *shape), model))
    except Exception:  # the user's code may raise anything for a size
        return False
    return True


def _check_shape(input_size: object) -> tuple[int, int, int]:
    sides = (input_size, input_size) if isinstance(input_size, int) else input_size
    is_valid = isinstance(sides, (tuple, list, torch.Size)) and all(
        isinstance(side, int) and not isinstance(side, bool) and side > 0 for side in sides
    )
    if not is_valid or len(sides) not in (2, 3):  # type: ignore[arg-type]
        raise ArgumentError(
            f"input_size={input_size!r}: without images pass the size of the model's input, such "
            "as 224, (224, 224) or (1, 28, 28), or pass images"
        )
    channels, height, width = (3, *sides)[-3:]  # type: ignore[misc]
    return channels, height, width


def _check_directions(value: object, layer: str, channels: int) -> FloatArray:
    """Returns (M, C) float32 directions of length 1.

    Raises:
        ArgumentError: if the value is neither channel numbers nor directions of this layer, or a
            direction is zero or not finite.
    """
    advice = (
        f"pass channel numbers from 0 to {channels - 1}, or directions of shape (M, {channels})"
    )
    array = _to_array(value, advice)
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
        raise ArgumentError(f"directions[{bad[0]}] is {what} and has no direction; remove it")
    return np.asarray(rows / lengths[:, None], np.float32)


def _to_array(value: object, advice: str) -> NDArray[Any]:
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


def _make_targets(
    directions: FloatArray,
    activations: LayerActivations,
    receptive: ReceptiveField,
    probe: Probe | None,
) -> Targets:
    """Returns the directions as targets, with the samples of largest cosine if there is a probe.

    Args:
        directions: (M, C) of length 1.
        activations: Of the layer.
        receptive: Receptive fields of the layer's positions.
        probe: The images of the activations, or None to start from noise.
    """
    valid = np.flatnonzero(finite_rows(activations.values))
    values = activations.values[valid]
    width = directions.shape[1]
    center = values.mean(axis=0, dtype=np.float64) if len(values) else np.zeros(width)
    deviations = values - center
    # Any length works unless rounding of the center hides it.
    length = float(np.sqrt((deviations**2).sum(axis=1).mean())) if len(values) else 0.0
    rows = np.full((len(directions), NEAREST), -1, np.int64)
    nearest_centers = np.zeros((len(directions), NEAREST, 2), np.float32)
    if probe is not None and len(values):
        centers = receptive.centers(activations.positions[valid])
        images = probe.sample_image[valid]
        cosines = directions @ unit_rows(deviations)[:, :width].T
        for k, order in enumerate(np.argsort(-cosines, axis=1, kind="stable")):
            _, first = np.unique(images[order], return_index=True)
            chosen = order[np.sort(first)[:NEAREST]]
            rows[k, : len(chosen)] = images[chosen]
            nearest_centers[k, : len(chosen)] = centers[chosen]
    return Targets(
        directions=torch.from_numpy((center + (length or 1.0) * directions).astype(np.float32)),
        center=torch.from_numpy(center.astype(np.float32)),
        rows=torch.from_numpy(rows),
        centers=torch.from_numpy(nearest_centers),
        keys=np.array([zlib.crc32(one.tobytes()) for one in directions], np.int64),
    )


def _describe_weak_icons(cosine: FloatArray) -> tuple[str, ...]:
    weak = int((~(cosine >= WEAK_COSINE)).sum())
    if not weak:
        return ()
    return (
        f"icons: {weak} of {len(cosine)} have a cosine below {WEAK_COSINE} and show their "
        "direction poorly",
    )
