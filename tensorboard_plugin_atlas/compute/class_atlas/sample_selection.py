# SPDX-License-Identifier: Apache-2.0
"""The places of the probe's images that speak for a class: the samples of its atlas.

Carter et al. (2019) filter random samples by class: those whose first class it is ("winner"), or
the strongest ("top"). A probe of thousands holds few of either at random places, so here all places
of all images are weighed, the loudest of each image are asked what they say for every class, and
those that say this one most are kept, each once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from torch import nn

from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.attribution.attribute import (
    ClassPositions,
    compute_attribution,
    find_class_positions,
)
from tensorboard_plugin_atlas.compute.class_atlas.class_spec import resolve_classes
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

FEWEST: Final = 50
"""With fewer places that speak for the class most, the loudest of the others are taken, too."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Places that speak for one class or one of two, sorted by image and position.

    Attributes:
        images: (N,) int32: rows of the probe's images, ascending.
        positions: (N, 2) int32: row and column on the layer's map, its edges included.
        map_size: Height and width of that map.
        attribution: (N, K) float32 toward each class.
        rule: "winner" or "top", see `class_series.ClassAtlas`.
        notes: What a reader must know.
    """

    images: IntArray
    positions: IntArray
    map_size: tuple[int, int]
    attribution: FloatArray
    rule: str
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.images)


def select_class_samples(
    model: nn.Module,
    layer: str,
    probe: Probe,
    classes: Sequence[int],
    *,
    most: int,
    batch_size: int = 128,
) -> Mapping[int, Selection]:
    """Chooses the places that speak for each of some classes.

    Args:
        model: As for `compute_attribution`.
        layer: Dotted module name.
        probe: Its images; its places are not used.
        classes: Indices, each once.
        most: Places of a class at most, the loudest.
        batch_size: Images per pass.

    Returns:
        The places of each class; none for a class that nothing speaks for.

    Raises:
        ArgumentError: if there is no attribution to be had, or no such class; the message says why.
        LayerError: if the layer does not exist or does not run.
    """
    loud = find_class_positions(model, layer, probe, classes, most=most, batch_size=batch_size)
    return {
        index: _chosen(model, layer, probe, index, places, batch_size)
        for index, places in loud.items()
    }


def check_classes(
    model: nn.Module,
    layer: str,
    probe: Probe,
    asked: Any,
    config: AtlasConfig,
    argument: str = "class_atlases",
) -> tuple[tuple[int, ...], ...]:
    """Checks on two images that atlases of classes can be made; returns the indices asked for.

    Args:
        model: As for `compute_attribution`.
        layer: Dotted module name.
        probe: The whole probe.
        asked: As for `resolve_classes`.
        config: The recipe.
        argument: Where they were given, for messages.

    Raises:
        ArgumentError: if there is no such class, or no attribution to be had.
        LayerError: if the layer does not exist or does not run.
    """
    if not config.attribution:
        raise ArgumentError(f"{argument} needs attribution; pass AtlasConfig(attribution=True)")
    few = probe.first(2)
    said = compute_attribution(model, layer, few)
    if said.values is None:
        raise ArgumentError(
            f"{argument}: nothing is known of classes in layer {layer!r}: {said.notes[0]}; the "
            "last of layers has to be one that the logits follow from"
        )
    chosen = resolve_classes(asked, probe.classes, said.values.shape[1], argument)
    for index in dict.fromkeys(index for classes in chosen for index in classes):
        select_class_samples(model, layer, few, [index], most=2)
    return chosen


def _chosen(
    model: nn.Module, layer: str, probe: Probe, index: int, loud: ClassPositions, batch_size: int
) -> Selection:
    """Asks loud places what they say for every class, and keeps those that say this one most."""
    order = np.lexsort((loud.positions[:, 1], loud.positions[:, 0], loud.images))
    images, positions, voices = loud.images[order], loud.positions[order], loud.voices[order]
    if not len(images):
        return Selection(images, positions, loud.map_size, np.empty((0, 0), np.float32), "winner")
    asked = probe.at(images, positions, loud.map_size)
    said = compute_attribution(model, layer, asked, batch_size=batch_size).values
    if said is None:
        raise ArgumentError(f"layer={layer!r} has no attribution at single places; pick another")
    wins = np.nan_to_num(said, nan=-np.inf).argmax(axis=1) == index
    winners = int(wins.sum())
    rule, notes = "winner", tuple[str, ...]()
    if winners < FEWEST:
        others = np.flatnonzero(~wins)
        louder = others[np.argsort(-voices[others], kind="stable")][: FEWEST - winners]
        if len(louder):
            wins[louder] = True
            rule, notes = "top", (_topped_up(winners, len(louder)),)
    return Selection(images[wins], positions[wins], loud.map_size, said[wins], rule, notes)


def _topped_up(winners: int, others: int) -> str:
    which = "no place speaks" if not winners else f"only {winners} places speak"
    return (
        f"class: {which} for it more than for any other class, so the {others} loudest of those "
        "that speak for it at all were taken, too"
    )


def combine_selections(
    chosen: Mapping[int, Selection], classes: Sequence[int], most: int
) -> Selection:
    """Returns the places of one class, or of two, each once and sorted by image and position.

    Args:
        chosen: The places of each class.
        classes: Index of one, or of two of them, neither without places.
        most: Of two classes, the loudest half of so many of each are taken.
    """
    if len(classes) == 1:
        return chosen[classes[0]]
    parts = [_loudest(chosen[index], index, most // 2) for index in classes]
    images = np.concatenate([part.images for part in parts])
    positions = np.concatenate([part.positions for part in parts])
    spots = np.column_stack([images, positions])
    first = np.unique(spots, axis=0, return_index=True)[1]
    return Selection(
        images[first],
        positions[first],
        parts[0].map_size,
        np.concatenate([part.attribution for part in parts])[first],
        "winner" if all(part.rule == "winner" for part in parts) else "top",
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _loudest(chosen: Selection, index: int, most: int) -> Selection:
    most = max(most, 1)
    if len(chosen) <= most:
        return chosen
    voices = chosen.attribution[:, index] - chosen.attribution.mean(axis=1)
    kept = np.sort(np.argsort(-voices, kind="stable")[:most])
    return dataclasses.replace(
        chosen,
        images=chosen.images[kept],
        positions=chosen.positions[kept],
        attribution=chosen.attribution[kept],
    )
