# SPDX-License-Identifier: Apache-2.0
"""Requests that need the same manifests at the same time."""

from __future__ import annotations

import threading
from pathlib import Path

from blob_damage import rewrite_manifest
from route_client import ID, ROUTE_PREFIX, RUN, CountingProvider
from synthetic_atlases import make_atlas
from tensorboard.backend import application
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client

from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.plugin import AtlasPlugin
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

STEPS, ROUNDS = 40, 10


def test_a_history_and_its_steps_never_wait_for_each_other(tmp_path: Path) -> None:
    """Rejected manifests are parsed again for each request, so all requests parse all of them."""
    sink = EventSink(tmp_path / RUN)
    for step in range(STEPS):
        blobs = encode_atlas(make_atlas(step, layer="layer1", samples=20, grids=(2,), tile=8))
        sink.write(
            layer_tag("layer1"), rewrite_manifest(blobs, lambda body: body.update(kind="?")), step
        )
    sink.close()
    provider = CountingProvider(tmp_path)
    plugin = AtlasPlugin(TBContext(data_provider=provider, sampling_hints=None))
    app = application.TensorBoardWSGI([plugin], data_provider=provider)
    found: set[int] = set()

    def request_histories() -> None:
        for _ in range(ROUNDS):
            found.add(Client(app).get(f"{ROUTE_PREFIX}history?id={ID}").status_code)

    def request_steps() -> None:
        for _ in range(ROUNDS):
            for step in range(STEPS):
                found.add(Client(app).get(f"{ROUTE_PREFIX}atlas?id={ID}&step={step}").status_code)

    threads = [
        threading.Thread(target=target, daemon=True)
        for target in (request_histories, request_steps, request_steps)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    assert found == {200, 422}
