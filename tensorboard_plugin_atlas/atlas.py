# SPDX-License-Identifier: Apache-2.0
"""Data classes of an activation atlas: frozen, with numpy arrays.

N is the number of samples, C the layer's channels, M the occupied cells of one grid, K the classes.
Images are kept encoded (`SpriteSheets`) and activations in their stored form (`StoredActivations`),
so that writing and reading an atlas is lossless; `Grid.icons` and `Atlas.activations` decode them
on first access.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from tensorboard_plugin_atlas.short_repr import short_repr
from tensorboard_plugin_atlas.sprite_sheets import SpriteSheets, unpack

if TYPE_CHECKING:
    from tensorboard_plugin_atlas.export.notebook import NotebookView

FloatArray: TypeAlias = NDArray[np.float32]
IntArray: TypeAlias = NDArray[np.int32]

ICON_KIND_CODES: tuple[str, ...] = ("none", "examples", "preview", "inversion", "poster")
"""Icon kinds in order of rendering effort; logs store the index."""


CHANNEL_ARRAYS: Mapping[str, str] = {"float16": "values", "uint8": "codes", "pca": "axes"}
"""Kind of stored activations -> its array with a column for each channel."""

SELECTED = "selected"
"""Name of the array that marks the samples with stored activations, if some have none."""


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class StoredActivations:
    """Activations as stored in a log: exact in half precision, or quantized if they are large.

    Of more than 100,000 samples, only some have stored activations.

    Attributes:
        kind: "float16" (exact half precision), "uint8" (one linear scale per channel) or "pca"
            (half-precision scores on the leading principal axes).
        arrays: Arrays of that kind. float16: `values` (N, C). uint8: `codes` (N, C) uint8,
            `scale` (C,) and `offset` (C,) float32. pca: `scores` (N, P) float16, `axes` (P, C)
            float16, `mean` (C,) float32. uint8 of some samples: `codes` (R, C) of the R samples
            that `selected` (N,) bool marks.
        lost_variance: Fraction of the variance that quantization lost, of the stored rows; 0 for
            float16 unless values exceed its range or differ by less than its resolution.
    """

    kind: str
    arrays: Mapping[str, NDArray[Any]]
    lost_variance: float = 0.0

    @property
    def channels(self) -> int:
        """C, without decoding the activations."""
        return int(self.arrays[CHANNEL_ARRAYS[self.kind]].shape[1])

    @property
    def selected(self) -> NDArray[np.bool_] | None:
        """(N,) bool: the samples with stored activations, or None if all have them."""
        return self.arrays.get(SELECTED)

    def values(self) -> NDArray[np.float16]:
        """Returns the activations, (N, C) float16; NaN for samples without stored activations."""
        selected = self.selected
        if selected is None:
            return self._decode_rows()
        values = np.full((len(selected), self.channels), np.nan, np.float16)
        values[selected] = self._decode_rows()
        return values

    def _decode_rows(self) -> NDArray[np.float16]:
        """Returns the rows that are stored."""
        arrays = self.arrays
        if self.kind == "float16":
            return np.asarray(arrays["values"], dtype=np.float16)
        if self.kind == "uint8":
            full = arrays["codes"] * arrays["scale"] + arrays["offset"]
        else:
            full = arrays["scores"].astype(np.float32) @ arrays["axes"].astype(np.float32)
            full = full + arrays["mean"]
        return np.asarray(full, dtype=np.float16)


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class Samples:
    """The N samples of one layer at one step; row j is the same image and position at all steps.

    Attributes:
        xy: (N, 2) float32 in [0, 1]: coordinates on the map, x to the right and y down.
        image_ids: (N,) int32: index of the image in the probe dataset.
        positions: (N, 2) int32: row and column on the layer's feature map.
        boxes: (N, 4) int32: y0, x0, y1, x1 of the receptive field in input pixels, end exclusive.
        clamped: (N,) bool: the sample lies outside the viewport and is drawn at its edge.
        predictions: (N,) int32: class predicted for the image, or at the position if the logits
            are dense; None without logits.
        labels: (N,) int32, or None without labels, or if images may have several.
        activations: The (N, C) activations in their stored form.
        noise_floor: (N,) float32: displacement since the previous map to expect from layout noise
            alone, in map units; None on a first map.
        concepts: (N,) int32: id of the sample's concept at this step, or -1; None if concepts were
            not tracked.
        confidences: (N,) float16 in [0, 1]: softmax probability of the predicted class, or None
            without logits.
        losses: (N,) float16, at least 0: cross-entropy of the prediction in nats, NaN without a
            label; None without logits or labels.
        label_sets: (N, L) int32: labels of images that may have several, rarest class first, padded
            with -1; None otherwise.
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
    confidences: NDArray[np.float16] | None = None
    losses: NDArray[np.float16] | None = None
    label_sets: IntArray | None = None

    def __len__(self) -> int:
        return len(self.xy)


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class Grid:
    """The occupied cells of one `size` x `size` grid over the map; an atlas has several grids.

    Attributes:
        size: Cells along each axis.
        rows: (M,) int32: row of each cell, 0 at the top (small y).
        cols: (M,) int32: column of each cell, 0 at the left (small x).
        counts: (M,) int32: samples in each cell.
        cell_of: (N,) int32: index into the M cells for every sample, or -1 if its cell has fewer
            than `min_count` samples.
        sheets: The encoded icons, or None with `AtlasConfig(icons="none")`.
        kind_codes: (M,) uint8: index into `ICON_KIND_CODES`.
        icon_cosine: (M,) float32: centered cosine between the activation of the stored icon and the
            cell's mean activation; NaN without an icon.
        attribution: (M, K) float32: mean attribution of the cell's samples to each class, or None
            if not recorded.
        attribution_spread: (M, K) float32: standard deviation over the cell's samples. Where only
            some of them have attribution, it is larger, so that the standard error of the mean is
            always the spread divided by the square root of `counts`. None if not recorded, as in
            fine grids with very many classes.
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
        """(M, H, W, 3) uint8, decoded from `sheets` on first access; None without icons."""
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


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class Quality:
    """Quality measures of a map.

    Attributes:
        trustworthiness: Rank-weighted fraction of the 15 nearest map neighbors that are also near
            in activation space (Venna and Kaski 2001), from 0 to 1; None with fewer than 3 samples.
        knn_kept: Mean fraction of each sample's 15 nearest neighbors by cosine that are among its
            15 nearest on the map.
        overlap: (N,) float32: fraction of each sample's 15 nearest neighbors by cosine kept since
            the previous step; None for a first step.
        clamped: Number of samples drawn at the edge of the viewport.
        invalid: Number of samples with NaN or infinity: they are on the map, but not in any mean.
        dead_channels: Channels that are constant over all samples.
        effective_rank: Effective rank of the activations, from 1 to C: exp of the entropy of their
            normalized covariance spectrum (Roy and Vetterli 2007). None if nothing varies, and in
            old logs.
    """

    trustworthiness: float | None
    knn_kept: float | None
    overlap: FloatArray | None = None
    clamped: int = 0
    invalid: int = 0
    dead_channels: int = 0
    effective_rank: float | None = None


@short_repr
@dataclass(frozen=True, kw_only=True)
class Provenance:
    """How an atlas was made: what decides whether two atlases can be compared.

    Attributes:
        settings: All values of `AtlasConfig`.
        probe: Hash of the probe's images, labels and positions.
        model: Class name of the model.
        versions: Library name to version.
        layer_info: Properties of the layer: channels, feature map size, stride, receptive field.
        notes: Sentences about fallbacks ("icons: ran the whole network"), shown in the tab.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    probe: str = ""
    model: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    layer_info: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


SKIP_REASONS: tuple[str, ...] = ("busy", "budget", "failed")
"""Why a step was skipped: the queue was full, the time budget was used up, or an error occurred."""


@dataclass(frozen=True)
class Skipped:
    """A requested step that has no atlas.

    Attributes:
        step: The global step.
        reason: One of `SKIP_REASONS`.
    """

    step: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class ConceptState:
    """One concept at one step: a cluster of samples with similar activations.

    Attributes:
        id: Persistent id, the same at every step.
        name: Its most common classes and a number. It changes only when none of these classes is
            common in the concept any more.
        size: Number of its samples at this step.
        top_class: Most common label among them, or None without labels.
        top_share: Fraction of them with that label; 0 without labels.
        born: Step at which it was first found.
        confidence: Confidence that it is the same concept as at the previous step, from 0 to 1:
            chance-corrected overlap of the members; 1 at the first step.
        group: Id of its `ConceptGroup`, or None without groups.
        joined: Fraction of its samples that joined it since the previous step, not counting events;
            None at the first step and in old logs.
        left: Fraction of its samples at the previous step that left it, not counting events; None
            as for `joined`.
    """

    id: int
    name: str
    size: int
    born: int
    top_class: int | None = None
    top_share: float = 0.0
    confidence: float = 1.0
    group: int | None = None
    joined: float | None = None
    left: float | None = None


@dataclass(frozen=True, kw_only=True)
class ConceptGroup:
    """A group of similar concepts at one step. Every concept is in one group.

    Attributes:
        id: Persistent id, the same at every step.
        name: Its most common classes and a number.
        size: Number of samples of its concepts at this step.
    """

    id: int
    name: str
    size: int


@dataclass(frozen=True, kw_only=True)
class ConceptChange:
    """How much the concepts of an atlas changed since the previous one.

    `by_events + by_churn` is the fraction of all samples that changed their concept.

    Attributes:
        modularity: Modularity of the concepts in the neighbor graph (Newman and Girvan 2004), with
            the resolution of the tracker.
        by_events: Fraction of all samples that changed their concept by an event.
        by_churn: Fraction of all samples that changed their concept otherwise.
    """

    modularity: float
    by_events: float = 0.0
    by_churn: float = 0.0


EVENT_KINDS: tuple[str, ...] = ("born", "merges", "splits", "dies", "flips", "confidence")
"""Kinds of events between two consecutive atlases.

"flips" are changes of predictions, and "confidence" are changes of the confidence in them.
"""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A change since the previous atlas: of concepts, or of the predictions for a class.

    Attributes:
        kind: One of `EVENT_KINDS`.
        text: One sentence, such as "animals (420) split into cats (210), dogs (180)".
        score: Importance, at least 0; events of a run are ranked by it.
        confidence: From 0 to 1.
        before_step: Step of the previous atlas.
        before: Ids of the concepts before the event; their members are the samples of the previous
            atlas with one of these ids in `Samples.concepts`.
        after: Ids of the concepts after the event, in the atlas that holds it.
        cell: Cell to show, as (grid size, row, column): in this atlas, or in the previous one if
            `after` is empty.
        samples: Number of samples that changed their concept by it, or, for "flips" and
            "confidence", of the samples of its images; None in old logs.
        classes: For "flips", (label, prediction before, prediction now), and for "confidence",
            (label,), as class indices, with empty `before` and `after`; None for other kinds.
        images: For "flips" and "confidence", the number of images whose prediction or confidence
            changed; None for other kinds.
    """

    kind: str
    text: str
    score: float
    confidence: float
    before_step: int
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    cell: tuple[int, int, int] | None = None
    samples: int | None = None
    classes: tuple[int, ...] | None = None
    images: int | None = None


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class Atlas:
    """The activation atlas of one layer at one step.

    Attributes:
        run: TensorBoard run that it was read from, "" if it was not logged.
        layer: Dotted module name.
        step: Global step.
        wall_time: Seconds since the epoch.
        classes: Class names, or None.
        samples: The samples, their map coordinates and activations.
        grids: Grids over the map, coarsest first; the tab zooms between them.
        quality: Quality measures of the map.
        provenance: Settings, probe, model and library versions that it was made with.
        sequence: Number of this atlas among those logged for the layer, from 1.
        skipped: Steps that were skipped since the previous atlas.
        viewport: (x0, y0, x1, y1) of the unit square in the layout's raw units, so that a resumed
            run continues the same map; None in old logs.
        concepts: The concepts at this step, by id; None if they were not tracked.
        concept_groups: The groups of concepts at this step, by id; None in old logs.
        concept_change: How much the concepts changed since the previous atlas; None if they were
            not tracked, and in old logs.
        events: Events since the previous atlas, highest score first.
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
    viewport: tuple[float, float, float, float] | None = None
    concepts: tuple[ConceptState, ...] | None = None
    concept_groups: tuple[ConceptGroup, ...] | None = None
    concept_change: ConceptChange | None = None
    events: tuple[Event, ...] = ()

    @property
    def xy(self) -> FloatArray:
        """(N, 2) float32 in [0, 1]: coordinates on the map, x to the right and y down."""
        return self.samples.xy

    @cached_property
    def activations(self) -> NDArray[np.float16]:
        """(N, C) float16, decoded on first access; see `StoredActivations` for their precision."""
        return self.samples.activations.values()

    @property
    def labels(self) -> IntArray | None:
        """(N,) int32, or None without labels, or if images may have several."""
        return self.samples.labels

    @property
    def all_labels(self) -> IntArray | None:
        """(N, L) int32: all labels of each sample, padded with -1; None without labels.

        L is 1, unless images may have several labels; then the rarest class comes first.
        """
        single = self.samples.labels
        return self.samples.label_sets if single is None else single[:, None]

    @property
    def predictions(self) -> IntArray | None:
        """(N,) int32, or None without logits."""
        return self.samples.predictions

    @property
    def image_ids(self) -> IntArray:
        """(N,) int32: index of the image in the probe dataset."""
        return self.samples.image_ids

    @property
    def positions(self) -> IntArray:
        """(N, 2) int32: row and column on the layer's feature map."""
        return self.samples.positions

    @property
    def boxes(self) -> IntArray:
        """(N, 4) int32: y0, x0, y1, x1 of the receptive fields in input pixels, end exclusive."""
        return self.samples.boxes

    def replace(self, **changes: Any) -> Atlas:
        """Returns a copy with `changes` applied."""
        return dataclasses.replace(self, **changes)

    def with_notes(self, *notes: str, **layer_info: Any) -> Atlas:
        """Returns a copy with more notes and properties of the layer in its provenance.

        Args:
            notes: Added to the others; a note that is there is not repeated.
            layer_info: Added to `Provenance.layer_info`, or in place of properties there.
        """
        provenance = dataclasses.replace(
            self.provenance,
            notes=tuple(dict.fromkeys((*self.provenance.notes, *notes))),
            layer_info={**self.provenance.layer_info, **layer_info},
        )
        return self.replace(provenance=provenance)

    def show(self, *, height: int = 700) -> NotebookView:
        """Shows the atlas in a notebook.

        Args:
            height: Height of the view in CSS pixels.
        """
        from tensorboard_plugin_atlas import show  # the export is above this module

        return show(self, height=height)

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()


@short_repr
@dataclass(frozen=True, kw_only=True, eq=False)
class ProbeThumbnails:
    """Thumbnails of the probe's images; the tab crops real patches from them.

    Attributes:
        digest: The probe's hash, equal to `Provenance.probe` of its atlases.
        image_ids: (I,) int32: index of each image in the probe dataset.
        labels: (I,) int32, or None without labels.
        input_size: Height and width of the model's input images.
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
