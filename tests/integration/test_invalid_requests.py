# SPDX-License-Identifier: Apache-2.0
"""Invalid requests to every route of the plugin.

Routes and their parameters are read from the plugin, so that no new route is left out.
"""

from __future__ import annotations

import gzip
import itertools
import json
import logging
import random
import re
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from route_client import NOT_FOUND, ROUTE_PREFIX, VALID_QUERY, CountingProvider, make_client
from synthetic_shortcuts import write_shortcuts
from tensorboard.plugins.base_plugin import TBContext
from tensorboard_server import start_tensorboard
from untrusted_text import EQUIVALENT_PATHS, TEXTS, path_traversals
from werkzeug.test import Client, TestResponse

from tensorboard_plugin_atlas.plugin import AtlasPlugin

BLOBS = {"thumbs": "2", "patches": "1"}
"""Index of an image blob in each route where it is not the third."""

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")
METHODS += ("PROPFIND", "BREW", "<b>")
BROKEN = [
    *("", " ", "0x10", "1e3", "1.0", "+1", "--1", "1 ", "9" * 20, "1" * 5_000, "null", "NaN"),
    *("\u0661", "../index", "%2e%2e", "\0", "<b>", "'", "s" + "g" * 16, "S" + "0" * 16, "s0", "r0"),
    *(
        VALID_QUERY["id"] + "\n",
        VALID_QUERY["id"].upper(),
        VALID_QUERY["run"][:-1],
        "step",
        "[]",
        "\u00e9" * 17,
    ),
    *("\ud800", "0000000g", "ABCDEF0", "a&b=c", "0.0.0", "8.0.0", "1.2.0", "1.0.2", "1.0.01"),
]
TYPES = {
    *("application/json", "application/octet-stream", "image/webp"),
    *("text/javascript; charset=utf-8", "text/css; charset=utf-8", "font/woff2"),
    "application/wasm",
}
STATUSES = {200, 304, 400, 404, 422}
SECRET = "secret /srv/someone"


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Atlases, a probe and shortcuts, so that every route has something to serve."""
    log_dir = tmp_path_factory.mktemp("routes")
    write_shortcuts(log_dir, steps=(0, 50))
    return log_dir


@pytest.fixture(scope="module")
def client(log: Path) -> Client:
    return make_client(log)[0]


@pytest.fixture(scope="module")
def table(log: Path, client: Client) -> dict[str, tuple[str, ...]]:
    """Every route with its parameters."""
    plugin = AtlasPlugin(TBContext(data_provider=CountingProvider(log)))
    routes = [route.removeprefix("/") for route in plugin.get_plugin_apps()]
    return {route: parameters(client, route) for route in routes}


def valid_query(route: str, names: tuple[str, ...]) -> dict[str, str]:
    known = {**VALID_QUERY, "blob": BLOBS.get(route, VALID_QUERY["blob"])}
    return {name: known[name] for name in names}


def parameters(client: Client, route: str) -> tuple[str, ...]:
    """Adds the parameters that a route reports as missing until it responds."""
    names: tuple[str, ...] = ()
    while True:
        response = client.get(ROUTE_PREFIX + route, query_string=valid_query(route, names))
        if response.status_code != 400:
            assert response.status_code == 200, (route, names, response.data)
            return names
        missing = re.match(r"Pass (\w+) once, as ", response.json["error"]["message"])
        assert missing, response.data
        names += (missing[1],)


def check(response: TestResponse, method: str = "GET") -> int:
    """Checks status, type and headers of a response, and that errors contain no internals."""
    status = response.status_code
    assert status in (STATUSES if method in ("GET", "HEAD") else {405}), (status, response.data)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.content_type in TYPES or (status == 304 and response.content_type is None)
    assert "Access-Control-Allow-Origin" not in response.headers
    if status == 405:
        assert response.headers["Allow"] == "GET, HEAD"
    if response.content_type == "image/webp":
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    if method == "HEAD":
        assert response.data == b""
    elif status >= 400:
        is_packed = response.headers.get("Content-Encoding") == "gzip"
        body = gzip.decompress(response.data) if is_packed else response.data
        error = json.loads(body)["error"]
        assert set(error) == {"kind", "message"}
        assert not re.search(r"Traceback|\.py|/tmp|<b>", error["message"]), error
    return int(status)


def test_the_table_is_exact(table: dict[str, tuple[str, ...]], log: Path) -> None:
    with_parameters = {route: names for route, names in table.items() if names}
    assert with_parameters == {
        "history": ("id",),
        "atlas": ("id", "step"),
        "sheet": ("id", "step", "blob"),
        "activations": ("id", "step"),
        "points": ("id", "step", "tile"),
        "probe": ("run",),
        "thumbs": ("run", "blob"),
        "shortcuts": ("id", "step"),
        "patches": ("id", "step", "blob"),
    }
    assert {"index", "index.js"} <= set(table)
    assert not [route for route in table if "*" in route or route.endswith((".html", ".map"))]


def wrong_queries(route: str, names: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Yields the name of a parameter, and a query in which it is wrong."""
    right = valid_query(route, names)
    for name in names:
        yield name, {key: value for key, value in right.items() if key != name}
        yield name, [*right.items(), (name, right[name])]
        for value in BROKEN:
            yield name, {**right, name: value.encode("utf-8", "replace")}


def test_every_route_method_and_broken_parameter(
    table: dict[str, tuple[str, ...]], client: Client
) -> None:
    seen: Counter[str] = Counter()
    for (route, names), method in itertools.product(table.items(), METHODS):
        full = client.open(
            ROUTE_PREFIX + route, method=method, query_string=valid_query(route, names)
        )
        seen[f"{method} {check(full, method)}"] += 1
        for name, query in wrong_queries(route, names):
            response = client.open(ROUTE_PREFIX + route, method=method, query_string=query)
            status = check(response, method)
            assert status in (400, 405), (route, query)
            if method == "GET":
                assert response.json["error"]["kind"] == "bad_request"
                assert response.json["error"]["message"].startswith(f"Pass {name} once, as ")
            seen[f"{method} {status}"] += 1
    print(f"\n{seen.total():,} requests to {len(table)} routes: {dict(seen)}")
    assert seen["GET 200"] == seen["HEAD 200"] == len(table)
    assert seen["GET 400"] > 500


def test_a_broken_version_is_refused(table: dict[str, tuple[str, ...]], client: Client) -> None:
    versioned = [route for route, names in table.items() if "blob" in names]
    assert len(versioned) == 3
    for route in versioned:
        for value in ("", "0", "0000000g", "0" * 9, "ABCDEF01"):
            query = {**valid_query(route, table[route]), "v": value}
            assert client.get(ROUTE_PREFIX + route, query_string=query).status_code == 400
        query = {**valid_query(route, table[route]), "v": "00000000"}
        response = client.get(ROUTE_PREFIX + route, query_string=query)
        assert (response.status_code, response.json) == (404, NOT_FOUND)


HEADERS: dict[str, tuple[str, ...]] = {
    "If-None-Match": ("", "*", '"', 'W/"', "W/", '"x", ,"', "x" * 5000, ",,,,", '"\u00e9"'),
    "Accept-Encoding": ("gzip", "gzip;q=x", "*;q=0", "br,,gzip", "identity;q=0", "\u00e9"),
    "If-Modified-Since": ("yesterday", "", "Thu, 99 Jan 1970 00:00:00 GMT", "0" * 3000),
    "Range": ("bytes=0-", "bytes=-1", "bytes=9-1", "lines=1-2", "bytes=0-0,1-1,2-2"),
    "Content-Type": ("multipart/form-data; boundary=x", "application/json", "text/xml", ";;;"),
    "Content-Length": ("0", "5"),
    "Host": ("planted.invalid", "127.0.0.1:0", "a" * 300, "localhost"),
    "Cookie": ("a=b; c", "=", "\x7f", ";" * 500),
    "X-Forwarded-Host": ("planted.invalid",),
    "Transfer-Encoding": ("chunked", "gzip, chunked"),
}


def random_request(
    random_state: random.Random, table: dict[str, tuple[str, ...]]
) -> dict[str, Any]:
    """Returns a request with random method, parameters, headers and body, mostly invalid."""
    route = random_state.choice(list(table))
    known = {**VALID_QUERY, "v": "00000000", "experiment": "x", "__proto__": "1"}
    query = [
        (
            name,
            known[name]
            if random_state.random() < 0.6
            else random_state.choice(BROKEN + list(TEXTS))[:2000],
        )
        for name in random_state.choices(list(known), k=random_state.randrange(7))
    ]
    headers = {
        name: random_state.choice(HEADERS[name]) for name in random_state.sample(list(HEADERS), k=3)
    }
    return {
        "path": ROUTE_PREFIX + route,
        "method": random_state.choice(("GET", "GET", "HEAD", *METHODS)),
        "query_string": [(name, value.encode("utf-8", "replace")) for name, value in query],
        "headers": list(headers.items()),
        "data": random_state.choice((None, b"--x\r\n", b"{}", random_state.randbytes(20))),
    }


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(50_000, marks=[pytest.mark.long, pytest.mark.timeout(1200)])]
)
def test_random_requests_never_cause_an_internal_error(
    count: int, table: dict[str, tuple[str, ...]], client: Client
) -> None:
    random_state, seen = random.Random(count), Counter[int]()
    for _ in range(count):
        request = random_request(random_state, table)
        response = client.open(**request)
        seen[check(response, request["method"])] += 1
    print(f"\n{count:,} random requests: {dict(seen)}")
    assert min(seen[200], seen[400], seen[405]) > count / 100


FAILING = ("list_blob_sequences", "read_blob_sequences", "read_blob")


@pytest.mark.parametrize("call", FAILING)
def test_a_fault_in_any_handler_reveals_nothing(
    call: str, table: dict[str, tuple[str, ...]], log: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If TensorBoard's provider fails, the log has one line and the response no details."""
    failed = []
    for route, names in table.items():
        client, provider = make_client(log)

        def fail(**_: Any) -> Any:
            raise RuntimeError(SECRET)

        setattr(provider, call, fail)
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            response = client.get(ROUTE_PREFIX + route, query_string=valid_query(route, names))
        if response.status_code == 200:
            assert not names
            continue
        failed.append(route)
        assert response.status_code == 500
        assert response.json["error"]["kind"] == "internal"
        assert not re.search(rb"secret|srv|RuntimeError|Traceback", response.data)
        ours = [one for one in caplog.records if one.name.startswith("tensorboard_plugin")]
        assert len(ours) == 1
        assert SECRET in caplog.text
    assert set(failed) >= {route for route, names in table.items() if names}
    assert ("index" in failed) == (call != "read_blob")


def test_no_route_uses_the_network(
    table: dict[str, tuple[str, ...]], log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a route used the network")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    client = make_client(log)[0]
    for route, names in table.items():
        assert (
            client.get(ROUTE_PREFIX + route, query_string=valid_query(route, names)).status_code
            == 200
        )


def test_no_spelling_of_a_path_leaves_the_route_table(
    table: dict[str, tuple[str, ...]], client: Client
) -> None:
    """TensorBoard rejects all other paths, since the plugin registers exact names only."""
    spelled = list(path_traversals())
    assert len(spelled) >= 200
    bases = ("", *(f"{route}/" for route in table))
    found = {
        base + one: (response.status_code, response.data)
        for base in bases
        for one in spelled
        for response in [client.get(ROUTE_PREFIX + base + one)]
    }
    print(f"\n{len(found):,} paths of {len(spelled)} spellings")
    assert {path: response for path, response in found.items() if response != MISSING} == {}
    module = client.get(ROUTE_PREFIX + "index.js").data
    assert [client.get(ROUTE_PREFIX + one).data == module for one in EQUIVALENT_PATHS] == [
        True
    ] * len(EQUIVALENT_PATHS)


RAW_BASES = ("", "index.js/", "sheet/../")
MISSING = (404, b"Not found")


def test_no_spelling_leaves_the_route_table_of_a_real_tensorboard(log: Path) -> None:
    """The paths are sent as raw bytes, which client libraries would normalize."""
    spelled = [one for one in path_traversals() if " " not in one]
    assert len(spelled) >= 200
    with start_tensorboard(log, True) as url:
        address, port = url.removeprefix("http://").rstrip("/").split(":")
        paths = [f"{ROUTE_PREFIX}{base}{one}" for base in RAW_BASES for one in spelled]
        paths += [
            f"{prefix}{ROUTE_PREFIX}{one}"
            for prefix in ("//" + address, "/.")
            for one in spelled[:20]
        ]
        with ThreadPoolExecutor(8) as pool:
            found = dict(
                zip(paths, pool.map(lambda path: raw(address, int(port), path), paths), strict=True)
            )
        good = raw(address, int(port), f"{ROUTE_PREFIX}index")
    print(f"\n{len(found):,} raw paths of {len(spelled)} spellings")
    assert good[0] == 200
    assert {path: response for path, response in found.items() if response != MISSING} == {}


def raw(address: str, port: int, path: str) -> tuple[int, bytes]:
    """Returns status and body of a GET request whose path is sent unchanged."""
    with socket.create_connection((address, port), timeout=20) as connection:
        head = f"GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n"
        connection.sendall(head.encode("utf-8"))
        response = b"".join(iter(lambda: connection.recv(65536), b""))
    headers, _, body = response.partition(b"\r\n\r\n")
    return int(headers.split()[1]), body
