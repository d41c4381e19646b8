# SPDX-License-Identifier: Apache-2.0
"""An atlas of a million samples on five grids up to 160 x 160: one process, and two ranks.

    python benchmarks/million_samples.py                   twenty minutes on two free cores
    python benchmarks/million_samples.py --keep runs       keeps the logs, to open them
    python benchmarks/million_samples.py --samples 20000   to check that it runs

EfficientNet-Lite0, block 10 (112 channels), all positions of eleven views of 500 photographs, read
in batches by `StreamedProbe`. Icons are real patches, without attribution. Times include the
forward passes; each process has one thread. The logs of both must be equal, byte by byte, but for
the time at which they were written; exits with 1 if they are not.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from efficientnet_lite import MEAN, STD, load_lite, load_pictures
from scale import make_view
from torch import Tensor, distributed
from torch.utils.data import Dataset

from tensorboard_plugin_atlas import AtlasConfig, StreamedProbe, build_atlases, read_atlases
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

LAYER, POSITIONS = "_blocks.10", 196
GRIDS = (10, 20, 40, 80, 160)


class Views(Dataset[tuple[Tensor, int]]):
    """The photographs, their mirror images, and random crops."""

    def __init__(self, views: int) -> None:
        pictures, self.labels = load_pictures()
        self.pictures = (pictures * 255).round().to(torch.uint8)
        self.views = views

    def __len__(self) -> int:
        return self.views * len(self.pictures)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        view, row = divmod(index, len(self.pictures))
        random = torch.Generator().manual_seed(index)
        picture = make_view(self.pictures[row : row + 1].float() / 255, view, random)[0]
        return (picture - MEAN) / STD, int(self.labels[row])


def build(samples: int, checkpoint: Path, log_dir: Path) -> None:
    """Logs the atlas in this process, or as one of the ranks of torchrun; prints what it took."""
    torch.set_num_threads(1)
    group = None
    if "RANK" in os.environ:
        distributed.init_process_group("gloo")
        group = distributed.group.WORLD
    start, cpu = time.monotonic(), time.process_time()
    build_atlases(
        checkpoint,
        load_lite(0),
        log_dir,
        [LAYER],
        probe=StreamedProbe(Views(-(-samples // (500 * POSITIONS)))),
        config=AtlasConfig(
            samples=samples,
            positions_per_image=POSITIONS,
            grids=GRIDS,
            icons="examples",
            attribution=False,
            draft_seconds=None,
        ),
        normalize=([MEAN] * 3, [STD] * 3),
        step_pattern="step([0-9]+)",
        progress=False,
        process_group=group,
    )
    wall, cpu = time.monotonic() - start, time.process_time() - cpu
    gibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    rank = os.environ.get("RANK", "0")
    print(f"| {rank} | {wall:.0f} | {cpu:.0f} | {gibibytes:.1f} |", flush=True)


def run(ranks: int, samples: int, checkpoint: Path, log_dir: Path) -> list[bytes]:
    """Logs the atlas in new processes, and returns the blobs of its log without the manifest."""
    arguments = [__file__, "--samples", str(samples), "--build", str(checkpoint), str(log_dir)]
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}"]
    print(f"\nRanks: {ranks}\n\n| Rank | Seconds | CPU s | GiB |\n|---|---|---|---|", flush=True)
    subprocess.run([sys.executable, *(launcher if ranks > 1 else ()), *arguments], check=True)
    (atlas,) = read_atlases(log_dir)
    return encode_atlas(atlas)[1:]


def main() -> int:
    """Builds the atlas twice; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--samples", type=int, default=1_000_000, help="number of samples")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the logs in this directory")
    parser.add_argument("--build", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.build:
        build(arguments.samples, *arguments.build)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder, "step0.pt")
        torch.save(load_lite(0).state_dict(), checkpoint)
        kept = arguments.keep or Path(folder)
        blobs = [
            run(ranks, arguments.samples, checkpoint, kept / f"ranks{ranks}") for ranks in (1, 2)
        ]
    is_equal = blobs[0] == blobs[1]
    print(f"\n{sum(map(len, blobs[0])) / 1e6:.1f} MB, {'equal' if is_equal else 'NOT EQUAL'}")
    return int(not is_equal)


if __name__ == "__main__":
    sys.exit(main())
