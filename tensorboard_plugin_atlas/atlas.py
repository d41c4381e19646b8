# SPDX-License-Identifier: Apache-2.0
"""The value types that travel from `compute` to the log and back: frozen, over numpy arrays.

N is the number of samples, C the layer's channels, M the occupied cells of one grid, K the classes.
Pictures stay in their encoded form (`SpriteSheets`), and activations in their stored form
(`StoredActivations`), so that writing and reading an atlas loses nothing; `Grid.icons` and
`Atlas.activations` decode on request.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, unpack

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int32]

ICON_KIND_CODES: tuple[str, ...] = ("none", "examples", "preview", "inversion", "poster")
"""Icon kinds in order of fidelity; the wire stores the index."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredActivations:
    """Activations as the log keeps them: exact in half precision, or smaller where they are large.

    Attributes:
        kind: "float16" (exact half precision), "uint8" (one linear scale per channel) or "pca"
            (half-precision scores on the leading principal axes).
        arrays: The arrays of that kind. float16: `values` (N, C). uint8: `codes` (N, C) uint8,
            `scale` (C,) and `offset` (C,) float32. pca: `scores` (N, P) float16, `axes` (P, C)
            float16, `mean` (C,) float32.
        lost_variance: Share of the variance that the stored form no longer holds; 0 for float16
            unless the values leave its range or differ by less than its steps.
    """

    kind: str
    arrays: Mapping[str, NDArray[Any]]
    lost_variance: float = 0.0

    def values(self) -> NDArray[np.float16]:
        """Returns the activations, (N, C) float16."""
        arrays = self.arrays
        if self.kind == "float16":
            return np.asarray(arrays["values"], dtype=np.float16)
        if self.kind == "uint8":
            full = arrays["codes"] * arrays["scale"] + arrays["offset"]
        else:
            full = arrays["scores"].astype(np.float32) @ arrays["axes"].astype(np.float32)
            full = full + arrays["mean"]
        return np.asarray(full, dtype=np.float16)


@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """The N samples of one layer at one step; row j is one spot of one image at every step.

    Attributes:
        xy: (N, 2) float32 in [0, 1]: place on the map, x to the right and y down.
        image_ids: (N,) int32: index of the image in the probe data set.
        positions: (N, 2) int32: row and column on the layer's own map.
        boxes: (N, 4) int32: y0, x0, y1, x1 of the receptive field in input pixels, end exclusive.
        clamped: (N,) bool: the sample lay outside the percentile frame and was moved to its rim.
        predictions: (N,) int32: class the model gave to the image, or None without logits.
        labels: (N,) int32, or None without labels.
        activations: the (N, C) activations in their stored form.
        noise_floor: (N,) float32: how far the sample would have moved from the previous step's map
            for no reason but chance, in map units; None on a first map.
        concepts: (N,) int32: id of the concept that the sample belongs to at this step, or -1;
            None where concepts were not traced.
    """

    xy: FloatArray
    image_ids: IntArray
    positions: IntArray
    boxes: IntArray
    clamped: NDArray[np.bool_]
    activations: StoredActivations
    predictions: IntArray | None = None
    labels: IntArray | None = None
    noise_floor: FloatArray | None = None
    concepts: IntArray | None = None

    def __len__(self) -> int:
        return len(self.xy)


@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """One zoom level: the occupied cells of a `size` x `size` grid over the map.

    Attributes:
        size: Cells along each axis.
        rows: (M,) int32: row of each cell, 0 at the top (small y).
        cols: (M,) int32: column of each cell, 0 at the left (small x).
        counts: (M,) int32: members of each cell.
        cell_of: (N,) int32: index into the M cells for every sample, or -1 where its cell holds
            fewer than `min_count` samples.
        sheets: The icons in encoded form, or None when the recipe draws none.
        kind_codes: (M,) uint8: index into `ICON_KIND_CODES`.
        icon_cosine: (M,) float32: cosine between the activation of the *stored* picture and the
            cell's mean activation, both relative to the layer's mean; NaN without an icon.
        attribution: (M, K) float32 toward each class, mean of the cell's samples, or None when it
            was not recorded.
        attribution_spread: (M, K) float32: standard deviation over the cell's samples, or None
            when it was not recorded, as in fine grids of very many classes.
    """

    size: int
    rows: IntArray
    cols: IntArray
    counts: IntArray
    cell_of: IntArray
    kind_codes: NDArray[np.uint8]
    icon_cosine: FloatArray
    sheets: SpriteSheets | None = None
    attribution: FloatArray | None = None
    attribution_spread: FloatArray | None = None

    @property
    def icon_kind(self) -> NDArray[np.str_]:
        """(M,) str: "none", "examples", "preview", "inversion" or "poster" for each cell."""
        return np.asarray(ICON_KIND_CODES)[self.kind_codes]

    @cached_property
    def icons(self) -> NDArray[np.uint8] | None:
        """(M, H, W, 3) uint8, decoded from `sheets` at first use; None without icons."""
        if self.sheets is None:
            return None

        return unpack(self.sheets)

    def members(self, i: int) -> NDArray[np.intp]:
        """Returns the indices of the samples in cell `i` (0 <= i < M), ascending."""
        order, starts = self._by_cell
        return order[starts[i] : starts[i + 1]]

    @cached_property
    def _by_cell(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        order = np.argsort(self.cell_of, kind="stable")
        starts = np.searchsorted(self.cell_of[order], np.arange(len(self.rows) + 1))
        return order, starts


@dataclass(frozen=True, kw_only=True, eq=False)
class Quality:
    """How far the map can be trusted.

    Attributes:
        trustworthiness: Share of map neighbors (15 nearest) that are true ones, rank-weighted
            (Venna and Kaski 2001); 1 is perfect. None where it is undefined (fewer than 3 samples).
        knn_kept: Mean share of each sample's 15 true neighbors found among its 15 on the map.
        overlap: (N,) float32: share of each sample's 15 true neighbors kept since the previous
            checkpoint, or None for a first checkpoint.
        clamped: Samples moved to the rim of the percentile frame.
        invalid: Samples whose activations held NaN or infinity: placed, but never averaged.
        dead_channels: Channels that are constant over all samples.
        effective_rank: Directions that the activations really use, from 1 to C: exp of the entropy
            of their normalized covariance spectrum (Roy and Vetterli 2007). None where nothing
            varies, and in logs of before it was measured.
    """

    trustworthiness: float | None
    knn_kept: float | None
    overlap: FloatArray | None = None
    clamped: int = 0
    invalid: int = 0
    dead_channels: int = 0
    effective_rank: float | None = None


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Where an atlas comes from: everything needed to decide whether two may be compared.

    Attributes:
        settings: Every `AtlasConfig` value.
        probe: Hash of the probe's images, labels and positions.
        model: Class name of the model.
        versions: Library name to version.
        layer_info: What was measured of the layer: channels, map size, stride, receptive field.
        notes: Sentences about fallbacks that a reader must know ("icons: ran the whole network").
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    probe: str = ""
    model: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    layer_info: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


SKIP_REASONS: tuple[str, ...] = ("busy", "budget", "failed")
"""Why a checkpoint was not computed: newer ones took its place, time was up, or it went wrong."""


@dataclass(frozen=True)
class Skipped:
    """A checkpoint that was asked for and not computed.

    Attributes:
        step: Global step that was asked for.
        reason: One of `SKIP_REASONS`.
    """

    step: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ConceptState:
    """One concept at one step: a group of samples that the layer answers to alike.

    Attributes:
        id: Number of the concept, the same at every step.
        name: Its commonest classes and a rank; it changes only when none of these classes is common
            in it any more.
        size: Samples that belong to it at this step.
        top_class: The commonest label among them, or None without labels.
        top_share: Share of them with that label; 0 without labels.
        born: Step at which it was first seen.
        confidence: How surely it is the concept of the step before, from 0 to 1: overlap with its
            members then, over chance; 1 at birth.
    """

    id: int
    name: str
    size: int
    born: int
    top_class: int | None = None
    top_share: float = 0.0
    confidence: float = 1.0


EVENT_KINDS: tuple[str, ...] = ("born", "merges", "splits", "dies")
"""What can happen to concepts between one atlas and the next."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened to concepts since the previous atlas.

    Attributes:
        kind: One of `EVENT_KINDS`.
        text: One sentence for people, such as "animals (420) split into cats (210), dogs (180)".
        score: How much it is worth reading, at least 0; events of a whole run rank by it.
        confidence: From 0 to 1.
        before_step: Step of the previous atlas.
        before: Ids of the concepts it began with; their members are those samples of the previous
            atlas whose `Samples.concepts` is among them.
        after: Ids of the concepts it ended with, at the event's own atlas.
        cell: Where to look, as (grid size, row, column): on this atlas, or on the previous one if
            nothing is left.
    """

    kind: str
    text: str
    score: float
    confidence: float
    before_step: int
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    cell: tuple[int, int, int] | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Atlas:
    """The activation atlas of one layer at one step.

    Attributes:
        run: TensorBoard run it was read from, "" before it was logged.
        layer: Dotted module name.
        step: Global step of the checkpoint.
        wall_time: Seconds since the epoch.
        classes: Class names, or None.
        samples: What was sampled.
        grids: Zoom levels, coarsest first.
        quality: How far the map can be trusted.
        provenance: The recipe.
        sequence: Running number of this atlas among those logged for the layer, from 1.
        skipped: Checkpoints that were asked for since the previous atlas and not computed.
        frame: (x0, y0, x1, y1) of the unit square in the layout's own units, so that a resumed run
            goes on with the very same map; None in logs of before it was kept.
        concepts: The concepts alive at this step, by id; None where they were not traced.
        events: What happened to them since the previous atlas, the most telling first.
    """

    layer: str
    step: int
    wall_time: float
    samples: Samples
    grids: tuple[Grid, ...]
    quality: Quality
    provenance: Provenance
    classes: tuple[str, ...] | None = None
    run: str = ""
    sequence: int = 1
    skipped: tuple[Skipped, ...] = ()
    frame: tuple[float, float, float, float] | None = None
    concepts: tuple[ConceptState, ...] | None = None
    events: tuple[Event, ...] = ()

    @property
    def xy(self) -> FloatArray:
        """(N, 2) float32 in [0, 1]: x right, y down."""
        return self.samples.xy

    @cached_property
    def activations(self) -> NDArray[np.float16]:
        """(N, C) float16; see `StoredActivations` for what was kept of them."""
        return self.samples.activations.values()

    @property
    def labels(self) -> IntArray | None:
        """(N,) int32, or None without labels."""
        return self.samples.labels

    @property
    def predictions(self) -> IntArray | None:
        """(N,) int32, or None without logits."""
        return self.samples.predictions

    @property
    def image_ids(self) -> IntArray:
        """(N,) int32: index of the image in the probe data set."""
        return self.samples.image_ids

    @property
    def positions(self) -> IntArray:
        """(N, 2) int32: row and column on the layer's map."""
        return self.samples.positions

    @property
    def boxes(self) -> IntArray:
        """(N, 4) int32: y0, x0, y1, x1 in input pixels."""
        return self.samples.boxes

    def replace(self, **changes: Any) -> Atlas:
        """Returns a copy with `changes` applied."""
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProbePictures:
    """The probe's images as the tab shows them: thumbnails that real patches are cut from.

    Attributes:
        digest: The probe's hash, equal to `Provenance.probe` of its atlases.
        image_ids: (I,) int32: index of each image in the probe data set.
        labels: (I,) int32, or None without labels.
        input_size: Height and width of the images as the model takes them.
        thumb_size: Height and width of a thumbnail inside its tile, longer side at most 96 px.
        sheets: Thumbnails in the order of `image_ids`, each in the top left of its square tile.
        classes: Class names, or None.
    """

    digest: str
    image_ids: IntArray
    input_size: tuple[int, int]
    thumb_size: tuple[int, int]
    sheets: SpriteSheets
    labels: IntArray | None = None
    classes: tuple[str, ...] | None = None
