# SPDX-License-Identifier: Apache-2.0
"""An S3 server in this process (moto), which can fail some requests."""

from __future__ import annotations

import contextlib
import itertools
import threading
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import s3fs
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

_ERROR = b"<Error><Code>InternalError</Code><Message>injected</Message></Error>"


class QuietHandler(WSGIRequestHandler):
    """Writes no line to the log for each request."""

    protocol_version = "HTTP/1.1"

    def log_request(self, *_: object) -> None:
        pass


class FaultyApp:
    """A WSGI application that fails some requests of another one.

    Every second failed request is processed first, as if the connection broke before the response.

    Attributes:
        fail_every: One of so many requests fails; None for none.
        failures: Number of failed requests.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self.fail_every: int | None = None
        self.failures = 0
        self._app = app
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        with self._lock:
            is_failure = self.fail_every is not None and not next(self._numbers) % self.fail_every
            self.failures += is_failure
            is_processed = not is_failure or self.failures % 2 == 0
        if is_failure:
            if is_processed:
                b"".join(self._app(environ, lambda *_: None))
            status = "500 Internal Server Error" if is_processed else "503 Slow Down"
            start_response(status, [("Content-Length", str(len(_ERROR)))])
            return [_ERROR]
        return self._app(environ, start_response)


@contextlib.contextmanager
def start_s3_server() -> Iterator[FaultyApp]:
    """Serves S3 on a free port, and makes it the default of this process and its children."""
    app = FaultyApp(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.port}"
    # The objects of an earlier server in this process are global.
    urllib.request.urlopen(f"{address}/moto-api/reset", data=b"").close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        s3fs.S3FileSystem.clear_instance_cache()
        try:
            yield app
        finally:
            s3fs.S3FileSystem.clear_instance_cache()
            server.shutdown()
            thread.join()
            server.server_close()
