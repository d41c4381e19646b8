# SPDX-License-Identifier: Apache-2.0
"""Changes a log while it is listed; prints the reads after each change, as JSON.

Run as a script, with a folder and the loader: "data-server" or "python-loader".
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2] / "helpers"))

from data_providers import RecordingProvider, open_provider
from synthetic_atlases import make_atlas
from tensorboard.context import RequestContext

from tensorboard_plugin_atlas.log_names import layer_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.serving.index import IndexText
from tensorboard_plugin_atlas.serving.series_reader import Request, SeriesReader
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

KEPT = 5
RUNS = ("a/atlas", "b/atlas")
LAYERS = ("x", "y", "z")
BLOBS = encode_atlas(make_atlas(0, layer="x", samples=10, grids=(2,), tile=4))


def main(log_dir: Path, loader: str) -> dict[str, Any]:
    """Runs the scenario."""
    sinks = {run: EventSink(log_dir / run) for run in RUNS}
    for sink in sinks.values():
        for layer in LAYERS:
            for step in range(20):
                sink.write(layer_tag(layer), BLOBS, step, 100.0 + step)
        sink.flush()
    seen: dict[str, Any] = {}
    with open_provider(log_dir, loader == "data-server", KEPT) as provider:
        everywhere = [(run, layer_tag(layer)) for run in RUNS for layer in LAYERS]
        provider.wait(lambda steps: all(steps.get(at, [0])[-1] == 19 for at in everywhere))
        look = _looking(provider)
        seen["first"] = look()
        seen["unchanged"] = look()
        sinks[RUNS[0]].write(layer_tag("y"), BLOBS, 20, 120.0)
        sinks[RUNS[0]].flush()
        provider.wait(lambda steps: steps[RUNS[0], layer_tag("y")][-1] == 20)
        seen["a new step among those kept"] = look()
        for run in RUNS:
            sinks[run].write(layer_tag("z"), BLOBS, 21, 121.0)
            sinks[run].flush()
        provider.wait(lambda steps: all(steps[run, layer_tag("z")][-1] == 21 for run in RUNS))
        seen["a new step in two runs"] = look()
        sinks[RUNS[1]].write(layer_tag("x"), BLOBS, 3, 130.0)
        sinks[RUNS[1]].flush()
        provider.wait(lambda steps: 3 in steps[RUNS[1], layer_tag("x")])
        seen["a restart"] = look()
        for sink in sinks.values():
            sink.close()
        for path in (log_dir / RUNS[1]).iterdir():
            path.unlink()
        (log_dir / RUNS[1]).rmdir()
        provider.wait(lambda steps: not any(run == RUNS[1] for run, _ in steps))
        seen["a deleted run"] = look()
    return seen


def _looking(provider: RecordingProvider) -> Callable[[], dict[str, Any]]:
    """Returns a function that lists all series at a later time and reports calls and changes."""
    moments: Iterator[int] = iter(range(0, 100, 2))
    now = [0]
    reader = SeriesReader(provider, lambda: now[0], KEPT)
    text = IndexText(KEPT)
    kept: dict[str, Any] = {}

    def look() -> dict[str, Any]:
        now[0] = next(moments)
        provider.calls.clear()
        found = reader.all_series(Request(RequestContext(), ""))
        new = [f"{s.run}:{s.layer}" for s in found.values() if kept.get(s.id) is not s]
        kept.clear()
        kept.update(found)
        runs = json.loads(text.body(found).data)["runs"]
        return {
            "calls": len(provider.calls),
            "reads": provider.reads,
            "new": new,
            "steps": {f"{r['run']}:{s['layer']}": s["steps"] for r in runs for s in r["series"]},
        }

    return look


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2])))
