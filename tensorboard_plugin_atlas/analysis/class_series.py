# SPDX-License-Identifier: Apache-2.0
"""Names and metadata of class atlases.

A class atlas holds samples with attribution to one class, or to one of two classes. It is logged in
a series of its own. Its samples are selected again at every step: row j is not the same sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorboard_plugin_atlas.analysis.printable_text import shorten
from tensorboard_plugin_atlas.atlas import Provenance

CLASS_ATLAS: Final = "class_atlas"
"""Key of `Provenance.layer_info`; see `ClassAtlas`."""

MAX_NAME_LENGTH: Final = 60
"""Characters of a class name that are kept in the name of a series."""
_LAYER_SEPARATOR: Final = " · "
_CLASS_SEPARATOR: Final = " / "


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Horizontal axis of an atlas of two classes: difference of their attributions.

    Attributes:
        left: Index of the class whose attribution is larger on the left.
        right: Index of the class whose attribution is larger on the right.
        reach: Difference of the attributions at the right edge, in logits.
        trustworthiness: Trustworthiness of the vertical axis alone, or None if undefined.
    """

    left: int
    right: int
    reach: float
    trustworthiness: float | None = None


@dataclass(frozen=True, kw_only=True)
class ClassAtlas:
    """Metadata of a class atlas.

    Attributes:
        layer: Dotted module name.
        classes: Index of the class, or of both classes.
        names: Their names in the name of the series.
        rule: "winner": every sample has its largest attribution to the class. "top": there were too
            few of those, and the strongest of the other samples were added.
        axis: Horizontal axis of two classes, else None.
    """

    layer: str
    classes: tuple[int, ...]
    names: tuple[str, ...]
    rule: str
    axis: Axis | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns JSON-compatible values for a manifest."""
        axis = self.axis
        return {
            "layer": self.layer,
            "classes": list(self.classes),
            "names": list(self.names),
            "rule": self.rule,
            "axis": None
            if axis is None
            else {
                "left": axis.left,
                "right": axis.right,
                "reach": axis.reach,
                "trustworthiness": axis.trustworthiness,
            },
        }


def class_atlas_of(provenance: Provenance) -> tuple[str, tuple[int, ...]] | None:
    """Returns the layer and the classes of a class atlas, None for any other atlas."""
    found = provenance.layer_info.get(CLASS_ATLAS)
    if not isinstance(found, Mapping):
        return None
    layer, classes = found.get("layer"), found.get("classes")
    if not isinstance(layer, str) or not isinstance(classes, (list, tuple)):
        return None
    return layer, tuple(index for index in classes if isinstance(index, int))


def names_of(classes: Sequence[int], known: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the class names as they are written in a series name.

    Args:
        classes: Indices.
        known: The name of each class, or None.

    Returns:
        The name of each class: at most 60 characters, without the separators of series names. The
        index if there is no name; name and index if another class has the same name.
    """
    shown = [
        shorten(name.replace(_LAYER_SEPARATOR, "·").replace(_CLASS_SEPARATOR, "/"), MAX_NAME_LENGTH)
        for name in known or ()
    ]
    return tuple(
        str(index)
        if index >= len(shown)
        else shown[index]
        if shown.count(shown[index]) == 1
        else f"{shown[index]} ({index})"
        for index in classes
    )


def series_name(layer: str, names: Sequence[str]) -> str:
    """Returns the name of a series of class atlases, which is used like the name of a layer."""
    return f"{layer}{_LAYER_SEPARATOR}{_CLASS_SEPARATOR.join(names)}"


def layer_of_series(series: str) -> str | None:
    """Returns the layer of a series of class atlases, None for the name of a layer."""
    layer, found, _ = series.rpartition(_LAYER_SEPARATOR)
    return layer if found else None
