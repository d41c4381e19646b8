# SPDX-License-Identifier: Apache-2.0
"""A client for the plugin's routes that needs no server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tensorboard.backend import application
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.base_plugin import TBContext
from werkzeug.test import Client

from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.plugin import AtlasPlugin
from tensorboard_plugin_atlas.serving.series_reader import run_id, series_id

ROUTE_PREFIX = "/data/plugin/atlas/"

RUN = "exp/atlas"

ID = series_id(RUN, layer_tag("layer1"))

NOT_FOUND = {"error": {"kind": "not_found", "message": "Not found."}}


class CountingProvider:
    """The Python loader's provider, which records its calls and can be blocked by `gate`."""

    def __init__(self, log_dir: Path) -> None:
        multiplexer = EventMultiplexer(tensor_size_guidance={"atlas": 0})
        multiplexer.AddRunsFromDirectory(str(log_dir))
        multiplexer.Reload()
        self._provider = MultiplexerDataProvider(multiplexer, str(log_dir))
        self.calls: list[str] = []
        self.gate: threading.Event | None = None

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._provider, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            if self.gate is not None:
                self.gate.wait(120)
            return inner(*args, **kwargs)

        return call if callable(inner) else inner


def make_client(
    log_dir: Path, hints: dict[str, int] | None = None
) -> tuple[Client, CountingProvider]:
    provider = CountingProvider(log_dir)
    plugin = AtlasPlugin(TBContext(data_provider=provider, sampling_hints=hints))
    return Client(application.TensorBoardWSGI([plugin], data_provider=provider)), provider


RUN = "exp/atlas"

VALID_QUERY = {
    "id": series_id(RUN, layer_tag("layer3")),
    "step": "50",
    "run": run_id(RUN),
    "blob": "3",
    "tile": "2.1.3",
}
