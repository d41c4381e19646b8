# SPDX-License-Identifier: Apache-2.0
"""TensorBoard's two data providers in this process, with their calls recorded.

Use the data server's provider only in a separate process: gRPC threads do not survive a fork.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.data.provider import RunTagFilter
from tensorboard.data.server_ingester import SubprocessServerDataIngester, get_server_binary
from tensorboard.util.grpc_util import ChannelCredsType

from tensorboard_plugin_atlas.log_names import PLUGIN_NAME

WAIT_SECONDS = 120.0


class RecordingProvider:
    """A provider that records its calls, each with its filter.

    Args:
        provider: TensorBoard's provider.
        load: Loads what was written since the last call; None if the provider does so by itself.
    """

    def __init__(self, provider: Any, load: Callable[[], None] | None) -> None:
        self._provider, self._load = provider, load
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._provider, name)

        def record(*args: Any, **kwargs: Any) -> Any:
            self.calls.append((name, kwargs.get("run_tag_filter")))
            return inner(*args, **kwargs)

        return record if callable(inner) else inner

    @property
    def reads(self) -> list[tuple[str, str]]:
        """The runs and tags whose sequences were read, ("*", "*") for all of them."""
        found = []
        for name, only in self.calls:
            if name == "read_blob_sequences":
                pairs = [("*", "*")] if only is None else _pairs(only)
                found += sorted(pairs)
        return found

    def wait(self, wanted: Callable[[dict[tuple[str, str], list[int]]], bool]) -> None:
        """Waits until `wanted` accepts the steps of all runs and tags, without recording calls."""
        query = {"ctx": RequestContext(), "experiment_id": "", "plugin_name": PLUGIN_NAME}
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            if self._load is not None:
                self._load()
            found = self._provider.read_blob_sequences(**query, downsample=100_000)
            steps = {
                (run, tag): [datum.step for datum in data]
                for run, tags in found.items()
                for tag, data in tags.items()
            }
            if wanted(steps):
                return
            assert time.monotonic() < deadline, steps
            time.sleep(0.1)


def _pairs(only: RunTagFilter) -> list[tuple[str, str]]:
    return [(run, tag) for run in only.runs for tag in only.tags]


@contextlib.contextmanager
def open_provider(log_dir: Path, fast: bool, kept: int = 200) -> Iterator[RecordingProvider]:
    """Yields a provider for `log_dir`: the data server's if `fast`, else the Python loader's."""
    if not fast:
        multiplexer = EventMultiplexer(tensor_size_guidance={PLUGIN_NAME: kept})

        def load() -> None:
            multiplexer.AddRunsFromDirectory(str(log_dir))
            multiplexer.Reload()

        yield RecordingProvider(MultiplexerDataProvider(multiplexer, str(log_dir)), load)
        return
    ingester = SubprocessServerDataIngester(
        server_binary=get_server_binary(),
        logdir=str(log_dir),
        reload_interval=1,
        channel_creds_type=ChannelCredsType.LOCAL,
        samples_per_plugin={PLUGIN_NAME: kept},
    )
    ingester.start()  # It ends with this process.
    yield RecordingProvider(ingester.data_provider, None)
