# SPDX-License-Identifier: Apache-2.0
"""Types of manifests, wire version 4.

These types are the only definition of the JSON in a log. msgspec converts every manifest to them
and refuses missing fields, wrong types and values outside their limits. Rules that involve several
fields are in `manifest_rules`, and older wire versions in `version_1_upgrade` to
`version_3_upgrade`. `schema` writes the types as JSON Schema, and the front end generates its
TypeScript from that.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from tensorboard_plugin_atlas.wire import limits

_FLOAT_MAX: Final = 1.7976931348623157e308

Text = Annotated[str, Meta(max_length=limits.MAX_TEXT)]
Sentence = Annotated[str, Meta(max_length=limits.MAX_SENTENCE)]
Names = Annotated[tuple[str, ...], Meta(max_length=limits.MAX_NAMES)]
Checksum = Annotated[str, Meta(max_length=8)]
Step = Annotated[int, Meta(ge=limits.MIN_STEP, le=limits.MAX_STEP)]
Id = Annotated[int, Meta(ge=0, le=limits.MAX_ID)]
Ids = Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_CONCEPTS)]
ClassIndex = Annotated[int, Meta(ge=0, le=limits.MAX_CLASSES)]
EventClasses = Annotated[tuple[ClassIndex, ...], Meta(min_length=1, max_length=3)]
SampleIndex = Annotated[int, Meta(ge=0, le=limits.MAX_SAMPLES - 1)]
SampleCount = Annotated[int, Meta(ge=0, le=limits.MAX_SAMPLES)]
GridSize = Annotated[int, Meta(ge=1, le=limits.MAX_GRID_SIZE)]
GridIndex = Annotated[int, Meta(ge=0, le=limits.MAX_GRID_SIZE - 1)]
ImageSide = Annotated[int, Meta(ge=1, le=limits.MAX_IMAGE_SIDE)]
Pixel = Annotated[int, Meta(ge=0, le=limits.MAX_IMAGE_SIDE)]
SheetSide = Annotated[int, Meta(ge=1, le=limits.MAX_SHEET_SIDE)]
Finite = Annotated[float, Meta(ge=-_FLOAT_MAX, le=_FLOAT_MAX)]
Share = Annotated[float, Meta(ge=0, le=1)]
Correlation = Annotated[float, Meta(ge=-1, le=1)]
Score = Annotated[float, Meta(ge=0, le=_FLOAT_MAX)]
Strength = Annotated[float, Meta(ge=-limits.MAX_STRENGTH, le=limits.MAX_STRENGTH)]
Mapping = dict[str, Any]

Role = Literal["map", "activations", "sheet", "probe", "thumbs", "patches"]
EventKind = Literal["born", "merges", "splits", "dies", "flips", "confidence"]
StoredKind = Literal["float16", "uint8", "pca"]
SkipReason = Literal["busy", "budget", "failed"]


class BlobEntry(Struct, frozen=True, kw_only=True):
    """What a manifest states about one blob.

    Attributes:
        role: What the blob holds.
        format: Encoding of the blob.
        bytes: Length in bytes.
        crc32c: CRC-32C of the blob, eight lower-case hex digits.
        grid: Size of the grid that a sheet belongs to, null for other roles.
        page: Number of the page among the sheets of its grid or of the probe, from 0, or null.
    """

    role: Role
    format: Literal["safetensors", "webp"]
    bytes: Annotated[int, Meta(ge=0, le=limits.MAX_SEQUENCE_BYTES)]
    crc32c: Checksum
    grid: GridSize | None
    page: Annotated[int, Meta(ge=0, le=limits.MAX_SHEET_PAGES - 1)] | None

    def describe(self, index: int) -> str:
        """Returns a name for messages, such as "blob 3 (sheet, grid 20)"."""
        detail = "" if self.grid is None else f", grid {self.grid}"
        return f"blob {index} ({self.role}{detail})"


Blobs = Annotated[tuple[BlobEntry, ...], Meta(max_length=limits.MAX_BLOBS)]


class GridEntry(Struct, frozen=True, kw_only=True):
    """One grid of an atlas.

    Attributes:
        size: Cells along each axis.
        cells: M, the cells that have an icon or are shown without one.
        tile: Side of an icon in pixels, null without icons.
        columns: Icons in a row of a page, null without icons.
    """

    size: GridSize
    cells: Annotated[int, Meta(ge=0, le=limits.MAX_GRID_SIZE**2)]
    tile: SheetSide | None
    columns: SheetSide | None


class QualityEntry(Struct, frozen=True, kw_only=True):
    """Quality of a map; see `Quality`.

    Attributes:
        trustworthiness: Trustworthiness (Venna and Kaski 2001), null where it is undefined.
        neighbors_kept: Mean share of the 15 nearest neighbors that are neighbors on the map.
        clamped: Samples that were moved to the border of the viewport.
        invalid: Samples with NaN or infinity in their activations.
        dead_channels: Channels that are constant over all samples.
        effective_rank: Effective rank of the activations (Roy and Vetterli 2007), or null.
    """

    trustworthiness: Finite | None
    neighbors_kept: Finite | None
    clamped: SampleCount
    invalid: SampleCount
    dead_channels: Annotated[int, Meta(ge=0, le=limits.MAX_CHANNELS)]
    effective_rank: Finite | None


class ActivationsEntry(Struct, frozen=True, kw_only=True):
    """Stored form of the activations; see `StoredActivations`.

    Attributes:
        kind: Stored form.
        lost_variance: Share of the variance that the stored form lost.
    """

    kind: StoredKind
    lost_variance: Share


class ProvenanceEntry(Struct, frozen=True, kw_only=True):
    """Origin of an atlas; see `Provenance`.

    Attributes:
        settings: Every value of `AtlasConfig`.
        probe: Hash of the images, labels and positions of the probe.
        model: Class name of the model.
        versions: Library name to version.
        layer_info: Measurements of the layer.
        notes: Sentences about fallbacks.
    """

    settings: Mapping
    probe: Text
    model: Text
    versions: Mapping
    layer_info: Mapping
    notes: Names


class AxisEntry(Struct, frozen=True, kw_only=True):
    """Horizontal axis of an atlas of two classes; see `Axis`.

    Attributes:
        left: Index of the class on the left.
        right: Index of the class on the right.
        reach: Difference of both attributions at the edges of the map, in logits.
        trustworthiness: Trustworthiness of the vertical axis alone, or null.
    """

    left: ClassIndex
    right: ClassIndex
    reach: Score
    trustworthiness: Finite | None


class ClassAtlasEntry(Struct, frozen=True, kw_only=True):
    """Key `class_atlas` of `provenance.layer_info`, in an atlas of one or two classes.

    Attributes:
        layer: Dotted module name.
        classes: Index of each class.
        names: Name of each class, as in the name of the series.
        rule: Which samples were taken: "winner" or "top".
        axis: Horizontal axis of two classes, null for one.
    """

    layer: Text
    classes: Annotated[tuple[ClassIndex, ...], Meta(min_length=1, max_length=2)]
    names: Annotated[tuple[str, ...], Meta(min_length=1, max_length=2)]
    rule: Literal["winner", "top"]
    axis: AxisEntry | None


class SkippedEntry(Struct, frozen=True, kw_only=True):
    """A requested step that has no atlas.

    Attributes:
        step: Global step.
        reason: "busy": the queue was full; "budget": the time budget was used up; or "failed".
    """

    step: Step
    reason: SkipReason


class ViewportEntry(Struct, frozen=True, kw_only=True):
    """The unit square of the map in the units of the layout.

    Attributes:
        x0: Left edge.
        y0: Top edge.
        x1: Right edge, larger than `x0`.
        y1: Bottom edge, larger than `y0`.
    """

    x0: Finite
    y0: Finite
    x1: Finite
    y1: Finite


class ConceptEntry(Struct, frozen=True, kw_only=True):
    """One concept at one step; see `ConceptState`.

    Attributes:
        id: Number of the concept, the same at every step.
        name: Its most frequent classes and a rank.
        size: Samples that belong to it at this step.
        top_class: Most frequent label among them, or null.
        top_share: Share of them with that label.
        born: Step at which it was first seen.
        confidence: Confidence that it is the concept of the step before, from 0 to 1.
        group: Id of its group, null without groups.
        joined: Share of its samples that joined it since the previous step, events aside, or null.
        left: Share of its previous samples that left it, events aside, or null.
    """

    id: Id
    name: Sentence
    size: SampleCount
    top_class: ClassIndex | None
    top_share: Share
    born: Step
    confidence: Share
    group: Id | None
    joined: Share | None
    left: Share | None


class ConceptGroupEntry(Struct, frozen=True, kw_only=True):
    """A group of similar concepts at one step; see `ConceptGroup`.

    Attributes:
        id: Number of the group, the same at every step.
        name: Its most frequent classes and a rank.
        size: Samples of all its concepts at this step.
    """

    id: Id
    name: Sentence
    size: SampleCount


class ConceptChangeEntry(Struct, frozen=True, kw_only=True):
    """How much the concepts changed since the previous atlas; see `ConceptChange`.

    Attributes:
        modularity: Modularity of the concepts in the neighbor graph, at most 1.
        by_events: Share of all samples that changed their concept by an event.
        by_churn: Share of all samples that changed their concept otherwise.
    """

    modularity: Finite
    by_events: Share
    by_churn: Share


class CellEntry(Struct, frozen=True, kw_only=True):
    """A cell of a grid.

    Attributes:
        grid: Size of the grid.
        row: Row from the top, less than `grid`.
        col: Column from the left, less than `grid`.
    """

    grid: GridSize
    row: GridIndex
    col: GridIndex


class EventEntry(Struct, frozen=True, kw_only=True):
    """A change of concepts or predictions since the previous atlas; see `Event`.

    Attributes:
        kind: Kind of change.
        text: One sentence for people.
        score: Rank among the events of a run, at least 0.
        confidence: From 0 to 1.
        before_step: Step of the previous atlas.
        before: Ids of the concepts that the change started with.
        after: Ids of the concepts that it ended with.
        cell: Cell to show, on this atlas or, if no concept is left, on the previous one.
        samples: Samples that changed their concept, prediction, or confidence by it, or null.
        classes: Of a change of predictions ("flips"): label, prediction before, and prediction now
            of its samples. Of a change of confidence ("confidence"): their label. Null for all
            other kinds.
        images: Images whose prediction or confidence changed by it, null for all other kinds.
    """

    kind: EventKind
    text: Sentence
    score: Score
    confidence: Share
    before_step: Step
    before: Ids
    after: Ids
    cell: CellEntry | None
    samples: SampleCount | None
    classes: EventClasses | None
    images: SampleCount | None


class AtlasManifest(Struct, frozen=True, kw_only=True):
    """Manifest of an atlas: one layer at one step.

    Attributes:
        kind: Always "atlas".
        version: Wire version.
        blobs: `blobs[i]` describes blob i + 1 of the sequence.
        layer: Dotted module name.
        step: Global step.
        sequence: Running number among the atlases of the layer, from 1.
        wall_time: Seconds since the epoch.
        classes: Class names, or null.
        samples: N.
        logged_samples: Number of samples in the log if the tab gets only some of them, which are
            then the N samples; else null, as in every log.
        channels: C; N x C is at most `MAX_ACTIVATIONS`.
        grids: Grids by rising size.
        quality: Quality of the map.
        activations: Stored form of the activations.
        provenance: Origin of the atlas.
        skipped: Steps that were skipped since the previous atlas.
        viewport: The unit square in the units of the layout, null in logs that lack it.
        concepts: Concepts by rising id, null where they were not tracked.
        groups: Groups of concepts by rising id, null without groups.
        concept_change: Change of the concepts since the previous atlas, null if there is none.
        events: Changes of concepts and predictions since the previous atlas, highest score first.
    """

    kind: Literal["atlas"]
    version: Literal[4]
    blobs: Blobs
    layer: Text
    step: Step
    sequence: Annotated[int, Meta(ge=1, le=limits.MAX_SEQUENCE_NUMBER)]
    wall_time: Finite
    classes: Names | None
    samples: SampleCount
    logged_samples: SampleCount | None
    channels: Annotated[int, Meta(ge=0, le=limits.MAX_CHANNELS)]
    grids: Annotated[tuple[GridEntry, ...], Meta(max_length=limits.MAX_GRIDS)]
    quality: QualityEntry
    activations: ActivationsEntry
    provenance: ProvenanceEntry
    skipped: Annotated[tuple[SkippedEntry, ...], Meta(max_length=limits.MAX_SKIPPED)]
    viewport: ViewportEntry | None
    concepts: Annotated[tuple[ConceptEntry, ...], Meta(max_length=limits.MAX_CONCEPTS)] | None
    groups: Annotated[tuple[ConceptGroupEntry, ...], Meta(max_length=limits.MAX_CONCEPTS)] | None
    concept_change: ConceptChangeEntry | None
    events: Annotated[tuple[EventEntry, ...], Meta(max_length=limits.MAX_EVENTS)]


class ProbeManifest(Struct, frozen=True, kw_only=True):
    """Manifest of the images of a probe.

    Attributes:
        kind: Always "probe".
        version: Wire version.
        blobs: `blobs[i]` describes blob i + 1 of the sequence.
        digest: Hash of the probe, equal to `provenance.probe` of its atlases.
        images: Number of images.
        input_size: Height and width of the images as the model takes them.
        thumb_size: Height and width of a thumbnail within its tile.
        tile: Side of a tile in pixels.
        columns: Tiles in a row of a page.
        classes: Class names, or null.
    """

    kind: Literal["probe"]
    version: Literal[4]
    blobs: Blobs
    digest: Text
    images: SampleCount
    input_size: tuple[ImageSide, ImageSide]
    thumb_size: tuple[SheetSide, SheetSide]
    tile: SheetSide
    columns: SheetSide
    classes: Names | None


class PatchesEntry(Struct, frozen=True, kw_only=True):
    """Layout of the sheet of patches.

    Attributes:
        tile: Side of a tile in pixels, equal to the longest side of any patch.
        columns: Tiles in a row.
    """

    tile: SheetSide
    columns: SheetSide


class ShortcutTestEntry(Struct, frozen=True, kw_only=True):
    """Test of a patch at one step; see `ShortcutTest`.

    Attributes:
        step: Global step.
        flip_rate: Share of images that the patch flips to its target, or null.
        noise_flip_rate: The same for noise of the mean color of the patch.
        significant: Whether the test passes.
    """

    step: Step
    flip_rate: Share | None
    noise_flip_rate: Share | None
    significant: bool


class ExampleEntry(Struct, frozen=True, kw_only=True):
    """An image before and after a patch is pasted on it; see `PastedImage`.

    Attributes:
        image: Index of the image in the probe dataset.
        before: Predicted class without the patch.
        after: Predicted class with the patch.
        probability_before: Probability of the target of the patch, without the patch.
        probability_after: The same with the patch.
    """

    image: Id
    before: ClassIndex
    after: ClassIndex
    probability_before: Share
    probability_after: Share


class ShortcutEntry(Struct, frozen=True, kw_only=True):
    """A patch and its tests; see `LoggedShortcut`.

    Attributes:
        id: Number of the position and target, the same at every step of a log.
        target: Index of the class that the patch makes the network predict.
        box: y0, x0, y1, x1 in input pixels.
        area: Share of the image that the patch covers.
        flip_rate: Share of images that the patch flips to the target.
        anywhere_flip_rate: The same at random positions.
        noise_flip_rate: The same for noise of the mean color of the patch.
        other_flip_rate: The same for patches of images of other classes.
        same_flip_rate: The same for patches of images of the target class.
        interval: 95 % confidence interval of `flip_rate - noise_flip_rate`.
        strength: Lower bound of `flip_rate - other_flip_rate` over the root of area + 0.02.
        support: Images of the cell that the patch was found in.
        significant: Whether the test of this step passes.
        since: First step whose test passed, or null.
        image: Index of the image that the patch was cut from.
        history: Tests by rising step.
        samples: Samples of the atlas whose activations are most similar, the nearest first.
        similarity: Cosine with the nearest of them, or null.
        examples: Some of the images that the patch was tested on.
    """

    id: Id
    target: ClassIndex
    box: tuple[Pixel, Pixel, Pixel, Pixel]
    area: Share
    flip_rate: Share
    anywhere_flip_rate: Share
    noise_flip_rate: Share
    other_flip_rate: Share
    same_flip_rate: Share
    interval: tuple[Correlation, Correlation]
    strength: Strength
    support: SampleCount
    significant: bool
    since: Step | None
    image: Id
    history: Annotated[tuple[ShortcutTestEntry, ...], Meta(max_length=limits.MAX_SHORTCUT_TESTS)]
    samples: Annotated[tuple[SampleIndex, ...], Meta(max_length=limits.MAX_SHORTCUT_SAMPLES)]
    similarity: Correlation | None
    examples: Annotated[tuple[ExampleEntry, ...], Meta(max_length=limits.MAX_SHORTCUT_EXAMPLES)]


class ShortcutsManifest(Struct, frozen=True, kw_only=True):
    """Manifest of the shortcuts of one layer at one step, and the response of `shortcuts`.

    Attributes:
        kind: Always "shortcuts".
        version: Wire version.
        blobs: The sheet of patches; empty where nothing was found.
        layer: Dotted module name.
        step: Global step.
        wall_time: Seconds since the epoch.
        classes: Class names, or null.
        probe: Hash of the probe.
        input_size: Height and width of the images as the model takes them.
        images: Images of the probe that were searched.
        patches: Layout of the sheet, null where nothing was found.
        found: The shortcuts, strongest first.
    """

    kind: Literal["shortcuts"]
    version: Literal[4]
    blobs: Blobs
    layer: Text
    step: Step
    wall_time: Finite
    classes: Names | None
    probe: Text
    input_size: tuple[ImageSide, ImageSide]
    images: SampleCount
    patches: PatchesEntry | None
    found: Annotated[tuple[ShortcutEntry, ...], Meta(max_length=limits.MAX_SHORTCUTS)]


AnyManifest = AtlasManifest | ProbeManifest | ShortcutsManifest
MANIFESTS: Final[dict[str, type[AnyManifest]]] = {
    "atlas": AtlasManifest,
    "probe": ProbeManifest,
    "shortcuts": ShortcutsManifest,
}
"""The type of a manifest by its kind."""
