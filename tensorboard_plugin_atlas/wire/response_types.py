# SPDX-License-Identifier: Apache-2.0
"""Types of the JSON in responses of the plugin and in exported pages, except for manifests."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from tensorboard_plugin_atlas.log_names import RevisionLabel
from tensorboard_plugin_atlas.wire import limits
from tensorboard_plugin_atlas.wire.manifest_types import (
    CellEntry,
    EventClasses,
    EventKind,
    Finite,
    Id,
    SampleCount,
    Score,
    Share,
    SkippedEntry,
    Step,
)

Steps = Annotated[tuple[Step, ...], Meta(max_length=limits.MAX_STEPS)]
Times = Annotated[tuple[Finite, ...], Meta(max_length=limits.MAX_STEPS)]
Versions = Annotated[tuple[str, ...], Meta(max_length=limits.MAX_STEPS)]
ConceptIds = Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_HISTORY_IDS)]
StepConceptIds = Annotated[tuple[Id, ...], Meta(max_length=limits.MAX_HISTORY_CONCEPTS)]
StepConceptSizes = Annotated[tuple[SampleCount, ...], Meta(max_length=limits.MAX_HISTORY_CONCEPTS)]
ConceptName = Annotated[str, Meta(max_length=limits.MAX_HISTORY_NAME)]
Count = Annotated[int, Meta(ge=0, le=limits.MAX_SEQUENCE_NUMBER)]


class SeriesEntry(Struct, frozen=True, kw_only=True):
    """One layer of one run.

    Attributes:
        id: Opaque id of the series.
        layer: Dotted module name.
        steps: Kept steps, ascending.
        wall_times: Seconds since the epoch of each step, 0 where unknown.
        versions: Opaque text of each step; it changes whenever another record counts for the step.
        shortcuts: Steps at which shortcuts were logged.
    """

    id: str
    layer: str
    steps: Steps
    wall_times: Times
    versions: Versions
    shortcuts: Steps


class RunEntry(Struct, frozen=True, kw_only=True):
    """One run.

    Attributes:
        id: Opaque id of the run.
        run: TensorBoard's name of the run.
        probe: Whether the images of the probe were logged.
        series: Layers of the run.
    """

    id: str
    run: str
    probe: bool
    series: tuple[SeriesEntry, ...]


class IndexResponse(Struct, frozen=True, kw_only=True):
    """Response of `index`: every run and layer.

    Attributes:
        version: Version of the responses.
        kept_limit: Steps of each tag that TensorBoard keeps, null for all.
        runs: Runs by name.
    """

    version: Literal[2]
    kept_limit: Annotated[int, Meta(ge=0, le=limits.MAX_SEQUENCE_NUMBER)] | None
    runs: tuple[RunEntry, ...]


class HistoryStepConcepts(Struct, frozen=True, kw_only=True):
    """The concepts of one step, and how many samples changed their concept since the step before.

    Attributes:
        ids: Ids of the concepts with the most samples, largest first, and by rising id of one size.
        sizes: Samples of each.
        by_events: Share of all samples that changed their concept by an event, or null.
        by_churn: Share of all samples that changed their concept otherwise, or null.
    """

    ids: StepConceptIds
    sizes: StepConceptSizes
    by_events: Share | None
    by_churn: Share | None


class HistoryStep(Struct, frozen=True, kw_only=True):
    """One step of a series.

    Attributes:
        step: Global step.
        wall_time: Seconds since the epoch.
        revision: Revision of the atlas that is shown.
        sequence: Running number of the atlas, null where its manifest cannot be read.
        status: Whether the atlas can be read.
        reason: Why it cannot be read, or null.
        trustworthiness: Trustworthiness of the map, or null.
        neighbors_kept: Share of neighbors kept on the map, or null.
        samples: Number of samples, or null.
        concepts: Concepts of the step, null where they were not tracked.
    """

    step: Step
    wall_time: Finite
    revision: RevisionLabel
    sequence: Count | None
    status: Literal["ok", "damaged", "too_new"]
    reason: str | None
    trustworthiness: Finite | None
    neighbors_kept: Finite | None
    samples: Count | None
    concepts: HistoryStepConcepts | None


class HistoryEvent(Struct, frozen=True, kw_only=True):
    """A change of concepts or predictions at one step of a series; see `EventEntry`.

    Attributes:
        step: Global step of the atlas.
        kind: Kind of change.
        text: One sentence for people.
        score: Rank among the events of a run, at least 0.
        confidence: From 0 to 1.
        before_step: Step of the previous atlas.
        before: Ids of the concepts that the change started with.
        after: Ids of the concepts that it ended with.
        cell: Cell to show, at `step` or, if no concept is left, at `before_step`.
        samples: Samples that changed their concept, prediction, or confidence by it, or null.
        classes: Of a change of predictions ("flips"): label, prediction before, and prediction now
            of its samples. Of a change of confidence ("confidence"): their label. Null for all
            other kinds.
    """

    step: Step
    kind: EventKind
    text: Annotated[str, Meta(max_length=limits.MAX_HISTORY_TEXT)]
    score: Score
    confidence: Share
    before_step: Step
    before: ConceptIds
    after: ConceptIds
    cell: CellEntry | None
    samples: SampleCount | None
    classes: EventClasses | None


class HistoryConcept(Struct, frozen=True, kw_only=True):
    """A concept of a series.

    Attributes:
        id: Number of the concept.
        name: Its name at the last step that has it.
        group: Id of its group at that step, null without groups.
    """

    id: Id
    name: ConceptName
    group: Id | None


class HistoryGroup(Struct, frozen=True, kw_only=True):
    """A group of concepts of a series.

    Attributes:
        id: Number of the group.
        name: Its name at the last step that has it.
    """

    id: Id
    name: ConceptName


class HistoryResponse(Struct, frozen=True, kw_only=True):
    """Response of `history`: what the manifests of one series state.

    Attributes:
        id: Opaque id of the series.
        logged: Atlases that were logged, as far as known.
        kept: Steps that TensorBoard kept.
        steps: Kept steps, ascending.
        skipped: Steps that were skipped, ascending.
        events: Events of all steps, highest score first; null where no step tracked concepts.
        events_found: Events in all manifests; only the first are listed.
        concepts: Concepts of all steps by rising id; null where no step tracked concepts. Of more
            than the limit, those that were seen last.
        groups: Groups of all steps in the same way; null without groups.
    """

    id: str
    logged: Count
    kept: Count
    steps: Annotated[tuple[HistoryStep, ...], Meta(max_length=limits.MAX_STEPS)]
    skipped: tuple[SkippedEntry, ...]
    events: Annotated[tuple[HistoryEvent, ...], Meta(max_length=limits.MAX_HISTORY_EVENTS)] | None
    events_found: Count
    concepts: (
        Annotated[tuple[HistoryConcept, ...], Meta(max_length=limits.MAX_HISTORY_NAMES)] | None
    )
    groups: Annotated[tuple[HistoryGroup, ...], Meta(max_length=limits.MAX_HISTORY_NAMES)] | None


class ErrorEntry(Struct, frozen=True, kw_only=True):
    """An error of a request.

    Attributes:
        kind: "bad_request", "not_found", "method", "damaged", "too_new" or "internal". Readers
            treat another kind, which a later version may add, as "internal".
        message: One sentence for people.
    """

    kind: str
    message: str


class ErrorResponse(Struct, frozen=True, kw_only=True):
    """Body of a response with a status of 400 or more.

    Attributes:
        error: The error.
    """

    error: ErrorEntry


class RecordedRequest(Struct, frozen=True, kw_only=True):
    """A request whose response is in an exported page.

    Attributes:
        request: Route and query, as the tab writes them.
        status: HTTP status of the response.
        gzipped: Whether the body is stored compressed.
    """

    request: str
    status: Annotated[int, Meta(ge=200, le=599)]
    gzipped: bool


class ExportedPage(Struct, frozen=True, kw_only=True):
    """What an exported page contains, besides the bodies of the responses.

    Attributes:
        title: Title of the page.
        exported: Date and time of the export, ISO 8601.
        omitted: Sentences on what is left out of the log.
        link: Hash of the address that the page opens with, or "".
        requests: The requests; the body of number i is in the element `atlas-i`, as base64.
    """

    title: str
    exported: str
    omitted: tuple[str, ...]
    link: str
    requests: tuple[RecordedRequest, ...]


RESPONSES: Final = (IndexResponse, HistoryResponse, ErrorResponse, ExportedPage)
