# SPDX-License-Identifier: Apache-2.0
"""The HTTP routes of the Atlas tab, documented in `http_api.md`.

Read-only: GET and HEAD, without side effects; no text of a request becomes a path. TensorBoard has
no login and does not check the host, so all requests are untrusted.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tensorboard import errors, plugin_util
from tensorboard.backend import http_util
from tensorboard.plugins import base_plugin
from werkzeug.wrappers import Request as HttpRequest
from werkzeug.wrappers import Response

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.log_names import PLUGIN_NAME
from tensorboard_plugin_atlas.serving.assets import ENTRY_ROUTE, Asset, load_assets
from tensorboard_plugin_atlas.serving.routes import (
    DataRoute,
    DataRoutes,
    RouteResponse,
    get_status,
)
from tensorboard_plugin_atlas.serving.series_reader import AbsentError, Request
from tensorboard_plugin_atlas.wire.point_tiles import TILE_FORM, parse_tile

logger = logging.getLogger(__name__)

_IMMUTABLE_SECONDS: Final = 365 * 24 * 3600

_PARSERS: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "id": (re.compile(r"s[0-9a-f]{16}").fullmatch, "the id of a series"),
    "run": (re.compile(r"r[0-9a-f]{16}").fullmatch, "the id of a run"),
    "step": (re.compile(r"-?[0-9]{1,19}").fullmatch, "a whole number"),
    "blob": (re.compile(r"[0-9]{1,3}").fullmatch, "a whole number"),
    "tile": (parse_tile, TILE_FORM),
    "v": (re.compile(r"[0-9a-f]{8}").fullmatch, "eight hex digits"),
}
"""Functions that return None for a malformed parameter, and what is wanted instead."""
_OPTIONAL: Final = frozenset({"v"})


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
        self._data_routes = DataRoutes(context.data_provider, kept_limit)
        self._assets = load_assets()

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """Returns all routes: the data routes, and one for each file of the front end."""
        routes = {
            f"/{name}": _make_app(route) for name, route in self._data_routes.by_name().items()
        }
        for path, asset in self._assets.items():
            routes[path] = _make_app(_make_asset_route(asset))
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


def _make_app(route: DataRoute) -> Callable[..., Any]:
    """Wraps a route in a WSGI application that checks the request and returns errors."""

    @HttpRequest.application
    def app(http: HttpRequest) -> Response:
        try:
            if http.method not in ("GET", "HEAD"):
                raise _RequestError(405, "method", "Only GET and HEAD are allowed.")
            params = _params(http, route.names)
            request = Request(
                plugin_util.context(http.environ), plugin_util.experiment_id(http.environ)
            )
            return _make_response(http, route.handle(request, params))
        except Exception as error:
            return _make_error_response(http, error)

    return app


def _params(http: HttpRequest, names: tuple[str, ...]) -> dict[str, str]:
    """Returns the parameters of a route; raises if one is missing, repeated, or malformed."""
    params = {}
    for name in names:
        values = http.args.getlist(name)
        if not values and name in _OPTIONAL:
            continue
        parse, wanted = _PARSERS[name]
        if len(values) != 1 or parse(values[0]) is None:
            raise _RequestError(400, "bad_request", f"Pass {name} once, as {wanted}.")
        params[name] = values[0]
    return params


def _make_asset_route(asset: Asset) -> DataRoute:
    response = RouteResponse(asset.data, asset.content_type, etag=asset.etag)
    return DataRoute((), lambda _request, _params: response)


def _make_response(http: HttpRequest, route_response: RouteResponse) -> Response:
    headers = list(route_response.headers)
    # If TensorBoard reads the header differently, it decompresses the body again.
    gzipped = route_response.gzipped if http.accept_encodings["gzip"] > 0 else None
    if route_response.etag is not None:
        # A strong validator is of the bytes that are sent.
        etag = route_response.etag if gzipped is None else f"{route_response.etag}-gzip"
        headers.append(("ETag", f'"{etag}"'))
        if http.if_none_match.contains_weak(etag):
            kept = (
                f"private, max-age={_IMMUTABLE_SECONDS}"
                if route_response.is_immutable
                else "no-cache"
            )
            headers += [("Cache-Control", kept), ("X-Content-Type-Options", "nosniff")]
            return Response(status=304, headers=headers, content_type=route_response.content_type)
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
        return 422, get_status(error), str(error)
    if isinstance(error, (AbsentError, errors.NotFoundError)):
        return _NOT_FOUND
    return 500, "internal", "The Atlas plugin failed; see the log of the TensorBoard server."
