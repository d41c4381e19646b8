# SPDX-License-Identifier: Apache-2.0
"""Scalars of a layer: values, the Scalars tab, and the Atlas tab beside them."""

from __future__ import annotations

import dataclasses
import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorboardX
import torch.utils.tensorboard
from synthetic_atlases import make_atlas, make_probe_pictures
from synthetic_shortcuts import make_shortcuts
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard_server import get, start_tensorboard

from tensorboard_plugin_atlas.analysis.layer_scalars import health_scalars, shortcut_scalars
from tensorboard_plugin_atlas.atlas import Atlas, ConceptChange
from tensorboard_plugin_atlas.compute.pipeline import StageSeconds
from tensorboard_plugin_atlas.compute.ranks import ALONE
from tensorboard_plugin_atlas.logs.sinks import make_sink
from tensorboard_plugin_atlas.writer.atlas_logger import AtlasLogger

NAMES = (
    *("occupied_cells", "effective_rank", "dead_channels", "trustworthiness"),
    *("neighbors_kept", "seconds", "megabytes", "concepts", "concept_purity", "concept_churn"),
    *("concepts_born", "concepts_ended", "concepts_split", "concepts_merged"),
    "prediction_flips",
)


def atlas_with(step: int = 0, **quality: Any) -> Atlas:
    atlas = make_atlas(step, layer="block.1", samples=60, grids=(2, 4))
    return atlas.replace(quality=dataclasses.replace(atlas.quality, **quality))


def scalars_by_name(atlas: Atlas) -> dict[str, float]:
    found = health_scalars(atlas, seconds=1.5, size=2_500_000)
    assert all(tag.startswith("atlas/block.1/") for tag in found)
    return {tag.removeprefix("atlas/block.1/"): value for tag, value in found.items()}


def test_hand_computed_scalars() -> None:
    overlap = np.array([0, 1, 1, np.nan], np.float32)
    atlas = atlas_with(trustworthiness=0.9, effective_rank=3.5, dead_channels=2, overlap=overlap)
    assert scalars_by_name(atlas) == {
        "occupied_cells": len(atlas.grids[1].rows),
        "effective_rank": 3.5,
        "dead_channels": 2,
        "trustworthiness": 0.9,
        "neighbors_kept": pytest.approx(2 / 3),
        "seconds": 1.5,
        "megabytes": 2.5,
        "concepts": 6,
        "concept_purity": 1,
        "concept_churn": 0,
        "concepts_born": 0,
        "concepts_ended": 0,
        "concepts_split": 0,
        "concepts_merged": 0,
        "prediction_flips": 0,
    }


def test_events_of_concepts_are_counted_by_kind() -> None:
    atlas = atlas_with(100)
    events = (*atlas.events, dataclasses.replace(atlas.events[0], kind="born"), *atlas.events)
    change = ConceptChange(modularity=0.5, by_events=0.25, by_churn=0.125)
    found = scalars_by_name(atlas.replace(events=events, concept_change=change))
    assert (found["concepts_split"], found["concepts_born"], found["concepts_ended"]) == (2, 1, 0)
    assert found["concept_churn"] == 0.125


def test_images_of_changed_predictions_are_counted() -> None:
    atlas = atlas_with(100)
    flips = dataclasses.replace(atlas.events[0], kind="flips", samples=70, classes=(0, 0, 1))
    confidence = dataclasses.replace(flips, kind="confidence", classes=(0,), images=200)
    events = (*atlas.events, *(dataclasses.replace(flips, images=n) for n in (41, 12)), confidence)
    found = scalars_by_name(atlas.replace(events=events))
    assert found["prediction_flips"] == 53
    assert found["concepts_split"] == 1
    for name in ("labels", "predictions"):
        samples = dataclasses.replace(atlas.samples, **{name: None})
        assert "prediction_flips" not in scalars_by_name(atlas.replace(samples=samples))


def test_purity_is_that_of_labeled_concepts() -> None:
    atlas = atlas_with()
    assert atlas.concepts is not None
    first, second, *rest = atlas.concepts
    mixed = (
        dataclasses.replace(first, size=30, top_share=0.5),
        dataclasses.replace(second, size=10, top_share=0.9),
        *(dataclasses.replace(one, top_class=None) for one in rest),
    )
    assert scalars_by_name(atlas.replace(concepts=mixed))["concept_purity"] == pytest.approx(0.6)
    untracked = scalars_by_name(atlas.replace(concepts=None, concept_change=None))
    assert not [name for name in untracked if name.startswith("concept")]


@pytest.mark.parametrize("kind", [list, tuple])
def test_the_icon_change_of_the_finest_grid_and_its_floor(kind: type) -> None:
    numbers = [{"change": 0.5, "floor": 0.25}, {"change": 0.75, "floor": 0.125}]
    atlas = atlas_with()
    info = {"icon_change": kind(numbers)}
    atlas = atlas.replace(provenance=dataclasses.replace(atlas.provenance, layer_info=info))
    found = scalars_by_name(atlas)
    assert (found["icon_change"], found["icon_change_floor"]) == (0.75, 0.125)


@pytest.mark.parametrize("overlap", [None, np.zeros(0, np.float32), np.full(3, np.nan, np.float32)])
def test_undefined_values_are_left_out(overlap: Any) -> None:
    atlas = atlas_with(trustworthiness=None, effective_rank=None, overlap=overlap)
    assert set(scalars_by_name(atlas.replace(grids=(), concepts=None))) == {
        "dead_channels",
        "seconds",
        "megabytes",
    }


class Pipeline:
    """A pipeline with a probe and given atlases."""

    layers = ("block.1",)
    ranks = ALONE

    probe = SimpleNamespace(thumbnails=lambda: make_probe_pictures(20))

    def get_seconds(self, _layer: str) -> StageSeconds:
        return StageSeconds()

    def atlases(
        self,
        _model: object,
        step: int,
        _wall_time: float | None,
        _without: object,
        on_preliminary: object,
    ) -> list[Atlas]:
        return [atlas_with(step, effective_rank=3.5)]

    def continue_from(self, _previous: Atlas) -> None:
        pass


def record(target: Any) -> None:
    recorder = AtlasLogger(Pipeline(), make_sink(target))  # type: ignore[arg-type]
    for step in (0, 10, 20):
        recorder.record(None, step, None)  # type: ignore[arg-type]
    recorder.close()


@pytest.mark.parametrize("fast", [True, False], ids=["data-server", "python-loader"])
def test_the_scalars_tab_shows_them_and_the_atlas_tab_is_unchanged(
    fast: bool, tmp_path: Path
) -> None:
    record(tmp_path / "exp")
    with start_tensorboard(tmp_path, fast) as url:
        here = url + "data/plugin/scalars/"
        wanted = {f"atlas/block.1/{name}" for name in NAMES}
        deadline = time.monotonic() + 120
        while set(json.loads(get(here + "tags")[2]).get("exp/atlas", ())) != wanted:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        for name in NAMES:
            body = get(f"{here}scalars?run=exp/atlas&tag=atlas/block.1/{name}")[2]
            steps = [point[1] for point in json.loads(body)]
            assert steps == ([10, 20] if name == "neighbors_kept" else [0, 10, 20])
        ranks = json.loads(get(f"{here}scalars?run=exp/atlas&tag=atlas/block.1/effective_rank")[2])
        assert [point[2] for point in ranks] == [3.5] * 3
        index = json.loads(get(url + "data/plugin/atlas/index")[2])
        (series,) = [s for run in index["runs"] for s in run["series"]]
        assert (series["layer"], series["steps"]) == ("block.1", [0, 10, 20])


@pytest.mark.parametrize("library", [torch.utils.tensorboard, tensorboardX])
def test_scalars_can_be_written_by_the_users_writer(library: Any, tmp_path: Path) -> None:
    class Hidden:
        def __init__(self, logs: Any) -> None:
            self._get_file_writer, self.flush = logs._get_file_writer, logs.flush

    with library.SummaryWriter(str(tmp_path)) as logs:
        logs.add_scalar("loss", 0.5, 0)
        record(Hidden(logs))
    accumulator = EventAccumulator(str(tmp_path)).Reload()
    assert {"loss", "atlas/block.1/seconds"} <= set(accumulator.Tags()["scalars"])
    assert [e.step for e in accumulator.Scalars("atlas/block.1/effective_rank")] == [0, 10, 20]


def test_shortcuts_are_counted_and_the_strongest_is_the_score() -> None:
    record = make_shortcuts(200)
    one = record.found[0]
    found = tuple(
        dataclasses.replace(one, significant=significant, strength=strength)
        for significant, strength in ((True, 0.5), (True, 0.75), (False, 2.0))
    )
    scalars = shortcut_scalars(dataclasses.replace(record, found=found))
    prefix = f"atlas/{record.layer}/"
    assert scalars == {f"{prefix}shortcuts": 2, f"{prefix}shortcut_score": 0.75}
    none = shortcut_scalars(dataclasses.replace(record, found=()))
    assert none == {f"{prefix}shortcuts": 0, f"{prefix}shortcut_score": 0}
