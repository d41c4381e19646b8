# SPDX-License-Identifier: Apache-2.0
"""Hypothesis strategies that generate random valid atlases."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tensorboard_plugin_atlas.atlas import (
    EVENT_KINDS,
    ICON_KIND_CODES,
    SKIP_REASONS,
    Atlas,
    ConceptChange,
    ConceptGroup,
    ConceptState,
    Event,
    Grid,
    ProbeThumbnails,
    Provenance,
    Quality,
    Samples,
    Skipped,
    SpriteSheets,
    StoredActivations,
)
from tensorboard_plugin_atlas.sprite_sheets import pack
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations

names = st.text(max_size=20)
steps = st.integers(-(2**63), 2**63 - 1)
skipped = st.builds(Skipped, steps, st.sampled_from(SKIP_REASONS))
finite = st.floats(allow_nan=False, allow_infinity=False)
shares = st.none() | st.floats(0, 1)
settings = st.dictionaries(
    names,
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | finite | names,
        lambda inner: st.lists(inner, max_size=3).map(tuple) | st.dictionaries(names, inner),
        max_leaves=4,
    ),
    max_size=4,
)


@st.composite
def stored_activations(draw: st.DrawFn, samples: int) -> StoredActivations:
    channels = draw(st.integers(1, 12))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = random.normal(0, draw(st.sampled_from([1e-3, 1.0, 300.0])), (samples, channels))
    exact, coded = 2 * samples * channels, samples * channels + 8 * channels
    budget = draw(st.sampled_from([exact, min(coded, exact), 8 * channels + 4]))
    return store_activations(values.astype(np.float32), max_bytes=budget)


@st.composite
def icon_sheets(draw: st.DrawFn, count: int) -> SpriteSheets:
    side = draw(st.integers(1, 24))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return pack(random.integers(0, 256, (count, side, side, 3), np.uint8), quality=10)


@st.composite
def grids(draw: st.DrawFn, size: int, xy: NDArray[np.float32], classes: int) -> Grid:
    place = np.minimum((xy * size).astype(np.int64), size - 1)
    flat, inverse, counts = np.unique(
        place[:, 1] * size + place[:, 0], return_inverse=True, return_counts=True
    )
    kept = counts >= draw(st.integers(1, 4))  # there is often no such cell
    cells = int(kept.sum())
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    cosine = random.uniform(-1, 1, cells).astype(np.float32)
    cosine[random.random(cells) < 0.2] = np.nan
    attribution = random.normal(0, 1, (cells, classes)).astype(np.float16).astype(np.float32)
    # Multiples of a power of two, with the largest in each cell, are stored exactly.
    spread = random.integers(0, 256, (cells, classes)).astype(np.float32)
    spread[:, 0] = 255
    return Grid(
        size=size,
        rows=(flat[kept] // size).astype(np.int32),
        cols=(flat[kept] % size).astype(np.int32),
        counts=counts[kept].astype(np.int32),
        cell_of=np.where(kept, np.cumsum(kept) - 1, -1)[inverse].astype(np.int32),
        kind_codes=random.integers(0, len(ICON_KIND_CODES), cells).astype(np.uint8),
        icon_cosine=cosine,
        sheets=draw(st.none() | icon_sheets(cells)),
        attribution=attribution if draw(st.booleans()) else None,
        attribution_spread=spread if draw(st.booleans()) else None,
    )


@st.composite
def samples_of(draw: st.DrawFn, count: int) -> Samples:
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    corner = random.integers(-50, 200, (count, 2))
    classes = random.integers(-1, 1000, (2, count)).astype(np.int32)
    kind = draw(st.sampled_from(("none", "one", "several")))
    sets = random.integers(-1, 5, (count, draw(st.integers(1, 3)))).astype(np.int32)
    return Samples(
        xy=random.random((count, 2), np.float32),
        image_ids=random.integers(0, 2**31 - 1, count).astype(np.int32),
        positions=random.integers(0, 64, (count, 2)).astype(np.int32),
        boxes=np.concatenate([corner, corner + 30], axis=1).astype(np.int32),
        clamped=random.random(count) < 0.1,
        labels=classes[0] if kind == "one" else None,
        label_sets=sets if kind == "several" else None,
        predictions=classes[1] if draw(st.booleans()) else None,
        activations=draw(stored_activations(count)),
        noise_floor=random.random(count, np.float32) if draw(st.booleans()) else None,
        confidences=random.random(count).astype(np.float16) if draw(st.booleans()) else None,
        losses=random.random(count).astype(np.float16) if draw(st.booleans()) else None,
    )


@st.composite
def histories(draw: st.DrawFn, count: int) -> dict[str, Any]:
    """Generates concepts, their samples, and events between them."""
    all_ids = st.sets(st.integers(0, 2**31 - 1), max_size=5)
    ids, group_ids = sorted(draw(all_ids)), sorted(draw(all_ids))
    shares_ = st.floats(0, 1)
    group_of = st.none() | st.sampled_from(group_ids) if group_ids else st.none()
    concepts = tuple(
        ConceptState(
            id=one,
            name=draw(names),
            size=draw(st.integers(0, count)),
            born=draw(steps),
            top_class=draw(st.none() | st.integers(0, 999)),
            top_share=draw(shares_),
            confidence=draw(shares_),
            group=draw(group_of),
            joined=draw(st.none() | shares_),
            left=draw(st.none() | shares_),
        )
        for one in ids
    )
    some = st.lists(st.sampled_from(ids), max_size=3).map(tuple) if ids else st.just(())
    corner = st.tuples(st.just(10), st.integers(0, 9), st.integers(0, 9))
    label = st.integers(0, 999)
    classes_of = {"flips": st.tuples(label, label, label), "confidence": st.tuples(label)}
    event = st.builds(
        Event,
        kind=st.sampled_from([kind for kind in EVENT_KINDS if kind not in classes_of]),
        text=names,
        score=st.floats(0, 1e9),
        confidence=shares_,
        before_step=steps,
        before=st.lists(st.integers(0, 2**31 - 1), max_size=3).map(tuple),
        after=some,
        cell=st.none() | corner,
        samples=st.none() | st.integers(0, count),
    )
    of_predictions = [
        st.builds(
            lambda one, **change: dataclasses.replace(one, **change),
            event,
            kind=st.just(kind),
            classes=classes,
            images=st.none() | st.integers(0, count),
        )
        for kind, classes in classes_of.items()
    ]
    group = st.builds(ConceptGroup, id=st.just(0), name=names, size=st.integers(0, count))
    groups = tuple(dataclasses.replace(draw(group), id=one) for one in group_ids)
    change = st.builds(
        ConceptChange, modularity=st.floats(-1, 1), by_events=shares_, by_churn=shares_
    )
    members = draw(st.lists(st.sampled_from([-1, *ids]), min_size=count, max_size=count))
    return {
        "of_samples": np.array(members, np.int32),
        "concepts": concepts,
        "groups": groups if groups or draw(st.booleans()) else None,
        "change": draw(st.none() | change),
        "events": tuple(draw(st.lists(st.one_of(event, *of_predictions), max_size=3))),
    }


@st.composite
def atlases(draw: st.DrawFn) -> Atlas:
    count = draw(st.integers(0, 40))
    samples = draw(samples_of(count))
    sizes = sorted(draw(st.sets(st.integers(1, 12), max_size=3)))
    classes = draw(st.none() | st.lists(names, max_size=200).map(tuple))
    width = len(classes) if classes else draw(st.integers(1, 1000))
    overlap = np.linspace(0, 1, count, dtype=np.float32) if draw(st.booleans()) else None
    history = draw(st.none() | histories(count))
    if history is not None:
        samples = dataclasses.replace(samples, concepts=history["of_samples"])
    return Atlas(
        layer=draw(names),
        step=draw(steps),
        wall_time=draw(st.floats(0, 1e11)),
        sequence=draw(st.integers(1, 2**53)),
        classes=classes,
        samples=samples,
        grids=tuple(draw(grids(size, samples.xy, width)) for size in sizes),
        quality=Quality(
            trustworthiness=draw(shares),
            knn_kept=draw(shares),
            overlap=overlap,
            clamped=draw(st.integers(0, count)),
            invalid=draw(st.integers(0, count)),
            dead_channels=draw(st.integers(0, 12)),
            effective_rank=draw(st.none() | st.floats(1, 12)),
        ),
        skipped=tuple(draw(st.lists(skipped, max_size=3))),
        viewport=draw(st.none() | st.just((-1.25, 0.5, 3.0, 1e30))),
        concepts=None if history is None else history["concepts"],
        concept_groups=None if history is None else history["groups"],
        concept_change=None if history is None else history["change"],
        events=() if history is None else history["events"],
        provenance=Provenance(
            settings=draw(settings),
            probe=draw(names),
            model=draw(names),
            versions=draw(st.dictionaries(names, names, max_size=3)),
            layer_info=draw(settings),
            notes=tuple(draw(st.lists(names, max_size=3))),
        ),
    )


@st.composite
def probe_pictures(draw: st.DrawFn) -> ProbeThumbnails:
    count = draw(st.integers(0, 20))
    sheets = draw(icon_sheets(count))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return ProbeThumbnails(
        digest=draw(names),
        image_ids=random.integers(0, 2**31 - 1, count).astype(np.int32),
        labels=random.integers(-1, 50, count).astype(np.int32) if draw(st.booleans()) else None,
        input_size=(draw(st.integers(1, 4096)), draw(st.integers(1, 4096))),
        thumb_size=(draw(st.integers(1, sheets.tile)), draw(st.integers(1, sheets.tile))),
        sheets=sheets,
        classes=draw(st.none() | st.lists(names, max_size=9).map(tuple)),
    )


def find_difference(a: Any, b: Any, where: str = "value") -> str | None:
    """Returns where two values differ in type, shape or any bit, or None."""
    if isinstance(a, np.ndarray):
        same = isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape
        return None if same and a.tobytes() == b.tobytes() else where
    if hasattr(a, "__dataclass_fields__"):
        pairs = [(getattr(a, n), getattr(b, n, None), n) for n in a.__dataclass_fields__]
    elif isinstance(a, dict):
        if not isinstance(b, dict) or a.keys() != b.keys():
            return where
        pairs = [(a[n], b[n], n) for n in a]
    elif isinstance(a, tuple):
        if not isinstance(b, tuple) or len(a) != len(b):
            return where
        pairs = [(x, y, str(i)) for i, (x, y) in enumerate(zip(a, b, strict=True))]
    else:
        same_number = isinstance(a, float) and math.isnan(a) and math.isnan(b)
        return None if same_number or (type(a) is type(b) and a == b) else where
    found = (find_difference(x, y, f"{where}.{n}") for x, y, n in pairs)
    return next((one for one in found if one), None)
