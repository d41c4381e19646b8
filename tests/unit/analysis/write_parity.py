# SPDX-License-Identifier: Apache-2.0
"""Writes `tests/golden/parity/*.json`: results of the rules that Python and the front end share.

    python tests/unit/analysis/write_parity.py

`atlases.json` holds small atlases as they are logged. Each other file holds, for one rule, the
atlases of each case and what Python computes for them. `test_parity.py` computes them again, and
`frontend/tests/domain/parity.test.ts` compares the front end with them.
"""

from __future__ import annotations

import base64
import itertools
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from synthetic_atlases import make_atlas  # noqa: E402

from tensorboard_plugin_atlas.analysis.cell_labels import cell_labels  # noqa: E402
from tensorboard_plugin_atlas.analysis.class_series import CLASS_ATLAS, ClassAtlas  # noqa: E402
from tensorboard_plugin_atlas.analysis.comparison import compare_atlases  # noqa: E402
from tensorboard_plugin_atlas.analysis.layer_links import link_layers  # noqa: E402
from tensorboard_plugin_atlas.analysis.sample_matching import match_samples  # noqa: E402
from tensorboard_plugin_atlas.atlas import Atlas, ConceptState, Grid  # noqa: E402
from tensorboard_plugin_atlas.shortcut_record import TestedPatch  # noqa: E402
from tensorboard_plugin_atlas.wire.activation_quantization import store_activations  # noqa: E402
from tensorboard_plugin_atlas.wire.atlas_codec import decode_atlas, encode_atlas  # noqa: E402

FOLDER = ROOT / "tests" / "golden" / "parity"
ATLASES = "atlases.json"
SAMPLES = 60
SIZE = 4
DIGITS = 5


def make_atlases() -> dict[str, Atlas]:
    """Returns the atlases of all cases by name."""
    first, later = (_plain(make_atlas(step, **_OPTIONS)) for step in (0, 400))
    floor = np.linspace(0, 0.4, SAMPLES, dtype=np.float32)
    later = later.replace(samples=_replace(later.samples, noise_floor=floor))
    shuffled = np.random.default_rng(1).permutation(SAMPLES)[: SAMPLES - 7]
    mid, late = _linked_layers()
    return {
        "first": first,
        "later": later,
        "class": _of_class(first),
        "class-shuffled": _of_class(_take(later, shuffled)),
        "other-layer": _shift_boxes(_take(later, shuffled)).replace(layer="layer4"),
        "several-labels": _with_label_sets(later),
        "mid": mid,
        "late": late,
        "concepts": _with_concepts(first, 0),
        "concepts-later": _with_concepts(later, 1),
        "concepts-other-layer": _with_concepts(
            _shift_boxes(_take(later, shuffled)).replace(layer="layer4"), 2
        ),
    }


_OPTIONS: dict[str, Any] = {"samples": SAMPLES, "grids": (SIZE,), "tile": 1, "channels": 6}


def _plain(atlas: Atlas) -> Atlas:
    """Returns an atlas without icons, concepts and events."""
    grids = tuple(_grid(atlas.xy, np.arange(SIZE * SIZE)) for _ in atlas.grids)
    samples = _replace(atlas.samples, concepts=None)
    return atlas.replace(
        samples=samples,
        grids=grids,
        concepts=None,
        concept_groups=None,
        concept_change=None,
        events=(),
    )


def _with_label_sets(atlas: Atlas) -> Atlas:
    """Returns an atlas whose samples have one to three labels."""
    random = np.random.default_rng(3)
    sets = np.full((SAMPLES, 3), -1, np.int32)
    for row, label in zip(sets, atlas.image_ids % 6, strict=True):
        count = random.integers(1, 4)
        row[:count] = [label, *random.permutation(np.arange(6, 10))[: count - 1]]
    return atlas.replace(samples=_replace(atlas.samples, labels=None, label_sets=sets))


def _with_concepts(atlas: Atlas, seed: int) -> Atlas:
    """Returns an atlas with six concepts; one of them and a quarter of the samples are random.

    The ids are not in the order of the concepts, and some samples are in none.
    """
    random = np.random.default_rng(seed)
    ids = random.permutation(40)[:6].astype(np.int32)
    group = atlas.image_ids % 6
    moved = (random.random(len(group)) < 0.25) | (group == seed)
    group = np.where(moved, random.integers(0, 6, len(group)), group)
    # Concept 5 of an even seed has other samples than that of an odd one.
    group = np.where(group == 5, random.integers(0, 6, len(group)), group)
    concepts = np.where(random.random(len(group)) < 0.1, -1, ids[group]).astype(np.int32)
    states = tuple(
        ConceptState(id=one, name=f"concept {one}", size=int((concepts == one).sum()), born=0)
        for one in sorted(ids.tolist())
    )
    return atlas.replace(samples=_replace(atlas.samples, concepts=concepts), concepts=states)


def _replace(value: Any, **changes: Any) -> Any:
    return type(value)(**{**vars(value), **changes})


def _grid(xy: Any, order: Any, cells: Any = None) -> Grid:
    """Returns a grid of `SIZE` whose cells are those of `xy`, or the given ones."""
    if cells is None:
        at = np.minimum((xy * SIZE).astype(np.int64), SIZE - 1)
        cells = at[:, 1] * SIZE + at[:, 0]
    used = order[np.isin(order, cells)]
    index = np.full(SIZE * SIZE, -1)
    index[used] = np.arange(len(used))
    cell_of = index[cells].astype(np.int32)
    return Grid(
        size=SIZE,
        rows=(used // SIZE).astype(np.int32),
        cols=(used % SIZE).astype(np.int32),
        counts=np.bincount(cell_of, minlength=len(used)).astype(np.int32),
        cell_of=cell_of,
        kind_codes=np.zeros(len(used), np.uint8),
        icon_cosine=np.full(len(used), np.nan, np.float32),
    )


def _take(atlas: Atlas, rows: Any) -> Atlas:
    """Returns an atlas of some of its samples, in the order of `rows`."""
    samples = atlas.samples
    stored = store_activations(atlas.activations[rows].astype(np.float32))
    kept = _replace(
        samples,
        **{
            name: getattr(samples, name)[rows]
            for name in ("xy", "image_ids", "positions", "boxes", "clamped")
        },
        **{
            name: None if (values := getattr(samples, name)) is None else values[rows]
            for name in ("labels", "predictions", "noise_floor", "confidences", "losses")
        },
        activations=stored,
    )
    quality = _replace(atlas.quality, overlap=None, clamped=0)
    grids = (_grid(kept.xy, np.arange(SIZE * SIZE)),)
    return atlas.replace(samples=kept, grids=grids, quality=quality)


def _shift_boxes(atlas: Atlas) -> Atlas:
    """Returns an atlas whose receptive fields are larger and a little aside."""
    shift = np.random.default_rng(2).integers(-1, 2, (len(atlas.samples), 2))
    start = np.maximum(atlas.boxes[:, :2] + shift, 0)
    boxes = np.concatenate([start, start + 13], axis=1).astype(np.int32)
    return atlas.replace(samples=_replace(atlas.samples, boxes=boxes))


def _of_class(atlas: Atlas) -> Atlas:
    """Returns the atlas as one of a class."""
    stated = ClassAtlas(layer=atlas.layer, classes=(0,), names=("airplane",), rule="winner")
    info = {**atlas.provenance.layer_info, CLASS_ATLAS: stated.as_dict()}
    provenance = _replace(atlas.provenance, layer_info=info)
    return atlas.replace(layer=f"{atlas.layer} \u00b7 airplane", provenance=provenance)


def _linked_layers() -> tuple[Atlas, Atlas]:
    """Returns two layers: the cells 0 and 5 of the first become cell 10 of the second."""
    base = _plain(make_atlas(0, **{**_OPTIONS, "samples": 96}))
    groups = np.repeat([0, 5, 3, 12], 24)
    merged = np.where(groups <= 5, 10, groups)
    merged[::12] = 15
    merged[groups == 3] = 3
    labels = np.where(merged == 10, 2, np.where(groups == 3, 1, 0)).astype(np.int32)
    directions = np.eye(6, dtype=np.float32)[(groups % 7) % 6]
    layers = []
    for layer, cells, values in (("mid", groups, directions), ("late", merged, directions)):
        samples = _replace(
            base.samples, labels=labels, activations=store_activations(values), noise_floor=None
        )
        grid = _grid(None, np.arange(SIZE * SIZE), cells)
        layers.append(base.replace(layer=layer, samples=samples, grids=(grid,)))
    return layers[0], layers[1]


def match(a: Atlas, b: Atlas) -> dict[str, Any]:
    """Row of `b` that is the same sample as each row of `a`, or -1."""
    rows_a, rows_b = match_samples(a, b)
    found = np.full(len(a.samples), -1)
    found[rows_a] = rows_b
    return {"rows": found.tolist()}


def link(a: Atlas, b: Atlas) -> dict[str, Any]:
    """Links of the cells of two layers, strongest first, and merges."""
    found = link_layers(a, b, size=SIZE)
    return {
        "samples": found.samples,
        "links": [
            {
                "lower": int(found.cells_a[i]),
                "upper": int(found.cells_b[i]),
                "shared": int(found.shared[i]),
                "feeds": _round(found.share_of_a[i]),
                "fed": _round(found.share_of_b[i]),
            }
            for i in range(len(found.cells_a))
        ],
        "merges": [
            {
                "cell": one.cell,
                "parts": list(one.parts),
                "shares": [_round(share) for share in one.shares],
                "label": one.top_class,
                "purity": _round(one.purity),
                "part_purity": _round(one.part_purity),
                "score": _round(one.score),
            }
            for one in found.merges
            if one.score > 0
        ],
    }


def measure_drift(a: Atlas, b: Atlas) -> dict[str, Any]:
    """Displacement of every sample, and the share of samples beyond the noise floor."""
    found = compare_atlases(a, b)
    assert found.moved is not None
    return {
        "displacement": [_round(one) for one in found.displacement],
        "mean": _round(found.displacement.mean()),
        "beyond": _round(found.moved.mean()),
    }


def count_difference(a: Atlas, b: Atlas) -> dict[str, Any]:
    """Samples that each square of the grid gained, row by row."""
    found = compare_atlases(a, b)
    (level,) = found.grids
    return {"gain": np.rint(level.density * len(found.rows_a)).astype(int).tolist()}


def match_concepts(a: Atlas, b: Atlas) -> dict[str, Any]:
    """Concepts of both atlases, best match first, and those of one only."""
    found = compare_atlases(a, b).concepts
    assert found is not None
    return {
        "shared": [[one.a, one.b, one.both] for one in found.shared],
        "jaccard": [_round(one.jaccard) for one in found.shared],
        "only_a": list(found.only_a),
        "only_b": list(found.only_b),
        "agreement": _round(found.agreement),
    }


def describe_labels(atlas: Atlas) -> dict[str, Any]:
    """Labels and errors of every cell."""
    found = cell_labels(atlas, atlas.grids[0])
    assert found is not None
    return {
        "cells": [
            {
                "mix": [list(pair) for pair in one.mix],
                "purity": _round(one.purity),
                "entropy": _round(one.entropy),
                "accuracy": _round(one.accuracy),
            }
            for one in found
        ]
    }


def classify_patches() -> dict[str, Any]:
    """Tested patches, and what each of them shows."""
    found = []
    for significant, area, flip, low in itertools.product(
        (True, False), (0.01, 0.0625, 0.0626, 0.2), (0.3, 0.9), (-0.1, 0.15, 0.16, 0.44, 0.46)
    ):
        patch = TestedPatch(
            box=(0, 0, 1, 1),
            area=area,
            flip_rate=flip,
            anywhere_flip_rate=0.0,
            noise_flip_rate=0.0,
            other_flip_rate=0.0,
            same_flip_rate=0.0,
            interval=(low, 1.0),
            strength=3.0,
            support=1,
            significant=significant,
        )
        tested = {"significant": significant, "area": area, "flip": flip, "low": low}
        found.append({**tested, "evidence": patch.evidence})
    return {"patches": found}


def _round(value: float) -> float:
    return round(float(value), DIGITS)


Rule = Callable[..., dict[str, Any]]
RULES: dict[str, tuple[Rule, list[list[str]]]] = {
    "sample_matching": (
        match,
        [
            ["first", "later"],
            ["class", "class-shuffled"],
            ["class-shuffled", "class"],
            ["first", "other-layer"],
            ["other-layer", "later"],
        ],
    ),
    "layer_links": (
        link,
        [["mid", "late"], ["first", "other-layer"], ["other-layer", "several-labels"]],
    ),
    "drift": (measure_drift, [["first", "later"]]),
    "difference": (count_difference, [["first", "later"], ["later", "first"]]),
    "concept_matching": (
        match_concepts,
        [
            ["concepts", "concepts-later"],
            ["concepts-later", "concepts"],
            ["concepts", "concepts-other-layer"],
        ],
    ),
    "cell_labels": (describe_labels, [["first"], ["later"], ["late"], ["several-labels"]]),
    "shortcut_evidence": (classify_patches, [[]]),
}
"""Each rule with the atlases of its cases."""


def compute(rule: str, atlases: Mapping[str, Atlas]) -> list[dict[str, Any]]:
    """Returns every case of a rule with its result."""
    apply, cases = RULES[rule]
    return [{"atlases": case, **apply(*(atlases[name] for name in case))} for case in cases]


def read_atlases() -> dict[str, Atlas]:
    """Returns the atlases of `atlases.json`."""
    stored = json.loads((FOLDER / ATLASES).read_text(encoding="utf-8"))
    return {
        name: decode_atlas([base64.b64decode(blob) for blob in blobs])
        for name, blobs in stored.items()
    }


def main() -> None:
    """Writes all files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    stored = {
        name: [base64.b64encode(blob).decode("ascii") for blob in encode_atlas(atlas)]
        for name, atlas in make_atlases().items()
    }
    (FOLDER / ATLASES).write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")
    atlases = read_atlases()
    for rule in RULES:
        text = json.dumps(compute(rule, atlases)) + "\n"
        (FOLDER / f"{rule}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
