# SPDX-License-Identifier: Apache-2.0
"""Chooses the size of icons: a tile, a window of a transformer's patches, or a whole image."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import torch

from tensorboard_plugin_atlas.compute.icons.icon_network import IconNetwork
from tensorboard_plugin_atlas.compute.icons.inversion import (
    FIDELITIES,
    InversionSettings,
    Stage,
    choose_settings,
    choose_tile_side,
    choose_window_settings,
)
from tensorboard_plugin_atlas.compute.model.receptive_field import ReceptiveField
from tensorboard_plugin_atlas.compute.probe.patches import Shape

_MIN_ZOOMED_SIDE: Final = 128
_STEPS_PER_SIZE: Final = 6


@dataclass(frozen=True, eq=False)
class IconFrame:
    """What an icon of a layer covers.

    Attributes:
        activation: The layer's activation for images of that size.
        settings: For each of `FIDELITIES`.
        is_full_size: Whether an icon is as large as the model's input.
        notes: What a reader of the atlas must know.
    """

    activation: IconNetwork
    settings: tuple[InversionSettings, ...]
    is_full_size: bool = False
    notes: tuple[str, ...] = ()


def choose_frame(
    activation: IconNetwork, steps: int | None, full_size_reason: str = ""
) -> IconFrame:
    """Chooses windows of patches for plain transformers, else tiles, else whole images.

    Call it in `activation.evaluation_mode()`.

    Args:
        activation: The layer's activation for images of any size that the network accepts.
        steps: Optimization steps, or None for the measured default of each kind.
        full_size_reason: Note that says why whole images are needed in any case, or empty.
    """
    if full_size_reason:
        return _frame_whole_images(activation, steps, full_size_reason)
    # A transformer that interpolates its position embeddings would run on tiles, too, but a tile
    # shows it other positions than an image does.
    windowed = activation.find_window()
    if windowed is not None:
        return _frame_windows(windowed, steps)
    side = get_tile_side(activation.receptive, activation.source.shape)
    with torch.no_grad():
        reason = _explain_refused_tiles(activation, (side, side))
    if reason is None:
        reason = _explain_tiles_without_gradient(activation, (side, side))
    if reason is not None:
        return _frame_whole_images(activation, steps, reason)
    return _frame_tiles(activation, steps, side)


def get_tile_side(receptive: ReceptiveField, input_shape: Shape) -> int:
    """Returns the side of a square tile that holds the receptive field, in pixels."""
    return choose_tile_side(
        stride=_get_stride(receptive), receptive_size=max(receptive.size), input_shape=input_shape
    )


def _frame_tiles(activation: IconNetwork, steps: int | None, side: int) -> IconFrame:
    planned = _choose_settings(activation, steps, side, is_full_size=False)
    refused = _find_refused_shape(activation, planned)
    if refused is None:
        return IconFrame(activation, planned)
    note = (
        f"icons: the network does not run on {refused[0]} x {refused[1]} px, so they have "
        f"{side} x {side} px from the start"
    )
    stages = ((Stage((side, side), one.steps),) for one in planned)
    one_size = (
        dataclasses.replace(one, stages=stage) for one, stage in zip(planned, stages, strict=True)
    )
    return IconFrame(activation, tuple(one_size), notes=(note,))


def _frame_windows(activation: IconNetwork, steps: int | None) -> IconFrame:
    """Returns windows of patches, for an activation that has a window."""
    window = activation.window
    if window is None:
        raise ValueError("the activation has no window")
    planned = tuple(
        choose_window_settings(patch=window.patch, grid=window.grid, fidelity=one, steps=steps)
        for one in FIDELITIES
    )
    patches = planned[FIDELITIES.index("inversion")].shape[0] // window.patch
    note = (
        f"icons: optimized on {patches} x {patches} patches of the image; their cosine is that of "
        "the whole network for the icon in the middle of another image of the probe"
    )
    return IconFrame(activation, planned, notes=(note,))


def _frame_whole_images(activation: IconNetwork, steps: int | None, reason: str) -> IconFrame:
    side = get_tile_side(activation.receptive, activation.source.shape)
    planned = _choose_settings(activation, steps, side, is_full_size=True)
    if steps is None:
        # A poster loses .03 of its cosine with smaller stages, and a preview more.
        planned = tuple(
            _add_smaller_stages(activation, one) if kind == "inversion" else one
            for kind, one in zip(FIDELITIES, planned, strict=True)
        )
    return IconFrame(activation, planned, is_full_size=True, notes=(reason,))


def _choose_settings(
    activation: IconNetwork, steps: int | None, side: int, *, is_full_size: bool
) -> tuple[InversionSettings, ...]:
    return tuple(
        choose_settings(
            stride=_get_stride(activation.receptive),
            side=side,
            input_shape=activation.source.shape,
            is_full_size=is_full_size,
            fidelity=fidelity,
            steps=steps,
        )
        for fidelity in FIDELITIES
    )


def _add_smaller_stages(activation: IconNetwork, settings: InversionSettings) -> InversionSettings:
    """Starts whole images at half their size, where the network accepts that.

    On the pooled features of EfficientNet-Lite0 at 224 px this halves the cost at the same cosine
    in two sibling networks (.524 and .532 against .524 and .550).
    """
    height, width = settings.shape
    if max(height, width) < _MIN_ZOOMED_SIDE:
        return settings
    stages = [
        Stage((_round_to_16(height * share), _round_to_16(width * share)), _STEPS_PER_SIZE)
        for share in (0.5, 0.7)
    ]
    if not all(activation.accepts(stage.shape) for stage in stages):
        return settings
    last = Stage(settings.shape, _STEPS_PER_SIZE)
    return dataclasses.replace(settings, stages=(*stages, last))


def _round_to_16(side: float) -> int:
    return max(1, round(side / 16)) * 16


def _find_refused_shape(
    activation: IconNetwork, planned: Iterable[InversionSettings]
) -> Shape | None:
    """Returns an image size that the network does not accept, or None."""
    shapes = {stage.shape for settings in planned for stage in settings.stages}
    return next((shape for shape in sorted(shapes) if not activation.accepts(shape)), None)


def _get_stride(receptive: ReceptiveField) -> int:
    return max(1, round(max(receptive.stride)))


def _explain_refused_tiles(activation: IconNetwork, tile: Shape) -> str | None:
    """Returns why the network does not take tiles, or None when it does."""
    full = activation.get_form(activation.source.shape)
    if full.map_size == (1, 1):
        return "icons: the layer has no map, so its icons are whole images"
    try:
        small = activation.get_form(tile)
    except Exception as error:  # the user's code may raise anything for a size it does not accept
        return (
            f"icons: the network does not run on {tile[0]} x {tile[1]} px "
            f"({type(error).__name__}), so icons are optimized at full size"
        )
    if dataclasses.replace(small, map_size=full.map_size) != full:
        return (
            "icons: the layer's output has another form for small inputs, so icons are optimized "
            "at full size"
        )
    return None


def _explain_tiles_without_gradient(activation: IconNetwork, tile: Shape) -> str | None:
    """Returns why tiles have no gradient, where whole images have one; None otherwise."""
    obstacle = activation.explain_missing_gradient(tile)
    if obstacle is None or activation.explain_missing_gradient(activation.source.shape) is not None:
        return None
    return (
        f"icons: the layer has no gradient for {tile[0]} x {tile[1]} px ({obstacle}), so icons are "
        "optimized at full size"
    )
