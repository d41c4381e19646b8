# SPDX-License-Identifier: Apache-2.0
"""Atlases that several ranks compute together: byte for byte those of one process."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from rank_processes import run_in_ranks
from tiny_training import Net, make_images

from tensorboard_plugin_atlas import AtlasConfig, StreamedProbe, compute_atlas
from tensorboard_plugin_atlas.atlas import Atlas
from tensorboard_plugin_atlas.compute.model.activations import collect_activations
from tensorboard_plugin_atlas.compute.pipeline import AtlasPipeline
from tensorboard_plugin_atlas.compute.probe.probe import build_probe
from tensorboard_plugin_atlas.compute.process_group import join_group
from tensorboard_plugin_atlas.compute.ranks import Ranks
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas

SIZES = (1, 2, 3)


class ChangesShape(Net):
    """Has a smaller map for the last images of the probe."""

    def forward(self, x: torch.Tensor) -> Any:
        if len(x) < 8:
            x = x[:, :, :8, :8]
        return super().forward(x)


class FailsOnce(Net):
    """Fails on the last images of the probe."""

    def forward(self, x: torch.Tensor) -> Any:
        if len(x) < 8:
            raise ValueError("too few images")
        return super().forward(x)


class OwnStatistics(Net):
    """Has statistics that a rank updates with its own batches."""

    def __init__(self, rank: int = 0) -> None:
        super().__init__()
        self.stem.register_buffer("running_mean", torch.tensor(float(rank)))


def make_model(kind: type[Net] = Net, seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return kind()


def make_config(**settings: Any) -> AtlasConfig:
    sizes: Any = {"samples": 88, "grids": (3, 9), "min_count": 1, "neighbors": 5, "epochs": 8}
    defaults = {"icons": "preview", "icon_steps": 2, "batch_size": 8, "positions_per_image": 2}
    return AtlasConfig(**{**sizes, **defaults, **settings})


def compute_steps(
    group: Any, layers: tuple[str, ...], **settings: Any
) -> tuple[list[Atlas], list[Atlas]]:
    """Computes two steps; returns the preliminary atlases and the others."""
    config = make_config(**settings)
    probe = build_probe(make_images(44), config=config)
    pipeline = AtlasPipeline(probe, layers, config, False, ranks=join_group(group))
    early: list[Atlas] = []
    final = [
        atlas
        for step in range(2)
        for atlas in pipeline.atlases(make_model(seed=step), step, 1.0, on_preliminary=early.append)
    ]
    return early, final


def encode_steps(group: Any, layers: tuple[str, ...], **settings: Any) -> list[Any]:
    early, final = compute_steps(group, layers, **settings)
    return [[encode_atlas(atlas) for atlas in part] for part in (early, final)]


def warm_up() -> None:
    """Loads what all ranks need; runs before they are forked."""
    compute_steps(None, ("body",))


def compute_in_ranks(group: Any) -> dict[str, Any]:
    """Computes atlases in several ways; runs in each rank."""
    found: dict[str, Any] = {
        "one layer": encode_steps(group, ("body",), draft_seconds=0.0),
        "three layers": encode_steps(
            group, ("stem", "body", "head"), attribution=False, draft_seconds=0.0
        ),
        "one batch": encode_steps(
            group, ("body",), batch_size=64, icons="examples", attribution=False
        ),
    }
    limited = compute_steps(group, ("body",), icon_seconds=600.0, attribution=False)[1]
    found["limited"] = [encode_atlas(atlas) for atlas in limited]
    found["limited notes"] = limited[0].provenance.notes
    return found


def call_in_ranks(group: Any) -> dict[str, Any]:
    """Calls `compute_atlas`; runs in each rank."""
    images, config = make_images(44), make_config()
    first = compute_atlas(make_model(), "body", images, config=config, process_group=group)
    second = compute_atlas(
        make_model(seed=1), "body", images, config=config, process_group=group, previous=[first]
    )

    rank = 0 if group is None else group.rank()

    def fail(kind: Any, config: AtlasConfig) -> str:
        with pytest.raises(Exception) as found:  # noqa: PT011 - the text is compared
            compute_atlas(make_model(kind), "body", images, config=config, process_group=group)
        return f"{found.type.__name__}: {found.value}"

    return {
        "atlases": [encode_atlas(one.replace(wall_time=1.0)) for one in (first, second)],
        "wall time": first.wall_time,
        "changes shape": fail(ChangesShape, config),
        "fails": fail(FailsOnce, config),
        "other statistics": fail(lambda: OwnStatistics(rank), config) if group else "",
        "other arguments": fail(ChangesShape, make_config(epochs=8 + rank)),
        "after failures": encode_atlas(
            compute_atlas(make_model(), "body", images, config=config, process_group=group).replace(
                wall_time=1.0
            )
        ),
    }


@pytest.fixture(scope="module")
def computed() -> dict[int, list[Any]]:
    return run_in_ranks(compute_in_ranks, SIZES)


@pytest.fixture(scope="module")
def called() -> dict[int, list[Any]]:
    return run_in_ranks(call_in_ranks, (1, 2))


@pytest.mark.parametrize("case", ["one layer", "three layers", "one batch"])
@pytest.mark.parametrize("size", SIZES[1:])
def test_atlases_are_those_of_one_process(
    case: str, size: int, computed: dict[int, list[Any]]
) -> None:
    early, final = computed[1][0][case]
    assert len(final) == (6 if case == "three layers" else 2)
    assert len(early) == (0 if case == "one batch" else len(final))
    for rank in range(size):
        assert computed[size][rank][case] == [early, final]


def test_each_rank_reads_its_own_images() -> None:
    images = make_images(44)[0]
    read: list[int] = []

    class Images(torch.utils.data.Dataset[torch.Tensor]):
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, index: int) -> torch.Tensor:
            read.append(index)
            return images[index]

    probe = build_probe(StreamedProbe(Images()), config=make_config())
    model, layers = make_model(), ["body"]
    whole = collect_activations(model, layers, probe, batch_size=8).layers["body"].values
    found = []
    for rank in range(3):
        read.clear()
        # Ranks without a process group: only the part of this rank is returned.
        own = collect_activations(model, layers, probe, batch_size=8, ranks=Ranks(rank, 3))
        found.append(own.layers["body"].values)
        assert read == list(range(16 * rank, min(16 * rank + 16, 44)))
    assert np.array_equal(np.concatenate(found), whole)


def test_a_time_limit_has_one_rank_render(computed: dict[int, list[Any]]) -> None:
    for size in SIZES:
        ranks = computed[size]
        assert all(one["limited"] == ranks[0]["limited"] for one in ranks)
        is_noted = any("by one of the ranks" in note for note in ranks[0]["limited notes"])
        assert is_noted is (size > 1)


class TestComputeAtlas:
    def test_it_is_that_of_one_process(self, called: dict[int, list[Any]]) -> None:
        alone, shared = called[1][0], called[2]
        for one in shared:
            assert one["atlases"] == alone["atlases"]
            assert one["after failures"] == alone["after failures"]
        assert shared[0]["wall time"] == shared[1]["wall time"]

    def test_an_error_is_the_same_on_all_ranks(self, called: dict[int, list[Any]]) -> None:
        alone, (first, second) = called[1][0], called[2]
        assert first["changes shape"] == second["changes shape"] == alone["changes shape"]
        assert "pick a layer that keeps its shape" in first["changes shape"]
        assert first["fails"] == second["fails"] == "RankError: rank 1: ValueError: too few images"

    def test_ranks_with_other_arguments_are_refused(self, called: dict[int, list[Any]]) -> None:
        assert all(
            one["other arguments"].startswith("ArgumentError: config: rank 1 has another one")
            for one in called[2]
        )

    def test_ranks_with_other_statistics_are_refused(self, called: dict[int, list[Any]]) -> None:
        for one in called[2]:
            reason = one["other statistics"]
            assert reason.startswith(
                "ArgumentError: model: stem.running_mean of rank 1 is not that"
            )
            assert "torch.distributed.broadcast(tensor, 0)" in reason
