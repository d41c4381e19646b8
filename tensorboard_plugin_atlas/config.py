# SPDX-License-Identifier: Apache-2.0
"""`AtlasConfig`: every knob of the recipe, with its default and its check."""

from __future__ import annotations

import dataclasses
import itertools
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, SupportsIndex

from tensorboard_plugin_atlas.errors import ArgumentError

LAYOUTS: Final = ("anchored", "umap")
RELAXED: Final = "relaxed"
ICON_KINDS: Final = ("none", "examples", "preview", "inversion", "poster")


@dataclass(frozen=True, kw_only=True)
class AtlasConfig:
    """The recipe of an atlas. Frozen, so that two atlases with equal configs are comparable.

    Attributes:
        samples: Activation vectors per layer and step.
        positions_per_image: Positions drawn inside each probe image, of which
            `samples / positions_per_image` are used; raise it when the probe has fewer images.
        grids: Sizes of the square grids over the map, coarsest first; the tab zooms between them.
        min_count: Members a cell needs to be drawn; below it its samples stay points.
        neighbors: Samples that a sample is drawn to, itself counted, UMAP's `n_neighbors`: larger
            keeps more global shape, smaller more detail.
        min_dist: UMAP's `min_dist`, of `layout="umap"` alone.
        epochs: Optimization epochs of the layout: one of umap-learn's, or two gradient steps of
            ours.
        stability: How firmly a sample is held to its place on the previous map, by the share of its
            neighbors that it kept: larger moves less and fits less. 0 lays every checkpoint out by
            itself and turns the map onto the previous one.
        layout: "anchored" is this package's optimizer, which `stability` needs; "umap" is
            umap-learn's, started from the previous places, for reference.
        attribution: Whether to record what each cell says for each class, at less than the cost of
            one training step over the probe; it needs a model that gives logits. "relaxed" does so
            with a smoother derivative of max pooling, for networks with several such pools.
        icons: How a cell is drawn. "inversion" optimizes a picture until the layer answers with the
            cell's mean activation; "preview" does so at a quarter of the cost and "poster" at two
            to six times, for figures; "examples" shows the real patch nearest to that mean; "none"
            logs no icons.
        icon_size: Side of an icon in pixels, or None to take it from the layer's receptive field.
        icon_steps: Optimization steps of an icon, or None to follow the layer's stride.
        icon_seconds: How long the icons of one atlas may be optimized, coarse grids first; the
            cells that are left keep the real patch and are labeled so. None sets no limit.
        draft_seconds: Where the icons of an atlas are expected to take longer than this, a writer
            logs it at once with real patches for icons, and replaces it when they are drawn. A run
            that is killed meanwhile has that atlas in its log. 0 does so always, None never.
        batch_size: Probe images per forward pass, fewer on the CPU where they are large.
        seed: Seeds the choice of images, positions, layout and icon noise.

    Raises:
        ArgumentError: if a value is out of its range; the message says which and what to pass.

    Examples:
        >>> AtlasConfig(samples=500, grids=(8, 16)).grids
        (8, 16)
    """

    samples: int = 2000
    positions_per_image: int = 1
    grids: tuple[int, ...] = (10, 20, 40)
    min_count: int = 4
    neighbors: int = 30
    min_dist: float = 0.1
    epochs: int = 200
    stability: float = 1.0
    layout: str = "anchored"
    attribution: bool | str = True
    icons: str = "inversion"
    icon_size: int | None = None
    icon_steps: int | None = None
    icon_seconds: float | None = None
    draft_seconds: float | None = 10.0
    batch_size: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _CHECKS:
            # As plain ints: configs of equal numbers are equal, and a manifest can hold them.
            object.__setattr__(self, name, check_setting(name, getattr(self, name)))

    def as_dict(self) -> dict[str, Any]:
        """Returns every setting under its name, ready for a manifest."""
        return dataclasses.asdict(self)


def restore_config(settings: Mapping[str, Any], **changes: Any) -> AtlasConfig:
    """Returns the recipe that a log holds.

    Args:
        settings: `Provenance.settings`; what no recipe of this version knows is left out, and what
            is not there has its default.
        changes: Settings that replace those.

    Raises:
        ArgumentError: if a value is out of its range.
    """
    known = {one.name for one in dataclasses.fields(AtlasConfig)}
    found = {name: value for name, value in settings.items() if name in known}
    if isinstance(found.get("grids"), list):
        found["grids"] = tuple(found["grids"])
    return AtlasConfig(**{**found, **changes})


def check_setting(setting: str, value: Any, argument: str | None = None) -> Any:
    """Returns a value as `AtlasConfig` keeps it: whole numbers of any type as plain ints.

    Args:
        setting: Name of a setting.
        value: What was given for it.
        argument: Where it was given, for messages, if not as `AtlasConfig(setting=...)`.

    Raises:
        ArgumentError: if the value is out of the setting's range.
    """
    plain = tuple(map(_plain, value)) if isinstance(value, tuple) else _plain(value)
    check, wanted = _CHECKS[setting]
    if check(plain):
        return plain
    if argument is None:
        raise ArgumentError(f"AtlasConfig({setting}={value!r:.80}): pass {wanted}")
    raise ArgumentError(f"{argument}={value!r:.80}: pass {wanted}")


def _plain(value: Any) -> Any:
    """Returns a whole number, such as one of numpy's, as an int, and all else as it is."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return value
    try:
        return operator.index(value)
    except TypeError:  # arrays have the method, but only those of one whole number an answer
        return value


def _is_int(low: int, high: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _is_optional_int(low: int, high: int) -> Callable[[Any], bool]:
    inner = _is_int(low, high)
    return lambda v: v is None or inner(v)


def _is_optional_seconds(value: Any) -> bool:
    if value is None:
        return True
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf


def _is_attribution(value: Any) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and value == RELAXED)


def _is_number(low: float, high: float) -> Callable[[Any], bool]:
    # False for NaN, as every comparison with it is.
    return lambda v: isinstance(v, (int, float)) and not isinstance(v, bool) and low <= v <= high


def _is_grids(value: Any) -> bool:
    return (
        isinstance(value, tuple)
        and 1 <= len(value) <= 6
        and all(_is_int(1, 320)(v) for v in value)
        and all(a < b for a, b in itertools.pairwise(value))
    )


_CHECKS: Final[Mapping[str, tuple[Callable[[Any], bool], str]]] = {
    "samples": (_is_int(1, 1_000_000), "a whole number from 1 to 1,000,000"),
    "positions_per_image": (_is_int(1, 10_000), "a whole number from 1 to 10,000"),
    "grids": (_is_grids, "one to six rising sizes from 1 to 320 as a tuple, such as (10, 20, 40)"),
    "min_count": (_is_int(1, 1_000_000), "a whole number of at least 1"),
    "neighbors": (_is_int(2, 1_000), "a whole number from 2 to 1,000"),
    "min_dist": (_is_number(0, 1), "a number from 0 to 1"),
    "epochs": (_is_int(1, 10_000), "a whole number from 1 to 10,000"),
    "stability": (_is_number(0, 100), "a number from 0 to 100"),
    "layout": (lambda v: v in LAYOUTS, "one of " + ", ".join(map(repr, LAYOUTS))),
    "attribution": (_is_attribution, "True, False or 'relaxed'"),
    "icons": (lambda v: v in ICON_KINDS, "one of " + ", ".join(map(repr, ICON_KINDS))),
    "icon_size": (_is_optional_int(8, 256), "None or a whole number from 8 to 256"),
    "icon_steps": (_is_optional_int(1, 4_096), "None or a whole number from 1 to 4,096"),
    "icon_seconds": (_is_optional_seconds, "None or a number of seconds, at least 0"),
    "draft_seconds": (_is_optional_seconds, "None or a number of seconds, at least 0"),
    "batch_size": (_is_int(1, 65_536), "a whole number of at least 1"),
    "seed": (_is_int(0, 2**32 - 1), "a whole number from 0 to 2**32 - 1"),
}
