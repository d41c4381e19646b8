# SPDX-License-Identifier: Apache-2.0
"""A network with a sparse graph as a buffer: the worker uses the current graph."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tiny_training import TINY, Net, make_images

from tensorboard_plugin_atlas import AtlasConfig, AtlasWriter, compute_atlas, read_atlases

CONFIG = AtlasConfig(**{**TINY.as_dict(), "icons": "preview", "icon_steps": 2, "attribution": True})


class OverGraph(Net):
    """Mixes the pixels of a row along a sparse graph."""

    def __init__(self, layout):
        super().__init__()
        self.register_buffer("graph", graph(range(12), layout))

    def forward(self, x):
        rows = x.flatten(0, 2).T
        return super().forward(torch.sparse.mm(self.graph, rows).T.view(x.shape))


def graph(columns, layout):
    return torch.eye(12)[list(columns)].to_sparse(layout=layout)


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize(
    "worker", ["inline", pytest.param("process", marks=pytest.mark.sampled(2))]
)
@pytest.mark.parametrize("layout", [torch.sparse_coo, torch.sparse_csr])
def test_sparse_buffers_work_and_are_followed(tmp_path, recwarn, layout, worker):
    torch.manual_seed(0)
    model = OverGraph(layout)
    settings = {"probe": make_images(), "config": CONFIG, "strict": True, "worker": worker}
    changes = (
        model.graph,
        graph(reversed(range(12)), layout),  # the same number of entries
        (graph(range(12), torch.sparse_coo) * 2 + graph([0] * 12, torch.sparse_coo)).to_sparse(
            layout=layout
        ),
    )
    wanted = []
    with AtlasWriter(tmp_path, model, ["body"], **settings) as atlas:
        for step, now in enumerate(changes):
            model.graph = now
            atlas.add_atlas(step)
            atlas.flush()
            wanted.append(compute_atlas(model, "body", make_images(), config=TINY).activations)
    found = list(read_atlases(tmp_path))
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(one.activations, other)
    assert not np.array_equal(wanted[0], wanted[1])
    assert not [w for w in recwarn if "AtlasWriter" in str(w.message)]
    assert found[0].grids[0].attribution is not None
