# SPDX-License-Identifier: Apache-2.0
"""Writes `frontend/public/sample.safetensors`, the example that the tab can open in an empty log.

It contains the responses of the plugin to all requests of the tab, for a run that fine-tunes
EfficientNet-Lite0 on photographs; the photographs and the activations are left out. Run it again if
the wire format changes, then build the front end:

    python scripts/make_sample.py photos.zip && npm run --prefix frontend build

`photos.zip` is what `tensorboard-atlas demo --pretrained --data` takes. It needs the `demo` extra
and about five minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import tempfile
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import save_file

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.demo.run import PRETRAINED, run_demo
from tensorboard_plugin_atlas.export.event_provider import EventProvider, scan_log
from tensorboard_plugin_atlas.export.export_selection import Omissions
from tensorboard_plugin_atlas.export.responses import record_responses
from tensorboard_plugin_atlas.log_names import PROBE_TAG
from tensorboard_plugin_atlas.logs.reader import read_atlases
from tensorboard_plugin_atlas.serving.routes import DataRoutes

OUTPUT: Final = Path(__file__).parents[1] / "frontend" / "public" / "sample.safetensors"
MAX_BYTES: Final = 700_000
RUN: Final = "fine-tuning"
RECIPE: Final = dataclasses.replace(
    PRETRAINED,
    config=AtlasConfig(
        samples=1000,
        positions_per_image=2,
        grids=(8, 16),
        icon_size=64,
        attribution_samples=300,
        draft_seconds=None,  # word-check: ok
    ),
    layers=PRETRAINED.layers[-1:],
    logged_shares=(0.0, 0.25, 1.0),
)


def check_icons(log_dir: Path) -> None:
    """Exits if an icon is a patch of a photograph."""
    for atlas in read_atlases(log_dir):
        if any("examples" in grid.icon_kind for grid in atlas.grids):
            raise SystemExit(f"step {atlas.step}: some icons are patches of photographs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", help="a folder or zip of photographs, in folders of classes")
    photos = parser.parse_args().photos
    with tempfile.TemporaryDirectory() as directory:
        run_demo(photos, Path(directory) / RUN, recipe=RECIPE)
        log = scan_log(Path(directory))
        check_icons(Path(directory) / RUN)
        routes = DataRoutes(EventProvider(log.filter(lambda run, tag, step: tag != PROBE_TAG)))
        responses = {
            one.request: np.frombuffer(one.data, np.uint8)
            for one in record_responses(routes, Omissions(activations=True))
        }
    OUTPUT.parent.mkdir(exist_ok=True)
    save_file(responses, OUTPUT)
    size = OUTPUT.stat().st_size
    print(f"{OUTPUT}: {len(responses)} responses, {size:,} bytes")
    if size > MAX_BYTES:
        raise SystemExit(f"more than {MAX_BYTES:,} bytes: use fewer samples or smaller icons")


if __name__ == "__main__":
    main()
