# SPDX-License-Identifier: Apache-2.0
"""`AtlasConfig`: all settings of an atlas, with defaults and checks."""

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
    """Settings of an atlas; atlases with equal settings can be compared.

    Attributes:
        samples: Activations per layer and step.
        positions_per_image: Sampled positions in each probe image; `samples / positions_per_image`
            images are used. Increase it if the probe has fewer images. Positions at the edge of an
            image are not sampled; if a layer's map has fewer positions than that, samples of an
            image repeat, and a note in the atlas says how many.
        grids: Sizes of the grids over the map, coarsest first; the tab zooms between them.
        min_count: Smallest number of samples of a cell; samples of smaller cells are shown as
            points.
        neighbors: Neighbors of a sample in the layout, including itself, like UMAP's `n_neighbors`:
            larger values keep more global structure, smaller ones more detail.
        min_dist: UMAP's `min_dist`, for `layout="umap"` only.
        epochs: Optimization epochs of the layout: one of umap-learn, or two gradient steps of the
            anchored layout.
        stability: Strength of the anchors that pull samples to their previous map coordinates,
            depending on the neighbors they kept: larger values give less motion and a worse fit. 0
            computes independent maps and aligns each to the previous one.
        layout: "anchored" is this package's optimizer, which supports `stability`; "umap" is
            umap-learn's, started from the previous coordinates, for reference.
        attribution: Whether to record the attribution of each cell to each class, at less than the
            cost of one training step over the probe; it needs a model with logits. "relaxed" uses a
            smoother derivative of max pooling, for networks with several pooling layers.
        attribution_samples: Number of samples whose attribution is computed, evenly over images.
            The attribution of a cell is their mean, and NaN in cells without any of them. None
            measures the time of 200 samples at the first step of a layer, and uses as many
            as take about 60 CPU s, at least 200. Later steps use the same samples.
        icons: Kind of icons. "inversion" optimizes an image to have the cell's mean activation;
            "preview" has a quarter of the cost, and "poster" two to six times the cost, for
            figures; "examples" shows the real patch nearest to the mean; "none" logs no icons.
        icon_size: Side of an icon in pixels, or None to choose it by the layer's receptive field.
        icon_steps: Optimization steps of an icon, or None to choose them by the layer's stride.
        icon_seconds: Time limit for the icons of one atlas, including the preparation of the
            network. Coarse grids come first; the remaining cells show a real patch, without a
            cosine. None means no limit.
        draft_seconds: If the icons of an atlas are expected to take longer than this, a writer
            first logs a preliminary atlas with real patches for icons, and replaces it when they
            are rendered. It remains in the log if the run is killed. 0 means always, None never.
        batch_size: Probe images per forward pass, fewer on the CPU if they are large.
        seed: Seed for the choice of images and positions, the layout, and icon noise.

    Raises:
        ArgumentError: if a value is out of range; the message says what to pass.

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
    attribution_samples: int | None = None
    icons: str = "inversion"
    icon_size: int | None = None
    icon_steps: int | None = None
    icon_seconds: float | None = None
    draft_seconds: float | None = 10.0
    batch_size: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        for name in _CHECKS:
            # Plain ints can be stored in a manifest.
            object.__setattr__(self, name, check_setting(name, getattr(self, name)))

    def as_dict(self) -> dict[str, Any]:
        """Returns all settings by name, JSON-compatible for a manifest."""
        return dataclasses.asdict(self)


def restore_config(settings: Mapping[str, Any], **changes: Any) -> AtlasConfig:
    """Returns the settings stored in a log.

    Args:
        settings: `Provenance.settings`; unknown settings are ignored, missing ones have defaults.
        changes: Settings that replace those of the log.

    Raises:
        ArgumentError: if a value is out of range.
    """
    known = {one.name for one in dataclasses.fields(AtlasConfig)}
    found = {name: value for name, value in settings.items() if name in known}
    if isinstance(found.get("grids"), list):
        found["grids"] = tuple(found["grids"])
    return AtlasConfig(**{**found, **changes})


def check_setting(setting: str, value: Any, argument: str | None = None) -> Any:
    """Checks a value of a setting; returns it with integers of any type as plain ints.

    Args:
        setting: Name of a setting.
        value: Its value.
        argument: Name of the argument, for messages; `AtlasConfig(setting=...)` by default.

    Raises:
        ArgumentError: if the value is out of range.
    """
    plain = tuple(map(_as_int, value)) if isinstance(value, tuple) else _as_int(value)
    check, advice = _CHECKS[setting]
    if check(plain):
        return plain
    if argument is None:
        raise ArgumentError(f"AtlasConfig({setting}={value!r:.80}): pass {advice}")
    raise ArgumentError(f"{argument}={value!r:.80}: pass {advice}")


def _as_int(value: Any) -> Any:
    """Returns integers of any type, such as NumPy's, as int, and other values unchanged."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        return value
    try:
        return operator.index(value)
    except TypeError:  # arrays have the method, but it fails unless they hold a single integer
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
    # False for NaN, like all comparisons with it.
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
    "positions_per_image": (_is_int(1, 1_000_000), "a whole number from 1 to 1,000,000"),
    "grids": (
        _is_grids,
        "one to six increasing sizes from 1 to 320 as a tuple, such as (10, 20, 40)",
    ),
    "min_count": (_is_int(1, 1_000_000), "a whole number of at least 1"),
    "neighbors": (_is_int(2, 1_000), "a whole number from 2 to 1,000"),
    "min_dist": (_is_number(0, 1), "a number from 0 to 1"),
    "epochs": (_is_int(1, 10_000), "a whole number from 1 to 10,000"),
    "stability": (_is_number(0, 100), "a number from 0 to 100"),
    "layout": (lambda v: v in LAYOUTS, "one of " + ", ".join(map(repr, LAYOUTS))),
    "attribution": (_is_attribution, "True, False or 'relaxed'"),
    "attribution_samples": (
        _is_optional_int(1, 1_000_000),
        "None or a whole number from 1 to 1,000,000",
    ),
    "icons": (lambda v: v in ICON_KINDS, "one of " + ", ".join(map(repr, ICON_KINDS))),
    "icon_size": (_is_optional_int(8, 256), "None or a whole number from 8 to 256"),
    "icon_steps": (_is_optional_int(1, 4_096), "None or a whole number from 1 to 4,096"),
    "icon_seconds": (_is_optional_seconds, "None or a number of seconds, at least 0"),
    "draft_seconds": (_is_optional_seconds, "None or a number of seconds, at least 0"),
    "batch_size": (_is_int(1, 65_536), "a whole number of at least 1"),
    "seed": (_is_int(0, 2**32 - 1), "a whole number from 0 to 2**32 - 1"),
}
