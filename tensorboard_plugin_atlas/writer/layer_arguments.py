# SPDX-License-Identifier: Apache-2.0
"""Checks the arguments that name layers: which ones to log, and which one to search."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Final

from torch import nn

from tensorboard_plugin_atlas.compute.log_size_check import check_log_size
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.model.layer_choice import find_layers
from tensorboard_plugin_atlas.compute.model.layers import choose_middle_layer, normalize_layer_name
from tensorboard_plugin_atlas.compute.model.model_interface import ModelInterface, use_interface
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.shortcuts.image_memory_check import check_image_memory
from tensorboard_plugin_atlas.compute.shortcuts.tracker import find_incompatibility
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.writer.messages.failures import FailureReporter

logger = logging.getLogger(__name__)

_PREVIEW_IMAGES: Final = 2
"""Enough to find a layer that never runs or a wrong number of channels."""


def choose_layers(
    model: nn.Module,
    layers: Sequence[str] | None,
    probe: Probe,
    interface: ModelInterface,
    config: AtlasConfig,
) -> tuple[str, ...]:
    """Returns the names of the layers to log, after the model has run on two images.

    Args:
        model: The model; its state is not changed.
        layers: Names; None chooses them and logs the choice.
        probe: Images to run the model on.
        interface: How the model is called and its output is read.
        config: Settings of the atlases.

    Raises:
        ArgumentError: if `layers` is not a list with at least one name, or an atlas would not fit
            in the log.
        LayerError: if a layer does not exist, never runs, or does not output activations.
    """
    with use_interface(interface):
        names = _list_layers(model, layers, probe)
        found = collect_activations(model, names, probe.first(_PREVIEW_IMAGES))
    check_log_size(found, probe, config)
    for note in found.notes:
        if not interface.logits.is_absent and note.startswith("predictions: left out"):
            logger.warning("AtlasWriter: %s", note)
    return names


def _list_layers(model: nn.Module, layers: Sequence[str] | None, probe: Probe) -> tuple[str, ...]:
    if layers is None:
        choice = find_layers(model, probe)
        logger.warning(
            "AtlasWriter: chose layers %s (%s); pass layers=[...] to log others",
            ", ".join(choice.names),
            choice.reason,
        )
        return choice.names
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise ArgumentError(f"layers={layers!r}: pass a list, such as [{str(layers)!r}]")
    names = tuple(dict.fromkeys(normalize_layer_name(model, name) for name in layers))
    if not names:
        raise ArgumentError(
            "layers=[]: pass at least one layer, or None to choose layers automatically"
        )
    return names


def choose_shortcut_layer(
    model: nn.Module,
    layers: tuple[str, ...],
    probe: Probe,
    shortcuts: object,
    reporter: FailureReporter,
) -> str | None:
    """Returns the layer to search for shortcuts, or None; warns if the model has no logits.

    Raises:
        ArgumentError: if `shortcuts` is neither a bool nor the name of one of `layers`, or the
            images do not fit in memory.
    """
    if isinstance(shortcuts, str):
        wanted = normalize_layer_name(model, shortcuts)
        if wanted not in layers:
            raise ArgumentError(
                f"shortcuts={shortcuts!r}: pass True, or one of layers={list(layers)}"
            )
    elif isinstance(shortcuts, bool):
        wanted = choose_middle_layer(model, layers)
    else:
        raise ArgumentError(
            f"shortcuts={shortcuts!r:.40}: pass True, False, or the name of a logged layer"
        )
    reason = find_incompatibility(model, probe) if shortcuts else None
    if reason is not None:
        reporter.warn_once(
            "shortcuts",
            f"AtlasWriter: shortcuts={shortcuts!r} is ignored: {reason}. Atlases are logged",
        )
    if not shortcuts or reason is not None:
        return None
    check_image_memory(probe, f"shortcuts={shortcuts!r}")
    return wanted
