# SPDX-License-Identifier: Apache-2.0
"""CPU time and size of the icons of a grid of 160 x 160 cells.

    python benchmarks/many_icons.py
    python benchmarks/many_icons.py --icons 2000
    python benchmarks/many_icons.py --quick       to check that it runs

EfficientNet-Lite0, its middle layer, 500 photographs, 50,000 samples, one thread. A random part of
the cells is rendered by optimization, packed, and scored as in an atlas. Time is projected to the
21,500 cells that a million samples have there, and as many icons, repeated, are packed.
`--check` exits with 1 if a bound is missed.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import dataclasses
import sys
import time

import numpy as np
import torch
from efficientnet_lite import (
    DEPTHS,
    MEAN,
    STD,
    Study,
    build_layer_study,
    load_lite,
    load_pictures,
)
from training_overhead import MISSED, Goal, report

from tensorboard_plugin_atlas import AtlasConfig
from tensorboard_plugin_atlas.compute.icons.icon_engine import IconEngine
from tensorboard_plugin_atlas.compute.icons.render_levels import (
    SHEET_QUALITIES,
    pack_icons,
    render_levels,
)
from tensorboard_plugin_atlas.compute.probe.probe import build_probe

LAYER = f"_blocks.{DEPTHS['mid'][0]}"
SIDE, CELLS = 160, 21_500
MILLISECONDS, MEGABYTES = 30.0, 24.0


def prepare(images: int, positions: int) -> Study:
    """Returns the layer with the cells of the grid."""
    pictures, labels = (part[:images] for part in load_pictures())
    config = AtlasConfig(
        samples=positions * images, positions_per_image=positions, grids=(SIDE,), min_count=1
    )
    scale = [MEAN] * 3, [STD] * 3
    probe = build_probe(((pictures - MEAN) / STD, labels), config=config, normalize=scale)
    return build_layer_study("mid", load_lite(0), LAYER, probe, config)


def main() -> int:
    """Renders some of the cells; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--icons", type=int, default=1_000, help="number of cells to render")
    parser.add_argument("--quick", action="store_true", help="fewer samples and 64 cells")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a bound is missed")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    study = prepare(*((60, 20) if arguments.quick else (500, 100)))
    (cells,), (targets,) = study.cells, study.targets
    engine = IconEngine.prepare(study.model, LAYER, study.source, study.receptive)
    wanted = 64 if arguments.quick else arguments.icons
    chosen = np.sort(np.random.default_rng(0).permutation(len(cells))[:wanted])
    start = time.process_time()
    rendered = render_levels(engine, [targets.select(chosen)], "inversion")
    seconds = time.process_time() - start
    print(f"{len(chosen):,} of {len(cells):,} cells with samples of a {SIDE} x {SIDE} grid")
    each = 1e3 * seconds / len(chosen)
    goal = Goal("CPU ms", each, MILLISECONDS)
    report("an icon", f"{each:.1f} CPU ms, cosine {np.median(rendered.cosines[0]):.3f}", goal)
    (icons,) = rendered.icons
    images = icons.images[np.arange(CELLS) % len(chosen)]
    (sheets,), quality = pack_icons([dataclasses.replace(icons, images=images)], SHEET_QUALITIES)
    megabytes = sum(map(len, sheets.pages)) / 1e6
    report(f"{CELLS:,} icons, projected", f"{CELLS * each / 60e3:.1f} CPU min")
    goal = Goal("MB", megabytes, MEGABYTES)
    report("the same, packed", f"{megabytes:.1f} MB, {sheets.tile} px, quality {quality}", goal)
    return 1 if MISSED and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
