# SPDX-License-Identifier: Apache-2.0
"""Records the responses to all requests that the tab can make for a log."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from tensorboard_plugin_atlas.errors import DamageError
from tensorboard_plugin_atlas.export.export_selection import Omissions, select_grids
from tensorboard_plugin_atlas.serving.routes import DataRoutes, get_status
from tensorboard_plugin_atlas.serving.series_reader import Request

_REQUEST: Final = Request(None, "")
_DAMAGED_STATUS: Final = 422


@dataclass(frozen=True, kw_only=True)
class RecordedResponse:
    """The response to one request.

    Attributes:
        route: Name of the route.
        request: Route and query, as the tab writes them.
        status: HTTP status: 200, or 422 for damaged data.
        data: The body.
        series: Id of the series of an atlas or of shortcuts, "" for all other responses.
        step: Step of the atlas or of the shortcuts.
        grid: Size of the grid that the icons belong to, 0 for all other responses.
    """

    route: str
    request: str
    status: int
    data: bytes
    series: str = ""
    step: int = 0
    grid: int = 0

    @property
    def is_picture(self) -> bool:
        """Whether the body is a WebP image, which cannot be compressed further."""
        return self.status == 200 and self.route in ("sheet", "thumbs", "patches")


def record_responses(routes: DataRoutes, omissions: Omissions) -> Iterator[RecordedResponse]:
    """Yields the response to each request of the tab.

    Args:
        routes: The routes of a log.
        omissions: Activations and grids to leave out.
    """
    recorder = _Recorder(routes, omissions)
    index = recorder.fetch("index")
    yield index
    for run in json.loads(index.data)["runs"]:
        if run["probe"]:
            yield from recorder.record_probe(run["id"])
        for series in run["series"]:
            yield from recorder.record_series(series)


class _Recorder:
    def __init__(self, routes: DataRoutes, omissions: Omissions) -> None:
        self._routes = routes.by_name()
        self._omissions = omissions

    def fetch(self, route: str, **query: Any) -> RecordedResponse:
        """Returns the response to one request; damage becomes the response of the plugin."""
        params = {name: str(value) for name, value in query.items()}
        request = f"{route}?{urlencode(params)}" if params else route
        try:
            data, status = self._routes[route].handle(_REQUEST, params).data, 200
        except DamageError as error:
            body = {"error": {"kind": get_status(error), "message": str(error)}}
            data, status = json.dumps(body).encode("ascii"), _DAMAGED_STATUS
        return RecordedResponse(route=route, request=request, status=status, data=data)

    def record_probe(self, run: str) -> Iterator[RecordedResponse]:
        probe = self.fetch("probe", run=run)
        yield probe
        for number, blob in _find_blobs(probe, "thumbs"):
            yield self.fetch("thumbs", run=run, blob=number, v=blob["crc32c"])

    def record_series(self, series: dict[str, Any]) -> Iterator[RecordedResponse]:
        yield self.fetch("history", id=series["id"])
        for step in series["steps"]:
            yield from self._record_atlas(series["id"], step)
        for step in series["shortcuts"]:
            yield from self._record_shortcuts(series["id"], step)

    def _fetch_of_step(
        self, route: str, series: str, step: int, grid: int = 0, **query: Any
    ) -> RecordedResponse:
        found = self.fetch(route, id=series, step=step, **query)
        return dataclasses.replace(found, series=series, step=step, grid=grid)

    def _record_atlas(self, series: str, step: int) -> Iterator[RecordedResponse]:
        whole = self._fetch_of_step("atlas", series, step)
        atlas = trim_grids(whole, self._omissions.largest_grid)
        yield atlas
        if not self._omissions.activations:
            yield self._fetch_of_step("activations", series, step)
        kept = _list_grids(atlas)
        for number, blob in _find_blobs(atlas, "sheet"):
            if blob["grid"] in kept:
                yield self._fetch_of_step(
                    "sheet", series, step, blob["grid"], blob=number, v=blob["crc32c"]
                )

    def _record_shortcuts(self, series: str, step: int) -> Iterator[RecordedResponse]:
        found = self._fetch_of_step("shortcuts", series, step)
        yield found
        blobs = json.loads(found.data)["blobs"] if found.status == 200 else ()
        for number, blob in enumerate(blobs, start=1):
            if blob["role"] == "patches":
                yield self._fetch_of_step("patches", series, step, blob=number, v=blob["crc32c"])


def trim_grids(atlas: RecordedResponse, largest: int | None) -> RecordedResponse:
    """Returns the response of the `atlas` route without finer grids.

    Args:
        atlas: The response.
        largest: Largest grid to keep, None for all; the coarsest one is always kept.
    """
    if atlas.status != 200 or largest is None:
        return atlas
    manifest, data = _split_pack(atlas.data)
    kept = select_grids((grid["size"] for grid in manifest["grids"]), largest)
    left_out = [grid["size"] for grid in manifest["grids"] if grid["size"] not in kept]
    if not left_out:
        return atlas
    manifest["grids"] = [grid for grid in manifest["grids"] if grid["size"] in kept]
    prefixes = tuple(f"grid{size}." for size in left_out)
    arrays = {
        name: array for name, array in load_arrays(data).items() if not name.startswith(prefixes)
    }
    text = json.dumps(manifest, separators=(",", ":")).encode("ascii")
    text += b" " * (-(4 + len(text)) % 8)
    body = struct.pack("<I", len(text)) + text + save_arrays(arrays)
    return dataclasses.replace(atlas, data=body)


def _split_pack(pack: bytes) -> tuple[dict[str, Any], bytes]:
    """Returns manifest and arrays of a response of the `atlas` or `probe` route."""
    (length,) = struct.unpack_from("<I", pack)
    return json.loads(pack[4 : 4 + length]), pack[4 + length :]


def _list_grids(atlas: RecordedResponse) -> list[int]:
    if atlas.status != 200:
        return []
    return [grid["size"] for grid in _split_pack(atlas.data)[0]["grids"]]


def _find_blobs(pack: RecordedResponse, role: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields number and entry of the blobs with a role in the manifest of a response."""
    if pack.status == 200:
        for number, blob in enumerate(_split_pack(pack.data)[0]["blobs"], start=1):
            if blob["role"] == role:
                yield number, blob
