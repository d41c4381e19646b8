# SPDX-License-Identifier: Apache-2.0
"""The data routes of the Atlas tab, documented in `http_api.md`, without HTTP.

TensorBoard's process serves them (`plugin`), and an exported page holds their responses (`export`).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import msgspec
from tensorboard.errors import NotFoundError

from tensorboard_plugin_atlas.errors import DamageError, TooNewError
from tensorboard_plugin_atlas.serving.index import IndexText
from tensorboard_plugin_atlas.serving.manifest_pack import join_pack
from tensorboard_plugin_atlas.serving.series_reader import (
    AbsentError,
    Datum,
    Request,
    SeriesReader,
    StepSummary,
)
from tensorboard_plugin_atlas.serving.shown_atlases import ShownAtlases
from tensorboard_plugin_atlas.wire.atlas_codec import AtlasManifest, Manifest, checksum
from tensorboard_plugin_atlas.wire.manifest_types import SkippedEntry
from tensorboard_plugin_atlas.wire.point_tiles import read_tile
from tensorboard_plugin_atlas.wire.response_types import HistoryResponse, HistoryStep
from tensorboard_plugin_atlas.wire.shortcut_codec import shortcuts_response
from tensorboard_plugin_atlas.wire.shown_samples import MAX_SHOWN
from tensorboard_plugin_atlas.wire.version_1_upgrade import upgrade_arrays

_BINARY: Final = "application/octet-stream"

_VARIES: Final = (("Vary", "Accept-Encoding"),)
_IMAGE_HEADERS: Final = (("Content-Security-Policy", "default-src 'none'; sandbox"),)

Params: TypeAlias = Mapping[str, str]
"""Parameters of a request, already checked for their form."""


@dataclass(frozen=True)
class RouteResponse:
    """Response of a route, with its caching.

    Attributes:
        data: The body.
        content_type: Its media type.
        etag: Strong validator, or None.
        is_immutable: Whether the URL contains a checksum of the content, so that it never changes.
        headers: More headers.
        gzipped: The gzipped body if it is cached; otherwise TensorBoard compresses text.
    """

    data: bytes
    content_type: str
    etag: str | None = None
    is_immutable: bool = False
    headers: tuple[tuple[str, str], ...] = ()
    gzipped: bytes | None = None


@dataclass(frozen=True)
class DataRoute:
    """One route.

    Attributes:
        names: Names of its parameters.
        handle: Returns the response; raises DamageError or AbsentError.
    """

    names: tuple[str, ...]
    handle: Callable[[Request, Params], RouteResponse]


class DataRoutes:
    """The data routes for one data provider.

    Args:
        provider: TensorBoard's data provider.
        kept_limit: Number of steps of each tag that TensorBoard keeps, or None for all.
    """

    def __init__(self, provider: Any, kept_limit: int | None = None) -> None:
        self._reader = SeriesReader(provider, kept_limit=kept_limit)
        self._shown = ShownAtlases(self._reader)
        self._index_text = IndexText(kept_limit)

    def by_name(self) -> dict[str, DataRoute]:
        """Returns all routes by name."""
        return {
            "index": DataRoute((), self._index),
            "history": DataRoute(("id",), self._history),
            "atlas": DataRoute(("id", "step"), self._atlas),
            "sheet": DataRoute(("id", "step", "blob", "v"), self._sheet),
            "activations": DataRoute(("id", "step"), self._activations),
            "points": DataRoute(("id", "step", "tile", "v"), self._points),
            "probe": DataRoute(("run",), self._probe),
            "thumbs": DataRoute(("run", "blob", "v"), self._thumbs),
            "shortcuts": DataRoute(("id", "step"), self._shortcuts),
            "patches": DataRoute(("id", "step", "blob", "v"), self._patches),
        }

    def _index(self, request: Request, _params: Params) -> RouteResponse:
        body = self._index_text.body(self._reader.all_series(request))
        return RouteResponse(
            body.data,
            "application/json",
            etag=body.etag,
            headers=_VARIES,
            gzipped=body.gzipped,
        )

    def _history(self, request: Request, params: Params) -> RouteResponse:
        series = self._reader.series(request, params["id"])
        history = self._reader.history(request, series)
        steps = history.steps
        sequences = [one.facts.sequence for one in steps if one.facts is not None]
        body = HistoryResponse(
            id=series.id,
            logged=max([len(steps), *sequences]),
            kept=len(steps),
            steps=tuple(_make_history_step(one) for one in steps),
            skipped=_list_skipped(steps),
            events=history.events.events,
            events_found=history.events.count,
            concepts=history.concepts.concepts,
            groups=history.concepts.groups,
        )
        return _json(msgspec.to_builtins(body))

    def _atlas(self, request: Request, params: Params) -> RouteResponse:
        datum = self._datum(request, params)
        manifest = self._reader.manifest(request, datum)
        shown = self._shown.find(request, datum, manifest, "map")
        if shown is None:
            return self._pack(request, datum, "map")
        return RouteResponse(
            shown.map,
            _BINARY,
            etag=shown.map_mark,
            headers=_VARIES,
            gzipped=shown.gzipped_map,
        )

    def _sheet(self, request: Request, params: Params) -> RouteResponse:
        revisions = self._reader.revisions(request, params["id"], int(params["step"]))
        for datum in revisions:
            # A client that still shows a replaced revision can load its icons.
            with contextlib.suppress(AbsentError):
                return self._picture(request, datum, "sheet", params)
        raise AbsentError(params["blob"])

    def _activations(self, request: Request, params: Params) -> RouteResponse:
        datum = self._datum(request, params)
        manifest = self._reader.manifest(request, datum)
        shown = self._shown.find(request, datum, manifest, "activations")
        if shown is not None:
            return RouteResponse(shown.activations, _BINARY, etag=shown.activations_mark)
        index = _find_only_blob(manifest, "activations")
        data = self._reader.blob(request, datum, manifest, index)
        return RouteResponse(data, _BINARY, etag=manifest.blobs[index - 1].crc32c)

    def _points(self, request: Request, params: Params) -> RouteResponse:
        wanted = params.get("v")
        # A client that still shows a replaced revision can load its points.
        for datum in self._reader.revisions(request, params["id"], int(params["step"])):
            manifest = self._reader.manifest(request, datum)
            index = self._shown.index_points(request, datum, manifest)
            if index is not None and wanted in (None, index.mark):
                data = index.encode_tile(read_tile(params["tile"]))
                return RouteResponse(
                    data, _BINARY, etag=checksum(data), is_immutable=wanted is not None
                )
        raise AbsentError(wanted)

    def _probe(self, request: Request, params: Params) -> RouteResponse:
        return self._pack(request, self._reader.probe(request, params["run"]), "probe")

    def _thumbs(self, request: Request, params: Params) -> RouteResponse:
        datum = self._reader.probe(request, params["run"])
        return self._picture(request, datum, "thumbs", params)

    def _shortcuts(self, request: Request, params: Params) -> RouteResponse:
        datum = self._reader.shortcuts(request, params["id"], int(params["step"]))
        manifest = self._reader.manifest(request, datum)
        samples = self._count_samples(request, params)
        response = _json(shortcuts_response(manifest, samples))
        mark = manifest.served_mark if samples is None else checksum(response.data)
        return dataclasses.replace(response, etag=mark)

    def _count_samples(self, request: Request, params: Params) -> int | None:
        """Returns the number of samples of an atlas if the tab gets a selection of them."""
        with contextlib.suppress(AbsentError, DamageError, NotFoundError):
            fields = self._reader.manifest(request, self._datum(request, params)).fields
            if isinstance(fields, AtlasManifest) and fields.samples > MAX_SHOWN:
                return fields.samples
        return None

    def _patches(self, request: Request, params: Params) -> RouteResponse:
        datum = self._reader.shortcuts(request, params["id"], int(params["step"]))
        return self._picture(request, datum, "patches", params)

    def _datum(self, request: Request, params: Params) -> Datum:
        return self._reader.datum(request, params["id"], int(params["step"]))

    def _pack(self, request: Request, datum: Datum, role: str) -> RouteResponse:
        """Joins the manifest and its only blob of `role`, so that a map needs one request."""
        manifest = self._reader.manifest(request, datum)
        data = self._reader.blob(request, datum, manifest, _find_only_blob(manifest, role))
        if role == "map" and manifest.version == 1:
            data = upgrade_arrays(data)
        # The manifest holds the blob's checksum, so its own checksum covers both. An upgraded
        # record has the checksum of what is sent, not of what is stored.
        return RouteResponse(join_pack(manifest.text, data), _BINARY, etag=manifest.served_mark)

    def _picture(self, request: Request, datum: Datum, role: str, params: Params) -> RouteResponse:
        manifest = self._reader.manifest(request, datum)
        index, wanted = int(params["blob"]), params.get("v")
        if index not in manifest.indices(role):
            raise AbsentError(index)
        stated = manifest.blobs[index - 1].crc32c
        if wanted not in (None, stated):
            # The step was logged again since the client read its manifest.
            raise AbsentError(wanted)
        return RouteResponse(
            self._reader.blob(request, datum, manifest, index),
            "image/webp",
            etag=stated,
            is_immutable=wanted is not None,
            headers=_IMAGE_HEADERS,
        )


def _find_only_blob(manifest: Manifest, role: str) -> int:
    found = manifest.indices(role)
    if len(found) != 1:
        raise DamageError(f"manifest: its kind is {manifest.kind}, which has no {role}")
    return found[0]


def _make_history_step(one: StepSummary) -> HistoryStep:
    facts, problem = one.facts, one.problem
    return HistoryStep(
        step=one.datum.step,
        wall_time=one.datum.wall_time,
        revision=one.revision.label,
        sequence=None if facts is None else facts.sequence,
        status=get_status(problem),
        reason=None if problem is None else str(problem),
        trustworthiness=None if facts is None else facts.trustworthiness,
        neighbors_kept=None if facts is None else facts.neighbors_kept,
        samples=None if facts is None else facts.samples,
        concepts=None if facts is None else facts.concepts,
    )


def _list_skipped(steps: Sequence[StepSummary]) -> tuple[SkippedEntry, ...]:
    """Returns the skipped steps that the manifests of other steps list."""
    found = {
        skipped.step: skipped
        for one in steps
        if one.facts is not None
        for skipped in one.facts.skipped
    }
    for one in steps:
        found.pop(one.datum.step, None)
    return tuple(found[step] for step in sorted(found))


def _json(body: Mapping[str, Any]) -> RouteResponse:
    text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    return RouteResponse(text, "application/json")


def get_status(problem: DamageError | None) -> Literal["ok", "damaged", "too_new"]:
    """Returns the status of a step or record as the tab names it."""
    if problem is None:
        return "ok"
    return "too_new" if isinstance(problem, TooNewError) else "damaged"
