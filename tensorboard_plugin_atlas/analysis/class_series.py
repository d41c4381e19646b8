# SPDX-License-Identifier: Apache-2.0
"""What the atlases of a class are called, and what they state of themselves.

An atlas of what speaks for one class, or of what tells two apart, is an atlas like any other in a
series of its own. Its samples are chosen anew at every step: row j is not the same sample twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from tensorboard_plugin_atlas.atlas import Provenance

CLASS_ATLAS: Final = "class_atlas"
"""Key of `Provenance.layer_info`; see `ClassAtlas`."""

LONGEST_NAME: Final = 60
_OF: Final = " · "
_AND: Final = " / "


@dataclass(frozen=True, kw_only=True)
class Axis:
    """How far samples speak for one class rather than another: the horizontal axis of two classes.

    Attributes:
        left: Index of the class that the left speaks for.
        right: Index of the class that the right speaks for; the middle speaks for neither more.
        reach: Logits of difference at the rim.
        trust: Trustworthiness of the vertical axis by itself, None where it is undefined.
    """

    left: int
    right: int
    reach: float
    trust: float | None = None


@dataclass(frozen=True, kw_only=True)
class ClassAtlas:
    """What an atlas of one or two classes states of itself.

    Attributes:
        layer: The layer that was asked.
        classes: Index of the class, or of both.
        names: Their names as the series has them.
        rule: "winner": every sample speaks for the class more than for any other. "top": there were
            too few of those, and the strongest of the others were taken, too.
        axis: Of two classes, else None.
    """

    layer: str
    classes: tuple[int, ...]
    names: tuple[str, ...]
    rule: str
    axis: Axis | None = None

    def as_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for a manifest."""
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
                "trust": axis.trust,
            },
        }


def class_atlas_of(provenance: Provenance) -> tuple[str, tuple[int, ...]] | None:
    """Returns the layer and the classes of an atlas of classes, None for any other."""
    found = provenance.layer_info.get(CLASS_ATLAS)
    if not isinstance(found, Mapping):
        return None
    layer, classes = found.get("layer"), found.get("classes")
    if not isinstance(layer, str) or not isinstance(classes, (list, tuple)):
        return None
    return layer, tuple(index for index in classes if isinstance(index, int))


def names_of(classes: Sequence[int], known: Sequence[str] | None) -> tuple[str, ...]:
    """Returns how classes are called in the name of a series.

    Args:
        classes: Indices.
        known: The name of each class, or None.

    Returns:
        The name, cut at 60 characters and without what parts the name of a series; the index where
        there is no name, and behind one that is another class's as well.
    """
    shown = [_cut(name.replace(_OF, "·").replace(_AND, "/")) for name in known or ()]
    return tuple(
        str(index)
        if index >= len(shown)
        else shown[index]
        if shown.count(shown[index]) == 1
        else f"{shown[index]} ({index})"
        for index in classes
    )


def series_name(layer: str, names: Sequence[str]) -> str:
    """Returns what the atlases of one or two classes stand under, in place of a layer's name."""
    return f"{layer}{_OF}{_AND.join(names)}"


def layer_of_series(series: str) -> str | None:
    """Returns the layer of a series of atlases of classes, None for a layer's own name."""
    layer, found, _ = series.rpartition(_OF)
    return layer if found else None


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
