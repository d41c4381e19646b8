# SPDX-License-Identifier: Apache-2.0
"""The HTTP routes of the Atlas tab, documented in `http_api.md`.

Read-only: GET and HEAD, without side effects; no text of a request becomes a path. TensorBoard has
no login and does not check the host, so all requests are untrusted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import re
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

import msgspec
from tensorboard import errors, plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response

from tensorboard_plugin_atlas.errors import DamageError, TooNewError
from tensorboard_plugin_atlas.metadata import PLUGIN_NAME
from tensorboard_plugin_atlas.serving.assets import ENTRY_ROUTE, Asset, load_assets
from tensorboard_plugin_atlas.serving.index import IndexText
from tensorboard_plugin_atlas.serving.series_reader import (
    AbsentError,
    Datum,
    Request,
    SeriesReader,
    StepSummary,
)
from tensorboard_plugin_atlas.wire.atlas_codec import Manifest
from tensorboard_plugin_atlas.wire.manifest_types import SkippedEntry
from tensorboard_plugin_atlas.wire.response_types import HistoryResponse, HistoryStep
from tensorboard_plugin_atlas.wire.shortcut_codec import shortcuts_response
from tensorboard_plugin_atlas.wire.version_1 import upgrade_arrays

logger = logging.getLogger(__name__)

_BINARY: Final = "application/octet-stream"
_IMMUTABLE_SECONDS: Final = 365 * 24 * 3600
_IMAGE_HEADERS: Final = (("Content-Security-Policy", "default-src 'none'; sandbox"),)

_Params: TypeAlias = Mapping[str, str]

_PATTERNS: Final = {
    "id": (re.compile(r"s[0-9a-f]{16}"), "the id of a series"),
    "run": (re.compile(r"r[0-9a-f]{16}"), "the id of a run"),
    "step": (re.compile(r"-?[0-9]{1,19}"), "a whole number"),
    "blob": (re.compile(r"[0-9]{1,3}"), "a whole number"),
    "v": (re.compile(r"[0-9a-f]{8}"), "eight hex digits"),
}
_OPTIONAL: Final = frozenset({"v"})


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


class _RequestError(Exception):
    """An error that is returned to the client: status, kind, and message."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


_NOT_FOUND: Final = (404, "not_found", "Not found.")


class AtlasPlugin(base_plugin.TBPlugin):  # type: ignore[misc]
    """The Atlas tab; see `tensorboard.plugins.base_plugin.TBPlugin`."""

    plugin_name = PLUGIN_NAME

    def __init__(self, context: base_plugin.TBContext) -> None:
        # With 0, TensorBoard keeps all steps.
        kept_limit = (context.sampling_hints or {}).get(PLUGIN_NAME) or None
        self._reader = SeriesReader(context.data_provider, kept_limit=kept_limit)
        self._index_text = IndexText(kept_limit)
        self._assets = load_assets()

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """Returns all routes: the data routes, and one for each file of the front end."""
        routes: dict[str, Callable[..., Any]] = {
            "/index": self._route((), self._index),
            "/history": self._route(("id",), self._history),
            "/atlas": self._route(("id", "step"), self._atlas),
            "/sheet": self._route(("id", "step", "blob", "v"), self._sheet),
            "/activations": self._route(("id", "step"), self._activations),
            "/probe": self._route(("run",), self._probe),
            "/thumbs": self._route(("run", "blob", "v"), self._thumbs),
            "/shortcuts": self._route(("id", "step"), self._shortcuts),
            "/patches": self._route(("id", "step", "blob", "v"), self._patches),
        }
        for route, asset in self._assets.items():
            routes[route] = self._route((), _asset_handler(asset))
        return routes

    def is_active(self) -> bool:
        """Returns False; TensorBoard uses `data_plugin_names`, which is cheaper, instead."""
        return False

    def data_plugin_names(self) -> tuple[str, ...]:
        """Returns the plugin name of the data that activates the tab."""
        return (PLUGIN_NAME,)

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Returns the route of the tab's module and the name of the tab."""
        return base_plugin.FrontendMetadata(es_module_path=ENTRY_ROUTE, tab_name="Atlas")

    def _route(
        self, names: tuple[str, ...], handle: Callable[[Request, _Params], RouteResponse]
    ) -> Callable[..., Any]:
        """Wraps `handle` in a WSGI application that checks the request and returns errors."""

        @HttpRequest.application
        def app(http: HttpRequest) -> Response:
            try:
                if http.method not in ("GET", "HEAD"):
                    raise _RequestError(405, "method", "Only GET and HEAD are allowed.")
                params = _params(http, names)
                request = Request(
                    plugin_util.context(http.environ), plugin_util.experiment_id(http.environ)
                )
                return _make_response(http, handle(request, params))
            except Exception as error:
                return _make_error_response(http, error)

        return app

    def _index(self, request: Request, _params: _Params) -> RouteResponse:
        body = self._index_text.body(self._reader.all_series(request))
        return RouteResponse(
            body.data,
            "application/json",
            etag=body.etag,
            headers=(("Vary", "Accept-Encoding"),),
            gzipped=body.gzipped,
        )

    def _history(self, request: Request, params: _Params) -> RouteResponse:
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

    def _atlas(self, request: Request, params: _Params) -> RouteResponse:
        return self._pack(request, self._datum(request, params), "map")

    def _sheet(self, request: Request, params: _Params) -> RouteResponse:
        revisions = self._reader.revisions(request, params["id"], int(params["step"]))
        for datum in revisions:
            # A client that still shows a replaced revision can load its icons.
            with contextlib.suppress(AbsentError):
                return self._picture(request, datum, "sheet", params)
        raise AbsentError(params["blob"])

    def _activations(self, request: Request, params: _Params) -> RouteResponse:
        datum = self._datum(request, params)
        manifest = self._reader.manifest(request, datum)
        index = _find_only_blob(manifest, "activations")
        data = self._reader.blob(request, datum, manifest, index)
        return RouteResponse(data, _BINARY, etag=manifest.blobs[index - 1].crc32c)

    def _probe(self, request: Request, params: _Params) -> RouteResponse:
        return self._pack(request, self._reader.probe(request, params["run"]), "probe")

    def _thumbs(self, request: Request, params: _Params) -> RouteResponse:
        datum = self._reader.probe(request, params["run"])
        return self._picture(request, datum, "thumbs", params)

    def _shortcuts(self, request: Request, params: _Params) -> RouteResponse:
        datum = self._reader.shortcuts(request, params["id"], int(params["step"]))
        manifest = self._reader.manifest(request, datum)
        return dataclasses.replace(_json(shortcuts_response(manifest)), etag=manifest.served_mark)

    def _patches(self, request: Request, params: _Params) -> RouteResponse:
        datum = self._reader.shortcuts(request, params["id"], int(params["step"]))
        return self._picture(request, datum, "patches", params)

    def _datum(self, request: Request, params: _Params) -> Datum:
        return self._reader.datum(request, params["id"], int(params["step"]))

    def _pack(self, request: Request, datum: Datum, role: str) -> RouteResponse:
        """Joins the manifest and its only blob of `role`, so that a map needs one request."""
        manifest = self._reader.manifest(request, datum)
        data = self._reader.blob(request, datum, manifest, _find_only_blob(manifest, role))
        if role == "map" and manifest.version == 1:
            data = upgrade_arrays(data)
        padded = manifest.text + b" " * (-(4 + len(manifest.text)) % 8)
        body = struct.pack("<I", len(padded)) + padded + data
        # The manifest holds the blob's checksum, so its own checksum covers both. An upgraded
        # record has the checksum of what is sent, not of what is stored.
        return RouteResponse(body, _BINARY, etag=manifest.served_mark)

    def _picture(self, request: Request, datum: Datum, role: str, params: _Params) -> RouteResponse:
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


def _params(http: HttpRequest, names: tuple[str, ...]) -> dict[str, str]:
    """Returns the parameters of a route; raises if one is missing, repeated, or malformed."""
    params = {}
    for name in names:
        values = http.args.getlist(name)
        if not values and name in _OPTIONAL:
            continue
        pattern, wanted = _PATTERNS[name]
        if len(values) != 1 or not pattern.fullmatch(values[0]):
            raise _RequestError(400, "bad_request", f"Pass {name} once, as {wanted}.")
        params[name] = values[0]
    return params


def _make_history_step(one: StepSummary) -> HistoryStep:
    facts, problem = one.facts, one.problem
    return HistoryStep(
        step=one.datum.step,
        wall_time=one.datum.wall_time,
        revision=one.revision.label,
        sequence=None if facts is None else facts.sequence,
        status=_status(problem),
        reason=None if problem is None else str(problem),
        trustworthiness=None if facts is None else facts.trustworthiness,
        neighbors_kept=None if facts is None else facts.neighbors_kept,
        samples=None if facts is None else facts.samples,
        concepts=None if facts is None else facts.concepts,
    )


def _list_skipped(steps: Sequence[StepSummary]) -> tuple[SkippedEntry, ...]:
    """Returns the skipped checkpoints that the manifests of other steps list."""
    found = {
        skipped.step: skipped
        for one in steps
        if one.facts is not None
        for skipped in one.facts.skipped
    }
    for one in steps:
        found.pop(one.datum.step, None)
    return tuple(found[step] for step in sorted(found))


def _status(problem: DamageError | None) -> Literal["ok", "damaged", "too_new"]:
    if problem is None:
        return "ok"
    return "too_new" if isinstance(problem, TooNewError) else "damaged"


def _asset_handler(asset: Asset) -> Callable[[Request, _Params], RouteResponse]:
    return lambda _request, _params: RouteResponse(asset.data, asset.content_type, etag=asset.etag)


def _json(body: Mapping[str, Any]) -> RouteResponse:
    text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    return RouteResponse(text, "application/json")


def _make_response(http: HttpRequest, route_response: RouteResponse) -> Response:
    headers = list(route_response.headers)
    if route_response.etag is not None:
        headers.append(("ETag", f'"{route_response.etag}"'))
        if http.if_none_match.contains_weak(route_response.etag):
            kept = (
                f"private, max-age={_IMMUTABLE_SECONDS}"
                if route_response.is_immutable
                else "no-cache"
            )
            headers += [("Cache-Control", kept), ("X-Content-Type-Options", "nosniff")]
            return Response(status=304, headers=headers, content_type=route_response.content_type)
    # If TensorBoard reads the header differently, it decompresses the body again.
    gzipped = route_response.gzipped if http.accept_encodings["gzip"] > 0 else None
    response: Response = http_util.Respond(
        http,
        route_response.data if gzipped is None else gzipped,
        route_response.content_type,
        expires=_IMMUTABLE_SECONDS if route_response.is_immutable else 0,
        content_encoding=None if gzipped is None else "gzip",
        headers=headers,
    )
    return response


def _make_error_response(http: HttpRequest, error: Exception) -> Response:
    status, kind, message = _classify_error(error)
    if status == 500:
        logger.error("Atlas: %s failed", http.path, exc_info=error)
    body = json.dumps({"error": {"kind": kind, "message": message}})
    headers = [("Allow", "GET, HEAD")] if status == 405 else []
    response: Response = http_util.Respond(
        http, body, "application/json", code=status, headers=headers
    )
    return response


def _classify_error(error: Exception) -> tuple[int, str, str]:
    """Returns status, kind, and message of an error for the client."""
    if isinstance(error, _RequestError):
        return error.status, error.kind, error.message
    if isinstance(error, DamageError):
        return 422, _status(error), str(error)
    if isinstance(error, (AbsentError, errors.NotFoundError)):
        return _NOT_FOUND
    return 500, "internal", "The Atlas plugin failed; see the log of the TensorBoard server."
