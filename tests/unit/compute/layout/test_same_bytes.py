# SPDX-License-Identifier: Apache-2.0
"""A layout does not depend on earlier calls in the process or on the number of threads."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from tensorboard_plugin_atlas.analysis.concepts.step_concepts import build_graph
from tensorboard_plugin_atlas.compute.layout import initial_layout, optimizer
from tensorboard_plugin_atlas.compute.layout import layout as layout_module
from tensorboard_plugin_atlas.compute.layout import numba_kernels as kernels
from tensorboard_plugin_atlas.compute.layout.layout import compute_layout
from tensorboard_plugin_atlas.compute.layout.quality import measure_quality
from tensorboard_plugin_atlas.compute.layout.umap_optimizer import import_umap
from tensorboard_plugin_atlas.config import AtlasConfig

CONFIG = AtlasConfig(epochs=20)
LIMITS = (
    (layout_module, "_EXACT_UP_TO"),
    (optimizer, "_EXACT_UP_TO"),
    (initial_layout, "_SPECTRAL_UP_TO"),
)
"""Numbers of samples above which other methods are used."""


def moved_in_memory(rows, offset):
    """Returns a copy of rows at an address of `offset` modulo 64."""
    memory = np.empty(rows.nbytes + 128, np.uint8)
    begin = -memory.ctypes.data % 64 + offset
    moved = memory[begin : begin + rows.nbytes].view(rows.dtype).reshape(rows.shape)
    moved[:] = rows
    assert moved.ctypes.data % 64 == offset
    return moved


def digest(offset=0):
    """Returns hashes of maps with every kind of start, and of their quality."""
    random = np.random.default_rng(0)
    digits = load_digits().data[:350].astype(np.float16)
    torn = np.vstack([random.normal(size=(60, 9)) + 9 * np.eye(9)[i] for i in (0, 4)])
    found = hashlib.sha256()
    cases = {
        "structure": digits,
        "none": random.normal(size=(40, 8)).astype(np.float32),
        "equal distances": np.eye(30, dtype=np.float32),
        "two pieces": torn.astype(np.float32),
    }
    for rows in cases.values():
        rows = moved_in_memory(rows, offset)
        later = moved_in_memory((rows + 0.2 * random.normal(size=rows.shape)).astype("f4"), offset)
        first = compute_layout(rows, config=CONFIG)
        second = compute_layout(later, first, config=CONFIG)
        line = compute_layout(rows, config=CONFIG, is_line=True)
        for layout in (first, second, line):
            found.update(layout.xy.tobytes() + layout.raw.tobytes() + layout.neighbors.tobytes())
        found.update(second.noise_floor.tobytes())
        found.update(repr(measure_quality(later, second, first).trustworthiness).encode())
        found.update(build_graph(rows).heads.tobytes())
    with pytest.MonkeyPatch.context() as patch:
        for module, name in LIMITS:
            patch.setattr(module, name, 100)
        many = compute_layout(digits, config=CONFIG)
    found.update(many.xy.tobytes() + many.neighbors.tobytes())
    return found.hexdigest()


def call_parts_of_the_kernels():
    x, y = np.random.default_rng(0).normal(size=(2, 50)).astype(np.float32)
    away = np.empty((2, 50), np.float32)
    kernels.repel_all(x, y, *away)


def use_other_libraries():
    rows = np.random.rand(900, 200)
    with import_umap():
        PCA(3).fit(rows)
        KMeans(3, n_init=1).fit(rows)


def fill_memory():
    sizes = np.random.default_rng(1).integers(1, 200_000, 3_000)
    fill_memory.kept = [np.empty(size, np.uint8) for size in sizes][::2]


def situations():
    """Runs code that may affect later layouts, one kind per iteration."""
    yield "parts of the kernels", call_parts_of_the_kernels
    yield "as it is", lambda: None
    yield "other libraries", use_other_libraries
    yield "the global generators", lambda: (np.random.rand(7), torch.rand(7))
    yield "two threads of torch", lambda: torch.set_num_threads(2)
    yield "one thread of torch", lambda: torch.set_num_threads(1)
    yield "memory in use", fill_memory
    yield "no denormal numbers", lambda: torch.set_flush_denormal(True)


def report(mode):
    """Prints hashes, in a new process."""
    if mode == "fresh":
        print("fresh", digest())
        return
    for name, prepare in situations():
        prepare()
        print(name.replace(" ", "-"), digest())
    for offset in (4, 8, 32):
        print("offset", digest(offset))


def run(mode, cache, threads, **environment):
    limits = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
        str(threads),
    )
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, mode],
        env={**os.environ, **limits, **environment, "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
        cwd=root,
    )
    assert done.returncode == 0, done.stderr
    return [line.rsplit(maxsplit=1) for line in done.stdout.splitlines()]


@pytest.mark.sampled(2)
@pytest.mark.timeout(900)
def test_a_layout_is_the_same_bytes_in_any_process(tmp_path):
    # The first process compiles the loops, the later ones load them.
    ((_, expected),) = run("fresh", tmp_path, 1)
    found = [
        *run("all", tmp_path, 2, OPENBLAS_CORETYPE="Haswell"),
        *run("fresh", tmp_path, 1, OPENBLAS_CORETYPE="Prescott"),
    ]
    assert len(found) == 12
    assert [(name, digest) for name, digest in found if digest != expected] == []


if __name__ == "__main__":
    report(sys.argv[1])
