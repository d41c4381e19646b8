# SPDX-License-Identifier: Apache-2.0
"""Selection of the samples of a class atlas: positions with attribution to a class.

Carter et al. (2019) filter random samples by class: those with their largest attribution to the
class ("winner"), or those with the largest attribution ("top"). A probe of a few thousand random
samples has few of either. So the attribution of all positions of all images is computed here, the
strongest positions of each image are attributed to every class, and winners are kept, each once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from torch import nn

from tensorboard_plugin_atlas.analysis.class_lookup import resolve_classes
from tensorboard_plugin_atlas.atlas import FloatArray, IntArray
from tensorboard_plugin_atlas.compute.attribution.attribute import (
    ClassPositions,
    compute_attribution,
    find_class_positions,
)
from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.config import AtlasConfig
from tensorboard_plugin_atlas.errors import ArgumentError

MIN_WINNERS: Final = 50
"""With fewer winners, the strongest of the other positions are added."""


@dataclass(frozen=True, eq=False)
class Selection:
    """Positions with attribution to one class, or to one of two, sorted by image and position.

    Attributes:
        images: (N,) int32: rows of the probe's images, ascending.
        positions: (N, 2) int32: row and column on the feature map, edges included.
        map_size: Height and width of the feature map.
        attribution: (N, K) float32 to each class, in logits.
        rule: "winner" or "top", see `class_series.ClassAtlas`.
        notes: Notes for the provenance of the atlas.
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
    """Selects the positions with attribution to each class.

    Args:
        model: As for `compute_attribution`.
        layer: Dotted module name.
        probe: The images; its sample positions are not used.
        classes: Indices, each once.
        most: Largest number of positions per class; the strongest are kept.
        batch_size: Images per pass.

    Returns:
        Class index to selection; empty if no position has positive attribution to the class.

    Raises:
        ArgumentError: if there is no attribution, or no such class; the message says why.
        LayerError: if the layer does not exist or does not run.
    """
    strongest = find_class_positions(model, layer, probe, classes, most=most, batch_size=batch_size)
    return {
        index: _select_winners(model, layer, probe, index, places, batch_size)
        for index, places in strongest.items()
    }


def check_classes(
    model: nn.Module,
    layer: str,
    probe: Probe,
    requested: Any,
    config: AtlasConfig,
    argument: str = "class_atlases",
) -> tuple[tuple[int, ...], ...]:
    """Checks on two images that class atlases can be made; returns the class indices.

    Args:
        model: As for `compute_attribution`.
        layer: Dotted module name.
        probe: The whole probe.
        requested: As for `resolve_classes`.
        config: The settings.
        argument: Name of the argument or option, for messages.

    Raises:
        ArgumentError: if there is no such class, or no attribution.
        LayerError: if the layer does not exist or does not run.
    """
    if not config.attribution:
        raise ArgumentError(f"{argument} needs attribution; pass AtlasConfig(attribution=True)")
    few = probe.first(2)
    attribution = compute_attribution(model, layer, few)
    if attribution.values is None:
        raise ArgumentError(
            f"{argument}: layer {layer!r} has no attribution: {attribution.notes[0]}; the last of "
            "layers must be one that the logits depend on"
        )
    selections = resolve_classes(requested, probe.classes, attribution.values.shape[1], argument)
    for index in dict.fromkeys(index for classes in selections for index in classes):
        select_class_samples(model, layer, few, [index], most=2)
    return selections


def _select_winners(
    model: nn.Module,
    layer: str,
    probe: Probe,
    index: int,
    strongest: ClassPositions,
    batch_size: int,
) -> Selection:
    """Attributes the strongest positions to all classes, and keeps the winners of this class."""
    order = np.lexsort((strongest.positions[:, 1], strongest.positions[:, 0], strongest.images))
    images, positions, strengths = (
        strongest.images[order],
        strongest.positions[order],
        strongest.strengths[order],
    )
    if not len(images):
        return Selection(
            images, positions, strongest.map_size, np.empty((0, 0), np.float32), "winner"
        )
    requested = probe.at(images, positions, strongest.map_size)
    attribution = compute_attribution(model, layer, requested, batch_size=batch_size).values
    if attribution is None:
        raise ArgumentError(f"layer={layer!r} has no attribution at single positions; pick another")
    wins = np.nan_to_num(attribution, nan=-np.inf).argmax(axis=1) == index
    winners = int(wins.sum())
    rule, notes = "winner", tuple[str, ...]()
    if winners < MIN_WINNERS:
        others = np.flatnonzero(~wins)
        added = others[np.argsort(-strengths[others], kind="stable")][: MIN_WINNERS - winners]
        if len(added):
            wins[added] = True
            rule, notes = "top", (_explain_top_rule(winners, len(added)),)
    return Selection(
        images[wins], positions[wins], strongest.map_size, attribution[wins], rule, notes
    )


def _explain_top_rule(winners: int, others: int) -> str:
    which = "no position has its" if not winners else f"only {winners} positions have their"
    return (
        f"class: {which} largest attribution to this class, so the {others} strongest of the "
        "other positions were added"
    )


def combine_selections(
    selections: Mapping[int, Selection], classes: Sequence[int], most: int
) -> Selection:
    """Returns the selection of one class, or of two combined, sorted by image and position.

    Args:
        selections: The selection of each class.
        classes: Index of one class, or of two; no selection may be empty.
        most: Of two classes, the strongest `most // 2` positions of each are kept.
    """
    if len(classes) == 1:
        return selections[classes[0]]
    parts = [_keep_strongest(selections[index], index, most // 2) for index in classes]
    images = np.concatenate([part.images for part in parts])
    positions = np.concatenate([part.positions for part in parts])
    keys = np.column_stack([images, positions])
    first = np.unique(keys, axis=0, return_index=True)[1]
    return Selection(
        images[first],
        positions[first],
        parts[0].map_size,
        np.concatenate([part.attribution for part in parts])[first],
        "winner" if all(part.rule == "winner" for part in parts) else "top",
        tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def _keep_strongest(selections: Selection, index: int, most: int) -> Selection:
    most = max(most, 1)
    if len(selections) <= most:
        return selections
    strengths = selections.attribution[:, index] - selections.attribution.mean(axis=1)
    kept = np.sort(np.argsort(-strengths, kind="stable")[:most])
    return dataclasses.replace(
        selections,
        images=selections.images[kept],
        positions=selections.positions[kept],
        attribution=selections.attribution[kept],
    )
