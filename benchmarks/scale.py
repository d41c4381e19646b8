# SPDX-License-Identifier: Apache-2.0
"""Cost of the stages of an atlas from thousands to a million samples.

    python benchmarks/scale.py --rows 2000 10000 100000
    python benchmarks/scale.py --rows 100000 --peers
    python benchmarks/scale.py --rows 1000000

Samples are activations of EfficientNet-Lite0 (block 10, 112 channels) for the 500 photographs,
their mirror images and random crops. They are kept in `build/scale`. The second step is the first
with a tenth of the variance of noise added to a third of the rows.

Everything runs on one thread. Values are CPU seconds, and the largest memory of the process in GiB
while the stage ran. `--peers` runs pynndescent (as umap-learn calls it, after a warm-up) on the
same rows, and openTSNE, if it is installed, with the same start, neighbor graph, and attraction.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "helpers"))

from efficientnet_lite import MEAN, STD, load_lite, load_pictures
from synthetic_runs import atlas_from_activations

from tensorboard_plugin_atlas.analysis.concepts.tracker import ConceptTracker
from tensorboard_plugin_atlas.analysis.directions import unit_rows
from tensorboard_plugin_atlas.compute.layout.approximate_neighbors import (
    approximate_neighbors,
    measure_recall,
)
from tensorboard_plugin_atlas.compute.layout.exact_neighbors import nearest_neighbors
from tensorboard_plugin_atlas.compute.layout.fuzzy_graph import fuzzy_graph
from tensorboard_plugin_atlas.compute.layout.grid import bin_grids
from tensorboard_plugin_atlas.compute.layout.initial_layout import find_start, scale_start
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.layout.optimizer import ATTRACTION, optimize_layout
from tensorboard_plugin_atlas.compute.layout.quality import (
    knn_kept,
    measure_quality,
    true_ranks,
    trustworthiness,
)
from tensorboard_plugin_atlas.compute.layout.umap_optimizer import import_umap
from tensorboard_plugin_atlas.config import AtlasConfig

BLOCK = 10
CHANNELS, POSITIONS, PICTURES = 112, 14 * 14, 500
FOLDER = Path(__file__).parents[1] / "build" / "scale"
CONFIG = AtlasConfig(grids=(10, 20, 40, 80, 160))
NEIGHBORS = CONFIG.neighbors - 1
STEPS = 2 * CONFIG.epochs
SEARCH = "neighbors"


def peak_memory() -> float:
    """Returns the largest resident memory since `reset_peak` in GiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 2**20


def reset_peak() -> None:
    """Starts to measure the peak memory again; on other systems than Linux, this does nothing."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")


class Stages:
    """Measures stages and prints a line for each.

    Attributes:
        total: CPU seconds of all stages that are counted.
        seconds: CPU seconds by stage.
        memory: Largest memory of the process in GiB, by stage.
    """

    def __init__(self) -> None:
        self.total = 0.0
        self.seconds: dict[str, float] = {}
        self.memory: dict[str, float] = {}

    @contextmanager
    def measure(self, name: str, *, is_counted: bool = True) -> Iterator[None]:
        """Measures the block."""
        reset_peak()
        start = time.process_time()
        yield
        seconds = time.process_time() - start
        self.total += seconds if is_counted else 0
        self.seconds[name], self.memory[name] = seconds, peak_memory()
        print(f"  {name:<52} {seconds:9.2f} CPU s {peak_memory():7.2f} GiB", flush=True)


def load_rows(count: int) -> NDArray[np.float16]:
    """Returns (count, 112) activations, collecting them if the file has fewer."""
    path = FOLDER / "rows.npy"
    if not path.exists() or len(np.load(path, mmap_mode="r")) < count:
        FOLDER.mkdir(parents=True, exist_ok=True)
        views = -(-count // (PICTURES * POSITIONS))
        print(f"collecting {views} views of {PICTURES} photographs ...", flush=True)
        np.save(path, collect_rows(views))
    return np.asarray(np.load(path, mmap_mode="r")[:count])


def collect_rows(views: int) -> NDArray[np.float16]:
    """Returns the activations of all positions of random views of the photographs."""
    torch.set_num_threads(1)
    pictures, _ = load_pictures()
    model = load_lite(0)
    found = []

    def keep(module: torch.nn.Module, inputs: Any, output: torch.Tensor) -> None:
        rows = output.permute(0, 2, 3, 1).reshape(-1, CHANNELS)
        found.append(rows.to(torch.float16).numpy())
        raise StopIteration

    hook = model.get_submodule(f"_blocks.{BLOCK}").register_forward_hook(keep)
    random = torch.Generator().manual_seed(0)
    with torch.inference_mode():
        for view in range(views):
            for part in pictures.split(50):
                try:
                    model((make_view(part, view, random) - MEAN) / STD)
                except StopIteration:
                    continue
    hook.remove()
    return np.concatenate(found)


def make_view(pictures: torch.Tensor, view: int, random: torch.Generator) -> torch.Tensor:
    """Returns the pictures as they are, mirrored, or a random crop of them."""
    if view == 0:
        return pictures
    if view > 1:
        side = int(torch.randint(140, 224, (1,), generator=random))
        left, top = torch.randint(0, 224 - side + 1, (2,), generator=random).tolist()
        pictures = torch.nn.functional.interpolate(
            pictures[..., top : top + side, left : left + side], (224, 224), mode="bilinear"
        )
    return pictures.flip(-1) if view % 2 else pictures


def change_rows(rows: NDArray[np.float16]) -> NDArray[np.float16]:
    """Returns the rows of a second step."""
    random = np.random.default_rng(1)
    changed = rows.astype(np.float32)
    chosen = random.permutation(len(rows))[: len(rows) // 3]
    noise = random.normal(size=(len(chosen), rows.shape[1])).astype(np.float32)
    changed[chosen] += noise * rows[:20_000].std(axis=0, dtype=np.float32) * 0.1**0.5
    return changed.astype(np.float16)


def measure_stages(rows: NDArray[np.float16]) -> None:
    """Prints the cost of a first and of a later step."""
    stages = Stages()
    with stages.measure("first map: neighbors, graph, start, descent"):
        layout = compute_layout(rows, config=CONFIG)
    with stages.measure("quality"):
        quality = measure_quality(rows, layout)
    with stages.measure("five grids to 160 x 160"):
        bin_grids(layout, rows, config=CONFIG)
    tracker = ConceptTracker()
    with stages.measure("concepts"):
        tracker.advance(atlas_from_activations(rows), rows)
    print(f"  first map, without forward passes and icons: {stages.total:.1f} CPU s")
    trust, kept = quality.trustworthiness, quality.knn_kept
    print(f"  trustworthiness {trust:.4f}, neighbors kept {kept:.4f}; {'; '.join(layout.notes)}")
    later = change_rows(rows)
    stages = Stages()
    with stages.measure("later map with noise floor"):
        second = compute_layout(later, layout, config=CONFIG)
    with stages.measure("quality"):
        quality = measure_quality(later, second, layout)
    with stages.measure("concepts"):
        tracker.advance(atlas_from_activations(later, step=1, sequence=2), later)
    print(f"  trustworthiness {quality.trustworthiness:.4f}")


def measure_parts(rows: NDArray[np.float16], with_peers: bool) -> Stages:
    """Prints and returns the cost of each part of a first map, next to peers."""
    stages = Stages()
    unit = unit_rows(rows)
    with stages.measure(SEARCH):
        indices, distances = (
            nearest_neighbors(unit, NEIGHBORS)
            if len(rows) <= 20_000
            else approximate_neighbors(unit, NEIGHBORS)
        )
    print(f"    recall@15 {measure_recall(unit, indices[:, :15]):.4f}")
    if with_peers:
        measure_pynndescent(unit, stages)
    with stages.measure("fuzzy graph"):
        graph = fuzzy_graph(indices, distances)
    with stages.measure("start"):
        start = 0.1 * scale_start(find_start(unit, graph)[0], 0)
    with stages.measure(f"descent, {STEPS} steps"):
        xy = optimize_layout(start, graph, steps=STEPS)
    print_quality(unit, xy)
    if with_peers:
        measure_open_tsne(unit, graph, start, stages)
    return stages


def measure_pynndescent(unit: NDArray[np.float32], stages: Stages) -> None:
    """Prints the cost of the neighbor search that umap-learn uses."""
    with import_umap() as umap:

        def search(rows: NDArray[np.float32]) -> Any:
            random = np.random.RandomState(0)
            return umap.nearest_neighbors(rows, NEIGHBORS + 1, "cosine", {}, True, random)[0]

        search(unit[:5_000])
        with stages.measure("peer: pynndescent, warm", is_counted=False):
            indices = search(unit)
    print(f"    recall@15 {measure_recall(unit, indices[:, 1:16].astype(np.int32)):.4f}")


def measure_open_tsne(
    unit: NDArray[np.float32], graph: Any, start: NDArray[np.float32], stages: Stages
) -> None:
    """Prints the cost of openTSNE's FFT from the same start, graph and number of steps."""
    try:
        from openTSNE import TSNEEmbedding
        from openTSNE.affinity import PrecomputedAffinities
    except ImportError:
        print("  peer: openTSNE is not installed (pip install openTSNE)")
        return
    affinities = PrecomputedAffinities(graph / graph.sum(), normalize=False)
    peer = TSNEEmbedding(
        start.astype(np.float64), affinities, negative_gradient_method="fft", n_jobs=1
    )
    early = round(0.2 * STEPS)
    with stages.measure(f"peer: openTSNE, FFT, {STEPS} steps", is_counted=False):
        peer.optimize(early, exaggeration=4, momentum=0.5, inplace=True, n_jobs=1)
        peer.optimize(STEPS - early, exaggeration=ATTRACTION, momentum=0.8, inplace=True, n_jobs=1)
    print_quality(unit, np.asarray(peer, np.float32))


def print_quality(unit: NDArray[np.float32], xy: NDArray[np.float32]) -> None:
    """Prints trustworthiness and the neighbors that a map keeps."""
    ranks = true_ranks(unit, xy, 15)
    print(
        f"    trustworthiness {trustworthiness(ranks, len(xy)):.4f}, "
        f"neighbors kept {knn_kept(ranks):.4f}"
    )


def main() -> None:
    """Parses the command line and measures each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000, 10_000, 100_000])
    parser.add_argument("--peers", action="store_true", help="run the peers as well")
    parser.add_argument("--parts", action="store_true", help="measure the parts of a first map")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    compute_layout(load_rows(5_000), config=CONFIG)  # loads compiled code
    compute_layout(load_rows(30_000), config=AtlasConfig(epochs=2))
    for count in chosen.rows:
        rows = load_rows(count)
        print(f"{count:,} samples of {CHANNELS} channels")
        if chosen.parts or chosen.peers:
            measure_parts(rows, chosen.peers)
        else:
            measure_stages(rows)


if __name__ == "__main__":
    main()
